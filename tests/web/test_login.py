"""Coming in: who may, who may not, and what a session is worth."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import requests

from tests.web.conftest import PASSWORD, Person
from worker.errors import SettingsError
from worker.store.tables import Event, SignInFailure, User
from worker.web import access, serving, session


def test_a_stranger_is_shown_the_way_in_and_comes_back_to_what_was_asked(visit):
    stranger = visit()
    answer = stranger.get("/sittings?state=live")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2Fsittings%3Fstate%3Dlive")
    answer = stranger.sign_in("admin", next="/sittings?state=live")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sittings?state=live")
    assert stranger.get("/sittings?state=live").status_code == 200


@pytest.mark.parametrize("next", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", "/a\nb"])
def test_nobody_is_led_to_another_site(visit, next):
    assert visit().sign_in("admin", next=next).headers["location"] == "/"


def test_a_wrong_name_is_told_like_a_wrong_password(visit):
    wrong_name, wrong_password = visit().sign_in("nobody"), visit().sign_in("admin", "wrong password")
    assert wrong_name.status_code == wrong_password.status_code == 401
    texts = [re.sub(r'value="[^"]*"', "", answer.text) for answer in (wrong_name, wrong_password)]
    assert texts[0] == texts[1]


def test_guessing_is_made_slow_and_the_right_password_waits_too(visit, clock):
    guesser = visit()
    for _ in range(5):
        assert guesser.sign_in("admin", "wrong password").status_code == 401
    answer = guesser.sign_in("admin")
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert guesser.sign_in("viewer").status_code == 303
    clock.advance(minutes=16)
    assert guesser.sign_in("admin").status_code == 303


def forwarded(url, name, address, password=PASSWORD):
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": address, "Host": "school.example"}
    data = {"name": name, "password": password, "next": "/"}
    headers["Origin"] = "https://school.example"
    return requests.post(f"{url}/login", data=data, headers=headers, allow_redirects=False, timeout=20)


def test_behind_a_proxy_guesses_are_counted_by_who_asks_the_proxy(site, users):
    for number in range(30):
        assert forwarded(site, f"nobody{number}", "203.0.113.66", "wrong password").status_code == 401
    assert forwarded(site, "admin", "203.0.113.66").status_code == 429
    answer = forwarded(site, "admin", "198.51.100.1")
    assert answer.status_code == 303
    assert "secure" in answer.headers["set-cookie"].lower()


def test_who_is_no_proxy_of_ours_is_not_believed(make_context, clock, users):
    context = make_context(web_proxies="192.0.2.0/24, 2001:db8::1")
    with serving.Beside(context, "127.0.0.1", 0, clock=clock) as site:
        for number in range(30):
            forwarded(site.url, f"nobody{number}", f"198.51.100.{number}", "wrong password")
        assert Person(site.url).sign_in("admin").status_code == 429


@pytest.mark.parametrize("given", ["*", "proxy.example", "10.0.0.0/99", "10.0.0.1/8"])
def test_what_is_no_address_of_a_proxy_is_refused(make_context, given):
    with pytest.raises(SettingsError, match=r"MEETINGZ_WEB_PROXIES: .*; write addresses or networks"):
        serving.Beside(make_context(web_proxies=given), "127.0.0.1", 0)


def test_only_two_passwords_are_looked_at_at_once(context, users, monkeypatch):
    class Hasher:
        looking, most = 0, 0

        def verify(self, *_):
            self.looking += 1
            self.most = max(self.most, self.looking)
            together.wait(timeout=0.2)
            self.looking -= 1

    together, hasher = threading.Event(), Hasher()
    monkeypatch.setattr(access, "_hasher", lambda: hasher)
    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(lambda _: access.verified(context, "admin", PASSWORD), range(6)))
    assert hasher.most == 2


def test_guesses_at_two_processes_are_counted_together(visit, context, clock):
    guesser = visit()
    with serving.Beside(context, "127.0.0.1", 0, clock=clock) as other:
        elsewhere = Person(other.url)
        for person in (guesser, elsewhere, guesser, elsewhere, guesser):
            assert person.sign_in("admin", "wrong password").status_code == 401
        assert [person.sign_in("admin").status_code for person in (guesser, elsewhere)] == [429, 429]


def test_many_guesses_at_once_are_many(visit):
    guessers = [visit() for _ in range(12)]
    with ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(lambda guesser: guesser.sign_in("admin", "wrong password").status_code, guessers))
    assert sorted(statuses) == [401] * 5 + [429] * 7


def test_a_school_behind_one_address_signs_in_as_often_as_it_likes(visit):
    assert {visit().sign_in("viewer").status_code for _ in range(35)} == {303}


def test_one_address_that_guesses_many_names_waits(visit, clock):
    guesser = visit()
    assert {guesser.sign_in(f"name-{number}", "wrong password").status_code for number in range(30)} == {401}
    assert guesser.sign_in("admin").status_code == 429


def test_failures_are_forgotten_and_name_nobody(visit, context, clock):
    visit().sign_in("my secret password", "wrong password")
    with context.database.read() as rows:
        (row,) = rows.query(SignInFailure)
    assert "secret" not in row.name
    clock.advance(minutes=16)
    visit().sign_in("admin")
    with context.database.read() as rows:
        assert rows.query(SignInFailure).count() == 0


def test_each_sign_in_is_a_session_of_its_own(visit):
    person = visit("admin")
    cookie, token = person.http.cookies[session.COOKIE], person.csrf()
    person.sign_in("admin")
    assert person.http.cookies[session.COOKIE] != cookie
    assert person.csrf() != token


def test_signing_out_ends_every_session_everywhere(visit):
    here, there = visit("admin"), visit("admin")
    assert here.post("/logout").status_code == 303
    assert [person.get("/").status_code for person in (here, there)] == [303, 303]


def test_a_session_ends_with_the_day(visit, clock):
    person = visit("admin")
    clock.advance(seconds=session.LIFE.total_seconds() + 1)
    assert person.get("/").status_code == 303


def test_a_disabled_user_is_out_at_once_with_their_tokens(context, clock, visit, program):
    person, robot = visit("admin"), program("admin")
    access.disable(context, "admin", clock())
    assert person.get("/").status_code == 303
    assert robot.get("/live").status_code == 401
    assert visit().sign_in("admin").status_code == 401


def test_nobody_who_is_shut_out_has_a_session_not_even_one_made_since(context, clock, visit):
    person = visit("viewer")
    access.disable(context, "viewer", clock())
    with context.database.read() as rows:
        made_since = session.sealed(context, rows.query(User).where(User.name == "viewer").one(), clock())
    person.http.cookies.set(session.COOKIE, made_since)
    assert person.get("/").status_code == 303


def test_whoever_is_let_in_again_signs_in_anew(context, clock, visit):
    person = visit("viewer")
    access.disable(context, "viewer", clock())
    access.enable(context, "viewer", clock())
    assert person.get("/").status_code == 303
    assert person.sign_in("viewer").status_code == 303


def test_a_session_from_the_future_opens_nothing(visit, clock):
    person = visit("viewer")
    clock.advance(minutes=-2)
    assert person.get("/").status_code == 303


def test_a_forged_or_foreign_cookie_opens_nothing(context, site):
    person = Person(site)
    for forged in ("", "x", "g" * 3000, context.vault.lock("[]").decode(), context.vault.lock('{"for":"x"}').decode()):
        person.http.cookies.set(session.COOKIE, forged)
        assert person.get("/").status_code == 303


def test_another_password_needs_the_present_one_and_ends_other_sessions(visit):
    here, there = visit("viewer"), visit("viewer")
    assert here.post("/password", {"old": "wrong", "new": "another password"}).status_code == 422
    assert here.post("/password", {"old": PASSWORD, "new": "short"}).status_code == 422
    assert here.post("/password", {"old": PASSWORD, "new": "another password"}).status_code == 303
    assert here.get("/").status_code == 200
    assert there.get("/").status_code == 303


def test_guessing_the_present_password_is_made_slow_too(visit, clock):
    person = visit("viewer")
    for _ in range(5):
        assert person.post("/password", {"old": "wrong", "new": "another password"}).status_code == 422
    assert person.post("/password", {"old": PASSWORD, "new": "another password"}).status_code == 422
    clock.advance(minutes=16)
    assert person.post("/password", {"old": PASSWORD, "new": "another password"}).status_code == 303


def test_a_cookie_stays_with_our_pages_and_behind_https_never_leaves_it(visit):
    plain = visit().sign_in("viewer").headers
    assert "samesite=lax" in plain["set-cookie"].lower()
    assert "secure" not in plain["set-cookie"].lower()
    person = visit()
    person.http.headers["X-Forwarded-Proto"] = "https"
    answer = person.sign_in("viewer").headers
    assert "; secure" in answer["set-cookie"].lower()
    assert answer["strict-transport-security"] == "max-age=31536000"


def test_a_form_needs_the_token_of_its_own_session(visit):
    one, other = visit("admin"), visit("viewer")
    for token in ("", "x", other.csrf()):
        assert one.post("/logout", {"csrf": token}, token=False).status_code == 403
    assert one.get("/").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": None}],
)
def test_a_form_from_another_site_is_refused(visit, headers):
    person = visit("admin")
    data = {"csrf": person.csrf()}
    assert person.post("/logout", data, token=False, headers=headers).status_code == 403
    assert person.get("/").status_code == 200


def test_passwords_are_kept_as_argon2_and_nothing_else(context, users):
    with context.database.read() as rows:
        assert {row.password_hash.split("$")[1] for row in rows.query(User)} == {"argon2id"}


def test_who_came_in_is_told(context, visit):
    visit("admin")
    with context.database.read() as rows:
        assert [event.actor for event in rows.query(Event).where(Event.kind == "signed_in")] == ["admin"]


def test_every_answer_wears_the_headers(visit):
    for answer in (visit().get("/login"), visit("admin").get("/"), visit().get("/nothing"), visit().get("/healthz")):
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "server" not in answer.headers
    assert "httponly" in visit().sign_in("admin").headers["set-cookie"].lower()


def test_a_token_ends_with_its_time_or_when_revoked(context, clock, program):
    robot = program("admin", ["read"])
    brief = access.issue(context, "admin", "brief", ["read"], clock(), days=1)
    assert robot.get("/live").status_code == 200
    assert access.revoke(context, "admin", "test", clock()) == 1
    assert robot.get("/live").status_code == 401
    robot.http.headers["Authorization"] = f"Bearer {brief}"
    assert robot.get("/live").status_code == 200
    clock.now += timedelta(days=1)
    assert robot.get("/live").status_code == 401
