import hashlib
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.bbb import ALGORITHMS, Endpoint, UnsafeRequest, checksum, query_string
from worker.bbb.signing import ILLEGAL, MAX_URL

SECRET = "639259d4-9dd8-4b25-bf01-95f9567eaf4b"
JOIN = (
    "fullName=%D8%B9%D9%84%DB%8C+%D8%B1%D8%B6%D8%A7%DB%8C%DB%8C&meetingID=%DA%A9%D9%84%D8%A7%D8%B3-%DB%B1&password=mp"
)

GOLDEN = [
    (
        "create",
        "name=Test+Meeting&meetingID=abc123&attendeePW=111222&moderatorPW=333444",
        "1fcbb0c4fc1f039f73aa6d697d2db9ba7f803f17",
    ),
    ("getMeetings", "", "2027baa7771026e9e93392f55031535d1444c41f"),
    ("join", JOIN, "68415a0d97c03382494608bf778119487ea8f856"),
    ("join", JOIN.replace("+", "%20"), "60af7e7dbdd61576784e446a2316b76395af03fe"),
    ("create", "name=A~B%2AC+%F0%9F%99%82&meetingID=m1", "d0c6c3aac1cee682427ba635825a357e0fa1912b"),
]


@pytest.mark.parametrize(("call", "query", "expected"), GOLDEN)
def test_e1_the_golden_vectors_reproduce(call, query, expected):
    assert checksum(call, query, SECRET) == expected


def test_e1_sha256():
    expected = "2a65ee28f2b811d6225cdf3908d4d8512365e62a4eec5e32862927fac8cba087"
    assert checksum("join", JOIN, SECRET, "sha256") == expected


@pytest.mark.parametrize(
    ("pairs", "query"),
    [
        ([("fullName", "علی رضایی"), ("meetingID", "کلاس-۱"), ("password", "mp")], JOIN),
        ([("name", "A~B*C 🙂"), ("meetingID", "m1")], "name=A~B%2AC+%F0%9F%99%82&meetingID=m1"),
        ({"a": "", "b": "1"}, "a=&b=1"),
    ],
)
def test_e1_the_query_is_encoded_as_in_the_golden_vectors(pairs, query):
    assert query_string(pairs) == query


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_checksum_comes_last_and_signs_what_stands_before_it(algorithm):
    url = Endpoint("https://host/bigbluebutton", SECRET, algorithm).url("create", {"name": "جبر", "meetingID": "m1"})
    query, _, signature = url.partition("?")[2].rpartition("&checksum=")
    assert signature == hashlib.new(algorithm, f"create{query}{SECRET}".encode()).hexdigest()


def test_a_call_without_parameters_has_only_the_checksum():
    assert Endpoint("https://h", SECRET).url("getMeetings") == f"https://h/api/getMeetings?checksum={GOLDEN[1][2]}"


@pytest.mark.parametrize(
    ("given_url", "base"),
    [
        ("https://api.meetingz.ir/key", "https://api.meetingz.ir/key/"),
        ("https://api.meetingz.ir/key/", "https://api.meetingz.ir/key/"),
        ("https://api.meetingz.ir/key/api", "https://api.meetingz.ir/key/"),
        (" https://api.meetingz.ir/key/api/ \n", "https://api.meetingz.ir/key/"),
        ("https://host/bigbluebutton/api/", "https://host/bigbluebutton/"),
        ("http://localhost:8090", "http://localhost:8090/"),
        ("https://host/my-api", "https://host/my-api/"),
        ("https://[::1]:80//", "https://[::1]:80/"),
    ],
)
def test_e91_the_base_address_is_normalised_and_its_path_kept(given_url, base):
    assert Endpoint(given_url, SECRET).base_url == base


@pytest.mark.parametrize(
    "url",
    [
        "",
        "host/bigbluebutton/",
        "ftp://host/",
        "https://",
        "https://u:p@host/",
        "https://h/a?x=1",
        "https://h/#f",
        "https://h:x/",
        "https://[",
        "https://h/کلاس/",
        "https://h/a b/",
    ],
)
def test_e91_an_unusable_base_address_is_refused_without_being_quoted(url):
    with pytest.raises(UnsafeRequest) as caught:
        Endpoint(url, SECRET)
    assert "u:p" not in str(caught.value)


@pytest.mark.parametrize(("secret", "algorithm"), [("", "sha1"), ("  ", "sha1"), (SECRET, "md5")])
def test_an_empty_secret_and_an_unknown_algorithm_are_refused(secret, algorithm):
    with pytest.raises(UnsafeRequest):
        Endpoint("https://h", secret, algorithm)


def test_a_secret_read_from_a_file_may_end_in_a_newline():
    assert Endpoint("https://h", SECRET + "\n") == Endpoint("https://h/api", SECRET)


def test_e9_a_too_long_address_is_refused_and_the_longest_parameter_named():
    endpoint = Endpoint("https://h", SECRET)
    with pytest.raises(UnsafeRequest, match="welcome") as caught:
        endpoint.url("create", {"name": "x", "welcome": "خوش‌آمدید " * 200, "password": "p"})
    assert "%D8" not in str(caught.value)
    assert len(endpoint.url("create", {"welcome": "a" * (MAX_URL - 83)})) <= MAX_URL


@pytest.mark.parametrize("call", ["", "get meetings", "api/create", "create?x=1", "create/../end"])
def test_a_call_name_has_letters_only(call):
    with pytest.raises(UnsafeRequest):
        Endpoint("https://h", SECRET).url(call)


def test_the_checksum_cannot_be_given_as_a_parameter():
    with pytest.raises(UnsafeRequest):
        query_string({"checksum": "x"})


def test_e16_the_secret_is_not_shown():
    endpoint = Endpoint("https://h", SECRET)
    assert SECRET not in f"{endpoint} {endpoint!r}"


@given(st.lists(st.tuples(st.sampled_from(["name", "meta_a", "welcome"]), st.text())))
def test_e59_whatever_is_given_the_query_is_ascii_and_reads_back_without_what_xml_cannot_carry(pairs):
    query = query_string(pairs)
    assert query.isascii()
    assert parse_qsl(query, keep_blank_values=True) == [(name, ILLEGAL.sub("", value)) for name, value in pairs]
