"""The sheets beside the rows: a chart of totals, and notes on how to read them."""

from typing import Any

from worker.exports import people
from worker.exports.table import Table
from worker.exports.text import clipped, harmless
from worker.exports.values import zone_of
from worker.exports.words import heading, phrase
from worker.exports.xlsx_style import Style, sheet_name


def write_notes(book: Any, table: Table, style: Style, zones: set[str]) -> None:
    """A sheet that says what this is, when it was made, in which zones its times are, and what else is to be known."""
    sheet = book.add_worksheet(sheet_name(phrase("notes", table.language)))
    if table.language == "fa":
        sheet.right_to_left()
    sheet.set_column(0, 0, 100)
    sheet.fit_to_pages(1, 0)
    sheet.write_string(0, 0, clipped(harmless(table.title or heading(table.name, table.language)), 255), style.title)
    for row, note in enumerate([*_facts(table, zones), *table.notes], start=1):
        sheet.write_string(row, 0, clipped(harmless(note), 32_767), style.wrapped)


def _facts(table: Table, zones: set[str]) -> list[str]:
    facts = [phrase("zone", table.language).format(zone=", ".join(sorted(zones)))]
    if table.generated_at:
        moment = people.moment(table.generated_at.astimezone(zone_of(table)), table.language)
        facts.append(phrase("generated", table.language).format(moment=moment))
    return facts


def write_chart(book: Any, table: Table, sheet: Any, rows: int) -> None:
    """A line of participants over time, for the table of totals; of its first sheet, where there are several."""
    keys = [column.key for column in table.columns]
    if table.name != "totals" or not {"at", "participants"} <= set(keys) or not rows:
        return
    chart = book.add_chart({"type": "line"})
    chart.add_series(_line(sheet.get_name(), rows, keys.index("at"), keys.index("participants"), table))
    _dress(chart, table, rows)
    page = book.add_worksheet(sheet_name(phrase("chart", table.language)))
    if table.language == "fa":
        page.right_to_left()
    page.hide_gridlines(2)
    page.set_landscape()
    page.fit_to_pages(1, 1)
    page.insert_chart(1, 1, chart)


def _line(sheet: str, rows: int, at: int, participants: int, table: Table) -> dict[str, Any]:
    return {
        "name": heading("participants", table.language),
        "categories": [sheet, 1, at, rows, at],
        "values": [sheet, 1, participants, rows, participants],
        "line": {"color": "#1F6FB2", "width": 2},
    }


def _dress(chart: Any, table: Table, rows: int) -> None:
    grid = {"visible": True, "line": {"color": "#DDDDDD", "width": 0.75}}
    chart.set_title({"name": phrase("participants over time", table.language), "overlay": False})
    chart.set_x_axis({"text_axis": True, "num_format": "mm-dd hh:mm", "interval_unit": max(rows // 12, 1)})
    chart.set_y_axis({"min": 0, "major_gridlines": grid, "name": heading("participants", table.language)})
    chart.set_legend({"none": True})
    chart.set_size({"width": 960, "height": 480})
