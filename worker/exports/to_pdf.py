"""PDF: the page of HTML, laid out on A4 by its own rules for print. Nothing is fetched: its font comes with us."""

import base64
import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from functools import cache
from importlib.resources import files
from threading import Lock
from typing import Any, BinaryIO

from worker.errors import InputError, WorkerError
from worker.exports.table import Row, Table
from worker.exports.to_html import rendered

CELLS = 12_000  #: at most; all pages are laid out in memory: a millisecond or two and some 30 kB a cell
_PAPERS = {24: "A4", 38: "A3", 56: "A2"}  #: how many columns of a matrix fit upon each, in print that can be read
COLUMNS = max(_PAPERS)
_DATES = "th.status { white-space: normal !important; overflow-wrap: anywhere; width: 5.5ch; min-width: 5.5ch; }"

_MISSING = (
    "a PDF wants what is not installed: pip install 'meetingz-worker[pdf]', "
    "and on Debian apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
)
_ONE_AT_A_TIME = Lock()  # a layout takes a core and some hundred megabytes


def write_pdf(table: Table, stream: BinaryIO) -> None:
    """Write pages. Raises WorkerError without the library, InputError for what no paper holds."""
    library = _library()
    page = "".join(rendered(replace(table, rows=_few(table))))
    # It takes data: alone. Strangers' text is escaped and names no address; should one slip in, nobody is asked.
    fetcher = library.urls.URLFetcher(allowed_protocols=("data",))
    with _ONE_AT_A_TIME:
        fonts = library.text.fonts.FontConfiguration()
        sheet = library.CSS(string=_sheet(table), url_fetcher=fetcher, font_config=fonts)
        laid_out = library.HTML(string=page, url_fetcher=fetcher).write_pdf(stylesheets=[sheet], font_config=fonts)
    stream.write(laid_out)


def _library() -> Any:
    """WeasyPrint, imported where it is wanted: it takes half a second, and needs libraries of the system."""
    try:
        # What it lacks it would tell on stdout, where the report may go.
        with redirect_stdout(io.StringIO()), warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            import weasyprint
            import weasyprint.text.fonts
            import weasyprint.urls
    except (ImportError, OSError):
        raise WorkerError(_MISSING) from None
    # It warns of each rule of the style sheet that is meant for screens.
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    return weasyprint


def _few(table: Table) -> Iterator[Row]:
    if len(table.columns) > COLUMNS:
        raise InputError(f"a PDF holds {COLUMNS} columns at most: ask for fewer days, or take html")
    most = CELLS // len(table.columns)
    for number, row in enumerate(table.rows):
        if number == most:
            raise InputError(f"a PDF holds {most} rows of this report at most: ask for less at once, or take html")
        yield row


def _sheet(table: Table) -> str:
    """What paper wants beside the page's own rules: our font, numbered pages, room for a wide table."""
    paper = next(paper for most, paper in _PAPERS.items() if len(table.columns) <= most)
    digits = "persian" if table.language == "fa" else "decimal"
    return f"""
    {_font()}
    body {{ font-family: Vazirmatn, sans-serif !important; }}
    @page {{
      size: {paper} landscape !important;
      @bottom-center {{
        content: counter(page, {digits}) " / " counter(pages, {digits}); font: 7pt Vazirmatn, sans-serif;
      }}
    }}
    {_DATES if any(column.title for column in table.columns) else ""}
    """


@cache
def _font() -> str:
    """The web page's own font, for both scripts: what the system has need not know Persian."""
    file = files("worker").joinpath("web", "static", "vendor", "vazirmatn.woff2")
    source = f"data:font/woff2;base64,{base64.b64encode(file.read_bytes()).decode()}"
    return f"@font-face {{ font-family: Vazirmatn; font-weight: 100 900; src: url({source}); }}"
