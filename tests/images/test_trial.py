"""What a trial of the images says where it cannot be made; `nox -s images` makes it."""

import re

import pytest
from images import base_image, trial
from images.docker import Docker
from images.engine import DOCKERFILE, ImageError
from images.pins import ROOT


def test_a_machine_without_an_engine_is_told_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert trial.main() == 1
    assert "apt-get install buildah mmdebstrap" in capsys.readouterr().err


def test_without_a_registry_a_base_needs_what_makes_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ImageError, match="apt-get install mmdebstrap"):
        base_image.start_of(Docker())


def test_a_build_starts_from_images_that_dependabot_sees():
    named = base_image.defaults()
    assert re.fullmatch(r"docker\.io/library/python:3\.11\.\d+-slim-bookworm", named["BASE"])
    assert re.fullmatch(r"ghcr\.io/astral-sh/uv:\d+\.\d+\.\d+", named["UV"])
    # It reads no argument.
    lines = (ROOT / DOCKERFILE).read_text().splitlines()
    assert {f"FROM {named['BASE']} AS released-python", f"FROM {named['UV']} AS released-uv"} <= {
        *lines
    }


def test_what_is_sent_to_the_api_is_an_image_of_the_sample():
    assert trial.SAMPLE.is_relative_to(ROOT)
    assert trial.first_picture().startswith(b"\x89PNG")
