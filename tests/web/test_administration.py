"""What an administrator does without a terminal: users, servers, rosters. The same operations as the commands."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from lxml import html

from tests.conftest import SECRET
from tests.operations.stage import Stage
from tests.web.conftest import PASSWORD
from worker.store.tables import Event, Participant, Server, User
from worker.web import access

ROSTER = "course,user_id,full_name,role\nalg,u-1,Zahra,viewer\n"
NEW = {"name": "sara", "role": "teacher", "teacher_id": "t-9", "password": "a long password"}
SERVER = {
    "name": "north",
    "url": "https://api.example.org/key/api",
    "secret": SECRET,
    "checksum": "sha256",
    "capacity": "۴۰",
    "weight": "2.5",
}


@pytest.fixture
def stage(context, clock):
    return Stage(context, clock)


def told(stage, kind):
    return [event.actor for event in stage.rows(Event) if event.kind == kind]


def test_a_user_is_added_and_comes_in(visit, stage):
    answer = visit("admin").post("/users", NEW)
    assert (answer.status_code, answer.headers["location"]) == (303, "/users?done=user")
    assert visit().sign_in("sara", "a long password").status_code == 303
    (added,) = [row for row in stage.rows(User) if row.name == "sara"]
    assert (added.role, added.teacher_id) == ("teacher", "t-9")
    assert told(stage, "user_added")[-1] == "admin"


@pytest.mark.parametrize(
    ("wrong", "status", "said"),
    [
        ({"name": "admin", "role": "viewer", "teacher_id": ""}, 409, "there is a user"),
        ({"name": " "}, 422, "name: write"),
        ({"role": "boss"}, 422, "the role"),
        ({"teacher_id": ""}, 422, "a teacher needs a teacher id"),
        ({"password": "short"}, 422, "a password has 8 to 256 characters"),
    ],
)
def test_a_user_that_cannot_be_is_refused_in_one_line(visit, stage, wrong, status, said):
    answer = visit("admin").post("/users", NEW | wrong)
    assert answer.status_code == status
    assert said in answer.text
    assert len(stage.rows(User)) == 3


def test_of_two_equal_users_added_at_once_one_is(visit, stage, monkeypatch):
    together, hashed = threading.Barrier(2), access.hashed

    def at_once(password):
        together.wait(10)
        return hashed(password)

    monkeypatch.setattr(access, "hashed", at_once)
    people = [visit("admin"), visit("admin")]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda person: person.post("/users", NEW), people))
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    assert [row.name for row in stage.rows(User)].count("sara") == 1


def test_a_user_is_shut_out_let_in_and_given_another_password(visit):
    admin, viewer = visit("admin"), visit("viewer")
    assert admin.post("/users/disable", {"user": "viewer"}).status_code == 303
    assert viewer.get("/").status_code == 303
    assert "shut out" in admin.get("/users").text
    assert admin.post("/users/enable", {"user": "viewer"}).status_code == 303
    assert admin.post("/users/password", {"user": "viewer", "password": "another password"}).status_code == 303
    assert visit().sign_in("viewer", PASSWORD).status_code == 401
    assert visit().sign_in("viewer", "another password").status_code == 303
    assert admin.post("/users/enable", {"user": "nobody"}).status_code == 404


@pytest.mark.parametrize("name", ["sara\u202a", "sa\tra", "sa\r\nra", "100%41 & <b>"])
def test_a_user_whose_name_is_not_shown_as_it_is_can_be_shut_out(visit, stage, context, clock, name):
    access.add(context, name, PASSWORD, "viewer", clock())
    admin = visit("admin")
    forms = html.document_fromstring(admin.get("/users").content).xpath("//form[@action='/users/disable']")
    (sent,) = [fields for fields in map(hidden, forms) if fields["user"].startswith(name[:2])]
    assert admin.post("/users/disable", sent).status_code == 303
    assert [row.name for row in stage.rows(User) if row.disabled_at] == [name]


def hidden(form):
    return {each.get("name"): each.get("value") for each in form.xpath(".//input[@type='hidden'][@name!='csrf']")}


def test_nobody_shuts_themselves_out(visit):
    admin = visit("admin")
    assert admin.post("/users/disable", {"user": "admin"}).status_code == 409
    assert admin.get("/users").status_code == 200


def test_no_page_shows_what_a_password_is_kept_as(visit):
    assert "argon2" not in visit("admin").get("/users").text


def test_a_server_is_added_and_its_secret_is_never_shown(visit, stage, context):
    admin = visit("admin")
    assert admin.post("/servers", SERVER).status_code == 303
    (row,) = stage.rows(Server)
    assert (row.name, row.api_url, row.checksum) == ("north", "https://api.example.org/key/", "sha256")
    assert (row.capacity, row.weight, context.vault.open(row.secret)) == (40, 2.5, SECRET)
    assert SECRET not in admin.get("/servers").text
    assert told(stage, "server_added") == ["admin"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"url": "ftp://x"}, "must begin with https:// or http://"),
        ({"secret": ""}, "the secret is empty"),
        ({"checksum": "md5"}, "must be one of sha1"),
        ({"capacity": "many"}, "capacity: &#39;many&#39; is not a whole number"),
        ({"capacity": "-5"}, "the capacity -5 is not possible"),
        ({"weight": "heavy"}, "weight: &#39;heavy&#39; is not a number"),
        ({"weight": "0"}, "the weight 0 is not possible"),
    ],
)
def test_a_server_that_cannot_be_is_refused_in_one_line(visit, stage, wrong, said):
    answer = visit("admin").post("/servers", SERVER | wrong)
    assert answer.status_code == 422
    assert said in answer.text
    assert SECRET not in answer.text
    assert stage.rows(Server) == []


def test_of_a_server_only_what_is_written_is_changed(visit, stage, context):
    admin = visit("admin")
    admin.post("/servers", SERVER)
    answer = admin.post(
        "/servers/north/change", {"url": "", "secret": "", "checksum": "", "capacity": "0", "weight": ""}
    )
    assert answer.status_code == 303
    (row,) = stage.rows(Server)
    assert (row.api_url, row.weight, row.capacity) == ("https://api.example.org/key/", 2.5, None)
    assert context.vault.open(row.secret) == SECRET
    assert admin.post("/servers/north/change", {"secret": "another"}).status_code == 303
    assert context.vault.open(stage.rows(Server)[0].secret) == "another"


def brought(person, text, **fields):
    files = {"file": ("my roster.csv", text.encode())}
    return person.post("/import/roster", fields, files=files)


def test_a_roster_is_brought_in(visit, stage, make_course):
    make_course()
    answer = brought(visit("admin"), ROSTER)
    assert (answer.status_code, answer.headers["location"]) == (303, "/people?done=roster")
    assert [(row.user_id, row.full_name) for row in stage.rows(Participant)] == [("u-1", "Zahra")]
    assert told(stage, "roster") == ["admin"]
    assert list((stage.context.settings.data_dir / "uploads").iterdir()) == []


def test_a_roster_that_names_no_course_is_of_the_one_that_is_said(visit, stage, make_course):
    make_course()
    assert brought(visit("admin"), "user_id,full_name,role\nu-1,Zahra,viewer\n", course="ALG").status_code == 303
    assert len(stage.rows(Participant)) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ROSTER + "nope,u-1,Zahra,viewer\n", "my roster.csv, row 3, column course: there is no course"),
        (ROSTER + "alg,u-2,Zahra,boss\n", "my roster.csv, row 3, column role"),
        ("", "my roster.csv: is empty"),
    ],
)
def test_a_roster_with_a_fault_is_refused_whole_in_one_line(visit, stage, make_course, text, said):
    make_course()
    answer = brought(visit("admin"), text)
    assert answer.status_code == 422
    assert said in answer.text
    assert stage.rows(Participant) == []
    assert list((stage.context.settings.data_dir / "uploads").iterdir()) == []


def test_no_file_is_said(visit):
    answer = visit("admin").post("/import/roster", {"course": "alg"})
    assert answer.status_code == 422
    assert "Choose a file." in answer.text


def test_a_weight_may_be_written_with_the_persian_point(visit, stage):
    assert visit("admin").post("/servers", SERVER | {"weight": "۲٫۵"}).status_code == 303
    assert [row.weight for row in stage.rows(Server)] == [2.5]


def offered(answer):
    """The form that a refusal offers: where it goes, and what stands in it."""
    (form,) = html.document_fromstring(answer.content).xpath("//main//form")
    return form.get("action"), {each.get("name"): each.get("value") for each in form.iter("input")}


def test_what_was_written_stands_in_the_form_that_a_refusal_offers_and_is_sent_again(visit, stage):
    admin = visit("admin")
    answer = admin.post("/servers", SERVER | {"weight": "heavy", "name": '"><script>'})
    assert answer.status_code == 422
    assert SECRET not in answer.text
    where, fields = offered(answer)
    assert (where, fields["name"], fields["weight"]) == ("/servers", '"><script>', "heavy")
    assert fields["url"] == SERVER["url"]
    assert fields["secret"] is None
    again = {name: text for name, text in fields.items() if text is not None}
    answer = admin.post(where, again | {"weight": "2.5", "name": "north", "secret": SECRET})
    assert answer.status_code == 303
    (server,) = stage.rows(Server)
    assert (server.name, server.capacity, server.weight) == ("north", 40, 2.5)


def test_a_refused_password_is_asked_for_again_and_not_shown(visit):
    answer = visit("admin").post("/users", NEW | {"password": "short77"})
    assert "short77" not in answer.text
    assert offered(answer)[1] | {"csrf": ""} == {name: NEW[name] for name in NEW if name != "password"} | {
        "password": None,
        "csrf": "",
    }


def test_whom_a_form_was_about_is_not_for_mending(visit):
    answer = visit("admin").post("/users/password", {"user": "viewer", "password": "short77"})
    (form,) = html.document_fromstring(answer.content).xpath("//main//form")
    assert [
        (each.get("name"), each.get("value")) for each in form.xpath(".//input[@type='hidden'][@name!='csrf']")
    ] == [("user", "viewer")]
    assert [each.get("name") for each in form.xpath(".//label/input")] == ["password"]


def test_nothing_is_offered_where_nothing_was_written(visit):
    answer = visit("admin").post("/users/disable", {"user": "admin"})
    assert answer.status_code == 409
    assert not html.document_fromstring(answer.content).xpath("//main//form")
