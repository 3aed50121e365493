"""A multipart/form-data body (RFC 7578) as its parts: sliced at its boundaries, in one pass.

The body is complete when it comes here, so that two searches a part do what a parser of streams
does byte by byte. Strict: what breaks the grammar is refused, never repaired.
Knows nothing of images.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote

from mlopsproj_serving.http.problem_kinds import MALFORMED, TOO_MANY_IMAGES
from mlopsproj_serving.http.problems import ProblemError

MAX_HEADER_BYTES = 8 * 1024
"""Of one part."""
MAX_FILENAME = 255
"""Characters of a file's name that are kept: it is only ever shown."""

_BLANK_LINES = 4
_FALSE_BOUNDARIES = 256
"""Of one part; those who make bodies choose a boundary that the content does not hold."""

_BOUNDARY = re.compile(r';\s*boundary=(?:"([^"]*)"|([^\s;"]*))', re.IGNORECASE)
# RFC 2046, section 5.1.1.
_USABLE_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]", re.ASCII)
_HEADER = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\r\n\x00]*)")
_PARAMETER = re.compile(rb';[ \t]*([^\s=;"]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))')
_PADDING = re.compile(rb"[ \t]*\r\n")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a body.

    Attributes:
        name: of the form's field.
        filename: that the client gave; None if it gave none, as for a field that is no file.
        content_type: that the client gave, in lower case; None if it gave none.
        content: of the part.
    """

    name: str
    filename: str | None
    content_type: str | None
    content: bytes


def boundary_of(content_type: str) -> bytes:
    """The boundary that the value of a Content-Type header names.

    Raises:
        ProblemError: if it names none, or one that RFC 2046 does not allow.
    """
    match = _BOUNDARY.search(content_type)
    if match is None:
        raise ProblemError(
            MALFORMED,
            "The Content-Type multipart/form-data names no boundary: leave the header to your HTTP"
            " library, which knows it.",
        )
    boundary = match[1] if match[1] is not None else match[2]
    if _USABLE_BOUNDARY.fullmatch(boundary) is None:
        raise ProblemError(
            MALFORMED,
            "The boundary of the multipart body is not usable: 1 to 70 letters, digits and"
            " '()+_,-./:=? are.",
        )
    return boundary.encode("ascii")


def parts_of(body: bytes, boundary: bytes, *, most: int) -> list[Part]:
    """Slice a body.

    Args:
        body: all of it.
        boundary: of its Content-Type.
        most: parts that it may have.

    Raises:
        ProblemError: if it breaks the grammar or has more parts.
    """
    delimiter = b"\r\n--" + boundary
    start = 0
    for _ in range(_BLANK_LINES):  # which RFC 2046 allows before the first boundary
        if body.startswith(b"\r\n", start):
            start += 2
    if not body.startswith(delimiter[2:], start):
        raise _malformed("does not begin with the boundary that its Content-Type names")
    position = start + len(delimiter) - 2
    parts: list[Part] = []
    while not body.startswith(b"--", position):
        line = _PADDING.match(body, position)
        if line is None:
            raise _malformed("has a boundary that does not end its line")
        if len(parts) == most:
            raise ProblemError(
                TOO_MANY_IMAGES,
                f"The request has more files than the {most} that it may have: send them in several"
                " requests.",
            )
        begin = _headers_end(body, line.end())
        end = _next(body, delimiter, begin)
        parts.append(_part(body[line.end() : begin - 4], body[begin:end]))
        position = end + len(delimiter)
    return parts


def _headers_end(body: bytes, begin: int) -> int:
    """Where the content of a part begins, whose headers begin at `begin`."""
    end = body.find(b"\r\n\r\n", begin, begin + MAX_HEADER_BYTES)
    if end >= 0:
        return end + 4
    if len(body) - begin < MAX_HEADER_BYTES:
        raise _malformed("ends within the headers of a part: send all of it")
    raise _malformed(f"has a part with more than {MAX_HEADER_BYTES} bytes of headers")


def _next(body: bytes, delimiter: bytes, begin: int) -> int:
    """Where the next delimiter is; what only begins like it belongs to the content."""
    at = body.find(delimiter, begin)
    for _ in range(_FALSE_BOUNDARIES):
        after = at + len(delimiter)
        if at < 0 or body.startswith((b"\r\n", b"--", b" ", b"\t"), after):
            break
        at = body.find(delimiter, after)
    else:  # a hostile body, which would hold up the event loop
        raise _malformed("holds its boundary again and again: choose one that it does not hold")
    if at < 0:
        raise _malformed("ends before its last boundary: send all of it")
    return at


def _part(headers: bytes, content: bytes) -> Part:
    disposition = content_type = None
    for line in headers.split(b"\r\n"):
        match = _HEADER.fullmatch(line)
        if match is None:
            raise _malformed("has a part with a line that is no header")
        name = match[1].lower()
        if name == b"content-disposition":
            disposition = match[2]
        elif name == b"content-type":
            content_type = match[2].decode("latin-1").strip().lower()
    if disposition is None or not disposition[:9].lower() == b"form-data":
        raise _malformed("has a part without `Content-Disposition: form-data`")
    parameters = {
        match[1].lower(): match[3] if match[2] is None else match[2]
        for match in _PARAMETER.finditer(disposition, 9)
    }
    field = parameters.get(b"name")
    if field is None:
        raise _malformed("has a part without the name of its field")
    return Part(_text(field), _filename(parameters), content_type, content)


def _filename(parameters: dict[bytes, bytes]) -> str | None:
    """The name of a file: as browsers write it, or as RFC 5987 does, which some clients use."""
    plain = parameters.get(b"filename")
    if plain is not None:
        return _text(plain)
    extended = parameters.get(b"filename*")
    if extended is None:
        return None
    return unquote(extended.decode("latin-1").rpartition("'")[2], errors="replace")[:MAX_FILENAME]


def _text(value: bytes) -> str:
    """As the living standard of HTML writes names: UTF-8, with quotes and ends of lines escaped."""
    text = value.decode("utf-8", "replace")
    if "%" not in text and "\\" not in text:
        return text[:MAX_FILENAME]
    for escaped, plain in (("%22", '"'), ("%0D", "\r"), ("%0A", "\n"), ('\\"', '"')):
        text = text.replace(escaped, plain)
    return text[:MAX_FILENAME]


def _malformed(what: str) -> ProblemError:
    return ProblemError(MALFORMED, f"The multipart body {what}.")
