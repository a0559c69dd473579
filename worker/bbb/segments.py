"""Cut a `getMeetings` answer into its meetings without parsing them, so that an unchanged one is never parsed twice."""

from lxml import etree

from worker.bbb.envelope import answer
from worker.bbb.errors import Garbled
from worker.bbb.meetings import listed

_OPEN, _CLOSE = b"<meeting>", b"</meeting>"


def split_meetings(body: bytes) -> list[bytes]:
    """The `<meeting>` elements of a `getMeetings` answer, byte for byte as sent, in the server's order.

    What stands around them is parsed and checked: a refusal, a web page or a cut answer raises as in `parse_meetings`,
    so an empty list means that the server said so. Each segment is for `parse_meeting`; one that cannot be parsed alone
    raises `Garbled` there and nothing is known of that meeting, while the others stand. Where plain cutting would be
    wrong (CDATA, comments, attributes on the element) the whole answer is parsed and written out again, element by
    element: slower, the same result.
    """
    if b"<!" in body or any(b"<meeting" + end in body for end in (b" ", b"/", b"\n", b"\t", b"\r")):
        return [_written(meeting) for meeting in listed(answer(body))]
    segments, rest = _cut(body)
    listed(answer(rest))
    return segments


def _written(meeting: etree._Element) -> bytes:
    return etree.tostring(meeting, encoding="utf-8", with_tail=False)


def _cut(body: bytes) -> tuple[list[bytes], bytes]:
    """The segments, and the answer without them."""
    segments, rest, position = [], [], 0
    while (start := body.find(_OPEN, position)) >= 0:
        end = _end(body, start)
        rest.append(body[position:start])
        segments.append(body[start:end])
        position = end
    rest.append(body[position:])
    return segments, b"".join(rest)


def _end(body: bytes, start: int) -> int:
    """Where the element that opens at `start` ends. A label may itself be called `meeting`: count them."""
    end, depth, position = start, 1, start + len(_OPEN)
    while depth:
        end = body.find(_CLOSE, position)
        if end < 0:
            raise Garbled(f"XML that is cut off, {len(body)} bytes")
        depth += body.count(_OPEN, position, end) - 1
        position = end + len(_CLOSE)
    return position
