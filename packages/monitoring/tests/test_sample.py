from dataclasses import replace

import numpy as np
import pytest
from mlopsproj_core.errors import DataError
from mlopsproj_monitoring import Sample


def columns(sample):
    return [
        list(sample.ids),
        sample.probabilities.tolist(),
        sample.embedding.tolist(),
        sample.ood_score.tolist(),
        {name: values.tolist() for name, values in sample.statistics.items()},
        list(sample.mode),
        list(sample.labels),
    ]


@pytest.mark.parametrize("kind", ["numbers", "flags"])
def test_rows_are_taken_from_every_column(make_sample, kind):
    sample = make_sample(1, 20, labelled=True)
    rows = np.array([3, 4, 11])
    chosen = np.isin(np.arange(20), rows) if kind == "flags" else rows
    taken = sample.take(chosen)
    assert len(taken) == 3
    assert taken.ids == [sample.ids[row] for row in rows]
    assert taken.labels == [sample.labels[row] for row in rows]
    assert (taken.embedding == sample.embedding[rows]).all()
    assert (taken.statistics["contrast"] == sample.statistics["contrast"][rows]).all()


def test_parts_joined_are_the_whole(make_sample):
    sample = make_sample(1, 20)
    parts = [sample.take(np.arange(0, 7)), sample.take(np.arange(7, 20))]
    assert columns(Sample.joined(parts)) == columns(sample)


@pytest.mark.parametrize("column", ["probabilities", "embedding", "ood_score", "mode", "labels"])
def test_a_column_of_another_length_is_named(make_sample, column):
    sample = make_sample(1, 20)
    with pytest.raises(DataError, match=f"20 ids has 19 values of {column}"):
        replace(sample, **{column: getattr(sample, column)[1:]})


def test_a_statistic_that_is_missing_or_short_is_named(make_sample):
    sample = make_sample(1, 20)
    others = {name: values for name, values in sample.statistics.items() if name != "contrast"}
    with pytest.raises(DataError, match="lacks the statistics contrast"):
        replace(sample, statistics=others)
    with pytest.raises(DataError, match="3 values of contrast"):
        replace(sample, statistics={**others, "contrast": np.zeros(3)})


def test_a_table_must_have_rows(make_sample):
    sample = make_sample(1, 20)
    with pytest.raises(DataError, match=r"embedding of a sample have the shape \(20,\)"):
        replace(sample, embedding=sample.ood_score.astype(np.float32))


def test_unknown_labels_are_no_numbers(make_sample):
    sample = replace(make_sample(1, 3), labels=[2, None, 0])
    assert np.array_equal(sample.label_numbers, [2, np.nan, 0], equal_nan=True)
