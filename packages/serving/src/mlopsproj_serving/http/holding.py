"""How many bytes of bodies are in memory at once, so that many large ones do not fill it.

Belongs to one event loop. Knows nothing of what a body holds.
"""

from types import TracebackType
from typing import Self

from mlopsproj_core.errors import OverloadedError


class HeldBytes:
    """Bytes that all requests hold together.

    Attributes:
        total: now.
    """

    __slots__ = ("total",)

    def __init__(self) -> None:
        """Begin with none."""
        self.total = 0


class Holding:
    """A context within which one request holds bytes; leaving it gives them back."""

    __slots__ = ("_all", "_most", "_own")

    def __init__(self, held: HeldBytes, most: int) -> None:
        """Begin with none.

        Args:
            held: by all requests.
            most: that all may hold together.
        """
        self._all = held
        self._most = most
        self._own = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._all.total -= self._own

    def take(self, size: int) -> None:
        """Hold so many bytes more.

        Raises:
            OverloadedError: if all together would hold more than they may.
        """
        if self._all.total + size > self._most:
            raise OverloadedError(
                f"The requests that are inside hold {self._all.total:,} of {self._most:,} bytes:"
                " try again later, or send smaller images."
            )
        self._all.total += size
        self._own += size
