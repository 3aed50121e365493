"""Every number that a user sets has a unit, or is said to have none."""

from dataclasses import dataclass
from typing import Annotated

import pytest
from mlopsproj_api.settings import ApiSettings
from mlopsproj_train.config import SweepConfig, TrainConfig
from mlopsproj_train.optimizing.config import OptimizeConfig
from pydantic import Field
from reference_pages import environment
from reference_pages.described import UndescribedError
from reference_pages.settings import keys
from reference_pages.units import unit_of


@pytest.mark.parametrize(
    ("name", "annotation", "unit"),
    [
        ("shift", Annotated[int, "pixels"] | None, "pixels"),
        ("widths", tuple[Annotated[float, "share"], ...], "share"),
        ("max_images", Annotated[Annotated[int, Field(ge=1)], "answers"], "answers"),
        ("trainer.max_epochs", int | None, "epochs"),
        ("deadline_seconds", Annotated[float, Field(gt=0)], "seconds"),
        ("api_requests_per_minute", int | None, "requests per minute"),
        ("seed", Annotated[int, "no unit"], "no unit"),
        ("images", str | None, ""),
        ("images", bool, ""),
    ],
)
def test_a_unit_is_told_by_the_type_or_else_by_the_name(name, annotation, unit):
    assert unit_of(name, annotation) == unit


@pytest.mark.parametrize("annotation", [int, float | None, tuple[int, ...], list[float]])
def test_a_number_without_a_unit_is_refused(annotation):
    with pytest.raises(UndescribedError, match="far is a number without a unit"):
        unit_of("far", annotation)


def test_a_key_without_a_unit_is_refused():
    @dataclass(frozen=True)
    class Walk:
        """A walk.

        Attributes:
            far: how far it goes.
        """

        far: int = 1

    with pytest.raises(UndescribedError, match="far is a number without a unit"):
        list(keys(Walk()))


def test_a_variable_without_a_unit_is_refused(monkeypatch):
    class Walk(ApiSettings):
        far: int = Field(default=1, description="How far it goes.")

    monkeypatch.setattr(environment, "ApiSettings", Walk)
    with pytest.raises(UndescribedError, match="mlopsproj_api_far is a number without a unit"):
        environment.rows()


def test_keys_are_told_with_their_units():
    told = {
        key.name: key.unit
        for schema in (OptimizeConfig, SweepConfig, TrainConfig)
        for key in keys(schema())
    }
    assert told["data.image_size"] == "pixels"
    assert told["model.network.widths"] == "channels"
    assert told["pruning.ratios"] == "share"
    assert told["timing.seconds"] == "seconds"
    assert told["trials"] == "trials"
    assert told["seed"] == "no unit"
    assert told["profile"] == told["registry"] == told["space"] == ""


def test_variables_are_told_with_their_units():
    told = {row[0].strip("`"): row[3] for section in environment.rows().values() for row in section}
    assert told["MLOPSPROJ_API_MAX_BODY_BYTES"] == "bytes"
    assert told["MLOPSPROJ_API_MAX_BATCH"] == "images"
    assert told["MLOPSPROJ_API_WORKERS"] == "processes"
    assert told["MLOPSPROJ_GATE_MARGIN"] == "share"
    assert told["MLOPSPROJ_MONITOR_PORT"] == "no unit"
    assert told["MLOPSPROJ_API_LOG"] == ""
