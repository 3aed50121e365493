import pytest
from mlopsproj_core.bundle import REFERENCE
from mlopsproj_core.errors import BundleCorruptError, NotFoundError
from mlopsproj_core.registry import ModelVersion
from mlopsproj_monitor.detection import KEPT, Detectors
from mlopsproj_monitoring import DriftConfig
from mlopsproj_monitoring.estimation import CorrectnessModel


@pytest.fixture
def detectors(world):
    return Detectors(world.registry, DriftConfig(draws=1000))


def test_a_detector_is_made_once(world, bundle, detectors):
    version = ModelVersion("brightness", world.publish(bundle))
    assert detectors.created(version) is None
    made = detectors.of(version)
    assert detectors.of(version) is made
    assert made.detector.reference.model == "brightness"
    assert detectors.created(version) == made.created == bundle.manifest.created


def test_it_estimates_accuracy(world, bundle, detectors):
    made = detectors.of(ModelVersion("brightness", world.publish(bundle)))
    found = made.detector.check(made.detector.reference.sample)
    estimate = found.estimated_accuracy
    assert estimate.value == pytest.approx(0.9, abs=0.05)
    # With the interval of the estimator, which counts its own faults too.
    assert estimate == CorrectnessModel.read(bundle).accuracy(estimate.value, found.images)


def test_the_one_that_was_asked_for_longest_ago_is_forgotten(world, bundle, detector):
    class Quick(Detectors):
        def _made(self, version):
            made.append(version.number)
            return version.number

    made = []
    quick = Quick(world.registry, DriftConfig())
    versions = [ModelVersion("brightness", number) for number in range(KEPT + 1)]
    for version in [*versions[:KEPT], versions[0], versions[KEPT], versions[0], versions[1]]:
        quick.of(version)
    assert made == [*range(KEPT + 1), 1]


def test_a_version_that_is_none_is_named(detectors):
    with pytest.raises(NotFoundError, match="brightness"):
        detectors.of(ModelVersion("brightness", 1))


def test_a_reference_that_is_none_is_named(world, bundle, detectors, tmp_path):
    from small_bundle import make_small_bundle

    broken = make_small_bundle(tmp_path / "broken")
    version = ModelVersion("brightness", world.publish(broken))
    with pytest.raises(BundleCorruptError, match=REFERENCE):
        detectors.of(version)
