"""The pages in a real browser: both languages, both sizes, light and dark; nothing foreign, nothing on the console."""

import contextlib
import shutil

import pytest
from playwright.sync_api import expect

from tests.web import browser, school

DESK, PHONE = (1280, 800), (390, 844)
#: Every page that people see, and what must stand on it.
PATHS = (
    "/",
    "/timetable",
    "/timetable?view=list",
    "/courses",
    "/courses/1",
    "/holidays",
    "/import",
    "/sittings",
    "/sittings/{over}",
    "/sittings/{going_on}",
    "/sittings/{going_on}/links",
    "/people",
    "/people/one?user=alg001",
    "/recordings",
    "/servers",
    "/users",
    "/password",
)


@pytest.fixture(scope="module")
def chromium():
    assert shutil.which(browser.EXECUTABLE), "Chromium is missing: apt-get install chromium, or name it by CHROMIUM"
    with browser.started() as started:
        yield started


@pytest.fixture(scope="module")
def played(tmp_path_factory, sqlite_template):
    """A school on its Monday morning."""
    with school.opened(tmp_path_factory.mktemp("school"), sqlite_template) as opened:
        yield opened


@pytest.fixture
def sign_in(chromium, played):
    """A page of somebody who has signed in; closed at the end."""
    with contextlib.ExitStack() as stack:
        yield lambda name="admin", *how: stack.enter_context(browser.signed_in(chromium, played.url, name, *how))


def addresses(played):
    return [played.url + path.format(over=played.over(), going_on=played.going_on()) for path in PATHS]


@pytest.mark.parametrize(
    ("language", "colours", "size"),
    [("en", "light", DESK), ("fa", "light", PHONE), ("fa", "dark", DESK), ("en", "dark", PHONE)],
    ids=lambda given: str(given).replace(" ", ""),
)
def test_every_page_is_quiet_accessible_and_as_wide_as_its_window(played, sign_in, language, colours, size):
    page = sign_in("admin", language, colours, size)
    wrong = []
    for address in addresses(played):
        assert page.goto(address).status == 200
        assert page.get_attribute("html", "dir") == ("rtl" if language == "fa" else "ltr")
        wrong += [(address, found) for found in browser.violations(page)]
        wide = page.evaluate("document.documentElement.scrollWidth")
        wrong += [(address, f"is {wide} wide")] if wide > size[0] else []
    assert wrong == []
    assert (page.noticed.console, page.noticed.foreign) == ([], [])


def test_the_sign_in_is_accessible_in_both_languages(chromium, played):
    for language in ("en", "fa"):
        with browser.opened(chromium, played.url, language) as page:
            page.goto(played.url + "/login")
            assert browser.violations(page) == []
            assert page.noticed.foreign == []


def test_the_language_is_changed_by_one_click_and_remembered(played, sign_in):
    page = sign_in("viewer")
    page.click("text=فارسی")
    assert page.get_attribute("html", "dir") == "rtl"
    page.goto(played.url + "/timetable")
    assert page.inner_text("h1") == "برنامهٔ هفتگی"
    assert "۱۴۰۴/۱۲/۱۱" in page.inner_text("main")


def test_a_class_goes_live_in_front_of_the_eyes(played, sign_in):
    """Nobody touches the page: it shows the people who come."""
    page = sign_in("admin")
    before, online = played.online(), page.locator(".figures strong").first
    expect(online).to_have_text(str(before))
    sitting = played.stage.occurrence(played.going_on())
    meeting = next(each for each in played.stage.live() if each.occurrence_id == sitting.id)
    for number in range(5):
        played.world.join(meeting.external_id, f"late-{number}", f"Latecomer {number}")
    played.minutes(1)
    assert played.online() > before
    expect(online).to_have_text(str(played.online()), timeout=15_000)
    assert page.noticed.console == []


def test_a_dead_beat_is_a_red_banner(played, sign_in):
    page = sign_in("admin")
    assert page.locator("[role=alert]").count() == 0
    played.clock.advance(minutes=10)
    page.wait_for_selector("[role=alert]", timeout=15_000)
    played.clock.advance(seconds=5)
    played.beat()
    page.wait_for_selector("[role=alert]", state="detached", timeout=15_000)


def test_an_administrator_corrects_and_undoes_with_a_reason(played, sign_in):
    page = sign_in("admin")
    page.goto(f"{played.url}/sittings/{played.over()}")
    row = page.locator("tr", has_text="alg-absent")
    row.locator("summary").click()
    row.locator("select").select_option("excused")
    row.locator("input[name=reason]").fill("was ill")
    row.locator("form >> button").first.click()
    page.wait_for_selector("[role=status]")
    row = page.locator("tr", has_text="alg-absent")
    assert "Excused" in row.inner_text()
    assert "was ill" in page.inner_text("main")
    row.locator("summary").click()
    row.locator("text=Undo").click()
    page.wait_for_selector("[role=status]")
    assert "Absent" in page.locator("tr", has_text="alg-absent").inner_text()


def test_a_timetable_is_looked_at_before_it_is_taken(played, sign_in, tmp_path):
    page = sign_in("admin", "fa")
    sheet = tmp_path / "new.csv"
    sheet.write_text("code,title,cron,minutes\nBIO-1,زیست,0 9 * * 2,60\n", encoding="utf-8")
    page.goto(played.url + "/import")
    page.set_input_files("input[type=file]", sheet)
    page.click("text=نمایش تغییرها")
    assert "BIO-1" in page.inner_text("main")
    page.goto(played.url + "/courses?search=BIO-1")
    assert page.locator("table").count() == 0
    page.goto(played.url + "/import")
    page.set_input_files("input[type=file]", sheet)
    page.click("text=نمایش تغییرها")
    page.click("text=ثبت برنامه")
    page.wait_for_selector("[role=status]")
    assert "زیست" in page.inner_text("main")


def test_a_learner_waits_at_the_door_and_goes_in_by_a_button(chromium, played, sign_in):
    staff = sign_in("admin")
    ahead = [row for row in played.stage.rows(school.Occurrence) if row.opens_at > played.clock()]
    coming = min(ahead, key=lambda row: row.opens_at)
    staff.goto(f"{played.url}/courses/{coming.course_id}")
    with played.context.database.write() as session:
        session.add(
            school.Participant(course_id=coming.course_id, user_id="new-1", full_name="Mina Hosseini", role="viewer")
        )
    staff.goto(f"{played.url}/sittings/{coming.id}/links")
    link = staff.locator("tr", has_text="new-1").locator("input").input_value()
    with browser.opened(chromium, played.url, "fa", "light", PHONE) as page:
        page.goto(link)
        assert "Mina Hosseini" in page.inner_text("main")
        assert page.locator("main button").count() == 0
        assert page.locator(".countdown").count() == 1
        assert browser.violations(page) == []
        played.minutes(int((coming.opens_at - played.clock()).total_seconds() // 60) + 3)
        page.wait_for_selector("main button", timeout=15_000)
        meeting = next(each for each in played.stage.live() if each.occurrence_id == coming.id)
        assert "new-1" not in str(played.world.meeting(meeting.external_id).people)
        page.click("main button")
        page.wait_for_url(lambda url: not url.startswith(played.url), timeout=15_000)
    assert "new-1" in str(played.world.meeting(meeting.external_id).people)
