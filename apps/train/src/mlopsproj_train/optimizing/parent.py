"""What is optimised: a version of the registry, its data, and its weights where its run is here.

Knows nothing of variants.
"""

import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from mlopsproj_core.bundle import EVALUATION, Bundle
from mlopsproj_core.errors import BundleError, ConfigError, NotFoundError
from mlopsproj_core.manifest import MANIFEST, Manifest
from mlopsproj_core.registry import ModelVersion, Registry
from mlopsproj_data import PreparedDataset
from mlopsproj_data.config import pinned
from mlopsproj_data.labelling.log_location import log_for
from mlopsproj_data.sources.recognition import open_source
from mlopsproj_evaluation import Scores
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from mlopsproj_train.bundle_data import check_fit, data_of, with_image_of
from mlopsproj_train.config import TrainConfig
from mlopsproj_train.finding import find_bundle
from mlopsproj_train.hydra_command import composable
from mlopsproj_train.optimizing.config import OptimizeConfig
from mlopsproj_train.progress import prepare_with_progress
from mlopsproj_train.run_folder import RunFolder

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Parent:
    """A version that is optimised.

    Attributes:
        version: in the registry.
        bundle: of the version, verified.
        dataset: that it was trained and tested on.
        config: of the run that made it; None where the bundle does not tell.
        weights: checkpoint of that run; None where the run is not here.
    """

    version: ModelVersion
    bundle: Bundle
    dataset: PreparedDataset
    config: TrainConfig | None
    weights: Path | None


def find_parent(config: OptimizeConfig, registry: Registry, *, own_data: bool) -> Parent:
    """Find version, data and run.

    Args:
        config: which model, and on what data.
        registry: that holds it.
        own_data: take the data set that the bundle tells in place of `config.data`.

    Raises:
        NotFoundError: if there is no such model, or it is no version of the registry.
        ConfigError: if it is a variant itself, or the data is not what it was made for.
        MlopsprojError: if bundle or data cannot be read.
    """
    config = replace(config, data=pinned(config.data, datetime.now(UTC)))
    source = None if own_data else open_source(config.data, log_for(config.data))
    preferred = config.data.name or (source.name if source else None)
    _, folder = find_bundle(config.bundle, config.registry, preferred=preferred)
    bundle = Bundle.open(folder)
    bundle.verify()
    version = _published(bundle, registry)
    manifest = bundle.manifest
    if manifest.parent is not None:
        raise ConfigError(
            f"{version} is a variant of {manifest.parent} already: give bundle={manifest.parent}."
        )
    if source is None:
        data = data_of(manifest)
        source = open_source(data, log_for(data))
    else:
        data = with_image_of(manifest, config.data, source.spec)
    dataset = prepare_with_progress(data, source)
    check_fit(str(version), manifest, dataset)
    _check_same_data(version, bundle, dataset)
    return Parent(version, bundle, dataset, _run_config(manifest), _weights(bundle))


def _published(bundle: Bundle, registry: Registry) -> ModelVersion:
    name = bundle.manifest.name
    for number in reversed(registry.versions(name)):
        version = ModelVersion(name, number)
        try:
            if registry.manifest(version) == bundle.manifest:
                return version
        except BundleError as error:
            logger.warning("warning: %s is passed over: %s", version, error)
    raise NotFoundError(
        f"The bundle in {bundle.path} is no version of {registry.url}: name the registry that it"
        " was published to, by registry=…."
    )


def _check_same_data(version: ModelVersion, bundle: Bundle, dataset: PreparedDataset) -> None:
    """Variants are chosen on what the parent did not learn, and compared on what it was tested on.

    Raises:
        ConfigError: if images, labels or splits are others.
    """
    ours, theirs = bundle.manifest.data.fingerprint, dataset.fingerprint
    tested = Scores.read(bundle.path / EVALUATION).ids
    if ours == theirs and tested == dataset.labelled("test").ids:
        return
    what = f"fingerprint {ours[:12]}…, here {theirs[:12]}…"
    if ours == theirs:
        what = f"the same fingerprint {ours[:12]}…, but its evaluation is of others"
    raise ConfigError(
        f"{version} was made on other data than {dataset.name} ({what}): its test images differ, so"
        " that no variant could be compared with it. Bring the data back, name it by data.path=…,"
        " or train anew by `uv run train`."
    )


def _run_config(manifest: Manifest) -> TrainConfig | None:
    try:
        config = OmegaConf.to_object(OmegaConf.merge(composable(TrainConfig), manifest.config))
    except (TypeError, ValueError, OmegaConfBaseException) as error:
        logger.warning("warning: the bundle does not tell how it was trained: %s", error)
        return None
    assert isinstance(config, TrainConfig)  # noqa: S101 (the schema it was merged with)
    return config


def _weights(bundle: Bundle) -> Path | None:
    """Of the run whose bundle this is, wherever it may be looked for."""
    named = bundle.manifest.config.get("run_dir")
    folders = [bundle.path.parent, *([Path(named)] if isinstance(named, str) else [])]
    own = (bundle.path / MANIFEST).read_bytes()
    for folder in [*folders, *sorted(Path("runs").glob("*"), reverse=True)]:
        run = RunFolder(folder)
        manifest = run.bundle / MANIFEST
        if manifest.is_file() and manifest.read_bytes() == own and run.best_checkpoint.is_file():
            return run.best_checkpoint
    return None
