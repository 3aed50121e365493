"""Sizes as people read them. Knows nothing of what has them."""


def in_bytes(size: float) -> str:
    """A size in the decimal unit that suits it, e.g. "12.3 GB"."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:  # noqa: PLR2004 (the step from one unit to the next)
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
