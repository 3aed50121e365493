import json
import math

import pytest
from mlopsproj_core.errors import BundleCorruptError, NotFoundError
from mlopsproj_registry.version_comparison import compare_versions, differing
from shop import right
from small_bundle import GRAPH

TWO = ("brightness:1", "brightness:2")


@pytest.fixture
def compare(shop):
    def compare_(first="brightness:1", second="brightness:2", *, speed=False, **settings):
        found = compare_versions(shop.registry, first, second, speed=speed, **settings)
        # What cannot be written as JSON would be noticed by nobody else.
        return json.loads(json.dumps(found, allow_nan=False))

    return compare_


def test_two_versions_of_the_same_images(shop, compare):
    shop.publish(right(80, 100))
    shop.publish(right(90, 100))
    found = compare()
    assert (found["first"]["version"], found["second"]["version"]) == TWO
    assert found["first"]["metrics"]["accuracy"] == {"value": 1.0, "low": 0.9, "high": 1.0}
    images = found["images"]
    assert (images["common"], images["counted"], images["excluded"]) == (100, 100, 0)
    assert (images["reason"], images["scored_again"]) == (None, False)
    (accuracy,) = [row for row in images["figures"] if row["name"] == "accuracy"]
    assert (accuracy["first"], accuracy["second"]) == (0.8, 0.9)
    assert accuracy["difference"] == pytest.approx(0.1)
    assert accuracy["low"] < 0.1 < accuracy["high"]
    assert images["mcnemar"] == {
        "both": 80,
        "gained": 10,
        "lost": 0,
        "neither": 10,
        "p": pytest.approx(2 * 0.5**10),
    }
    dark, bright = images["classes"]
    assert (dark["name"], dark["images"], dark["first"], dark["second"]) == ("dark", 50, 0.8, 0.9)
    assert bright["difference"] == pytest.approx(0.1)


def test_the_other_way_round_is_the_opposite(shop, compare):
    for number in (80, 90):
        shop.publish(right(number, 100))
    there, back = compare(), compare("brightness:2", "brightness:1")
    for forth, opposite in zip(there["images"]["figures"], back["images"]["figures"], strict=True):
        assert forth["difference"] == pytest.approx(-opposite["difference"])
    assert there["size"] == {"first": 544, "second": 544, "ratio": 1.0} | {
        key: back["size"][key] for key in ("first", "second")
    }


def test_a_version_beside_itself_differs_in_nothing(shop, compare):
    shop.put(shop.publish())
    found = compare("brightness", "brightness@production")
    assert (found["config"], found["packages"], found["data"]["differences"]) == ([], [], [])
    assert found["data"]["same"]
    assert all(row["difference"] == 0 for row in found["images"]["figures"])


def test_images_that_either_was_trained_on_do_not_count(shop, compare):
    ids = shop.ids(100)
    shop.publish(right(80, 100), trained_on=ids[:30])
    shop.publish(right(90, 100))
    images = compare()["images"]
    assert (images["common"], images["excluded"], images["counted"]) == (100, 30, 70)


def test_without_common_images_the_rest_is_told(shop, compare):
    shop.publish(right(80, 100))
    shop.publish(right(80, 100), ids=shop.ids(100, start=500), fingerprint="1" * 64)
    found = compare()
    assert (found["images"]["common"], found["images"]["figures"]) == (0, [])
    assert "no test image is common" in found["images"]["reason"]
    assert not found["data"]["same"]
    assert {"key": "fingerprint", "first": "0" * 64, "second": "1" * 64} in found["data"][
        "differences"
    ]
    assert found["size"]["ratio"] == 1


def test_where_all_common_images_were_trained_on_it_is_said(shop, compare):
    shop.publish(right(80, 100), trained_on=shop.ids(100))
    shop.publish()
    images = compare()["images"]
    assert (images["counted"], images["excluded"]) == (0, 100)
    assert "was trained on every image" in images["reason"]


def test_other_classes_are_told_and_not_compared(shop, compare):
    shop.publish()
    shop.rewrite_manifest(shop.publish(), classes=["bright", "dusk"])
    found = compare()
    assert "classes differ" in found["images"]["reason"]
    assert found["images"]["common"] == 100
    assert found["data"]["classes_of_first_only"] == ["dark"]
    assert found["data"]["classes_of_second_only"] == ["dusk"]


def test_config_packages_and_size_that_differ(shop, compare):
    first, second = (
        shop.publish(),
        shop.publish(graph=GRAPH.replace("brightness (", "b" * 500 + "(")),
    )
    shop.rewrite_manifest(
        first, config={"seed": 0, "trainer": {"max_epochs": 5, "lr": 0.1}}, packages={"torch": "2"}
    )
    shop.rewrite_manifest(
        second, config={"seed": 0, "trainer": {"max_epochs": 9}}, packages={"torch": "3"}
    )
    found = compare()
    assert found["config"] == [
        {"key": "trainer.lr", "first": 0.1},
        {"key": "trainer.max_epochs", "first": 5, "second": 9},
    ]
    assert found["packages"] == [{"key": "torch", "first": "2", "second": "3"}]
    assert found["size"]["ratio"] > 1.5


def test_speed_is_measured_where_it_is_asked_for(shop, compare):
    for _ in TWO:
        shop.publish()
    assert compare()["speed"] is None
    for row, batch in zip(compare(speed=True)["speed"], (1, 32), strict=True):
        assert row["batch"] == batch
        assert 1 <= row["rounds"] <= 30
        assert row["first_seconds"] > 0 < row["second_seconds"]
        assert row["low"] <= row["ratio"] <= (row["high"] or math.inf)


@pytest.mark.parametrize("versions", [("brightness:9", "brightness:1"), ("brightness:1", "x:1")])
def test_a_version_that_is_not_there(shop, compare, versions):
    shop.publish()
    with pytest.raises(NotFoundError):
        compare(*versions)


@pytest.mark.parametrize("which", [1, 2])
def test_a_version_that_is_damaged(shop, compare, which):
    versions = [shop.publish() for _ in TWO]
    shop.damage(versions[which - 1], "model.onnx")
    with pytest.raises(BundleCorruptError, match=r"model\.onnx was changed"):
        compare()


def test_keys_are_written_with_dots_and_those_that_are_missing_differ():
    first = {"a": {"b": 1, "c": {"d": [1, 2]}}, "e": {}, "same": {"x": None}}
    second = {"a": {"b": 1, "c": {"d": [1, 3]}}, "f": None, "same": {"x": None}}
    assert differing(first, second) == [
        {"key": "a.c.d", "first": [1, 2], "second": [1, 3]},
        {"key": "e", "first": {}},
        {"key": "f", "second": None},
    ]
