import pytest
from mlopsproj_registry.comparison_views import print_comparison
from mlopsproj_registry.version_comparison import compare_versions
from shop import right


@pytest.fixture
def shown(shop, capsys):
    def show(*, speed=False):
        found = compare_versions(shop.registry, "brightness:1", "brightness:2", speed=speed)
        print_comparison(found)
        return capsys.readouterr().out

    return show


def test_two_versions_stand_beside_each_other(shop, shown):
    for number in (80, 90):
        version = shop.publish(right(number, 100))
        shop.rewrite_manifest(version, config={"seed": number, "model": {"name": "[red]cnn"}})
    text = shown(speed=True)
    for part in (
        "brightness:1 and brightness:2",
        "1.0000 (0.9000 to 1.0000)",
        "+0.1000 (+0.0",
        "Compared on 100 test images. Differences are brightness:2 less brightness:1.",
        "recall by class",
        "McNemar: p = 0.00195",
        "speed, timed in turn here and now",
        "config that differs",
        "seed",
        "data: the same",
        "packages: the same",
    ):
        assert part in text
    assert "[red]" not in text  # it is the same in both


def test_what_cannot_be_compared_is_said_and_the_rest_is_shown(shop, shown):
    shop.publish()
    shop.rewrite_manifest(shop.publish(), classes=["bright", "[dusk]"], metrics={})
    text = shown()
    assert "Not compared image by image: their classes differ" in text
    assert "not recorded" in text
    assert "McNemar" not in text
    assert "speed" not in text
    assert "config: the same" in text


def test_what_was_left_out_is_said(shop, shown):
    shop.publish(right(80, 100), trained_on=shop.ids(30))
    shop.publish(right(90, 100))
    assert "Compared on 70 test images; 30 left out" in shown()
