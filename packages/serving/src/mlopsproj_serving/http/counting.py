"""What counts requests, as those see it who let them in and answer them.

The services of this project have each their own: `telemetry.metrics.Metrics` is the api's. Knows
nothing of who reads.
"""

from typing import Literal, Protocol


class RequestCounts(Protocol):
    """Counts; may be called from any thread."""

    def request(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request that was answered.

        Args:
            route: template that matched, which no client makes up.
            method: of HTTP, "OTHER" if it is none of the usual.
            status: of the answer.
            seconds: from the head of the request to the last byte of its answer.
        """

    def refused(self, reason: Literal["key", "rate"]) -> None:
        """Count a request that was not let in: without a known key, or too soon."""
