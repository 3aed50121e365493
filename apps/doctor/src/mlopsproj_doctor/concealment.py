"""Keeps secrets of the environment out of whatever is shown.

Passwords and tokens come back in the messages of libraries in many a form, so that every text is
passed through here at last. Knows nothing of who wrote it.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from mlopsproj_doctor.variables import KNOWN, PREFIX, Kind

HIDDEN: Final = "***"

_SHORTEST: Final = 4
"""A shorter secret is part of half of all words; it is hidden where its URL is shown only."""

_URLS: Final = {Kind.URL, Kind.DATABASE, Kind.WEBHOOK}

_SECRET_NAME: Final = re.compile("key|password|secret|token|credential|signature", re.IGNORECASE)


_SCHEME: Final = re.compile(
    r"\b(?:file|gc?s|github|https?|memory|postgres(?:ql)?|s3|sqlite)(?:\+[a-z]+)?(?=:/)"
)


class Secrets:
    """What must not be shown, and by what it is replaced."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Find the secrets among the variables of this project, misspelt ones included."""
        replaced: dict[str, str] = {}
        for name, value in environment.items():
            if value and name.upper().startswith(PREFIX):
                kind = KNOWN.get(name.upper())
                replaced |= dict.fromkeys(_secrets_of(name, value, kind), HIDDEN)
                if kind in _URLS:
                    replaced[value] = shown(value, kind)
        self._replaced = sorted(replaced.items(), key=lambda pair: -len(pair[0]))

    def hide(self, text: str) -> str:
        """A text without them."""
        for secret, instead in self._replaced:
            text = _replaced(text, secret, instead)
        return text


def _replaced(text: str, secret: str, instead: str) -> str:
    """A text without a secret; the scheme of a URL is none, though a password be called so."""
    if secret not in text:
        return text
    schemes = [match.span() for match in _SCHEME.finditer(text)]

    def part(match: re.Match[str]) -> str:
        begin, end = match.span()
        return match[0] if any(b <= begin and end <= e for b, e in schemes) else instead

    return re.sub(re.escape(secret), part, text)


def shown(value: str, kind: Kind) -> str:
    """A value as it may be shown."""
    match kind:
        case Kind.PLAIN:
            return value
        case Kind.KEYS:
            return HIDDEN
        case Kind.WEBHOOK:
            return _server(value)
        case Kind.DATABASE if "://" not in value:
            return HIDDEN
        case Kind.URL | Kind.DATABASE:
            return _without_user(value)


def _without_user(url: str) -> str:
    scheme, slashes, rest = url.partition("://") if "://" in url else ("", "", url)
    head, question, query = rest.partition("?")
    if "@" in query:  # of a password with a question mark, or of the query: nobody can tell
        return f"{scheme}{slashes}{HIDDEN}"
    _, at, place = head.rpartition("@")
    shown_user = f"{HIDDEN}@" if at else ""
    shown_query = f"?{HIDDEN}" if question else ""
    return f"{scheme}{slashes}{shown_user}{place}{shown_query}"


def _server(url: str) -> str:
    scheme, slashes, rest = url.partition("://")
    if not slashes:
        return url if re.fullmatch("log:?", url) else HIDDEN
    if scheme == "github":
        return _without_user(url)
    server = re.split("[/?#]", _without_user(f"x://{rest}").removeprefix("x://"), maxsplit=1)[0]
    return f"{scheme}://{server}/{HIDDEN}" if f"{scheme}://{server}" != url else url


def _secrets_of(name: str, value: str, kind: Kind | None) -> Iterator[str]:
    """In every form in which a library may repeat them."""
    for secret in _plain_secrets(name, value, kind):
        forms = (secret, unquote(secret), unquote_plus(secret))
        escaped = (
            each for form in forms for each in (quote(form), quote(form, ""), quote_plus(form))
        )
        for form in {*forms, *escaped}:
            yield from (f for f in (form, repr(form)[1:-1]) if len(f) >= _SHORTEST)


def _plain_secrets(name: str, value: str, kind: Kind | None) -> Iterator[str]:
    if kind is Kind.PLAIN:
        return
    if kind is Kind.KEYS or (kind is None and _SECRET_NAME.search(name)):
        for entry in (value, *value.split(",")):
            yield entry
            yield entry.partition(":")[2].strip()
        return
    begin = value.find("://") + len("://") if "://" in value else 0
    if kind is Kind.DATABASE and not begin:
        yield value
    for at in re.finditer("@", value):  # any may be the one that ends the password
        user, colon, password = value[begin : at.start()].partition(":")
        yield password
        if colon or kind is not Kind.DATABASE:
            yield user + colon + password
    for key in re.finditer("[?&][^?&=]*=", value):  # whatever it is called
        yield value[key.end() :]
        yield value[key.end() :].partition("&")[0]
    if kind is Kind.WEBHOOK and not value.startswith("github:"):
        yield (value.partition("://")[2] or value).partition("/")[2]
