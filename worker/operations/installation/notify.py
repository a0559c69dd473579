"""notify: alarms are told: to machines by a signed webhook, to people by whatever apprise can reach.

What is to be told is a row (``deliveries``), unique by alarm, kind and target, so nothing is told twice on purpose;
only a process that dies between the answer and its note tells it again, under the same ``webhook-id``. Webhooks follow
the Standard Webhooks specification 1.0, and its times of repetition. A target that hangs holds one process, and that
one not for long: in an outage alarms are many, and whoever opens rooms and sees who is in them must not wait for it.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import requests
from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from worker import bbb, logs
from worker.clock import Clock
from worker.operations import pulse
from worker.operations.context import Context
from worker.operations.installation import identity
from worker.settings import Settings
from worker.store.tables import Alarm, Course, Delivery, Occurrence, Pulse, Server
from worker.store.upsert import insert_new

WEBHOOK = "webhook"
#: Waits after each try; then it is given up.
LADDER = tuple(timedelta(seconds=each) for each in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400))
_TIMEOUT = (5, 15)
#: The row of the pulses by which one process tells at a time.
_TELLING = "notify"
#: No message is begun later in a sweep than this.
_TURN = timedelta(seconds=20)
#: A process that has told for longer is taken for dead: the turn is another's.
_LEASE = timedelta(minutes=5)
#: A target that gave no answer is left alone for so long, whatever else there is to tell it.
_QUIET = timedelta(minutes=1)
#: A recovery older than this is no news.
_NEWS = timedelta(days=7)

_WORDS = {
    "en": {"raised": "ALARM", "recovered": "no longer"},
    "fa": {"raised": "هشدار", "recovered": "برطرف شد"},
}


class NotTaken(Exception):
    """The target did not take it; the text holds no address. ``final``: it never will."""

    def __init__(self, text: str, *, final: bool = False) -> None:
        super().__init__(text)
        self.final = final


class NoAnswer(NotTaken):
    """Nobody was there to take it: another message would not be taken either."""


@dataclass(frozen=True, slots=True)
class Message:
    """One thing to be told."""

    id: str
    kind: str  #: raised or recovered
    at: datetime
    facts: Mapping[str, Any]


def targets(settings: Settings) -> dict[str, str]:
    """Who is to be told: the target's name in the table -> its address. An address for people may hold a token."""
    found = {WEBHOOK: settings.webhook_url} if settings.webhook_url else {}
    people = settings.notify_urls.get_secret_value().split() if settings.notify_urls else []
    return found | {f"people-{hashlib.sha256(url.encode()).hexdigest()[:12]}": url for url in people}


def sweep(context: Context, clock: Clock) -> int:
    """Tell what is due, unless another process is at it. Returns how many messages were taken."""
    wanted = targets(context.settings)
    began = clock()
    if not wanted or not pulse.take(context, _TELLING, began, rest=_LEASE):
        return 0
    try:
        _plan(context, list(wanted), began)
        return _tell_due(context, list(wanted), clock, began + _TURN)
    finally:
        _leave_turn(context, began)


def _leave_turn(context: Context, began: datetime) -> None:
    with context.database.write() as session:
        ours = update(Pulse).where(Pulse.loop == _TELLING, Pulse.started_at == began)
        session.execute(ours.values(started_at=began - _LEASE))


def _tell_due(context: Context, wanted: list[str], clock: Clock, until: datetime) -> int:
    with context.database.read() as session:
        due = select(Delivery.id, Delivery.target).where(Delivery.due_at <= clock(), Delivery.target.in_(wanted))
        rows = session.execute(due.order_by(Delivery.id)).all()
    told, silent = 0, set[str]()
    for id, target in rows:
        if clock() >= until:
            break
        if target not in silent:
            try:
                told += one(context, id, clock())
            except NoAnswer:
                silent.add(target)
                _leave_alone(context, target, clock())
    return told


def _leave_alone(context: Context, target: str, now: datetime) -> None:
    with context.database.write() as session:
        due = update(Delivery).where(Delivery.target == target, Delivery.due_at <= now + _QUIET)
        session.execute(due.values(due_at=now + _QUIET))


def _plan(context: Context, names: list[str], now: datetime) -> None:
    """A row for each alarm that stands, and each recovery of one that was told. What came and went unseen is not."""
    with context.database.write() as session:
        standing = session.scalars(select(Alarm.id).where(Alarm.recovered_at.is_(None))).all()
        rows = [_row(alarm, "raised", name, now) for alarm in standing for name in names]
        told = exists().where(Delivery.alarm_id == Alarm.id, Delivery.delivered_at.is_not(None))
        for name in names:
            over = select(Alarm.id).where(Alarm.recovered_at > now - _NEWS, told.where(Delivery.target == name))
            rows += [_row(alarm, "recovered", name, now) for alarm in session.scalars(over)]
        if rows:
            insert_new(session, Delivery, rows)


def _row(alarm_id: int, kind: str, target: str, now: datetime) -> dict[str, Any]:
    return {"alarm_id": alarm_id, "kind": kind, "target": target, "tries": 0, "due_at": now}


def one(context: Context, delivery_id: int, now: datetime) -> bool:
    """Try one message. The claim sets its next try, so that no two workers, and no crash, tell it at once.

    Raises NoAnswer, with the try noted, if the target cannot be reached.
    """
    with context.database.write() as session:
        row = session.get_one(Delivery, delivery_id)
        tries = row.tries + 1
        again = now + LADDER[tries - 1] if tries <= len(LADDER) else None
        claim = update(Delivery).where(Delivery.id == row.id, Delivery.tries == row.tries, Delivery.due_at <= now)
        if not session.execute(claim.values(tries=tries, due_at=again)).rowcount:  # type: ignore[attr-defined]
            return False
        target, message = row.target, _message(session, row)
    try:
        _tell(context.settings, target, message, now)
    except NotTaken as error:
        _put_off(context, delivery_id, error, over=again is None)
        if isinstance(error, NoAnswer):
            raise
        return False
    with context.database.write() as session:
        done = update(Delivery).where(Delivery.id == delivery_id)
        session.execute(done.values(delivered_at=now, due_at=None, error=None))
    return True


def _put_off(context: Context, delivery_id: int, error: NotTaken, *, over: bool) -> None:
    values: dict[str, Any] = {"error": str(error)[:500]}
    if error.final:
        values["due_at"] = None
    with context.database.write() as session:
        session.execute(update(Delivery).where(Delivery.id == delivery_id).values(**values))
    logs.event("alarm_not_told", level="warning", delivery=delivery_id, error=str(error), given_up=over or error.final)


def _message(session: Session, row: Delivery) -> Message:
    alarm = session.get_one(Alarm, row.alarm_id)
    at = alarm.raised_at if row.kind == "raised" else alarm.recovered_at or alarm.raised_at
    facts = {
        "alarm": alarm.id,
        "kind": alarm.kind,
        "cause": alarm.cause,
        "detail": alarm.detail,
        "raised_at": alarm.raised_at.isoformat(),
        "recovered_at": alarm.recovered_at and alarm.recovered_at.isoformat(),
        **_place(session, alarm),
    }
    return Message(f"msg_{identity.token(session)}_{row.alarm_id}_{row.kind}", row.kind, at, facts)


def _place(session: Session, alarm: Alarm) -> dict[str, Any]:
    """Which class and which server, in words."""
    occurrence = alarm.occurrence_id and session.get(Occurrence, alarm.occurrence_id)
    course = session.get_one(Course, occurrence.course_id) if occurrence else None
    server = alarm.server_id and session.get(Server, alarm.server_id)
    return {
        "occurrence": alarm.occurrence_id,
        "course": course and course.code,
        "title": course and course.title,
        "starts_at": occurrence.starts_at.isoformat() if occurrence else None,
        "server": server.name if server else None,
    }


# The two ways ------------------------------------------------------------------------------------------------------


def _tell(settings: Settings, target: str, message: Message, now: datetime) -> None:
    address = targets(settings).get(target)
    if address is None:
        raise NotTaken("this target is not in the settings any more", final=True)
    if target == WEBHOOK:
        _post(settings, address, message, now)
    else:
        _to_people(settings, address, message)


def _post(settings: Settings, url: str, message: Message, now: datetime) -> None:
    """Standard Webhooks: JSON, signed; any 2xx is a yes, 410 is a no for good."""
    assert settings.webhook_secret is not None
    body = json.dumps(
        {"type": f"alarm.{message.kind}", "timestamp": message.at.isoformat(), "data": dict(message.facts)},
        ensure_ascii=False,
    ).encode()
    headers = signed(settings.webhook_secret.get_secret_value(), message.id, now, body)
    try:
        answer = requests.post(url, data=body, headers=headers, timeout=_TIMEOUT, allow_redirects=False)
    except requests.RequestException as error:  # its text quotes the address, which may hold a token
        raise NoAnswer(f"no answer: {type(error).__name__}") from None
    if not 200 <= answer.status_code < 300:
        raise NotTaken(f"HTTP {answer.status_code}", final=answer.status_code == 410)


def signed(secret: str, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers of a webhook. The signature covers id, time and body; ``whsec_`` is followed by base64."""
    stamp, key = str(int(at.timestamp())), base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{message_id}.{stamp}.".encode() + body
    signature = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return {
        "Content-Type": "application/json",
        "User-Agent": "meetingz-worker",
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{signature}",
    }


def _to_people(settings: Settings, url: str, message: Message) -> None:
    try:
        import apprise  # takes a second, and only this task wants it
    except ImportError:
        raise NotTaken("apprise is not installed: pip install 'meetingz-worker[notify]'") from None
    title, text = words(settings, message)
    try:
        teller = apprise.Apprise()
        known = teller.add(url)
        taken = known and teller.notify(title=title, body=text)
    except Exception as error:  # a hundred services' code: whatever it raises, the next alarm is still told
        raise NotTaken(f"apprise failed: {type(error).__name__}") from None
    if not known:
        raise NotTaken("apprise does not know this kind of address", final=True)
    if not taken:
        raise NoAnswer("it was not taken")


def words(settings: Settings, message: Message) -> tuple[str, str]:
    """Title and text for people."""
    facts = message.facts
    head = f"{_WORDS[settings.language][message.kind]}: {facts['kind']}"
    about = [facts["title"] and f"{facts['title']} ({facts['course']}), {facts['starts_at']}", facts["detail"]]
    return head, bbb.redact("\n".join(str(each) for each in about if each))
