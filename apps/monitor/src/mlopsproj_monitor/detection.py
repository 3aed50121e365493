"""The detector of each version that is checked, made of its bundle and kept.

Making one takes seconds. Knows nothing of predictions.
"""

import logging
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Final

from mlopsproj_core.bundle import Bundle
from mlopsproj_core.registry import ModelVersion, Registry
from mlopsproj_monitoring import DriftConfig, DriftDetector, Reference
from mlopsproj_monitoring.estimation import CorrectnessModel

logger = logging.getLogger(__name__)

KEPT: Final = 3
"""Detectors: of the version in production, of the one before, and of another."""


@dataclass(frozen=True, slots=True)
class VersionDetector:
    """What a version is checked with.

    Attributes:
        version: that is checked.
        created: when its bundle was made, UTC.
        detector: holds windows against the bundle's reference.
    """

    version: ModelVersion
    created: datetime
    detector: DriftDetector


class Detectors:
    """Those of a registry's versions; any thread may ask."""

    def __init__(self, registry: Registry, config: DriftConfig) -> None:
        """Make none yet.

        Args:
            registry: that holds the bundles.
            config: of the checks.
        """
        self._registry, self._config = registry, config
        self._kept: OrderedDict[ModelVersion, VersionDetector] = OrderedDict()
        self._lock = Lock()

    def of(self, version: ModelVersion) -> VersionDetector:
        """The detector of a version.

        Raises:
            NotFoundError: if there is no such version.
            RegistryError: if the registry cannot be reached.
            BundleError: if the bundle or its reference cannot be used.
        """
        with self._lock:
            found = self._kept.get(version)
            if found is None:
                found = self._kept[version] = self._made(version)
            self._kept.move_to_end(version)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return found

    def created(self, version: ModelVersion) -> datetime | None:
        """When a version was made; None unless its detector is kept."""
        found = self._kept.get(version)
        return None if found is None else found.created

    def _made(self, version: ModelVersion) -> VersionDetector:
        bundle = Bundle.open(self._registry.fetch(version))
        correctness = CorrectnessModel.read(bundle)
        detector = DriftDetector(
            Reference.read(bundle),
            self._config,
            correctness=correctness.probability,
            accuracy=correctness.accuracy,
        )
        logger.info(
            "%s is held against %d images of its reference", version, len(detector.reference)
        )
        return VersionDetector(version, bundle.manifest.created, detector)
