"""What the pages say: links lead somewhere, every command and setting is there, and nothing is old."""

import re
from pathlib import Path

import pytest

from tests import pages
from worker.cli import app  # noqa: F401 - the commands of the pages
from worker.settings import Settings
from worker.store.tables import Base

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
COMMANDS = {path for path, _ in pages.commands()}


def prose(page):
    """A page without its code."""
    return re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def code(page):
    return re.findall(r"```.*?```|`[^`\n]+`", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def anchors(page):
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_within_the_project_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if target.startswith(("https://", "http://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), target
        assert linked.is_relative_to(ROOT), target
        if anchor:
            assert anchor in anchors(linked), target


@pytest.mark.parametrize("name", pages.PARTS)
def test_the_pages_that_are_made_are_new(name):
    assert (DOCS / name).read_text(encoding="utf-8") == pages.page(name), "run: python -m tests.pages"


def test_every_command_is_documented_with_a_sentence():
    text = (DOCS / "commands.md").read_text(encoding="utf-8")
    for path, command in pages.commands():
        assert f"### `meetingz {' '.join(path)}" in text
        assert command.help, path


def test_every_setting_is_documented_with_its_default_and_meaning():
    rows = re.findall(
        r"^\| `MEETINGZ_(\w+)` \| (.+?) \| (.*?) \| (.*) \|$", (DOCS / "settings.md").read_text(encoding="utf-8"), re.M
    )
    assert {name.lower() for name, *_ in rows} == set(Settings.model_fields)
    for name, default, unit, meaning in rows:
        assert default, name
        assert meaning, f"{name} has no `#:` comment in worker/settings.py"
        assert unit or not name.endswith(("_SECONDS", "_DAYS", "_PERCENT", "_BYTES")), name


def test_every_other_name_of_a_setting_is_documented():
    rows = re.findall(r"^\| (`[A-Z`_, ]+`) \| `(MEETINGZ_\w+)` \|$", (DOCS / "settings.md").read_text(), re.M)
    told = {alias: name for names, name in rows for alias in re.findall(r"`(\w+)`", names)}
    assert told == pages.aliases()


def test_every_table_is_documented():
    assert set(Base.metadata.tables) <= set(re.findall(r"`(\w+)`", (DOCS / "tables.md").read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_a_page_names_exists(page):
    known = {path[:length] for path in COMMANDS for length in (1, 2)}
    groups = {path[0] for path in COMMANDS if len(path) > 1}
    for text in code(page):
        # Not the user or group of that name: `sudo -u meetingz sh`.
        for first, second in re.findall(r"(?<!-u )(?<!-g )(?<![-/\w])meetingz ([a-z]+)(?: ([a-z]+))?", text):
            assert first == "meetingz" or (first,) in known, f"meetingz {first}"
            assert not second or first not in groups or (first, second) in known, f"meetingz {first} {second}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_setting_that_a_page_names_exists(page):
    known = {f"MEETINGZ_{name.upper()}" for name in Settings.model_fields} | {"MEETINGZ_CONFIG"}
    named = set(re.findall(r"MEETINGZ_[A-Z_]+[A-Z]", page.read_text(encoding="utf-8")))
    assert {name.removesuffix("_FILE") if name not in known else name for name in named} <= known
