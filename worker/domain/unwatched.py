"""The times about which nothing is known: no poll was answered, or there was no room. Neither present nor absent."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from worker.domain.attendance import Run
from worker.domain.spans import Span, merge, minus

__all__ = ["gaps", "shut"]


def gaps(runs: Sequence[Run], tolerance: timedelta, until: datetime) -> list[Span]:
    """The times about which nothing is known, up to ``until`` (the present, or the end of the window), while a room was
    open. Of the times without one see :func:`shut`.
    """
    return merge(gap for run in runs for gap in _gaps(run, tolerance, until))


def _gaps(run: Run, tolerance: timedelta, until: datetime) -> list[Span]:
    # Merged first: where the clock was set back, an observation may lie within an older one.
    facts = merge([Span(run.opened_at, run.opened_at), *(Span(each.first_at, each.last_at) for each in run.sightings)])
    final = until if run.missed_at is None else run.missed_at
    facts.append(Span(final, final))
    silent = [Span(one.end, two.start) for one, two in pairwise(facts) if two.start - one.end > tolerance]
    return silent if run.report is None else minus(silent, [run.report.covers])


def shut(runs: Sequence[Run], tolerance: timedelta, window: Span) -> list[Span]:
    """The times within ``window`` in which no room was open, where they are longer than the tolerance.

    Nobody can have been in class then, and nobody can be blamed: such time counts as unknown, not as absence. The
    window ends where a teacher ended the class.
    """
    rooms = [
        Span(run.opened_at, max(run.opened_at, window.end if run.missed_at is None else run.missed_at)) for run in runs
    ]
    return [span for span in minus([window], rooms) if span.end - span.start > tolerance]
