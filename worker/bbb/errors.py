"""What can go wrong between us and a server, named for what one can do about it.

* Error
  + Unreachable        no answer: connection, time limit, 5xx. Try again at the next tick
  + Garbled            an answer, but not BigBlueButton's: HTML, empty, cut off, a redirect. Look at the address
  + Refused            it understood and said no; see `.key`
    - NotFound         no such meeting or recording: the only error that means "gone"
    - ChecksumRefused  wrong secret or checksum algorithm
    - IdTaken          a live meeting has this id and other passwords
    - WrongPassword    the password is not the meeting's
    - Unsupported      this server does not offer the call
    - Busy             the server or its load balancer cannot now. Try again at the next tick
  + UnsafeRequest      we would send something wrong or too long: a bug or a setting of ours; nothing was sent

After `Unreachable` and `Garbled` the outcome is unknown: the server may have done what was asked (E13, E14). They never
mean that a meeting is gone. No error carries a secret, password, checksum or signed address, nor chains to one that
does (E16). Keys: protocol section 3.
"""

from typing import Final

from worker.bbb.redact import redact


class Error(Exception):
    """Anything this package raises."""


class Unreachable(Error):
    """No answer came, or the machinery before the server answered in its place. Outcome unknown."""


class Garbled(Error):
    """An answer came that is not one whole BigBlueButton answer. Outcome unknown."""


class UnsafeRequest(Error):
    """The request was not sent: it breaks a rule of the protocol or is too long; the text names the parameter."""


class Refused(Error):
    """The server said FAILED. `key` is its `messageKey`, "" if it gave none; `message` is for people only."""

    def __init__(self, key: str, message: str = "") -> None:
        self.key = _tidy(key)
        self.message = _tidy(message)
        super().__init__(f"{self.key or 'refused without a reason'}: {self.message}".rstrip(": "))

    def __reduce__(self) -> tuple[type["Refused"], tuple[str, str]]:
        return type(self), (self.key, self.message)


class NotFound(Refused):
    """The server knows no such meeting or recording."""


class ChecksumRefused(Refused):
    """Wrong secret, wrong algorithm, or an account the load balancer does not know. Repeating will not help."""


class IdTaken(Refused):
    """A live meeting has this id and other passwords (E19): read it back before calling it yours."""


class WrongPassword(Refused):
    """Not the password of the meeting. Some versions say this of a meeting that is gone (E40): ask `meeting_info`."""


class Unsupported(Refused):
    """The server does not offer this call (E90)."""


class Busy(Refused):
    """The server is there but cannot answer now. Outcome unknown; try again at the next tick."""


KINDS: Final[dict[str, type[Refused]]] = {
    "notFound": NotFound,
    "invalidMeetingIdentifier": NotFound,
    "meetingForciblyEnded": NotFound,
    "noRecordings": NotFound,
    "checksumError": ChecksumRefused,
    "idNotUnique": IdTaken,
    "invalidPassword": WrongPassword,
    "unsupportedRequest": Unsupported,
    "internalError": Busy,
    "serverUnavailable": Busy,
    "serverTagUnavailable": Busy,
}


def refusal(key: str, message: str = "") -> Refused:
    """The error for a `messageKey`; plain `Refused` for a key without a class of its own."""
    return KINDS.get(key.strip(), Refused)(key, message)


def _tidy(text: str) -> str:
    """One short line without credentials: a server may quote our own request back at us."""
    return redact(" ".join(text.split()))[:300]
