"""archive: files come home whole or not at all, whatever the server does, and nothing is fetched twice for nothing."""

import errno
import hashlib
import ipaddress
import os
import signal
import ssl
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.conftest import SECRET
from tests.operations.media import Act, Media, content, script
from worker.domain import reach
from worker.operations.installation import alarms, servers, watch
from worker.operations.recordings import archive, archive_rows
from worker.operations.recordings.part import Growth, Part
from worker.operations.recordings.storing import Store
from worker.store.tables import File, Meeting, Playback, Recording, Server

KB = 1024
#: A chunk of it may be under way when a process is killed.
UNDER_WAY = 64 * KB


@pytest.fixture
def media():
    made = Media()
    yield made
    made.stop()


@pytest.fixture
def context(make_context):
    return make_context(
        recording_first_seconds=10, download_limit_bytes=2**20, download_reserve_bytes=0, read_timeout_seconds=2
    )


@pytest.fixture
def server_id(context, clock, media):
    return servers.add(context, "media", f"{media.url}/bigbluebutton/", SECRET, clock())


@pytest.fixture
def add_file(context, clock, server_id):
    """A recording with one format at this address, and an order to fetch it. Answers its key."""

    def _(url, kind="video"):
        with context.database.write() as session:
            known = {"state": "published", "published": True, "found_at": clock(), "seen_at": clock(), "labels": {}}
            row = Recording(server_id=server_id, record_id=f"r{os.urandom(6).hex()}", name="", **known)
            session.add(row)
            session.flush()
            session.add(Playback(recording_id=row.id, format=kind, url=url))
            number = row.id
        (key,) = archive.order(context, [number], frozenset(), clock())
        return key

    return _


def row(context, key):
    with context.database.read() as session:
        return session.get_one(File, key)


def stored_bytes(file):
    return Path(urlsplit(file.url).path).read_bytes()


def fetched(context, clock, key, *, turns=60):
    """Turns until it is stored or given up, the clock going on."""
    for _ in range(turns):
        outcome = archive.one(context, key, clock)
        if outcome in ("stored", "failed", "no_file"):
            return outcome
        clock.advance(seconds=24 * 3600)
    raise AssertionError("it never came to an end")


def test_a_file_is_stored_with_its_length_and_digest(context, clock, media, add_file):
    key = add_file(media.add("a", 300 * KB))
    assert archive.one(context, key, clock) == "stored"
    file = row(context, key)
    data = content("a", 300 * KB)
    assert stored_bytes(file) == data
    assert (file.size_bytes, file.sha256, file.etag) == (len(data), hashlib.sha256(data).hexdigest(), '"a-1"')
    assert file.stored_at == clock()
    assert urlsplit(file.url).path.startswith(str(context.settings.data_dir / "recordings"))
    assert archive.one(context, key, clock) == "idle"


def test_a_cut_download_goes_on_where_it_was_cut(context, clock, media, add_file):
    key = add_file(media.add("a", 300 * KB, [Act("cut", 0.5), Act("cut", 0.5)]))
    assert archive.one(context, key, clock) == "later"
    assert fetched(context, clock, key) == "stored"
    assert [first for _, first, _ in media.asked] == [0, 150 * KB, 225 * KB, 300 * KB - 1]
    assert stored_bytes(row(context, key)) == content("a", 300 * KB)


def test_a_changed_file_is_begun_again_and_never_mixed(context, clock, media, add_file):
    key = add_file(media.add("a", 200 * KB, [Act("cut", 0.7), Act("change")]))
    assert fetched(context, clock, key) == "stored"
    assert stored_bytes(row(context, key)) == content("a", 200 * KB, 2)


def test_a_server_that_ignores_if_range_is_caught(context, clock, media, add_file):
    url = media.add("a", 200 * KB, [Act("cut", 0.7), Act("ignores_if_range")])
    key = add_file(url)
    assert archive.one(context, key, clock) == "later"
    media.versions["a"] = 2
    assert fetched(context, clock, key) == "stored"
    assert stored_bytes(row(context, key)) == content("a", 200 * KB, 2)


@pytest.mark.parametrize("act", ["longer", "shorter", "gzip_lie", "no_length", "chunked_cut", "wrong_range"])
def test_an_answer_that_contradicts_itself_is_not_believed(context, clock, media, add_file, act):
    key = add_file(media.add("a", 200 * KB, [Act(act, 0.5)]))
    assert fetched(context, clock, key) == "stored"
    assert stored_bytes(row(context, key)) == content("a", 200 * KB)


@pytest.mark.parametrize(
    ("act", "why"),
    [
        ("to_metadata", "playback_hosts"),
        ("to_file", "only http and https"),
        ("to_other_port", "playback_hosts"),
        ("endless", "download_limit_bytes"),
    ],
)
def test_what_leads_elsewhere_or_nowhere_is_refused_for_good(context, clock, media, add_file, act, why):
    key = add_file(media.add("a", 200 * KB, [Act(act)]))
    assert archive.one(context, key, clock) == "failed"
    file = row(context, key)
    assert file.state == "failed"
    assert why in file.error
    assert file.url is None


def test_a_redirect_within_the_server_is_followed(context, clock, media, add_file):
    media.add("again", 50 * KB)
    key = add_file(media.add("a", 1, [Act("to_itself")] * 2))
    assert archive.one(context, key, clock) == "stored"
    assert stored_bytes(row(context, key)) == content("again", 50 * KB)


def test_redirects_in_a_circle_end(context, clock, media, add_file):
    media.add("again", 10, [Act("to_itself")] * 9)
    key = add_file(f"{media.url}/files/again.mp4")
    assert archive.one(context, key, clock) == "failed"
    assert "redirects" in row(context, key).error


def test_a_page_is_no_file(context, clock, media, add_file):
    key = add_file(media.add("a", 10, [Act("page")]), "presentation")
    assert archive.one(context, key, clock) == "no_file"
    assert row(context, key).state == "no_file"


def test_a_turn_that_is_over_is_gone_on_with(context, clock, media, add_file):
    key = add_file(media.add("a", 300 * KB))
    assert archive.one(context, key, clock, until=clock()) == "more"
    had = Part(context.settings.data_dir / "recordings" / ".partial" / f"{key.recording_id}.video.part").size
    assert 0 < had <= UNDER_WAY
    assert archive.one(context, key, clock) == "stored"
    assert media.asked[1][1] == had


def test_a_full_disk_is_told_and_tried_again(make_context, clock, media, server_id, add_file, context):
    key = add_file(media.add("a", 10 * KB))
    full = make_context(download_reserve_bytes=2**60)
    for _ in range(20):
        assert archive.one(full, key, clock) == "later"
        clock.advance(minutes=1)
    assert "download_reserve_bytes" in row(context, key).error
    assert row(context, key).tries == 0
    watch.sweep(full, clock())
    with context.database.read() as session:
        (alarm,) = alarms.standing(session)
    assert (alarm.kind, alarm.detail[:13]) == ("archive_full", "1 files wait:")
    assert archive.one(context, key, clock) == "stored"
    watch.sweep(context, clock())
    with context.database.read() as session:
        assert alarms.standing(session) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_disk_that_is_full_in_the_middle_keeps_nothing_half(context, clock, media, add_file):
    """The system itself says so: what is written ends in /dev/full."""
    key = add_file(media.add("a", 10 * KB))
    parts = context.settings.data_dir / "recordings" / ".partial"
    parts.mkdir(parents=True)
    note = parts / f"{key.recording_id}.video.part.json.new"
    note.symlink_to("/dev/full")
    assert archive.one(context, key, clock) == "later"
    assert (row(context, key).tries, row(context, key).error) == (
        0,
        "no room in the archive: No space left on device",
    )
    assert [each.name for each in parts.iterdir() if each.suffix == ".part"] == []
    note.unlink()
    clock.advance(minutes=1)
    assert archive.one(context, key, clock) == "stored"
    assert stored_bytes(row(context, key)) == content("a", 10 * KB)


def test_a_store_that_is_full_when_a_file_is_brought_in_is_told_apart_from_one_that_fails(
    context, clock, media, add_file, monkeypatch
):
    key = add_file(media.add("a", 10 * KB))
    real = Store.put

    def put(store, part, name):
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(Store, "put", put)
    assert archive.one(context, key, clock) == "later"
    assert (row(context, key).tries, row(context, key).error) == (0, "no room in the archive: Disk quota exceeded")
    monkeypatch.setattr(Store, "put", real)
    assert archive.one(context, key, clock) == "idle"  # not at once: there is none yet
    clock.advance(minutes=1)
    assert archive.one(context, key, clock) == "stored"


def test_two_workers_never_fetch_the_same_file(context, clock, media, add_file):
    key = add_file(media.add("a", 10 * KB))
    with context.database.write() as session:
        file = session.get_one(File, key)
        file.state, file.due_at = "fetching", clock() + timedelta(minutes=1)
    assert archive.one(context, key, clock) == "idle"
    clock.advance(minutes=2)
    part = Part(context.settings.data_dir / "recordings" / ".partial" / f"{key.recording_id}.video.part")
    with part.held():
        assert archive.one(context, key, clock) == "idle"
    assert media.asked == []
    clock.advance(minutes=20)
    assert archive.one(context, key, clock) == "stored"


def test_a_crash_between_storing_and_saying_so_fetches_nothing_again(context, clock, media, add_file, monkeypatch):
    key = add_file(media.add("a", 100 * KB))
    with monkeypatch.context() as patch:
        patch.setattr(archive_rows, "stored", crash)
        with pytest.raises(KeyboardInterrupt):
            archive.one(context, key, clock)
    asked = len(media.asked)
    clock.advance(minutes=20)
    assert archive.one(context, key, clock) == "stored"
    assert len(media.asked) == asked
    assert stored_bytes(row(context, key)) == content("a", 100 * KB)


def crash(*_given):
    raise KeyboardInterrupt


def test_a_download_whose_worker_was_killed_goes_on_two_minutes_later(context, clock, media, add_file):
    key = add_file(media.add("a", 300 * KB))
    with pytest.raises(KeyboardInterrupt):
        archive.one(context, key, clock, until=clock() + timedelta(minutes=1), progress=crash)
    assert archive.one(context, key, clock) == "idle"
    clock.advance(minutes=2)
    assert archive.one(context, key, clock) == "stored"
    assert stored_bytes(row(context, key)) == content("a", 300 * KB)


def test_a_slow_download_stays_whose_it_is_and_so_does_a_slow_store(context, clock, media, add_file, monkeypatch):
    key = add_file(media.add("a", 900 * KB))
    seen, real = [], Store.put

    def slow(_had, _total):
        clock.advance(seconds=50)
        with context.database.read() as session:
            seen.append(archive.due(session, clock()))

    def put(store, part, name):
        clock.advance(minutes=9)
        slow(0, 0)
        return real(store, part, name)

    monkeypatch.setattr(Store, "put", put)
    assert archive.one(context, key, clock, until=clock() + timedelta(hours=1), progress=slow) == "stored"
    assert len(seen) > 10
    assert not any(seen)


def test_no_more_at_once_than_is_polite(context, clock, media, add_file):
    for number in range(5):
        add_file(media.add(f"f{number}", KB))
    assert archive.sweep(context, clock) == ["stored", "stored"]
    with context.database.write() as session:
        file = session.get_one(File, archive.due(session, clock())[0])
        file.state, file.due_at = "fetching", clock() + timedelta(minutes=5)
    assert archive.sweep(context, clock) == ["stored"]


def test_another_store_gets_the_file_whole(make_context, clock, media, server_id, add_file, context):
    key = add_file(media.add("a", 100 * KB))
    other = make_context(archive_url="memory://archive/deep", download_reserve_bytes=0)
    assert archive.one(other, key, clock) == "stored"
    file = row(context, key)
    assert file.url.startswith("memory://")
    from fsspec.implementations.memory import MemoryFileSystem

    assert MemoryFileSystem().cat_file(file.url.removeprefix("memory://")) == content("a", 100 * KB)


# Many at once, seeded ------------------------------------------------------------------------------------------------


@contextmanager
def counted(monkeypatch):
    """Bytes taken from the wire, by part."""
    taken = Counter()
    real = Growth.write

    def write(growth, data):
        taken[Path(f"/proc/self/fd/{growth.descriptor}").readlink().name] += len(data)
        real(growth, data)

    with monkeypatch.context() as patch:
        patch.setattr(Growth, "write", write)
        yield taken


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_two_hundred_hostile_downloads_accept_nothing_corrupt_and_fetch_nothing_twice(
    context, clock, media, add_file, monkeypatch
):
    seeds = range(200)
    honest = {}
    keys = {}
    for seed in seeds:
        acts = script(seed)
        honest[seed] = all(act.kind in ("cut", "reset", "drop", "http_503") for act in acts)
        keys[seed] = add_file(media.add(f"s{seed}", 1 + (seed * 7919) % (200 * KB), acts))
    with counted(monkeypatch) as taken:
        for seed in seeds:
            while fetched(context, clock, keys[seed]) == "failed":
                archive.order(context, [keys[seed].recording_id], frozenset(), clock())
    for seed in seeds:
        file = row(context, keys[seed])
        data = stored_bytes(file)
        assert hashlib.sha256(data).hexdigest() == file.sha256, seed
        assert file.sha256 in media.truths(f"s{seed}"), (seed, script(seed))
        if honest[seed]:
            assert taken[f"{keys[seed].recording_id}.video.part"] == len(data), (seed, script(seed))
    assert sum(honest.values()) > 50
    assert not any(each.suffix == ".part" for each in (context.settings.data_dir / "recordings").rglob("*"))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_killed_ten_times_and_resumed(context, database_url, clock, media, add_file, tmp_path):
    size = 6 * 2**20
    key = add_file(media.add("big", size))
    media.pace = 0.002
    environment = {
        "PATH": os.environ["PATH"],
        "MEETINGZ_DATABASE_URL": database_url,
        "MEETINGZ_DATA_DIR": str(tmp_path),
        "MEETINGZ_SECRET_KEY": "a key for tests only",
        "MEETINGZ_DOWNLOAD_RESERVE_BYTES": "0",
    }
    with context.database.read() as session:
        record_id = session.get_one(Recording, key.recording_id).record_id
    command = [sys.executable, "-m", "worker", "recordings", "download", record_id]
    part = tmp_path / "recordings" / ".partial" / f"{key.recording_id}.video.part"
    had = [0]
    for _ in range(10):
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
        wait_until(lambda: part.exists() and part.stat().st_size >= had[-1] + 200 * KB)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stderr.close()
        had.append(part.stat().st_size)
    media.pace = 0.0
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    file = row(context, key)
    assert stored_bytes(file) == content("big", size)
    starts = sorted(first for _, first, _ in media.asked)
    assert starts == [*had, size - 1], "each went on at the very byte the last had on the disk"


def wait_until(done, seconds=30):
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.005)


# Where one may go ----------------------------------------------------------------------------------------------------

OWN = reach.taken_apart("https://api.example.org/bigbluebutton/")


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://api.example.org/a",
        "https://user:word@api.example.org/a",
        "https://api.example.org:8080/a",
        "https://evil.example.org/a",
        "https://api.example.org.evil.org/a",
        "http://api.example.org:99999/a",
        "//api.example.org/a",
        "https://",
        "https://api.example.org/a b",
        "gopher://api.example.org",
    ],
)
def test_an_address_elsewhere_is_refused(url):
    with pytest.raises(reach.Forbidden):
        reach.Reach(OWN).check(url)


def test_own_and_named_hosts_are_allowed():
    allowed = reach.Reach(OWN, reach.hosts_in("media.example.org, cdn.example.org:8443"))
    for url in ("https://API.example.org/a?b=c", "http://media.example.org/x", "https://cdn.example.org:8443/y"):
        assert allowed.check(url).host == urlsplit(url).hostname
    with pytest.raises(reach.Forbidden):
        allowed.check("https://cdn.example.org/y")
    with pytest.raises(reach.Forbidden, match="https to http"):
        allowed.check("http://api.example.org/", after=OWN)


@pytest.mark.parametrize(
    ("address", "own", "permitted"),
    [
        ("93.184.216.34", [], True),
        ("2606:2800:220:1::1", [], True),
        ("10.0.0.7", ["93.184.216.34"], False),
        ("10.0.0.7", ["192.168.1.2"], True),
        ("127.0.0.1", ["10.0.0.1"], False),
        ("127.0.0.1", ["::1"], True),
        ("::ffff:127.0.0.1", ["10.0.0.1"], False),
        ("::ffff:169.254.169.254", ["10.0.0.1"], False),
        ("64:ff9b::a9fe:a9fe", ["10.0.0.1"], False),
        ("2002:7f00:1::", ["93.184.216.34"], False),
        ("169.254.169.254", ["10.0.0.1", "127.0.0.1"], False),
        ("169.254.169.254", ["169.254.1.1"], False),
        ("fe80::1", ["10.0.0.1"], False),
        ("fd00::1", ["93.184.216.34"], False),
        ("0.0.0.0", ["127.0.0.1"], False),
        ("224.0.0.1", ["10.0.0.1"], False),
        ("100.64.0.1", ["10.0.0.1"], False),
        ("100.64.0.1", ["100.64.0.1"], True),
    ],
)
def test_the_very_address_is_judged_when_the_connection_is_made(address, own, permitted):
    assert reach.is_permitted(address, own) is permitted


def test_a_name_that_changes_its_address_after_the_check_leads_nowhere(
    context, clock, media, add_file, server_id, monkeypatch
):
    """The host is the server's own, but its name leads to a private net, where the server itself does not live."""
    import socket

    real = socket.getaddrinfo
    answers = iter([["93.184.216.34"], ["10.0.0.1"]])

    def rebinding(host, *given, **named):
        if host != "api.example.org":
            return real(host, *given, **named)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 80)) for each in next(answers)]

    with context.database.write() as session:
        session.get_one(Server, server_id).api_url = "http://api.example.org/bigbluebutton/"
    key = add_file("http://api.example.org/video.mp4")
    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    assert archive.one(context, key, clock) == "failed"
    assert "private or local net" in row(context, key).error


def test_names_are_of_our_own_making(context, clock, media, add_file):
    key = add_file(media.add("a", 10), "../../etc/x")
    assert archive.one(context, key, clock) == "stored"
    path = Path(urlsplit(row(context, key).url).path)
    assert path.parent == context.settings.data_dir / "recordings" / "stray"
    assert path.name == f"undated.{key.recording_id}.etc_x.mp4"


# By policy -----------------------------------------------------------------------------------------------------------


def test_formats_that_a_course_does_not_want_never_crowd_out_those_that_it_does(
    context, clock, server_id, make_course, make_occurrence, monkeypatch
):
    make_course(download=True, recording_formats="video")
    number = make_occurrence()
    monkeypatch.setattr(archive, "_AT_ONCE", 1)
    with context.database.write() as session:
        run = {"state": "closed", "closed_at": clock(), "requested_at": clock(), "passwords": b"", "recorded": True}
        meeting = Meeting(occurrence_id=number, server_id=server_id, external_id="m", internal_id="r1", **run)
        session.add(meeting)
        session.flush()
        known = {"state": "published", "published": True, "found_at": clock(), "seen_at": clock(), "labels": {}}
        row = Recording(server_id=server_id, record_id="r1", name="", meeting_id=meeting.id, **known)
        session.add(row)
        session.flush()
        for kind in ("podcast", "presentation", "video"):
            session.add(Playback(recording_id=row.id, format=kind, url="http://x/"))
    assert archive.want(context, clock()) == 1
    assert archive.want(context, clock()) == 0
    with context.database.read() as session:
        assert [key.format for key in archive.due(session, clock())] == ["video"]


# By https ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path):
    """A certificate for 127.0.0.1 that nobody has signed but itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "media")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(datetime(2020, 1, 1)).not_valid_after(datetime(2090, 1, 1))  # noqa: DTZ001
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = made.add_extension(alternative, critical=False).sign(key, hashes.SHA256())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = tmp_path / "certificate.pem"
    path.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + key.private_bytes(*form))
    return path


@pytest.mark.parametrize("trusted", [True, False])
def test_by_https_only_from_whom_the_certificate_names(
    context, clock, certificate, add_file, server_id, monkeypatch, trusted
):
    secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    secure.load_cert_chain(certificate)
    media = Media(secure)
    try:
        with context.database.write() as session:
            session.get_one(Server, server_id).api_url = f"{media.url}/bigbluebutton/"
        key = add_file(media.add("a", 100 * KB))
        if trusted:
            monkeypatch.setattr(certifi, "where", lambda: str(certificate))
        assert archive.one(context, key, clock) == ("stored" if trusted else "later")
        if trusted:
            assert stored_bytes(row(context, key)) == content("a", 100 * KB)
        else:
            assert "certificate" in row(context, key).error
    finally:
        media.stop()
