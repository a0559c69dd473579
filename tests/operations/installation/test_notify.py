"""Alarms told: a real receiver over HTTP, signatures, repetitions, and receivers that hang."""

import base64
import hashlib
import hmac
import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from worker.operations.installation import alarms, notify, watch
from worker.settings import Settings
from worker.store.tables import Alarm, Delivery, Pulse

SECRET = "whsec_" + base64.b64encode(b"a key of twenty-four byte").decode()


@pytest.fixture
def server(add_server):
    return add_server()


@pytest.fixture
def occurrence(make_course, make_occurrence, server):
    make_course()
    return make_occurrence()


class Receiver:
    """Takes webhooks over real HTTP, and answers as it is told."""

    def __init__(self, port=0):
        self.answers, self.taken = [], []
        self.before_answering = lambda: None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.taken.append((dict(self.headers), body))
                outer.before_answering()
                self.send_response(outer.answers.pop(0) if outer.answers else 204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
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
    watch.sweep(stage.context, stage.clock())
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


def test_while_one_process_tells_no_other_does(stage, receiver):
    raised(stage)
    arrived, answer = threading.Event(), threading.Event()
    receiver.before_answering = lambda: (arrived.set(), answer.wait(10))
    told = []
    telling = threading.Thread(target=lambda: told.append(tell(stage)))
    telling.start()
    assert arrived.wait(10)
    raised(stage, "server:2")
    assert tell(stage) == 0
    answer.set()
    telling.join()
    assert (told, len(receiver.taken)) == ([1], 1)
    assert tell(stage) == 1


def test_the_turn_of_a_process_that_died_is_taken_over(stage, receiver):
    raised(stage)
    with stage.context.database.write() as session:
        session.add(Pulse(loop="notify", started_at=stage.clock()))
    assert tell(stage) == 0
    stage.clock.advance(minutes=5)
    assert tell(stage) == 1


def test_a_target_that_gives_no_answer_is_asked_once_and_left_alone_for_a_minute(stage, receiver):
    for number in range(3):
        raised(stage, f"server:{number}")
    receiver.close()
    assert tell(stage) == 0
    assert sorted(row.tries for row in stage.rows(Delivery)) == [0, 0, 1]
    stage.clock.advance(seconds=59)
    assert tell(stage) == 0
    assert sum(row.tries for row in stage.rows(Delivery)) == 1
    receiver.__init__(int(receiver.url.split(":")[2].split("/")[0]))
    stage.clock.advance(seconds=1)
    assert tell(stage) == 3


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")  # apprise looks whether it is there
def test_one_target_that_gives_no_answer_keeps_nothing_from_another(stage, make_context, receiver):
    raised(stage)
    raised(stage, "server:2")
    port = receiver.url.split(":")[2].split("/")[0]
    context = make_context(
        notify_urls=f"json://127.0.0.1:{port}/x", webhook_url="http://127.0.0.1:9/", webhook_secret=SECRET
    )
    assert notify.sweep(context, stage.clock) == 2


def test_a_sweep_begins_no_message_after_twenty_seconds(stage, receiver):
    for number in range(5):
        raised(stage, f"server:{number}")
    receiver.before_answering = lambda: stage.clock.advance(seconds=15)
    assert [tell(stage), tell(stage), tell(stage)] == [2, 2, 1]


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
