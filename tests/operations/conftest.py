import pytest

from tests.operations.klass import Held
from tests.operations.stage import Stage
from worker.operations.installation import servers

ROSTER = [("t1", "Teacher", "moderator"), ("u1", "Zahra", "viewer"), ("u2", "Ali", "viewer")]


@pytest.fixture
def stage(context, clock):
    return Stage(context, clock)


@pytest.fixture
def held(stage, context, clock, make_course, make_occurrence):
    """Makes an hour of a course on a server that nobody needs to ask. Answers it, its room open, nobody in it yet."""
    known = {}

    def _(code="alg", *, roster=ROSTER, at=0, **columns):
        if not known:
            known["server"] = servers.add(context, "quiet", "http://192.0.2.1/bigbluebutton/", "a secret", clock())
        if code not in known:
            known[code] = make_course(code, roster=roster, **columns)
        return Held(stage, known["server"], make_occurrence(code, start_in=at))

    return _
