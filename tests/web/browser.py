"""A real browser: Chromium of the system, with the eyes and ears that the tests need."""

import contextlib
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

from tests.web.conftest import PASSWORD

#: Where Debian puts it. Another place is named by CHROMIUM.
EXECUTABLE = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
AXE = Path(__file__).parent / "vendor" / "axe.min.js"


@contextlib.contextmanager
def started():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=EXECUTABLE, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@dataclass
class Noticed:
    """What a page said and asked for while it was open."""

    console: list = field(default_factory=list)
    foreign: list = field(default_factory=list)


@contextlib.contextmanager
def signed_in(chromium, url, name, language="en", colours="light", size=(1280, 800)):
    """A page of somebody who has signed in by the form."""
    with opened(chromium, url, language, colours, size) as page:
        page.goto(url + "/login")
        page.fill("input[name=name]", name)
        page.fill("input[name=password]", PASSWORD)
        page.click("main button")
        page.wait_for_url(url + "/")
        yield page


@contextlib.contextmanager
def opened(chromium, url, language="en", colours="light", size=(1280, 800)):
    """A page of a stranger. ``page.noticed`` tells what it said and asked for."""
    width, height = size
    context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=colours)
    context.add_cookies([{"name": "language", "value": language, "url": url}])
    page = context.new_page()
    page.noticed = Noticed()
    here = urlsplit(url).netloc
    page.on(
        "console", lambda said: page.noticed.console.append(said.text) if said.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda error: page.noticed.console.append(str(error)))
    page.on("request", lambda asked: page.noticed.foreign.append(asked.url) if _is_foreign(asked.url, here) else None)
    try:
        yield page
    finally:
        context.close()


def _is_foreign(url, here):
    parts = urlsplit(url)
    return parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != here


def violations(page):
    """Serious and critical findings of axe, one line each."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        f"{each['id']}: {node['html'][:160]} ({node['failureSummary'][:200]})"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]
