"""The test images of a prepared data set, found by its fingerprint.

Knows nothing of what they are used for.
"""

import logging
from pathlib import Path

from mlopsproj_core.errors import DataError
from mlopsproj_core.labelled import LabelledImages
from mlopsproj_data import PreparedDataset

logger = logging.getLogger(__name__)


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
                logger.info("scoring production again on the test images of %s", dataset.folder)
                return dataset.labelled("test")
        except DataError as error:
            logger.warning("%s is passed over: %s", description.parent, error)
    logger.warning(
        "The data set of the candidate (fingerprint %s) is not in %s: production is compared on"
        " the images that both were tested on. Prepare it there, or name --prepared-dir.",
        fingerprint[:12],
        prepared_dir,
    )
    return None
