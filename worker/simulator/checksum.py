"""Checksums, verified over the raw bytes of the query; written apart from the client's own signing."""

import hashlib
import hmac
from urllib.parse import quote_plus

from worker.simulator.profiles import Profile
from worker.simulator.wire import Request

_BY_LENGTH = {40: "sha1", 64: "sha256", 96: "sha384", 128: "sha512"}


def is_signed(request: Request, secret: str, profile: Profile) -> bool:
    """Whether the request carries the right checksum; a missing one is wrong, unless the secret is empty."""
    if not secret:
        return True
    given = request.params.get("checksum", "")
    algorithm = _BY_LENGTH.get(len(given), "")
    if algorithm not in profile.algorithms:
        return False
    text = request.call + signed_text(request, profile, given) + secret
    right = hashlib.new(algorithm, text.encode("utf-8", "surrogateescape")).hexdigest()
    given = given.lower() if profile.checksum_any_case else given
    return hmac.compare_digest(given.encode(), right.encode())


def signed_text(request: Request, profile: Profile, given: str) -> str:
    """What the caller must have hashed: the query as it was sent, less its checksum."""
    if request.method == "POST" and profile.post_signs == "sorted body" and not request.raw_query:
        return _sorted_body(request)
    query = request.raw_query
    for piece in (f"&checksum={given}", f"checksum={given}&", f"checksum={given}"):
        query = query.replace(piece, "")
    return query


def _sorted_body(request: Request) -> str:
    pairs = sorted((key, value) for key, value in request.body_params if key != "checksum")
    return "&".join(f"{key}={_java_encoded(value)}" for key, value in pairs)


def _java_encoded(value: str) -> str:
    # Java leaves * alone and encodes ~; Python does the opposite on both.
    return quote_plus(value, safe="*").replace("~", "%7E")
