from dataclasses import fields

from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_data.config import Augmentation, AugmentConfig, resolved

values = {
    "flip": st.booleans(),
    "shift": st.integers(0, 4),
    "crop": st.floats(0.05, 1),
    "rotate": st.floats(0, 180),
    "colour": st.floats(0, 1),
    "operations": st.integers(0, 8),
    "magnitude": st.floats(0, 1),
    "cutout": st.integers(0, 9),
}


@given(given=st.fixed_dictionaries({}, optional=values), defaults=st.builds(Augmentation, **values))
def test_what_was_set_counts_and_the_defaults_fill_the_rest(given, defaults):
    found = resolved(AugmentConfig(**given), defaults)
    assert vars(found) == {**vars(defaults), **given}


def test_small_images_are_mirrored_and_shifted_unless_told_otherwise():
    assert resolved(AugmentConfig()) == Augmentation(
        flip=True, shift=1, crop=1.0, rotate=0.0, colour=0.0, operations=0, cutout=0
    )


def test_both_have_the_same_settings():
    assert [f.name for f in fields(AugmentConfig)] == [f.name for f in fields(Augmentation)]
    assert set(vars(AugmentConfig()).values()) == {None}
