"""Cut a `getMeetings` answer into its meetings without parsing them, so that an unchanged one is never parsed twice."""

from lxml import etree

from worker.bbb.envelope import answer
from worker.bbb.meetings import listed

_OPEN, _CLOSE = b"<meeting>", b"</meeting>"


def split_meetings(body: bytes) -> list[bytes]:
    """The `<meeting>` elements of a `getMeetings` answer, byte for byte as sent, in the server's order.

    What stands around them is parsed and checked: a refusal, a web page or a cut answer raises as in `parse_meetings`,
    so an empty list means that the server said so. Each segment is for `parse_meeting`; one that cannot be parsed alone
    raises `Garbled` there and nothing is known of that meeting, while the others stand. Where plain cutting would be
    wrong (CDATA, comments, attributes on the element, a label called `meeting`) the whole answer is parsed and written
    out again, element by element: slower, the same result.
    """
    parts = body.split(_CLOSE)
    start = parts[0].find(_OPEN)
    if len(parts) > 1 and start >= 0 and _is_plain(body, parts, start):
        segments = [parts[0][start:] + _CLOSE, *(part.lstrip() + _CLOSE for part in parts[1:-1])]
        listed(answer(parts[0][:start] + parts[-1]))
        return segments
    return [_written(meeting) for meeting in listed(answer(body))]


def _is_plain(body: bytes, parts: list[bytes], start: int) -> bool:
    """Whether every end of a meeting is followed by the next one, and nothing can hide an end."""
    if b"!" in body and b"<!" in body:
        return False
    follows = all(part.startswith(_OPEN) or part.lstrip().startswith(_OPEN) for part in parts[1:-1])
    return follows and _OPEN not in parts[-1] and parts[0].count(_OPEN) == 1


def _written(meeting: etree._Element) -> bytes:
    return etree.tostring(meeting, encoding="utf-8", with_tail=False)
