from types import SimpleNamespace

import pytest
from mlopsproj_core.errors import ConfigError, TrainingError
from mlopsproj_train.optimizing.folder import held


def parent(graph="a"):
    manifest = SimpleNamespace(files={"model.onnx": graph})
    return SimpleNamespace(version="tiny:1", bundle=SimpleNamespace(manifest=manifest))


def test_a_climb_goes_on_in_its_own_folder(tmp_path):
    for _ in range(2):
        with held(tmp_path / "a" / "climb", parent()):
            assert (tmp_path / "a" / "climb" / "climb.json").exists()


def test_a_climb_that_was_killed_as_it_began_goes_on(tmp_path):
    for name in (".lock", ".climb.json"):
        (tmp_path / name).write_text("")
    with held(tmp_path, parent()):
        assert (tmp_path / "climb.json").exists()


def test_one_process_holds_it(tmp_path):
    with held(tmp_path / "climb", parent()):
        again = held(tmp_path / "climb", parent())
        with pytest.raises(TrainingError, match="Another process is optimising"):
            again.__enter__()


def test_what_is_somebody_elses_is_left_alone(tmp_path):
    (tmp_path / "chosen").mkdir()
    with pytest.raises(ConfigError, match="is not empty, and holds no variants"):
        held(tmp_path, parent()).__enter__()
    assert [path.name for path in tmp_path.iterdir()] == ["chosen"]


def test_variants_of_another_model_are_left_alone(tmp_path):
    with held(tmp_path / "climb", parent("a")):
        pass
    with pytest.raises(ConfigError, match="variants of another model"):
        held(tmp_path / "climb", parent("b")).__enter__()


def test_a_folder_that_cannot_be_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be used"):
        held(tmp_path / "file" / "climb", parent()).__enter__()
