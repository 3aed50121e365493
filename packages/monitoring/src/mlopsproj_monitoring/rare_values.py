"""Values that the reference hardly shows: an exact test, where shares say nothing.

Of a width that all images of the reference have, one exception may be chance; a window full of
them is not. Knows nothing of what the values are.
"""

from scipy.stats import hypergeom


def rare_p_value(seen: int, images: int, reference_seen: int, reference_images: int) -> float:
    """Chance that so many of the images that show a value are in the window (Fisher's exact test).

    One-sided, given how many show it in window and reference together.

    Args:
        seen: images of the window that show it.
        images: of the window.
        reference_seen: images of the reference that show it.
        reference_images: of the reference.
    """
    if not seen:
        return 1.0
    both = images + reference_images
    return float(hypergeom.sf(seen - 1, both, seen + reference_seen, images))
