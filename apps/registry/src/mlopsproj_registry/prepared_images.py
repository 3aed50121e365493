"""The test images of a prepared data set, found by its fingerprint.

Knows nothing of what they are used for.
"""

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from mlopsproj_core.errors import DataError
from mlopsproj_core.labelled import LabelledImages
from mlopsproj_data import PreparedDataset

logger = logging.getLogger(__name__)


def finder(prepared_dir: str) -> Callable[[str], LabelledImages | None]:
    """Looks for test images by their fingerprint, as the gates ask for them.

    Args:
        prepared_dir: where prepared data sets are kept, each a folder.
    """
    return partial(find_test_images, prepared_dir=Path(prepared_dir))


def find_test_images(fingerprint: str, prepared_dir: Path) -> LabelledImages | None:
    """Of the prepared data set with this fingerprint, if it is there and whole.

    Args:
        fingerprint: that a bundle's manifest names.
        prepared_dir: where prepared data sets are kept, each a folder.
    """
    for description in sorted(prepared_dir.glob("*/dataset.json")):
        try:
            dataset = PreparedDataset.open(description.parent)
            if dataset.fingerprint == fingerprint:
                return dataset.labelled("test")
        except DataError as error:
            logger.warning("%s is passed over: %s", description.parent, error)
    return None
