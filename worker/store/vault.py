"""Secrets at rest: Fernet, with the key from ``MEETINGZ_SECRET_KEY`` or a file of our own, mode 0600.

Several keys, comma separated, rotate: the first encrypts, all decrypt.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
import time
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from worker.errors import SettingsError

_SHORTEST = 16


class Vault:
    """Encrypts and decrypts; never shows its key."""

    def __init__(self, keys: str) -> None:
        listed = [key.strip() for key in keys.split(",") if key.strip()]
        if not listed:
            raise SettingsError("MEETINGZ_SECRET_KEY: there is no key in it")
        fernets = [_fernet(key) for key in listed]
        self._first, self._fernet = fernets[0], MultiFernet(fernets)
        self._oldest = listed[-1].encode()

    def lock(self, text: str) -> bytes:
        """Ciphertext of a secret, to be stored."""
        return self._fernet.encrypt(text.encode())

    def open(self, token: bytes) -> str:
        """The secret again. Raises SettingsError where the key is not the one that locked it."""
        try:
            return self._fernet.decrypt(token).decode()
        except InvalidToken:
            raise _unreadable() from None

    def relock(self, token: bytes) -> bytes | None:
        """The same secret, encrypted with the first key; None where it is already. Raises SettingsError."""
        try:
            self._first.decrypt(token)
        except InvalidToken:
            try:
                return self._fernet.rotate(token)
            except InvalidToken:
                raise _unreadable() from None
        return None

    def digest(self, text: str) -> str:
        """A keyed digest, in hexadecimal: the same for one text for as long as the oldest key is kept in the list."""
        return hmac.new(self._oldest, text.encode(), hashlib.sha256).hexdigest()

    def lock_pair(self, attendee: str, moderator: str) -> bytes:
        """Both passwords of a meeting."""
        return self.lock(json.dumps([attendee, moderator]))

    def open_pair(self, token: bytes) -> tuple[str, str]:
        attendee, moderator = json.loads(self.open(token))
        return attendee, moderator


def _unreadable() -> SettingsError:
    return SettingsError(
        "a stored secret cannot be read with this MEETINGZ_SECRET_KEY: bring back the key it was written with"
    )


def new_passwords() -> tuple[str, str]:
    """Attendee's and moderator's: random, and distinct, for equal ones make everybody a moderator (E68)."""
    return secrets.token_urlsafe(12), "m" + secrets.token_urlsafe(12)


def _fernet(key: str) -> Fernet:
    try:
        return Fernet(key)
    except ValueError:
        if len(key) < _SHORTEST:
            raise SettingsError(f"MEETINGZ_SECRET_KEY: too short; give at least {_SHORTEST} characters") from None
        # A passphrase instead of a key. It should be long and random; the hash only brings it to the right shape.
        return Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest()))


def key_in(folder: Path) -> str:
    """The key of the embedded installation: read, or made at first use. Two processes at once agree on one."""
    path = folder / "secret.key"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _make(path)
        return _read(path)
    except OSError as error:
        raise SettingsError(
            f"{path}: {error.strerror}; let the user that runs this read and write there, or set MEETINGZ_DATA_DIR"
        ) from None


def _make(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError:
        if path.exists():  # made before, or by another process just now; a folder that cannot be written may hold it
            return
        raise
    with os.fdopen(descriptor, "w") as file:
        file.write(Fernet.generate_key().decode())


def _read(path: Path) -> str:
    for _ in range(100):  # another process may be between creating the file and filling it
        if text := path.read_text(encoding="ascii").strip():
            return text
        time.sleep(0.01)
    raise SettingsError(f"{path} is empty: put the key back, or remove the file if no secret was stored yet")
