"""What a check is asked for. Knows nothing of how it is done."""

from dataclasses import dataclass

from mlopsproj_core.errors import ConfigError


@dataclass(frozen=True)
class DriftConfig:
    """Of all checks of one detector.

    Attributes:
        alpha: chance that a check of images like the reference's says "drift", 0.0001 to 0.5. At
            0.05 an hourly check cries wolf every day.
        minimum_images: below which there is no verdict, at least 20.
        minimum_effect: smallest share of images that must have changed for it to be drift, 0 to 1:
            with very many images even what matters to nobody is seen.
        draws: of windows from the reference, by which the thresholds are found, at least 1,000.
        seed: of the draws.

    Raises:
        ConfigError: if one of them cannot be used.
    """

    alpha: float = 0.01
    minimum_images: int = 100
    minimum_effect: float = 0.02
    draws: int = 4000
    seed: int = 0

    def __post_init__(self) -> None:
        for name, usable, wanted in (
            ("alpha", 0.0001 <= self.alpha <= 0.5, "0.0001 to 0.5"),  # noqa: PLR2004 (told beside)
            ("minimum_images", self.minimum_images >= 20, "at least 20"),  # noqa: PLR2004 (told beside)
            ("minimum_effect", 0 <= self.minimum_effect < 1, "0 to below 1"),
            ("draws", 1000 <= self.draws <= 100_000, "1,000 to 100,000"),  # noqa: PLR2004 (told beside)
            ("seed", self.seed >= 0, "0 or more"),
        ):
            if not usable:
                raise ConfigError(
                    f"{name}={getattr(self, name)} cannot be used for drift checks: give {wanted}."
                )
