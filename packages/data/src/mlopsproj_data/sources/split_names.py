"""The usual spellings of train, validation and test, as names of folders or values of a column.

Knows nothing of files.
"""

from typing import Final

from mlopsproj_data.splits import TEST, TRAIN, VALIDATION

_SPELLINGS: Final = {
    TRAIN: ("train", "training", "trn", "fit"),
    VALIDATION: ("validation", "validate", "validating", "valid", "val", "dev", "development"),
    TEST: ("test", "testing", "tst", "eval", "evaluation", "holdout", "hold-out"),
}

_SPLITS: Final = {name: split for split, names in _SPELLINGS.items() for name in names}

_ENDINGS: Final = ("_set", "-set", " set", "set", "_data", "-data", "_images", "-images")


def split_of(name: str) -> str | None:
    """The split that a name stands for, in any case and with `_set` or the like; None if none."""
    plain = name.strip().lower()
    for ending in ("", *_ENDINGS):
        split = _SPLITS.get(plain.removesuffix(ending))
        if split:
            return split
    return None
