"""API keys: who presented which, without ever holding one.

The settings hold a name and the SHA-256 of each key; a key is 256 random bits, so that its hash
needs neither salt nor a slow function. Knows nothing of requests, nor of what a key allows.
"""

import hashlib
import hmac
import re
import secrets

from mlopsproj_core.errors import ConfigError

PREFIX = "mlopsproj_"
"""With which every key begins, so that a scanner of secrets finds those that leaked."""

_ENTRY = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,63}):([0-9a-fA-F]{64})", re.ASCII)


class KeyRing:
    """The keys that are known, by name; true if there is any."""

    def __init__(self, hashes: dict[str, str]) -> None:
        """Hold these keys.

        Args:
            hashes: SHA-256 in hexadecimal by name.
        """
        self._hashes = {name: bytes.fromhex(text) for name, text in hashes.items()}

    @classmethod
    def parse(cls, text: str) -> "KeyRing":
        """Read what a setting says.

        Args:
            text: `name:sha256` entries, between them commas, white space or both; a name is up to
                64 letters, digits, `.`, `_` and `-`.

        Raises:
            ConfigError: if an entry is none, or a name occurs twice. The message holds no entry,
                since somebody may have put a key there.
        """
        hashes: dict[str, str] = {}
        for number, entry in enumerate(text.replace(",", " ").split(), start=1):
            match = _ENTRY.fullmatch(entry)
            if match is None:
                raise ConfigError(
                    f"Entry {number} of the API keys is not NAME:SHA256, with 64 hexadecimal"
                    " digits: `api hash-key NAME` makes a key and prints its entry."
                )
            name, digest = match.groups()
            if name in hashes:
                raise ConfigError(
                    f'Two API keys are named "{name}" (the second is entry {number}): give each'
                    " its own name."
                )
            hashes[name] = digest
        return cls(hashes)

    def __bool__(self) -> bool:
        return bool(self._hashes)

    def who(self, presented: str | None) -> str | None:
        """Name of the key that was presented; None if it is not known, or none was.

        Takes the same time whichever key it is, and however much of it is right.
        """
        if presented is None:
            return None
        digest = hash_of(presented)
        found = None
        for name, known in self._hashes.items():
            if hmac.compare_digest(known, digest):
                found = name
        return found


def new_key() -> tuple[str, str]:
    """Make a key of 256 random bits.

    Returns:
        The key, to be given away and forgotten, and its SHA-256 in hexadecimal, to be kept.
    """
    key = PREFIX + secrets.token_urlsafe(32)
    return key, hash_of(key).hex()


def hash_of(key: str) -> bytes:
    """SHA-256 of a key, 32 bytes."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
