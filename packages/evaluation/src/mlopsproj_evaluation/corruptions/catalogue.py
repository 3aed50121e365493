"""Every corruption there is, by name.

After Hendrycks & Dietterich 2019 (arXiv:1903.12261), whose idea, families and five severities they
keep. Images, code and parameters are others: those of ImageNet-C hold for 224 pixels and colours,
these for any side and for grey, so figures of the two are not comparable.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from mlopsproj_evaluation.corruptions import blur, digital, light, noise, placement, weather
from mlopsproj_evaluation.corruptions.corruption import Corruption, Family, Signal

SUITE: Final = 1
"""Of the corruptions below: raised when one is added, dropped or made otherwise, since outcomes
under two suites cannot be compared."""

_ALL = (
    Corruption(
        "gaussian_noise",
        Family.noise,
        "a warm sensor, or little light",
        (Signal.sharpness, Signal.embedding),
        (0.04, 0.08, 0.12, 0.18, 0.26),
        noise.gaussian_noise,
    ),
    Corruption(
        "shot_noise",
        Family.noise,
        "so little light that photons can be counted",
        (Signal.sharpness, Signal.embedding),
        (100, 50, 25, 12, 6),
        noise.shot_noise,
    ),
    Corruption(
        "impulse_noise",
        Family.noise,
        "dead pixels, or bits that tip over on the way",
        (Signal.sharpness, Signal.embedding),
        (0.01, 0.03, 0.06, 0.12, 0.2),
        noise.impulse_noise,
    ),
    Corruption(
        "gaussian_blur",
        Family.blur,
        "a lens out of focus, or dirt on it",
        (Signal.sharpness,),
        (0.005, 0.01, 0.015, 0.02, 0.028),
        blur.gaussian_blur,
    ),
    Corruption(
        "motion_blur",
        Family.blur,
        "a camera or an object that moves",
        (Signal.sharpness,),
        (0.03, 0.05, 0.08, 0.11, 0.15),
        blur.motion_blur,
    ),
    Corruption(
        "fog",
        Family.weather,
        "fog, smoke, or a steamed-up lens",
        (Signal.brightness, Signal.contrast, Signal.sharpness),
        (0.2, 0.35, 0.5, 0.65, 0.8),
        weather.fog,
    ),
    Corruption(
        "snow",
        Family.weather,
        "snow or rain that falls before the lens",
        (Signal.brightness, Signal.sharpness, Signal.embedding),
        (0.02, 0.05, 0.09, 0.14, 0.2),
        weather.snow,
    ),
    Corruption(
        "brightness",
        Family.light,
        "overexposure, or sun on the lens",
        (Signal.brightness,),
        (0.1, 0.2, 0.3, 0.4, 0.5),
        light.brightness,
    ),
    Corruption(
        "darkness",
        Family.light,
        "underexposure, or dusk",
        (Signal.brightness, Signal.contrast, Signal.sharpness),
        (0.3, 0.45, 0.6, 0.75, 0.88),
        light.darkness,
    ),
    Corruption(
        "contrast",
        Family.light,
        "haze, glare, or a worn print",
        (Signal.contrast, Signal.sharpness),
        (0.3, 0.5, 0.65, 0.78, 0.88),
        light.contrast,
    ),
    Corruption(
        "inversion",
        Family.light,
        "solarised highlights, or at severity 5 a negative",
        (Signal.brightness, Signal.embedding),
        (0.88, 0.7, 0.5, 0.25, 0.0),
        light.inversion,
    ),
    Corruption(
        "pixelation",
        Family.digital,
        "a camera of fewer pixels, or a thumbnail made large",
        (Signal.sharpness,),
        (0.6, 0.5, 0.4, 0.3, 0.25),
        digital.pixelation,
    ),
    Corruption(
        "jpeg",
        Family.digital,
        "strong compression on the way",
        (Signal.embedding,),
        (50, 30, 18, 10, 5),
        digital.jpeg,
    ),
    Corruption(
        "shift",
        Family.placement,
        "an object that is not in the middle",
        (Signal.embedding,),
        (0.03, 0.06, 0.1, 0.15, 0.2),
        placement.shift,
    ),
    Corruption(
        "rotation",
        Family.placement,
        "a camera that is held askew",
        (Signal.embedding,),
        (5, 10, 20, 30, 45),
        placement.rotation,
    ),
)

CORRUPTIONS: Final[Mapping[str, Corruption]] = MappingProxyType({each.name: each for each in _ALL})
"""By name, in the order in which they are told."""
