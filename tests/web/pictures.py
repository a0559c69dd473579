"""Pictures of the main pages for the documentation: ``python -m tests.web.pictures`` writes docs/pictures/*.png."""

import sys
import tempfile
from pathlib import Path

from tests import services
from tests.web import browser, school

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
DESK, PHONE = (1280, 800), (390, 844)
#: name, path, language, colours, size
SHOTS = (
    ("now-en", "/", "en", "light", DESK),
    ("now-fa", "/", "fa", "light", DESK),
    ("now-fa-phone-dark", "/", "fa", "dark", PHONE),
    ("timetable-fa", "/timetable", "fa", "light", DESK),
    ("timetable-en-dark", "/timetable", "en", "dark", DESK),
    ("sitting-fa", "/sittings/{over}", "fa", "light", DESK),
    ("sitting-en-phone", "/sittings/{over}", "en", "light", PHONE),
    ("recordings-en", "/recordings", "en", "light", DESK),
    ("person-fa-dark", "/people/one?user=alg001", "fa", "dark", DESK),
)


def main(folder=FOLDER, shots=SHOTS):
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place, browser.started() as chromium:
        template = services.sqlite_template(Path(place))
        with school.opened(Path(place), template) as played:
            over = played.over()
            for name, path, language, colours, size in shots:
                with browser.signed_in(chromium, played.url, "admin", language, colours, size) as page:
                    page.goto(played.url + path.format(over=over))
                    page.wait_for_load_state("networkidle")
                    page.screenshot(path=folder / f"{name}.png", full_page=size == PHONE)
                    sys.stderr.write(f"{folder / name}.png\n")


if __name__ == "__main__":
    main()
