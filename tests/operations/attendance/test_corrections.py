"""corrections: another status, beside the fact; kept, undone, and told."""

import pytest

from worker.errors import Conflict, InputError, Unknown
from worker.operations.attendance import corrections
from worker.store.tables import Correction


@pytest.fixture
def room(held):
    return (
        held()
        .saw(
            (0, 60, {"t1": ("Teacher", "MODERATOR"), "x9": "A guest"}),
        )
        .over()
    )


def correct(stage, room, user="u1", status="excused", reason="was ill", by="noor"):
    return corrections.correct(stage.context, room.occurrence, user, status, reason=reason, by=by, now=stage.clock())


def undo(stage, room, user="u1", by="omid"):
    return corrections.undo(stage.context, room.occurrence, user, by=by, now=stage.clock())


def test_the_status_changes_and_the_fact_stays(stage, room):
    assert correct(stage, room).before == "absent"
    row = stage.marks()["u1"]
    assert (row["status"], row["observed_status"]) == ("excused", "absent")
    assert (row["corrected_by"], row["correction_reason"]) == ("noor", "was ill")
    assert row["seconds_present"] == 0
    assert stage.marks()["u2"]["corrected_by"] is None


def test_the_newest_holds_and_undoing_brings_back_the_one_before(stage, room):
    correct(stage, room)
    assert correct(stage, room, status="present", reason="sat beside Ali").before == "excused"
    assert stage.marks()["u1"]["status"] == "present"
    undo(stage, room)
    assert stage.marks()["u1"]["status"] == "excused"
    undo(stage, room)
    assert stage.marks()["u1"]["status"] == "absent"
    with pytest.raises(Unknown, match="no correction of u1"):
        undo(stage, room)


def test_every_change_is_kept_with_who_when_why_before_and_after(stage, room):
    correct(stage, room)
    at = stage.clock()
    stage.clock.advance(minutes=5)
    undo(stage, room)
    with stage.context.database.read() as session:
        (row,) = corrections.history(session, room.occurrence)
        assert corrections.history(session, room.occurrence, "u2") == []
    assert (row.by, row.at, row.reason, row.before, row.status) == ("noor", at, "was ill", "absent", "excused")
    assert (row.undone_by, row.undone_at) == ("omid", stage.clock())
    assert stage.story()[-2:] == ["corrected", "correction_undone"]


def test_events_do_not_name_the_person(stage, room):
    correct(stage, room)
    assert "u1" not in stage.story("corrected")[0].detail


def test_a_guest_can_be_corrected_a_stranger_not(stage, room):
    correct(stage, room, user="x9", status="absent")
    assert stage.marks()["x9"]["status"] == "absent"
    with pytest.raises(Unknown, match="neither enrolled nor seen"):
        correct(stage, room, user="nobody")


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ({"status": "late"}, InputError, "there are present, partial"),
        ({"reason": "  "}, InputError, "needs a reason"),
        ({"status": "absent"}, Conflict, "is absent in occurrence"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_written(stage, room, given, error, says):
    with pytest.raises(error, match=says):
        correct(stage, room, **given)
    assert stage.rows(Correction) == []


def test_a_class_that_is_not_there_or_has_not_begun(stage, room, held):
    with pytest.raises(Unknown, match="no occurrence 999"):
        corrections.correct(stage.context, 999, "u1", "excused", reason="r", by="b", now=stage.clock())
    ahead = held("b", at=600)
    with pytest.raises(Unknown, match="has not begun"):
        correct(stage, ahead)
