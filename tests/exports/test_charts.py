"""People over time as a line: where it begins and ends, how high it goes, and where nobody watched."""

from datetime import timedelta

import pytest

from tests.exports.tables import NOON, book, page
from worker.exports import Column, Table

TOTALS = (Column("at", "instant"), Column("participants", "integer"))
SESSIONS = (Column("starts_at", "instant"), Column("peak", "integer"), Column("mean", "number"))
LEFT, RIGHT, TOP, GROUND = 56, 944, 28, 272


def totals(*people, minutes=None, language="en"):
    """How many there were, minute by minute unless these are named."""
    at = (NOON + timedelta(minutes=minute) for minute in (minutes or range(len(people))))
    return Table(
        "totals", TOTALS, [{"at": each, "participants": n} for each, n in zip(at, people, strict=True)], language
    )


def lines(table):
    """The lines of the chart, each as its points."""
    return [
        [tuple(map(float, point.split(","))) for point in line.split()]
        for line in page(table).xpath("//svg//polyline/@points")
    ]


def test_a_line_reaches_from_side_to_side_and_from_the_ground_to_the_top():
    assert lines(totals(0, 8, 4)) == [[(LEFT, GROUND), ((LEFT + RIGHT) / 2, TOP), (RIGHT, (TOP + GROUND) / 2)]]


def test_rows_in_any_order_are_drawn_from_left_to_right():
    assert lines(totals(4, 0, 8, minutes=(2, 0, 1))) == lines(totals(0, 8, 4))


def test_nobody_at_all_is_a_line_on_the_ground():
    assert lines(totals(0, 0)) == [[(LEFT, GROUND), (RIGHT, GROUND)]]


@pytest.mark.parametrize("people", [(), (5,), (None, None, 3)])
def test_one_moment_is_no_line(people):
    assert not page(totals(*people)).xpath("//svg")


@pytest.mark.parametrize(("before", "drawn"), [(12, 2), (4, 1)])
def test_no_line_is_drawn_over_a_time_that_nobody_watched(before, drawn):
    minutes = (*range(before), *range(600, 600 + before))
    assert [len(line) for line in lines(totals(*[1] * 2 * before, minutes=minutes))] == [2 * before // drawn] * drawn


def test_of_more_points_than_a_screen_shows_the_highest_are_kept():
    people = [0] * 5000
    people[2501] = 9
    (line,) = lines(totals(*people))
    assert len(line) <= 2000
    assert [y for _, y in line].count(TOP) == 1


@pytest.mark.parametrize(("language", "scale"), [("en", ["0", "3.5", "7"]), ("fa", ["۰", "۳٫۵", "۷"])])
def test_the_scale_is_written_beside_it_and_the_time_below(language, scale):
    words = [text.text for text in page(totals(0, 7, language=language)).xpath("//svg//text")]
    assert words[:3] == scale
    assert (
        words[3:5]
        == {
            "en": ["2026-11-24 08:30", "2026-11-24 08:31"],
            "fa": ["۱۴۰۵/۰۹/۰۳ ۰۸:۳۰", "۱۴۰۵/۰۹/۰۳ ۰۸:۳۱"],
        }[language]
    )


def test_of_classes_at_the_same_time_one_may_be_without_a_mean():
    rows = [{"starts_at": NOON, "peak": 0, "mean": mean} for mean in (0.0, None, 0.0)]
    assert [len(line) for line in lines(Table("sessions", SESSIONS, rows))] == [3, 2]


def test_peak_and_mean_are_two_lines_with_their_names():
    rows = [{"starts_at": NOON + timedelta(days=day), "peak": 10, "mean": 5.0} for day in range(3)]
    table = Table("sessions", SESSIONS, rows)
    assert [line[0][1] for line in lines(table)] == [TOP, (TOP + GROUND) / 2]
    inks = page(table).xpath("//svg//polyline/@stroke")
    assert page(table).xpath("//svg//rect/@fill") == inks
    assert [text.text for text in page(table).xpath("//svg//text")][-2:] == ["Peak", "Mean"]


def test_a_workbook_draws_the_same_columns_over_the_same_rows():
    rows = [{"starts_at": NOON + timedelta(days=day), "peak": 10, "mean": 5.0} for day in range(3)]
    (chart,) = (each for sheet in book(Table("sessions", SESSIONS, rows)).worksheets for each in sheet._charts)
    drawn = [(series.cat.numRef or series.cat.strRef).f for series in chart.series]
    assert [series.val.numRef.f for series in chart.series] == ["Classes!$B$2:$B$4", "Classes!$C$2:$C$4"]
    assert drawn == ["Classes!$A$2:$A$4"] * 2
    assert chart.legend.position == "b"


def test_a_workbook_with_one_line_needs_no_legend():
    (chart,) = (each for sheet in book(totals(1, 2)).worksheets for each in sheet._charts)
    assert chart.legend is None
