import pytest
from mlopsproj_core.errors import ConfigError
from mlopsproj_monitoring import DriftConfig


def test_defaults_cry_wolf_rarely():
    config = DriftConfig()
    assert (config.alpha, config.minimum_images) == (0.01, 100)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("alpha", 0),
        ("alpha", 0.6),
        ("alpha", float("nan")),
        ("minimum_images", 19),
        ("minimum_effect", -0.1),
        ("minimum_effect", 1),
        ("draws", 999),
        ("seed", -1),
    ],
)
def test_what_cannot_be_used_is_named(name, value):
    with pytest.raises(ConfigError, match=f"{name}={value} cannot be used"):
        DriftConfig(**{name: value})
