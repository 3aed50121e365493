import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlopsproj_core.errors import ConfigError
from mlopsproj_train.config import TrainConfig
from mlopsproj_train.sweeping.search_space import SearchSpace

BASE = TrainConfig()
MIXED = {
    "optimizer.lr": {"low": 1e-4, "high": 3e-2, "log": True},
    "optimizer": {"schedule": {"choices": ["one_cycle", "cosine"]}},
    "trainer": {
        "batch_size": {"low": 32, "high": 256, "step": 32},
        "patience": {"choices": [None, 3]},
    },
    "model.network.widths": {"choices": [[16, 32], [32, 64]]},
    "model.compile": {"choices": [True, False]},
    "data.augment.cutout": {"low": 0, "high": 8},
}


def read(document):
    return SearchSpace.read(document, BASE)


def test_dotted_and_nested_keys_name_the_same_settings():
    assert list(read(MIXED).parameters) == [
        "optimizer.lr",
        "optimizer.schedule",
        "trainer.batch_size",
        "trainer.patience",
        "model.network.widths",
        "model.compile",
        "data.augment.cutout",
    ]


@settings(max_examples=50)
@given(st.integers(0, 2**32))
def test_what_is_drawn_is_a_run_that_reads_back_from_what_a_user_would_type(seed):
    space = read(MIXED)
    labels = space.draw(random.Random(seed))
    run, typed = space.run(labels), space.settings(labels)
    assert 1e-4 <= run.optimizer.lr <= 3e-2
    assert run.trainer.batch_size in range(32, 257, 32)
    assert float(typed["optimizer.lr"]) == run.optimizer.lr
    assert typed["trainer.batch_size"] == str(run.trainer.batch_size)
    assert typed["optimizer.schedule"] == run.optimizer.schedule.value
    assert typed["trainer.patience"] == {None: "null", 3: "3"}[run.trainer.patience]
    assert typed["model.network.widths"] in ("[16,32]", "[32,64]")
    assert typed["model.compile"] == str(run.model.compile).lower()
    assert run.seed == BASE.seed


ranges = st.tuples(
    st.floats(1e-6, 1e3), st.floats(1e-6, 1e3), st.booleans(), st.integers(0, 2**32)
).filter(lambda drawn: drawn[0] < drawn[1])


@settings(max_examples=50)
@given(ranges)
def test_a_value_stays_in_its_range_though_it_is_told_with_few_digits(drawn):
    low, high, log, seed = drawn
    space = read({"optimizer.lr": {"low": low, "high": high, "log": log}})
    value = space.run(space.draw(random.Random(seed))).optimizer.lr
    assert low <= value <= high


@settings(max_examples=50)
@given(st.integers(1, 50), st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32))
def test_steps_are_counted_from_the_low_end(low, step, steps, seed):
    space = read({"trainer.batch_size": {"low": low, "high": low + step * steps, "step": step}})
    assert space.size == steps + 1
    assert (space.run(space.draw(random.Random(seed))).trainer.batch_size - low) % step == 0


def test_a_step_of_a_fraction_leaves_no_trail_of_digits():
    space = read({"model.loss.mixup_alpha": {"low": 0, "high": 0.6, "step": 0.1}})
    drawn = {
        space.settings(space.draw(random.Random(seed)))["model.loss.mixup_alpha"]
        for seed in range(99)
    }
    assert drawn == {"0.0", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6"}


def test_every_combination_is_counted():
    assert read({k: MIXED[k] for k in ("model.network.widths", "model.compile")}).size == 4
    assert read({"data.augment.cutout": {"low": 0, "high": 8}}).size == 9
    assert read(MIXED).size == float("inf")


def test_its_document_says_the_same():
    space = read(MIXED)
    assert read(space.document()) == space


def test_one_word_of_a_file_can_be_given_anew():
    document = {"optimizer.lr": {"low": 1e-4, "high": 3e-2}, "optimizer": {"lr": {"high": 1.0}}}
    assert read(document).document() == {"optimizer.lr": {"low": 1e-4, "high": 1.0}}


def test_the_ends_of_ranges_and_all_choices_can_be_tried_before_anything_runs():
    document = {"trainer.batch_size": {"low": 0, "high": 8}, "model.compile": {"choices": [True]}}
    corners = dict(read(document).corners())
    assert list(corners) == ["trainer.batch_size=0", "trainer.batch_size=8", "model.compile=true"]
    assert corners["trainer.batch_size=0"].trainer.batch_size == 0


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({}, "The search space is empty: give space=small"),
        ({"optimizer.lrr": {"low": 1, "high": 2}}, "optimizer.lrr: there is no such setting"),
        ({"optimizer.lr.x": {"low": 1, "high": 2}}, "optimizer.lr.x: there is no such setting"),
        ({"optimizer": {"low": 1, "high": 2}}, "optimizer holds several settings"),
        ({"optimizer.lr": 3}, "optimizer.lr=3 is no range"),
        ({"optimizer.lr": {}}, "it has nothing"),
        ({"optimizer.lr": {"low": 1, "hgh": 2}}, "it has low, hgh"),
        ({"optimizer.lr": {"low": 1, "high": 2, "choices": [1]}}, "it has low, high, choices"),
        ({"optimizer.lr": {"low": 1}}, "a range needs low and high"),
        ({"optimizer.lr": {"low": "a", "high": 2}}, "low=a: give a finite number"),
        ({"optimizer.lr": {"low": float("nan"), "high": 2}}, "low=nan: give a finite number"),
        ({"optimizer.lr": {"low": 0, "high": float("inf")}}, "high=inf: give a finite number"),
        ({"optimizer.lr": {"low": True, "high": 2}}, "low=True: give a finite number"),
        ({"optimizer.lr": {"low": 3, "high": 2}}, "low=3.0 is not below high=2.0"),
        ({"optimizer.lr": {"low": 2, "high": 2}}, "low=2.0 is not below high=2.0"),
        ({"optimizer.lr": {"low": 0, "high": 2, "log": True}}, "with log=true it must be above 0"),
        ({"optimizer.lr": {"low": 1, "high": 2, "log": "yes"}}, "log=yes: give true or false"),
        ({"optimizer.lr": {"low": 1, "high": 2, "log": True, "step": 1}}, "log or step, not both"),
        ({"optimizer.lr": {"low": 1, "high": 2, "step": 0}}, "step=0.0: give more than 0"),
        ({"trainer.batch_size": {"low": 1.5, "high": 2}}, "low=1.5: give an integer"),
        ({"trainer.batch_size": {"low": 8, "high": 30, "step": 4}}, "some steps of 4 more"),
        ({"optimizer.schedule": {"low": 1, "high": 2}}, "takes no numbers: give {choices: […]}"),
        ({"model.compile": {"low": 0, "high": 1}}, "takes no numbers"),
        ({"optimizer.lr": {"choices": ["fast"]}}, "optimizer.lr=fast: Value 'fast' of type 'str'"),
        ({"trainer.batch_size": {"choices": [1.5]}}, "trainer.batch_size=1.5"),
        ({"optimizer.schedule": {"choices": ["linear"]}}, "optimizer.schedule=linear"),
        ({"optimizer.lr": {"choices": []}}, "is no list with a value in it"),
        ({"optimizer.lr": {"choices": "ab"}}, "is no list with a value in it"),
        ({"optimizer.lr": {"choices": [1, 1.0]}}, "the choice 1.0 is there twice"),
        ({"data.path": {"choices": ["a"]}}, "decides which images a trial is judged on"),
        ({"registry": {"choices": ["a"]}}, "does not change what is learned"),
    ],
)
def test_what_cannot_be_searched_is_refused_by_name(document, told):
    with pytest.raises(ConfigError) as error:
        read(document)
    assert told in str(error.value)
    assert "\n" not in str(error.value)
