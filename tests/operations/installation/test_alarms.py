"""Alarms: raised once for what holds, recovered once when it holds no longer, and told to machines and people."""

import base64
import hashlib
import hmac
import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlalchemy import update

from worker.operations import pulse, story
from worker.operations.installation import alarms, notify, watch
from worker.operations.timetable import arrange
from worker.settings import Settings
from worker.simulator import Fault
from worker.store.tables import Alarm, Delivery, Meeting, Server

SECRET = "whsec_" + base64.b64encode(b"a key of twenty-four byte").decode()


@pytest.fixture
def server(add_server):
    return add_server()


@pytest.fixture
def occurrence(make_course, make_occurrence, server):
    make_course()
    return make_occurrence()


def look(stage):
    return watch.sweep(stage.context, stage.clock())


def standing(stage):
    return [row.kind for row in stage.rows(Alarm, Alarm.recovered_at.is_(None))]


# What holds


def test_a_room_that_is_not_open_five_minutes_before_its_class_is_an_alarm_that_says_why(stage, server, occurrence):
    server.world.faults.add(Fault("http_500", call="create"))
    stage.provision()
    assert look(stage) == (0, 0)
    stage.clock.advance(minutes=5)
    stage.provision()
    assert look(stage) == (1, 0)
    (alarm,) = stage.rows(Alarm)
    assert (alarm.kind, alarm.cause, alarm.occurrence_id) == ("not_opened", f"occurrence:{occurrence}", occurrence)
    assert alarm.detail == f"{server.name}: HTTP 500"


def test_an_alarm_is_raised_once_and_recovered_once(stage, server, occurrence):
    server.world.faults.add(Fault("http_500", call="create"))
    stage.clock.advance(minutes=6)
    stage.provision()
    assert [look(stage), look(stage)] == [(1, 0), (0, 0)]
    server.world.faults.clear()
    stage.provision()
    assert [look(stage), look(stage)] == [(0, 1), (0, 0)]
    assert stage.story().count("not_opened") == stage.story().count("recovered") == 1


def test_the_same_trouble_later_is_a_new_alarm(stage, add_server):
    server = add_server()
    for healthy in (False, True, False):
        with stage.context.database.write() as session:
            session.execute(update(Server).where(Server.id == server.server_id).values(healthy=healthy))
        look(stage)
    assert [row.recovered_at is None for row in stage.rows(Alarm)] == [False, True]


def test_a_class_of_the_last_minute_has_two_sweeps_to_get_its_room(stage, server, make_course, make_occurrence):
    make_course()
    make_occurrence(start_in=0)
    assert look(stage) == (0, 0)
    stage.clock.advance(seconds=60)
    look(stage)
    assert standing(stage) == ["not_opened"]


def test_without_any_request_the_alarm_asks_whether_the_loops_run(stage, occurrence):
    stage.clock.advance(minutes=6)
    look(stage)
    assert "meetingz doctor" in stage.rows(Alarm)[0].detail


def test_without_a_usable_server_there_is_one_alarm_for_all_classes(stage, server, make_course, make_occurrence):
    for code in ("a", "b", "c"):
        make_course(code)
        make_occurrence(code)
    with stage.context.database.write() as session:
        session.execute(update(Server).values(enabled=False))
    stage.provision()
    look(stage)
    assert standing(stage) == ["no_server"]


def test_a_server_that_is_down_is_an_alarm_until_it_is_up_again(stage, server, occurrence):
    stage.provision()
    server.world.faults.add(Fault("drop"))
    stage.polls(stage.context.settings.server_down_after)
    assert standing(stage) == ["server_down"]
    look(stage)
    assert standing(stage).count("server_down") == 1
    server.world.faults.clear()
    stage.polls(stage.context.settings.server_up_after)
    look(stage)
    assert standing(stage) == []
    assert stage.story().count("server_down") == 1


def test_a_room_that_is_gone_during_class_and_not_opened_again_is_an_alarm(stage, server, occurrence):
    stage.provision()
    stage.clock.advance(minutes=7)
    stage.polls(2)
    assert stage.live() == []
    assert look(stage) == (0, 0)
    stage.clock.advance(seconds=90)
    look(stage)
    assert standing(stage) == ["room_expired"]
    stage.provision()
    look(stage)
    assert standing(stage) == []


def test_a_class_that_is_not_recorded_although_it_was_asked_for_is_an_alarm_while_it_is_on(
    stage, server, make_course, make_occurrence
):
    make_course(record="always")
    make_occurrence(start_in=0)
    stage.provision()
    stage.poll()
    assert look(stage) == (0, 0)
    server.world.meetings()[0].record = False
    server.world.join(stage.only_meeting().external_id, "t1", "Teacher", role="MODERATOR")
    stage.polls(1)
    look(stage)
    assert standing(stage) == ["not_recording"]


def test_a_course_that_is_not_recorded_is_no_alarm(stage, server, occurrence):
    stage.provision()
    server.world.join(stage.only_meeting().external_id, "t1", "Teacher", role="MODERATOR")
    stage.polls(1)
    assert look(stage) == (0, 0)


def test_a_meeting_that_lives_on_is_an_alarm_after_some_tries(stage, server, make_course, make_occurrence, monkeypatch):
    make_course()
    make_occurrence(start_in=0)
    stage.provision()
    server.world.join(stage.only_meeting().external_id, "t1", "Teacher", role="MODERATOR")
    monkeypatch.setattr(server.world, "ask_to_end", lambda meeting, now: None)
    stage.clock.advance(minutes=70)
    for _ in range(2):
        stage.end()
        stage.clock.advance(seconds=60)
    assert standing(stage) == []
    stage.end()
    assert standing(stage) == ["not_ended"]


def test_a_meeting_whose_server_cannot_be_asked_to_end_it_is_an_alarm(stage, server, make_course, make_occurrence):
    make_course()
    make_occurrence(start_in=0)
    stage.provision()
    server.world.join(stage.only_meeting().external_id, "t1", "Teacher", role="MODERATOR")
    server.world.faults.add(Fault("drop"))
    stage.clock.advance(minutes=74)
    stage.end()
    assert "not_ended" not in standing(stage)
    stage.clock.advance(minutes=1)
    stage.end()
    assert "not_ended" in standing(stage)


def test_a_class_that_may_run_on_and_does_is_told_as_overrun(stage, server, make_course, make_occurrence):
    make_course(end_policy="never")
    make_occurrence(start_in=0)
    stage.provision()
    server.world.join(stage.only_meeting().external_id, "t1", "Teacher", role="MODERATOR")
    stage.poll()
    stage.clock.advance(minutes=69)
    assert look(stage) == (0, 0)
    stage.clock.advance(minutes=1)
    look(stage)
    assert standing(stage) == ["overran"]


def test_a_loop_that_stopped_is_an_alarm_until_it_runs_again(stage, server):
    with pulse.sweep(stage.context, "poll", stage.clock):
        pass
    stage.clock.advance(seconds=120)
    assert look(stage) == (0, 0)
    stage.clock.advance(seconds=1)
    look(stage)
    assert [row.cause for row in stage.rows(Alarm)] == ["loop:poll"]
    with pulse.sweep(stage.context, "poll", stage.clock):
        pass
    assert look(stage) == (0, 1)


def test_what_nobody_sees_end_is_put_away_after_a_day(stage, occurrence):
    with stage.context.database.write() as session:
        for _ in range(2):
            story.tell(session, "poisoned", stage.clock(), occurrence_id=occurrence, detail="a row")
    assert len(stage.story("poisoned")) == 1
    stage.clock.advance(minutes=24 * 60 - 1)
    watch.sweep(stage.context, stage.clock())
    assert "poisoned" in standing(stage)
    stage.clock.advance(minutes=1)
    watch.sweep(stage.context, stage.clock())
    assert "poisoned" not in standing(stage)


def test_an_alarm_whose_class_was_cancelled_holds_no_longer(stage, occurrence):
    stage.clock.advance(minutes=6)
    look(stage)
    arrange.cancel(stage.context, occurrence, "ill", stage.clock())
    assert look(stage) == (0, 1)


def tell_and_fail(stage, occurrence):
    with stage.context.database.write() as session:
        story.tell(session, "poisoned", stage.clock(), occurrence_id=occurrence, detail="a row")
        raise ZeroDivisionError


def test_a_fact_rolled_back_raises_nothing(stage, occurrence):
    with pytest.raises(ZeroDivisionError):
        tell_and_fail(stage, occurrence)
    assert stage.rows(Alarm) == []


# What is told


class Receiver:
    """Takes webhooks over real HTTP, and answers as it is told."""

    def __init__(self):
        self.answers, self.taken = [], []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.taken.append((dict(self.headers), body))
                self.send_response(outer.answers.pop(0) if outer.answers else 204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hooks?token=sesame"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def types(self):
        return [json.loads(body)["type"] for _, body in self.taken]


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def context(make_context, receiver):
    return make_context(webhook_url=receiver.url, webhook_secret=SECRET)


def raised(stage, cause="server:1"):
    with stage.context.database.write() as session:
        assert alarms.raised(session, "poisoned", cause, stage.clock(), "a detail")


def tell(stage):
    return notify.sweep(stage.context, stage.clock)


def test_an_alarm_and_its_recovery_are_told_once_each(stage, receiver):
    raised(stage)
    assert [tell(stage), tell(stage)] == [1, 0]
    with stage.context.database.write() as session:
        alarms.recovered(session, stage.rows(Alarm)[0].id, stage.clock())
    assert [tell(stage), tell(stage)] == [1, 0]
    assert receiver.types() == ["alarm.raised", "alarm.recovered"]


def test_a_webhook_is_signed_as_the_specification_says(stage, receiver):
    raised(stage)
    tell(stage)
    headers, body = receiver.taken[0]
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    mine = hmac.new(base64.b64decode(SECRET[6:]), content, hashlib.sha256).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(mine).decode()
    assert headers["webhook-timestamp"] == str(int(stage.clock.timestamp()))
    assert headers["Content-Type"] == "application/json"


def test_the_signature_of_the_specifications_own_example():
    """Taken from the reference implementations' tests."""
    secret, message_id = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"
    body = b'{"test": 2432232314}'

    class At:
        def timestamp(self):
            return 1614265330

    headers = notify.signed(secret, message_id, At(), body)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_webhook_names_class_and_server(stage, receiver, occurrence):
    stage.clock.advance(minutes=6)
    look(stage)
    tell(stage)
    facts = json.loads(receiver.taken[0][1])["data"]
    assert (facts["kind"], facts["occurrence"], facts["course"], facts["title"]) == (
        "not_opened",
        occurrence,
        "alg",
        "Algebra",
    )


def test_what_is_not_taken_is_told_again_later_under_the_same_id(stage, receiver):
    raised(stage)
    receiver.answers = [500, 302]
    assert tell(stage) == 0
    assert tell(stage) == 0
    stage.clock.advance(seconds=5)
    assert tell(stage) == 0
    stage.clock.advance(seconds=300)
    assert tell(stage) == 1
    assert len({headers["webhook-id"] for headers, _ in receiver.taken}) == 1
    assert len(receiver.taken) == 3


def test_after_all_tries_it_is_given_up(stage, receiver):
    raised(stage)
    receiver.answers = [503] * 20
    for wait in (*notify.LADDER, timedelta(days=2)):
        tell(stage)
        stage.clock.now += wait
    tell(stage)
    (row,) = stage.rows(Delivery)
    assert (row.tries, row.due_at, row.delivered_at, row.error) == (len(notify.LADDER) + 1, None, None, "HTTP 503")
    assert len(receiver.taken) == row.tries


def test_a_receiver_that_is_gone_for_good_is_not_asked_again(stage, receiver):
    raised(stage)
    receiver.answers = [410]
    tell(stage)
    assert stage.rows(Delivery)[0].due_at is None


def test_no_answer_names_no_address(stage, receiver, capsys):
    raised(stage)
    receiver.close()
    tell(stage)
    assert stage.rows(Delivery)[0].error == "no answer: ConnectionError"
    assert "sesame" not in capsys.readouterr().out
    receiver.__init__()


def test_what_came_and_went_between_two_sweeps_is_not_told(stage, receiver):
    raised(stage)
    with stage.context.database.write() as session:
        alarms.recovered(session, stage.rows(Alarm)[0].id, stage.clock())
    assert tell(stage) == 0
    assert receiver.taken == []


def test_two_workers_at_once_tell_it_once(stage, receiver):
    raised(stage)
    receiver.answers = [500]
    tell(stage)
    stage.clock.advance(seconds=5)
    delivery = stage.rows(Delivery)[0].id
    assert [notify.one(stage.context, delivery, stage.clock()) for _ in range(2)] == [True, False]


def test_nobody_to_tell_writes_nothing(stage, make_context):
    raised(stage)
    assert notify.sweep(make_context(), stage.clock) == 0
    assert stage.rows(Delivery) == []


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")  # apprise looks whether it is there
def test_people_are_told_through_apprise_each_address_alone(stage, make_context, receiver):
    port = receiver.url.split(":")[2].split("/")[0]
    good, bad = f"json://127.0.0.1:{port}/people", "nonsense://somebody"
    context = make_context(notify_urls=f"{good}\n{bad}", language="fa")
    raised(stage)
    assert notify.sweep(context, stage.clock) == 1
    told = json.loads(receiver.taken[0][1])
    assert "هشدار" in told["title"]
    assert told["message"].endswith("a detail")
    given_up = [row for row in stage.rows(Delivery) if row.delivered_at is None]
    assert [(row.due_at, row.error) for row in given_up] == [(None, "apprise does not know this kind of address")]


def test_a_secret_that_is_no_base64_is_refused_at_the_start(bare_environment):
    with pytest.raises(ValueError, match="whsec_"):
        Settings(webhook_url="https://a.example/x", webhook_secret="whsec_###")


def test_an_address_without_a_secret_is_refused(bare_environment):
    with pytest.raises(ValueError, match="go together"):
        Settings(webhook_url="https://a.example/x")


def test_the_meeting_row_keeps_the_servers_record_flag(stage, server, make_course, make_occurrence):
    make_course(record="manual")
    make_occurrence(start_in=0)
    stage.provision()
    stage.poll()
    assert [(row.recorded, row.recording) for row in stage.rows(Meeting)] == [(True, True)]
