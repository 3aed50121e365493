import json
import logging

import numpy as np
import pytest
from mlopsproj_core.bundle import EVALUATION
from mlopsproj_core.registry import ModelVersion, Registry
from mlopsproj_evaluation import Scores
from mlopsproj_evaluation.gates import GATES
from mlopsproj_train.publishing import Publication, next_command, publish
from small_bundle import make_small_bundle


@pytest.fixture
def registry(tmp_path):
    return Registry(str(tmp_path / "registry"))


def test_the_first_version_goes_to_production_with_its_gates(trained, registry):
    publication = publish(trained.bundle, registry, run="runs/first", event_url="log:")
    assert publication == Publication(ModelVersion("tiny", 1), "production")
    (move,) = registry.history("tiny", "production")
    assert move.version == 1
    assert move.reason == "first version, trained in runs/first"
    gates = {gate["name"]: gate for gate in move.gates}
    assert set(gates) == {"bundle", *GATES}
    assert {gate["verdict"] for gate in gates.values()} == {"pass"}
    assert gates["accuracy"]["figure"] == f"{trained.summary.accuracy:.4f}"
    assert not registry.history("tiny", "candidate")


def test_later_versions_are_candidates(trained, registry):
    for number in (1, 2, 3):
        assert (
            publish(trained.bundle, registry, run="run", event_url="log:").version.number == number
        )
    assert {alias: move.version for alias, move in registry.aliases("tiny").items()} == {
        "production": 1,
        "candidate": 3,
    }
    assert [move.version for move in registry.history("tiny", "candidate")] == [2, 3]


class OvertakenRegistry(Registry):
    """Another process publishes a first version, just after we looked and saw none."""

    def history(self, name, alias):
        found = super().history(name, alias)
        if alias == "production" and not found:
            other = Registry(self.url)
            other.move_alias(name, alias, 1, actor="other", reason="first", expected_sequence=0)
        return found


def test_of_two_first_versions_one_gets_the_place(trained, registry):
    registry.publish(trained.bundle)
    overtaken = OvertakenRegistry(registry.url)
    publication = publish(trained.bundle, overtaken, run="run", event_url="log:")
    assert publication == Publication(ModelVersion("tiny", 2), "candidate")
    (move,) = Registry.history(registry, "tiny", "production")
    assert (move.version, move.actor) == (1, "other")
    assert registry.aliases("tiny")["candidate"].version == 2


def test_what_does_not_pass_the_gates_waits(registry, tmp_path):
    evaluation = Scores(("a" * 64,), np.array([1]), np.array([[0.1, 0.9]], np.float32))
    never_compared = make_small_bundle(
        tmp_path / "bundle",
        parity=None,
        fill=lambda folder: evaluation.write(folder / EVALUATION),
    )
    publication = publish(never_compared, registry, run="run", event_url="log:")
    assert publication == Publication(ModelVersion("brightness", 1), "candidate")
    assert not registry.history("brightness", "production")


def test_the_first_promotion_is_told_and_later_candidates_are_not(trained, registry, caplog):
    caplog.set_level(logging.INFO)
    publish(trained.bundle, registry, run="run", event_url="log:")
    publish(trained.bundle, registry, run="run", event_url="log:")
    told = [text for text in caplog.messages if text.startswith("event ")]
    assert [json.loads(text.removeprefix("event "))["version"] for text in told] == [1]


def test_a_promotion_that_nobody_takes_stands(trained, registry, caplog):
    publication = publish(trained.bundle, registry, run="run", event_url="nowhere:")
    assert publication.alias == "production"
    assert "MLOPSPROJ_EVENT_URL begins with 'nowhere'" in caplog.text


def test_the_next_command_finds_the_version(registry, tmp_path):
    registry.publish(make_small_bundle(tmp_path / "bundle"))
    first = Publication(ModelVersion("brightness", 1), "production")
    later = Publication(ModelVersion("brightness", 2), "candidate")
    assert next_command(first, registry, given=None) == "uv run predict FILE_OR_FOLDER"
    assert next_command(later, registry, given=None) == "uv run registry promote brightness:2"
    assert (
        next_command(later, registry, given="my registry")
        == "uv run registry promote brightness:2 --registry 'my registry'"
    )
    assert (
        next_command(first, registry, given="gs://bucket/models")
        == "uv run predict FILE_OR_FOLDER registry=gs://bucket/models"
    )
    registry.publish(make_small_bundle(tmp_path / "other", name="other"))
    assert next_command(first, registry, given=None).endswith("FILE_OR_FOLDER bundle=brightness")
