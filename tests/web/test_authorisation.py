"""Each route, for each role, for a course of their own and a foreign one. A route that is not in the table fails."""

import re

import pytest

from worker.web import access, api, api_changes, app

# What is answered: to a stranger, a viewer, a teacher, an administrator.
OPEN = (200, 200, 200, 200)
READ = (303, 200, 200, 200)
READ_OWN = (303, 200, 404, 200)  # a foreign course is not even there for a teacher
STAFF = (303, 200, 403, 200)
CHANGE = (303, 403, "done", "done")
CHANGE_FOREIGN = (303, 403, 404, "done")
ADMIN = (303, 403, 403, "done")
ADMIN_READ = (303, 403, 403, 200)

PAGES = [
    # method, path, own, foreign
    ("GET", "/healthz", OPEN, None),
    ("GET", "/readyz", OPEN, None),
    ("GET", "/metrics", OPEN, None),  # from this machine; tests/web/test_metrics.py asks from elsewhere
    ("GET", "/login", OPEN, None),
    ("POST", "/login", (401, 401, 401, 401), None),
    ("POST", "/logout", (303, 303, 303, 303), None),
    ("GET", "/password", READ, None),
    ("POST", "/password", (303, 422, 422, 422), None),
    ("GET", "/", READ, None),
    ("GET", "/now/live", READ, None),
    ("GET", "/timetable?course={code}", READ, READ_OWN),
    ("GET", "/courses", READ, None),
    ("GET", "/courses/{course}", READ, READ_OWN),
    ("POST", "/courses/{course}/add", CHANGE, CHANGE_FOREIGN),
    ("GET", "/holidays", READ, None),
    ("POST", "/holidays", ADMIN, None),
    ("POST", "/holidays/999/confirm", ADMIN, None),
    ("POST", "/holidays/999/remove", ADMIN, None),
    ("GET", "/import", ADMIN_READ, None),
    ("POST", "/import", ADMIN, None),
    ("POST", "/import/confirm", ADMIN, None),
    ("POST", "/import/roster", ADMIN, None),
    ("GET", "/sittings?course={code}", READ, READ_OWN),
    ("GET", "/sittings/{number}", READ, READ_OWN),
    ("POST", "/sittings/{number}/extend", CHANGE, CHANGE_FOREIGN),
    ("POST", "/sittings/{number}/move", CHANGE, CHANGE_FOREIGN),
    ("POST", "/sittings/{number}/reopen", CHANGE, CHANGE_FOREIGN),
    ("POST", "/sittings/{number}/end", CHANGE, CHANGE_FOREIGN),
    ("POST", "/sittings/{number}/enter", CHANGE, CHANGE_FOREIGN),
    ("POST", "/sittings/{number}/correct", CHANGE, CHANGE_FOREIGN),
    ("POST", "/sittings/{number}/undo", CHANGE, CHANGE_FOREIGN),
    ("POST", "/sittings/{number}/cancel", CHANGE, CHANGE_FOREIGN),
    ("GET", "/reports/attendance.csv?course={code}", READ, READ_OWN),
    ("GET", "/reports/attendance.csv?sitting={number}", READ, READ_OWN),
    ("GET", "/reports/totals.json", (303, 200, 404, 200), None),
    ("GET", "/people", READ, None),
    ("GET", "/people/one?user=u-{code}", READ, READ_OWN),
    ("GET", "/recordings", READ, None),
    ("POST", "/recordings/999/publish", ADMIN, None),
    ("POST", "/recordings/999/unpublish", ADMIN, None),
    ("POST", "/recordings/999/delete", ADMIN, None),
    ("GET", "/servers", STAFF, None),
    ("POST", "/servers", ADMIN, None),
    ("POST", "/servers/server-1/change", ADMIN, None),
    ("POST", "/servers/server-1/check", ADMIN, None),
    ("GET", "/users", ADMIN_READ, None),
    ("POST", "/users", ADMIN, None),
    ("POST", "/users/password", ADMIN, None),
    ("POST", "/users/disable", ADMIN, None),
    ("POST", "/users/enable", ADMIN, None),
    ("GET", "/sittings/{number}/links", (303, 403, 200, 200), (303, 403, 404, 200)),
    ("GET", "/join/x", (404, 404, 404, 404), None),
    ("GET", "/join/x/door", (404, 404, 404, 404), None),
    ("POST", "/join/x", (404, 404, 404, 404), None),
]

API_READ = (401, 200, 200, 200)
API_READ_OWN = (401, 200, 404, 200)
API_CHANGE = (401, 403, "done", "done")
API_CHANGE_FOREIGN = (401, 403, 404, "done")

API = [
    ("GET", "/openapi.json", API_READ, None),
    ("GET", "/live", API_READ, None),
    ("GET", "/pulses", API_READ, None),
    ("GET", "/courses", API_READ, None),
    ("GET", "/course?code={code}", API_READ, API_READ_OWN),
    ("GET", "/occurrences?course={code}", API_READ, API_READ_OWN),
    ("GET", "/occurrences/{number}", API_READ, API_READ_OWN),
    ("GET", "/occurrences/{number}/story", API_READ, API_READ_OWN),
    ("GET", "/occurrences/{number}/attendance", API_READ, API_READ_OWN),
    ("GET", "/recordings?course={code}", API_READ, API_READ_OWN),
    ("GET", "/servers", (401, 200, 403, 200), None),
    ("POST", "/servers/server-1/enable", (401, 403, 403, "done"), None),
    ("POST", "/recordings/999/publish", (401, 403, 403, "done"), None),
    ("POST", "/course/occurrences?code={code}", API_CHANGE, API_CHANGE_FOREIGN),
    ("POST", "/occurrences/{number}/extend", API_CHANGE, API_CHANGE_FOREIGN),
    ("POST", "/occurrences/{number}/move", API_CHANGE, API_CHANGE_FOREIGN),
    ("POST", "/occurrences/{number}/reopen", API_CHANGE, API_CHANGE_FOREIGN),
    ("POST", "/occurrences/{number}/end", API_CHANGE, API_CHANGE_FOREIGN),
    ("POST", "/occurrences/{number}/corrections", API_CHANGE, API_CHANGE_FOREIGN),
    ("POST", "/occurrences/{number}/join", API_CHANGE, API_CHANGE_FOREIGN),
    ("POST", "/occurrences/{number}/invitation", API_CHANGE, API_CHANGE_FOREIGN),
    ("POST", "/occurrences/{number}/cancel", API_CHANGE, API_CHANGE_FOREIGN),
]

BODIES = {
    "extend": {"minutes": 5},
    "move": {"starts_at": "2026-03-02T12:00:00Z", "ends_at": "2026-03-02T13:00:00Z"},
    "occurrences": {"starts_at": "2026-03-03T12:00:00Z", "ends_at": "2026-03-03T13:00:00Z"},
    "cancel": {"reason": "ill"},
    "corrections": {"user_id": "u-own", "status": "excused", "reason": "ill"},
    "join": {"user_id": "u", "name": "U"},
    "invitation": {"user_id": "u", "name": "U"},
}
FORMS = {
    "extend": {"minutes": "5"},
    "move": {"start": "2026-03-02 12:00", "minutes": "60"},
    "add": {"start": "2026-03-03 12:00", "minutes": "60"},
    "cancel": {"reason": "ill"},
    "correct": {"user_id": "u-own", "status": "excused", "reason": "ill"},
    "undo": {"user_id": "u-own"},
}
#: It got past the guard: it was done, or the operation itself had an objection.
DONE = {200, 201, 303, 404, 409, 422, 502}
KINDS = (None, "viewer", "teacher", "admin")


@pytest.fixture
def courses(make_course, make_occurrence, beating, context):
    """A course of teacher t-1 and one of t-2, each with a sitting and one learner."""
    found = {}
    for number, (code, teacher) in enumerate((("own", "t-1"), ("foreign", "t-2")), 1):
        make_course(code, teacher_id=teacher, roster=[(f"u-{code}", "Zahra", "viewer")])
        found[code] = {"code": code, "course": number, "number": make_occurrence(code, start_in=60)}
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_every_page_is_for_whom_the_table_says(visit, courses, kind):
    person, wrong = visit(kind), []
    for method, template, own, foreign in PAGES:
        for code, expected in (("own", own), ("foreign", foreign)):
            if expected is not None:
                path = template.format(**courses[code])
                status = _ask(person, method, path, kind)
                if not _fits(status, expected[KINDS.index(kind)]):
                    wrong.append((method, path, status))
    assert wrong == []


def _ask(person, method, path, kind):
    if method == "GET":
        return person.get(path).status_code
    last = path.rsplit("/", 1)[1]
    answer = person.post(path, FORMS.get(last), token=path != "/login")
    if path == "/logout" and kind is not None:
        person.sign_in(kind)
    return answer.status_code


@pytest.mark.parametrize("kind", KINDS)
def test_every_route_of_the_api_is_for_whom_the_table_says(program, courses, kind):
    robot, wrong = program(kind), []
    for method, template, own, foreign in API:
        for code, expected in (("own", own), ("foreign", foreign)):
            if expected is not None:
                path = template.format(**courses[code])
                last = path.partition("?")[0].rsplit("/", 1)[1]
                answer = robot.get(path) if method == "GET" else robot.post(path, BODIES.get(last))
                if not _fits(answer.status_code, expected[KINDS.index(kind)]):
                    wrong.append((method, path, answer.status_code))
    assert wrong == []


def _fits(status, expected):
    return status in DONE if expected == "done" else status == expected


def test_the_tables_name_every_route():
    known = {(method, _shape(path)) for method, path, _, _ in PAGES}
    known |= {(method, _shape("/api/v1" + path)) for method, path, _, _ in API}
    served = {
        (method, _shape(route.path))
        for room in (*app.ROOMS, api, api_changes)
        for route in room.router.routes
        for method in route.methods
    }
    assert served == known


def _shape(path):
    """Without what varies: numbers, names, placeholders, formats."""
    plain = path.partition("?")[0]
    plain = re.sub(r"\{+[^{}]*\}+|(?<=/)(999|x|server-1|check)(?=/|$)|(?<=server-1/)enable$", "*", plain)
    plain = re.sub(r"(/recordings/.*)/(publish|unpublish|delete)$", r"\1/*", plain)
    return re.sub(r"/reports/.*", "/reports/*", plain)


@pytest.mark.parametrize("scope", access.SCOPES)
def test_a_token_does_only_what_its_scopes_say(program, courses, scope):
    robot, number = program("admin", [scope]), courses["own"]["number"]
    asked = {
        "read": robot.get("/live").status_code,
        "timetable": robot.post(f"/occurrences/{number}/extend", {"minutes": 5}).status_code,
        "attendance": robot.post(f"/occurrences/{number}/corrections", BODIES["corrections"]).status_code,
        "join": robot.post(f"/occurrences/{number}/join", BODIES["join"]).status_code,
    }
    assert {name for name, status in asked.items() if status != 403} == {scope} & set(asked)


def test_lists_leave_out_what_is_not_theirs(visit, program, courses):
    teacher, robot = visit("teacher"), program("teacher")
    for path in ("/timetable", "/courses", "/sittings", "/people", "/recordings", "/"):
        text = teacher.get(path).text
        assert "foreign" not in text, path
    assert [each["code"] for each in robot.get("/courses").json()] == ["own"]
    assert {each["course"] for each in robot.get("/occurrences").json()} == {"own"}
