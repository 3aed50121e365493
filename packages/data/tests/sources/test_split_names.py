import pytest
from mlopsproj_data.sources.split_names import split_of


@pytest.mark.parametrize(
    ("split", "names"),
    [
        ("train", ["train", "Training", "TRAIN", " train ", "train_set", "trainset", "train-set"]),
        ("validation", ["val", "valid", "Validation", "dev", "val_images", "Validation Set"]),
        ("test", ["test", "Testing", "eval", "evaluation", "test_data", "testset", "holdout"]),
        (None, ["", "cat", "trains", "set", "valve", "latest", "0", "_set", "devil"]),
    ],
)
def test_usual_spellings(split, names):
    assert {split_of(name) for name in names} == {split}
