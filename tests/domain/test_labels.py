"""What we write on a meeting to know it again."""

import re
from datetime import UTC, datetime

from worker.domain import labels

WRITTEN = labels.write(
    origin="school-1",
    version="1.0",
    course_code="جبر-۱",
    title="جبر ۱",
    occurrence="17",
    original_start=datetime(2026, 3, 2, 9, tzinfo=UTC),
)


def test_e25_every_key_survives_the_wire():
    assert all(re.fullmatch("[a-z][a-z0-9-]*", key) for key in WRITTEN)


def test_ours_and_the_fields_convention_are_there():
    assert WRITTEN[labels.ORIGIN] == WRITTEN["bbb-origin"] == "school-1"
    assert WRITTEN[labels.START] == "2026-03-02T09:00:00Z"
    assert WRITTEN["bbb-recording-name"] == "جبر ۱ 2026-03-02"


def test_e19_ours_is_this_very_occurrence_of_this_very_installation():
    assert labels.are_ours(WRITTEN, origin="school-1", occurrence="17")
    assert not labels.are_ours(WRITTEN, origin="school-2", occurrence="17")
    assert not labels.are_ours(WRITTEN, origin="school-1", occurrence="18")
    assert not labels.are_ours({}, origin="school-1", occurrence="17")
