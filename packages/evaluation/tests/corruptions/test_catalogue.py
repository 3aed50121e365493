import re

import pytest
from mlopsproj_core import ImageSpec
from mlopsproj_core.image import prepare_images
from mlopsproj_evaluation import corrupt
from mlopsproj_evaluation.corruptions.catalogue import CORRUPTIONS
from mlopsproj_evaluation.corruptions.corruption import SEVERITIES, Family, Signal
from scipy.stats import ks_2samp

STATISTICS = (Signal.brightness, Signal.contrast, Signal.sharpness, Signal.saturation)


def test_every_family_has_one_at_least():
    assert {corruption.family for corruption in CORRUPTIONS.values()} == set(Family)


def test_names_are_keys():
    assert all(name == corruption.name for name, corruption in CORRUPTIONS.items())
    assert all(re.fullmatch("[a-z]+(_[a-z]+)*", name) for name in CORRUPTIONS)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_strengths_go_one_way(name):
    strengths = CORRUPTIONS[name].strengths
    assert len(set(strengths)) == len(SEVERITIES)
    assert list(strengths) in (sorted(strengths), sorted(strengths, reverse=True))


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_each_says_what_it_stands_for_and_what_should_see_it(name):
    corruption = CORRUPTIONS[name]
    assert corruption.meaning
    assert corruption.signals
    assert len(set(corruption.signals)) == len(corruption.signals)


@pytest.mark.parametrize("name", CORRUPTIONS)
@pytest.mark.parametrize("channels", [1, 3])
def test_statistics_that_should_see_it_do(name, channels, scenes):
    images, ids = scenes(133, 32, 32, channels)
    spec = ImageSpec(32, 32, channels)
    before, after = (
        [prepared.statistics for prepared in prepare_images(list(batch), spec)]
        for batch in (images, corrupt(images, ids, name, 5))
    )
    for signal in set(STATISTICS) & set(CORRUPTIONS[name].signals):
        values = ([getattr(each, signal) for each in batch] for batch in (before, after))
        assert ks_2samp(*values).pvalue < 0.01, signal
