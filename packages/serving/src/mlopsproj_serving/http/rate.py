"""How often each client may ask: a token bucket for each, in bounded memory.

Belongs to one event loop. Knows nothing of who a client is.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

CLIENTS = 10_000
"""Buckets that are kept. Beyond, the one that was used the longest ago is forgotten: whoever asks
again after that long begins with a full one, as a new client does."""


class RateLimit:
    """So many requests a minute of each client, all at once or spread."""

    def __init__(
        self,
        per_minute: int,
        *,
        clients: int = CLIENTS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with full buckets.

        Args:
            per_minute: at least 1; also how many may come at once after a quiet minute.
            clients: whose buckets are kept.
            clock: in seconds.
        """
        self.per_minute = per_minute
        self._seconds_each = 60.0 / per_minute
        self._clients = clients
        self._clock = clock
        # When each bucket is full again: all that a bucket is (the "virtual scheduling" form of
        # the leaky bucket, ITU-T I.371).
        self._full: OrderedDict[str, float] = OrderedDict()

    def take(self, client: str) -> int | None:
        """Take one request of a client.

        Returns:
            None if it may ask; else after how many whole seconds it may, at least 1.
        """
        now = self._clock()
        full = max(self._full.get(client, now), now) + self._seconds_each
        # A thousandth of a request more than the bucket holds is rounding.
        late = full - now - 60.0 - self._seconds_each / 1000
        if late > 0:
            return max(1, math.ceil(late))
        self._full[client] = full
        self._full.move_to_end(client)
        if len(self._full) > self._clients:
            self._full.popitem(last=False)
        return None

    def __len__(self) -> int:
        return len(self._full)
