"""Only what needs torch loads it."""

import subprocess
import sys
import textwrap

import mlopsproj_data
import pytest

PREPARE = textwrap.dedent(
    """
    import sys
    import mlopsproj_data
    from mlopsproj_data import DataConfig, PreparedDataset, prepare
    dataset = prepare(DataConfig(path=sys.argv[1], prepared_dir=sys.argv[2]))
    dataset.labelled("test"), dataset.training_ids(), PreparedDataset.open(dataset.folder)
    loaded = {name.partition(".")[0] for name in sys.modules}
    print(sorted(loaded & {"torch", "pytorch_lightning", "lightning"}))
    """
)


def test_preparing_loads_no_torch(idx_folder, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PREPARE, idx_folder, tmp_path / "prepared"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"


def test_every_public_name_is_there():
    for name in mlopsproj_data.__all__:
        assert getattr(mlopsproj_data, name).__name__ == name


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'Datamodule'"):
        _ = mlopsproj_data.Datamodule
