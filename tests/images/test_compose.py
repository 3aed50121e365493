"""`infra/compose.yaml` names files, targets and ports that there are."""

import re

import pytest
import yaml
from images.pins import IMAGES, ROOT
from mlopsproj_api.settings import ApiSettings
from mlopsproj_core.settings import Settings

INFRA = ROOT / "infra"


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((INFRA / "compose.yaml").read_text())


def published(compose):
    """Ports that the shared network gives to this machine."""
    return {int(each.split(":")[-1]) for each in compose["services"]["network"]["ports"]}


def test_what_is_mounted_is_there_and_read_only(compose):
    for name, service in compose["services"].items():
        for volume in service.get("volumes", []):
            source, _, target = volume.partition(":")
            if source == "../registry":  # made by the first `train`
                assert target.endswith(":ro")
            elif source.startswith("."):
                assert (INFRA / source).exists(), f"{name} mounts {source}"
                assert target.endswith(":ro")
            else:
                assert source in compose["volumes"]


def test_what_is_built_are_targets_of_the_dockerfile(compose):
    for service in compose["services"].values():
        if build := service.get("build"):
            assert (INFRA / build["context"] / build["dockerfile"]).exists()
            assert build["args"]["IMAGE"] == build["target"]
            assert build["target"] in {image.name for image in IMAGES}


def test_all_is_reached_where_the_configurations_look(compose):
    ports = published(compose)
    looked = (INFRA / "prometheus" / "prometheus.yaml").read_text()
    looked += (INFRA / "grafana/provisioning/datasources/prometheus.yaml").read_text()
    asked = {int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", looked)}
    assert {8000, 8001, 9090, 9093} == asked
    assert asked <= ports
    for name, service in compose["services"].items():
        if name != "network":
            assert service["network_mode"] == "service:network"


def test_only_this_machine_reaches_the_ports(compose):
    assert all(each.startswith("127.0.0.1:") for each in compose["services"]["network"]["ports"])


def test_services_that_are_ours_are_told_what_they_read_and_write_nothing(compose):
    known = {f"MLOPSPROJ_{name}".upper() for name in Settings.model_fields}
    known |= {ApiSettings.variable_of(name) for name in ApiSettings.model_fields}
    for name in ("migration", "api", "monitor"):
        service = compose["services"][name]
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert set(service["environment"]) <= known


def test_services_wait_for_those_that_there_are(compose):
    for service in compose["services"].values():
        assert set(service.get("depends_on", {})) <= compose["services"].keys()


def test_grafana_finds_the_dashboard(compose):
    (told,) = yaml.safe_load((INFRA / "grafana/provisioning/dashboards/files.yaml").read_text())[
        "providers"
    ]
    targets = [each.split(":")[1] for each in compose["services"]["grafana"]["volumes"]]
    assert f"{told['options']['path']}/dashboard.json" in targets
    assert "/etc/grafana/provisioning" in targets
