import pytest
from mlopsproj_core.bundle import Bundle
from mlopsproj_core.manifest import Parity
from mlopsproj_core.registry import ModelVersion, Registry
from mlopsproj_evaluation.gates import Absent, Side
from mlopsproj_evaluation.opponents import Opponents
from shop import Shop, right

COMPRESSED = Parity(reference="brightness:1", images=1000, disagreements=9, max_difference=0.2)


@pytest.fixture
def shop(tmp_path):
    return Shop(Registry(str(tmp_path / "models")), tmp_path / "scratch")


@pytest.fixture
def side(shop):
    def open_(version):
        return Side.of(Bundle.open(shop.registry.fetch(version)), name=str(version))

    return open_


def test_without_a_champion_or_a_parent_there_is_nobody(shop, side):
    candidate = side(shop.publish())
    assert Opponents(shop.registry, candidate, None).champion(None) is None
    assert Opponents(shop.registry, candidate, None).parent() is None


def test_a_champion_is_opened(shop, side):
    champion = shop.publish(right(3, 10))
    found = Opponents(shop.registry, side(shop.publish()), None).champion(champion)
    assert (found.name, len(found.scores), found.scores.correct.sum()) == ("brightness:1", 10, 3)


def test_a_parent_is_the_one_that_the_manifest_names(shop, side):
    shop.publish(right(3, 10))
    shop.publish()
    compressed = shop.publish(parity=COMPRESSED, parent="brightness:1")
    found = Opponents(shop.registry, side(compressed), None).parent()
    assert (found.name, found.scores.correct.sum()) == ("brightness:1", 3)


@pytest.mark.parametrize(
    ("parent", "told"),
    [
        ("brightness:9", "There is no brightness:9"),
        ("elsewhere:1", "There is no elsewhere:1"),
        ("no name", "is no name of a model"),
    ],
)
def test_a_parent_that_is_gone_is_absent(shop, side, parent, told):
    candidate = side(shop.publish(parent=parent))
    found = Opponents(shop.registry, candidate, None).parent()
    assert isinstance(found, Absent)
    assert found.name == parent
    assert told in found.reason


@pytest.mark.parametrize("file", ["model.onnx", "evaluation.parquet", "manifest.json"])
def test_one_that_is_broken_is_absent(shop, side, file):
    champion, candidate = shop.publish(), shop.publish()
    shop.damage(champion, file)
    found = Opponents(shop.registry, side(candidate), None).champion(champion)
    assert isinstance(found, Absent)
    assert file in found.reason


def test_one_of_a_later_release_is_absent(shop, side):
    champion, candidate = shop.publish(), shop.publish()
    shop.rewrite_manifest(champion, schema=2)
    found = Opponents(shop.registry, side(candidate), None).champion(champion)
    assert isinstance(found, Absent)
    assert "upgrade mlopsproj" in found.reason


def test_one_that_is_gone_is_absent(shop, side):
    found = Opponents(shop.registry, side(shop.publish()), None).champion(
        ModelVersion("brightness", 7)
    )
    assert isinstance(found, Absent)
