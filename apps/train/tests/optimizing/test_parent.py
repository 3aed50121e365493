import shutil
from dataclasses import replace

import numpy as np
import pytest
from mlopsproj_core.errors import ConfigError, NotFoundError
from mlopsproj_core.registry import ModelVersion, Registry
from mlopsproj_train.optimizing.parent import find_parent


def find(config, *, own_data=True):
    return find_parent(config, Registry(config.registry), own_data=own_data)


def test_is_found_by_its_run_and_by_its_name(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = model.config(tmp_path)
    by_run = find(config)
    assert by_run.version == ModelVersion("tiny", 1)
    assert by_run.weights == model.run.best_checkpoint
    assert by_run.config.trainer.max_epochs == 3
    by_name = find(replace(config, bundle="tiny:1"))
    assert by_name.bundle.manifest == by_run.bundle.manifest
    # The manifest tells where its run lies.
    assert by_name.weights == model.run.best_checkpoint


def test_the_run_is_looked_for_among_the_runs(model, tmp_path, monkeypatch):
    config = model.config(tmp_path, bundle="tiny:1")
    run = tmp_path / "runs" / "some-day"
    shutil.copytree(model.run.path, run)
    monkeypatch.chdir(tmp_path)
    hidden = model.run.path.with_name("hidden")
    model.run.path.rename(hidden)
    try:
        assert find(config).weights.absolute() == run / "checkpoints" / "best.ckpt"
        shutil.rmtree(run)
        assert find(config).weights is None
    finally:
        hidden.rename(model.run.path)


def test_a_version_that_is_not_there_is_told(model, tmp_path):
    with pytest.raises(NotFoundError, match="no tiny:7"):
        find(model.config(tmp_path, bundle="tiny:7"))


def test_a_bundle_that_was_not_published_there_is_told(model, tmp_path):
    config = model.config(tmp_path)
    with pytest.raises(NotFoundError, match=r"no version of .*registry=…"):
        find(replace(config, registry=str(tmp_path / "another")))


def test_a_variant_is_not_optimised_again(climbed):
    config = replace(climbed.config, bundle="tiny:2")
    with pytest.raises(ConfigError, match="a variant of tiny:1 already: give bundle=tiny:1"):
        find(config)


def test_other_data_is_refused(model, tmp_path, tiny_data, tiny_config):
    folder = tmp_path / "other"
    shutil.copytree(tiny_data, folder)
    path = folder / "t10k-images-idx3-ubyte"
    content = bytearray(path.read_bytes())
    content[-28 * 28 :] = np.zeros(28 * 28, np.uint8).tobytes()
    path.write_bytes(content)
    data = replace(tiny_config.data, path=str(folder), prepared_dir=str(tmp_path / "prepared"))
    with pytest.raises(ConfigError, match=r"other data than tiny .*its test images differ"):
        find(model.config(tmp_path, data=data), own_data=False)
