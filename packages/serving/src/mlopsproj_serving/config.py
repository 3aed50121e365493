"""What of serving can be set, with defaults that suit a laptop.

Knows nothing of where the values come from.
"""

from dataclasses import dataclass, field
from typing import Literal

Scheduling = Literal["auto", "single", "batches"]


@dataclass(frozen=True, slots=True)
class SchedulingConfig:
    """How images are computed.

    Attributes:
        strategy: "single", each image decoded and inferred in one job; "batches", of what has
            arrived; "auto", the one that is faster for this model on this machine.
        threads: that compute, at least 1; the cores this process may use unless given.
        max_batch: images in one batch, at least 1.
        queue_images: that may wait or be computed at once; beyond, requests are refused.
    """

    strategy: Scheduling = "auto"
    threads: int | None = None
    max_batch: int = 16
    queue_images: int = 256


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request may ask for.

    Attributes:
        body_bytes: of a request.
        held_bytes: of the bodies of all requests that are inside at once, at one process.
        image_pixels: of one decoded image.
        images: in one request.
        body_seconds: until the body has arrived.
        deadline_seconds: until an image must have begun to be computed, and the most that a
            client may ask for.
        requests_per_minute: of one client (its key, else its address) at one process; no limit
            unless given.
    """

    body_bytes: int = 32 * 1024 * 1024
    held_bytes: int = 512 * 1024 * 1024
    image_pixels: int = 50_000_000
    images: int = 64
    body_seconds: float = 30.0
    deadline_seconds: float = 10.0
    requests_per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class ServingConfig:
    """All of it.

    Attributes:
        model: reference of what is served, e.g. "fashion@production"; the name may be left out
            where the registry holds one model.
        reload_seconds: between two looks at the alias.
        shadow_share: of the answered images that are copied to the alias `shadow`, 0 to 1.
        scheduling: how images are computed.
        limits: what a request may ask for.
    """

    model: str = "@production"
    reload_seconds: float = 2.0
    shadow_share: float = 1.0
    scheduling: SchedulingConfig = field(default_factory=SchedulingConfig)
    limits: Limits = field(default_factory=Limits)
