import pytest
from mlopsproj_core.errors import ConfigError
from mlopsproj_monitoring import WindowConfig


def test_the_default_is_the_last_thousand_images():
    config = WindowConfig()
    assert (config.size, config.unit, config.steps) == (1000, "images", 1)


@pytest.mark.parametrize(
    ("config", "steps"),
    [
        (WindowConfig(images=1000, step=100), 10),
        (WindowConfig(images=None, hours=24, step=0.1), 240),
        (WindowConfig(images=None, hours=0.3, step=0.1), 3),
        (WindowConfig(images=None, hours=24), 1),
    ],
)
def test_a_step_divides_it(config, steps):
    assert config.steps == steps


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"images": None}, "give one of the two"),
        ({"hours": 24}, "give one of the two"),
        ({"images": 0}, "more than 0"),
        ({"images": None, "hours": float("nan")}, "more than 0"),
        ({"images": None, "hours": -1}, "more than 0"),
        ({"images": None, "hours": 1e-9}, "a second"),
        ({"images": None, "hours": 1e9}, "a hundred years"),
        ({"images": None, "hours": 0.01, "step": 0.0001}, "at least a second"),
        ({"step": 300}, "300 images cannot be used for windows of 1000"),
        ({"step": 2000}, "divides it"),
        ({"step": 0}, "divides it"),
        ({"images": 5, "step": 2.5}, "a whole number that divides it"),
        ({"images": 10_000, "step": 1}, "give at least 10"),
    ],
)
def test_what_cannot_be_used_is_told(values, complaint):
    with pytest.raises(ConfigError, match=complaint):
        WindowConfig(**values)
