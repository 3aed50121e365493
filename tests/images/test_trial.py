"""What a trial of the images says where it cannot be made; `nox -s images` makes it."""

import pytest
from images import base, trial
from images.docker import Docker
from images.engine import ImageError
from images.pins import ROOT


def test_a_machine_without_an_engine_is_told_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert trial.main() == 1
    assert "apt-get install buildah mmdebstrap" in capsys.readouterr().err


def test_without_a_registry_a_base_needs_what_makes_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ImageError, match="apt-get install mmdebstrap"):
        base.start_of(Docker())


def test_the_images_that_a_build_starts_from_are_those_of_the_dockerfile():
    assert set(base.defaults()) == {"BASE", "UV"}
    assert "3.11" in base.defaults()["BASE"]


def test_what_is_sent_to_the_api_is_an_image_of_the_sample():
    assert trial.SAMPLE.is_relative_to(ROOT)
    assert trial.first_picture().startswith(b"\x89PNG")
