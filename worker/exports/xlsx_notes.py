"""The sheets beside the rows: a chart of totals, and notes on how to read them."""

from typing import Any

from worker.exports import people
from worker.exports.charts import INKS, axes
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
    """People over time, for a table that has a chart; of its first sheet, where there are several."""
    wanted = axes(table)
    if wanted is None or not rows:
        return
    keys = [column.key for column in table.columns]
    chart = book.add_chart({"type": "line"})
    for key, ink in zip(wanted[1], INKS, strict=False):
        chart.add_series(_line(sheet.get_name(), rows, keys.index(wanted[0]), keys.index(key), key, ink, table))
    _dress(chart, table, rows, several=len(wanted[1]) > 1)
    page = book.add_worksheet(sheet_name(phrase("chart", table.language)))
    if table.language == "fa":
        page.right_to_left()
    page.hide_gridlines(2)
    page.set_landscape()
    page.fit_to_pages(1, 1)
    page.insert_chart(1, 1, chart)


def _line(sheet: str, rows: int, at: int, column: int, key: str, ink: str, table: Table) -> dict[str, Any]:
    return {
        "name": heading(key, table.language),
        "categories": [sheet, 1, at, rows, at],
        "values": [sheet, 1, column, rows, column],
        "line": {"color": ink, "width": 2},
    }


def _dress(chart: Any, table: Table, rows: int, *, several: bool) -> None:
    grid = {"visible": True, "line": {"color": "#DDDDDD", "width": 0.75}}
    chart.set_title({"name": phrase("participants over time", table.language), "overlay": False})
    chart.set_x_axis({"text_axis": True, "num_format": "mm-dd hh:mm", "interval_unit": max(rows // 8, 1)})
    chart.set_y_axis({"min": 0, "major_gridlines": grid, "name": heading("participants", table.language)})
    chart.set_legend({"position": "bottom"} if several else {"none": True})
    chart.set_size({"width": 960, "height": 480})
