"""What the command doctor knows of the other members, and may not import, is what they say."""

import re
from dataclasses import fields

import pytest
from mlopsproj_api.settings import ApiSettings
from mlopsproj_core.settings import Settings
from mlopsproj_data.config import DataConfig
from mlopsproj_doctor.checks import CHECKS
from mlopsproj_doctor.disk import places
from mlopsproj_doctor.installation import EXTRAS
from mlopsproj_doctor.variables import KNOWN, DoctorSettings, Kind
from mlopsproj_evaluation.gates import GateLimits
from mlopsproj_evaluation.gates.limits import PREFIX as GATES
from mlopsproj_monitor.settings import MonitorSettings
from packaging.requirements import Requirement


def test_every_variable_that_a_command_reads_is_known():
    of_core = {f"MLOPSPROJ_{name}".upper() for name in Settings.model_fields}
    of_api = {ApiSettings.variable_of(name) for name in ApiSettings.model_fields}
    of_gates = {f"{GATES}{limit.name.upper()}" for limit in fields(GateLimits)}
    of_monitor = {MonitorSettings.variable_of(name) for name in MonitorSettings.model_fields}
    assert set(KNOWN) == of_core | of_api | of_monitor | of_gates


def test_what_may_hold_a_secret_is_not_shown_as_it_is():
    telling = re.compile("KEY|URL|TOKEN|SECRET|PASSWORD")
    assert not [name for name, kind in KNOWN.items() if telling.search(name) and kind is Kind.PLAIN]


@pytest.mark.parametrize("name", ["database_url", "spool_dir", "registry_url", "model"])
def test_its_defaults_are_those_of_the_service(name):
    assert DoctorSettings.model_fields[name].default == ApiSettings.model_fields[name].default


def test_it_looks_where_prepared_data_lie_by_default():
    assert str(places(DoctorSettings())["prepared"]) == DataConfig().prepared_dir


def test_its_groups_are_told(root):
    text = (root / "docs" / "commands.md").read_text().split("\n## doctor\n")[1]
    told = re.findall(r"^\| ([a-z]+) \|", text.split("\n## ")[0], re.MULTILINE)
    assert [name for name in told if name not in {"flag", "group"}] == [c.name for c in CHECKS]


def test_every_extra_is_described(members):
    """One that only asks other members for theirs is described as theirs."""
    extras = {
        extra
        for member in members
        for extra, texts in member.settings["project"].get("optional-dependencies", {}).items()
        if any(not Requirement(text).name.startswith("mlopsproj-") for text in texts)
    }
    assert extras == set(EXTRAS)
