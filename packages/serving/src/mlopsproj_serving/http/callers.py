"""Who asks, and whether they may now: a key where keys are set, and so many requests a minute.

Every route of `/v1` begins with `Callers.admit`. Knows nothing of what is asked.
"""

from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Literal

from starlette.types import Scope

from mlopsproj_serving.http.keys import KeyRing
from mlopsproj_serving.http.problem_kinds import TOO_MANY, UNAUTHORIZED
from mlopsproj_serving.http.problems import ProblemError
from mlopsproj_serving.http.rate import RateLimit

if TYPE_CHECKING:
    from mlopsproj_serving.http.counting import RequestCounts

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="mlopsproj"'}
_HOST_BITS = 64


class Callers:
    """Lets callers in; belongs to one event loop."""

    def __init__(
        self,
        keys: KeyRing,
        *,
        requests_per_minute: int | None,
        metrics: "RequestCounts | None" = None,
    ) -> None:
        """Decide by these.

        Args:
            keys: that are known; everyone may ask if there are none.
            requests_per_minute: of each key, or of each address where there are no keys; no limit
                if None.
            metrics: count who was refused.
        """
        self._keys = keys
        self._rate = None if requests_per_minute is None else RateLimit(requests_per_minute)
        self._metrics = metrics

    def admit(self, scope: Scope) -> str | None:
        """Let a request in.

        Returns:
            Name of the key that came with it; None where no keys are set.

        Raises:
            ProblemError: if it brings no known key, or comes too often.
        """
        name = self._named(scope["headers"]) if self._keys else None
        if self._rate is not None:
            wait = self._rate.take(f"key {name}" if name is not None else address_of(scope))
            if wait is not None:
                self._refuse("rate")
                raise ProblemError(
                    TOO_MANY,
                    f"More than {self._rate.per_minute} requests a minute came from you: try again"
                    f" in {wait} s.",
                    headers={"Retry-After": str(wait)},
                )
        return name

    def _named(self, headers: Iterable[tuple[bytes, bytes]]) -> str:
        presented = presented_key(headers)
        name = self._keys.who(presented)
        if name is not None:
            return name
        self._refuse("key")
        came = "No API key" if presented is None else "An API key that is not known"
        raise ProblemError(
            UNAUTHORIZED,
            f"{came} came with the request: send `Authorization: Bearer KEY` or `X-API-Key: KEY`"
            " with a key that whoever runs the service gave you.",
            headers=_CHALLENGE,
        )

    def _refuse(self, reason: Literal["key", "rate"]) -> None:
        if self._metrics is not None:
            self._metrics.refused(reason)


def presented_key(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The key in `Authorization: Bearer` or `X-API-Key`; the first of them counts."""
    for name, value in headers:
        if name == b"x-api-key":
            return value.decode("latin-1").strip()
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            return value[7:].decode("latin-1").strip()
    return None


def address_of(scope: Scope) -> str:
    """Where a request comes from: its IPv4 address, or the network of 64 bits of its IPv6 one.

    One host commonly has a whole such network.
    """
    client = scope.get("client")
    if client is None:
        return "unknown"
    host: str = client[0]
    if ":" not in host:
        return host
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return f"{IPv6Address(int(address) >> _HOST_BITS << _HOST_BITS)}/64"
    return host
