"""refold: stays again from what was observed, with the settings of now."""

from tests.operations.klass import refold
from worker.store.tables import Attendee, EndedObservation, Stay


def everything(stage):
    keys = [column.key for column in Stay.__table__.columns]
    return [[getattr(row, key) for key in keys] for row in stage.rows(Stay)]


def test_the_same_input_gives_the_same_stays(stage, held):
    held().saw((0, 20, {"u1": "Zahra", "u2": "Ali"}), (20.5, 59, {"u2": "Ali"})).over()
    before = everything(stage)
    assert refold(stage) == (1, 0)
    assert refold(stage, course="alg") == (1, 0)
    assert everything(stage) == before
    assert [event.detail for event in stage.story("refolded")][-1] == "1 occurrences, of alg"


def test_a_latency_that_was_learnt_later_corrects_the_past(stage, held):
    room = held().saw((0, 20, {"u1": "Zahra", "u2": "Ali"}), (20.5, 59, {"u2": "Ali"})).over()
    room.latency(90)
    refold(stage)
    assert room.stays() == [("u1", 0, 19, "poll"), ("u2", 0, 59, "poll")]


def test_only_what_was_asked_for_and_is_settled(stage, held):
    first = held().saw((0, 59, {"u1": "Zahra"})).over()
    held("b", at=10).saw((0, 5, {"u1": "Zahra"}))
    assert refold(stage, course="b") == (0, 0)
    assert refold(stage, since=first.at(1)) == (0, 0)
    assert refold(stage, until=first.at(1)) == (1, 0)
    assert refold(stage, since=first.start) == (1, 0)
    assert refold(stage, until=first.start) == (0, 0)


def test_stays_without_observations_are_kept(stage, held):
    room = held().saw((0, 59, {"u1": "Zahra"})).over()
    with stage.context.database.write() as session:
        for table in (EndedObservation, Attendee):
            for row in session.query(table):
                session.delete(row)
        stage_row = session.get(type(stage.occurrence(room.occurrence)), room.occurrence)
        stage_row.pruned_at = stage.clock()
    assert refold(stage) == (0, 1)
    assert room.stays() == [("u1", 0, 59, "poll")]
