"""Every promise against what the servers know and what the tables say."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import combinations, pairwise
from typing import NamedTuple

from sqlalchemy import select

from tests.chaos import archive
from tests.chaos.facts import Facts, instant
from tests.chaos.measures import GRACE, QUIET
from worker.domain.spans import Span, clip, minus
from worker.store.tables import Alarm, Recording

#: The bells that two beats send within a period, and what one sweep of each loop sends; all of it twice.
QUEUE = 2 * (2 * 5 + (3 + 1 + 3 + 2 + 5))


class Verdict(NamedTuple):
    promise: str
    broken: int
    figure: str
    details: tuple = ()


def judge(seen):
    """A verdict for each promise."""
    facts = Facts(seen)
    classes = (_two_live, _left_open, _early, _no_room)
    people = (_stays, _credited, _missed, _dark)
    return [check(facts) for check in (*classes, *people, _recordings, _archive, _resumed, _queue, _stuck, _settled)]


def _said(key, spans):
    return f"{key}: " + ", ".join(f"{span.start:%H:%M:%S.%f}+{span.seconds:.1f}s" for span in spans)


def _two_live(facts):
    by_room = defaultdict(list)
    for each in facts.instances:
        by_room[each.meeting_id].append(each)
    worst, pairs, broken = 0.0, 0, []
    for room, instances in by_room.items():
        for one, two in combinations(instances, 2):
            both = clip([one.span], two.span)
            pairs += bool(both)
            seconds = sum(span.seconds for span in facts.outside(both))
            worst = max(worst, seconds)
            if seconds > facts.orphan:
                broken.append(_said(f"{room} {one.internal_id} {two.internal_id}", both))
    broken += _two_rows(facts)
    figure = f"{len(broken)}; left behind and cleaned up: {pairs}, at most {worst:.1f} s outside faults"
    figure += f" (allowed {facts.orphan:.0f} s), with people in both for at most {facts.split(by_room):.1f} s"
    return Verdict("No class with two live meetings", len(broken), figure, tuple(broken))


def _two_rows(facts):
    by_class = defaultdict(list)
    for meeting in facts.meetings:
        if meeting.closed_at is not None:
            by_class[meeting.occurrence_id].append((meeting.requested_at, meeting.closed_at))
    return [
        f"rows of occurrence {number} overlap"
        for number, rows in by_class.items()
        if any(one[1] > two[0] for one, two in pairwise(sorted(rows)))
    ]


def _left_open(facts):
    worst, broken = 0.0, []
    for each in facts.instances:
        occurrence = facts.occurrences[facts.rooms[each.meeting_id]]
        due = occurrence.closes_at + timedelta(seconds=GRACE)
        late = sum(
            span.seconds for span in facts.outside(clip([each.span], Span(due, datetime.max.replace(tzinfo=UTC))))
        )
        worst = max(worst, late)
        if late > facts.bound:
            broken.append(_said(f"{each.meeting_id} {each.internal_id} due {due:%H:%M:%S}", [each.span]))
    broken += [f"row of meeting {each.id} is {each.state}" for each in facts.meetings if each.closed_at is None]
    figure = f"{len(broken)} of {len(facts.instances)}; the longest stayed {worst:.1f} s outside faults"
    return Verdict("No meeting left open beyond its grace and two sweeps", len(broken), figure, tuple(broken))


def _early(facts):
    """By the servers' clocks, which nobody sets: rooms made before their lead, and ended before end and grace."""
    earliest, broken = 0.0, []
    for each in facts.instances:
        occurrence = facts.occurrences[facts.rooms[each.meeting_id]]
        due = occurrence.closes_at + timedelta(seconds=GRACE)
        early = (occurrence.opens_at - each.span.start).total_seconds()
        if each.end_reason == "end" and not _has_another(facts, each):
            early = max(early, (due - each.ended_at).total_seconds())
        earliest = max(earliest, early)
        if early > facts.seen.plan.slack:
            broken.append(_said(f"{each.meeting_id} {each.internal_id} {early:.1f} s early", [each.span]))
    figure = f"{len(broken)} of {len(facts.instances)}; at most {earliest:.1f} s (clocks were set up to an hour wrong)"
    return Verdict("No room opened or ended before its time", len(broken), figure, tuple(broken))


def _has_another(facts, room):
    """Whether its class had another room when it ended: then it was one that had been left behind."""
    others = (each for each in facts.instances if each.meeting_id == room.meeting_id and each is not room)
    return any(each.span.start <= room.ended_at <= each.span.end for each in others)


def _no_room(facts):
    worst, broken, total = 0.0, [], 0
    for lesson in facts.seen.lessons:
        for span in facts.without_room(lesson):
            total += 1
            seconds = sum(each.seconds for each in facts.outside([span]))
            worst = max(worst, seconds)
            if seconds > facts.reopen:
                broken.append(_said(lesson.occurrence_id, [span]))
    figure = f"{len(broken)} of {total} times without a room; at most {worst:.1f} s outside faults"
    figure += f" (allowed {facts.reopen:.0f} s)"
    return Verdict("No class left without a room: a forgotten one is opened again", len(broken), figure, tuple(broken))


def _stays(facts):
    lost, doubled, total, invented = [], [], 0, []
    for key, truth, found, dark in facts.pairs():
        total += len(facts.stays[key])
        rows = sorted((span.start, span.end) for span in facts.stays[key])
        doubled += [f"{key}" for one, two in pairwise(rows) if one[1] > two[0]]
        seen = minus(truth, [*dark, *facts.unseeable[key]])
        lost += [_said(key, [span]) for span in seen if span.seconds > facts.bound and not clip(found, span)]
        near = [Span(s.start - timedelta(seconds=facts.bound), s.end + timedelta(seconds=facts.bound)) for s in truth]
        invented += [_said(key, [span]) for span in found if not any(clip([span], each) for each in near)]
    broken = (*lost, *doubled, *invented)
    figure = f"{len(lost)} lost, {len(doubled)} doubled, {len(invented)} invented, of {total}"
    return Verdict("No stay lost, doubled or invented", len(broken), figure, broken)


def _pieces(facts, promise, left):
    worst, broken = 0.0, []
    for key, truth, found, dark in facts.pairs():
        for span in left(truth, found, [*dark, *facts.unseeable[key]]):
            worst = max(worst, span.seconds)
            if span.seconds > facts.bound:
                broken.append(" | ".join((_said(key, [span]), _said("there", truth), _said("found", found))))
    figure = f"{len(broken)}; the longest {worst:.1f} s (allowed {facts.bound:.0f} s)"
    return Verdict(promise, len(broken), figure, tuple(broken))


def _credited(facts):
    return _pieces(
        facts, "Nobody credited while away for more than two periods", lambda t, found, dark: minus(found, t)
    )


def _missed(facts):
    promise = "Nobody counted away while there for more than two periods: what nobody saw is unknown"
    verdict = _pieces(facts, promise, lambda truth, found, dark: minus(minus(truth, found), dark))
    longest = max((span.seconds for spans in facts.unseeable.values() for span in spans), default=0.0)
    return verdict._replace(figure=f"{verdict.figure}; in a room that its server had forgotten at most {longest:.1f} s")


def _dark(facts):
    """A time marked as unknown, in which there was a room, is explained by one wave of faults and two periods."""
    worst, broken, total = 0.0, [], 0
    shut = {lesson.occurrence_id: facts.without_room(lesson) for lesson in facts.seen.lessons}
    for number, gaps in facts.gaps.items():
        for gap in gaps:
            total += 1
            extra = sum(span.seconds for span in facts.outside(minus([gap], shut[number])))
            worst = max(worst, extra)
            if extra > facts.bound:
                broken.append(_said(number, [gap]))
    figure = f"{len(broken)} of {total} unknown times; at most {worst:.1f} s beyond the faults"
    return Verdict("No time unknown for longer than the faults and two periods", len(broken), figure, tuple(broken))


def recordings_missed(context, schools):
    """What can be played on a server and is not known, or not known whose it is."""
    with context.database.read() as session:
        rows = session.scalars(select(Recording).where(Recording.meeting_id.is_not(None)))
        known = {each.record_id for each in rows if each.published_at is not None}
    there = [each["record_id"] for school in schools.values() for each in school.state["recordings"]]
    return sorted(set(there) - known)


def _recordings(facts):
    missed = recordings_missed(facts.seen.context, facts.seen.schools)
    there = sum(len(school.state["recordings"]) for school in facts.seen.schools.values())
    return Verdict("No recording missed", len(missed), f"{len(missed)} of {there}", tuple(missed))


def _archive(facts):
    astray, stored = archive.astray(facts.seen.context), archive.stored(facts.seen.context)
    with facts.seen.context.database.read() as session:
        left = session.scalars(select(Alarm.id).where(Alarm.kind == "archive_full", Alarm.recovered_at.is_(None))).all()
    full = facts.kinds.get("archive_full", 0)
    figure = f"{len(astray)} not whole or lying about, {stored} stored; an alarm told {full} times that it was full"
    broken = (*astray, *(f"alarm {number} stands" for number in left))
    return Verdict("Every file of a recording is stored whole, however full the disk was", len(broken), figure, broken)


def _resumed(facts):
    waves = facts.seen.waves
    times = [seconds for wave in waves for seconds in wave.resumed.values() if seconds is not None]
    broken = [
        f"{loop} after {instant(wave.ended):%H:%M:%S}: {seconds}"
        for wave in waves
        for loop, seconds in wave.resumed.items()
        if seconds is None or seconds > facts.bound
    ]
    middle = sorted(times)[len(times) // 2] if times else 0.0
    figure = f"{len(broken)} of {len(waves) * 5} later; median {middle:.1f} s, longest {max(times, default=0):.1f} s "
    waits = sorted(wave.ended - wave.over for wave in waves)
    figure += (
        f"after all processes ran again, which took {waits[len(waits) // 2]:.1f} s in the median, {waits[-1]:.1f} s "
    )
    figure += "at most after the last fault"
    return Verdict("Every loop goes on within two periods of the end of the faults", len(broken), figure, tuple(broken))


def _queue(facts):
    lengths = facts.seen.lengths
    broken = sum(length > QUEUE for length in lengths)
    figure = f"at most {max(lengths, default=0)} of {len(lengths)} samples (allowed {QUEUE}; {broken} samples beyond)"
    return Verdict("The queue is never longer than one sweep's work", broken, figure)


def _stuck(facts):
    silent = [f"{name}: {seconds:.1f} s" for seconds, name in facts.seen.silences if seconds >= QUIET - 0.5]
    silent += [
        f"{name} did not come up after {instant(wave.over):%H:%M:%S}" for wave in facts.seen.waves for name in wave.lost
    ]
    longest = max((seconds for seconds, _ in facts.seen.silences), default=0.0)
    ended = [f"{name} ended with {status} at {instant(at):%H:%M:%S}" for at, name, status in facts.seen.ended]
    figure = f"{len(silent)} of {len(facts.seen.silences)}; longest without a message {longest:.1f} s; "
    figure += f"ended by themselves and started again: {len(ended)}"
    return Verdict("No worker is stuck after a wave", len(silent), figure, (*silent, *ended))


def _settled(facts):
    after = facts.seen.settled_after
    said = "not within a minute" if after is None else f"{after:.0f} s after the last class"
    return Verdict("All is settled by itself in the end", int(after is None), said)
