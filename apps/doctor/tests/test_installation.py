import pytest
from mlopsproj_doctor.findings import State
from mlopsproj_doctor.installation import EXTRAS, Package, examine, examine_packages, installed

PYTHON = ">=3.11,<3.14"


def member(name="core", version="0.1.0", requires=("numpy>=2.0",), extras=(), python=PYTHON):
    return Package(f"mlopsproj-{name}", version, tuple(requires), tuple(extras), python)


def found(*packages, python="3.12.1"):
    return list(examine_packages(packages, python))


def failing(findings):
    return [finding for finding in findings if finding.state is State.FAIL]


def test_what_is_installed_here_agrees():
    findings = list(examine())
    assert not failing(findings), findings
    assert findings[0].name == "mlopsproj"
    assert "doctor" in findings[0].text
    assert {package.name for package in installed()} >= {"mlopsproj-core", "numpy", "typer"}


def test_one_release_and_its_packages():
    findings = found(member(), member("records"), Package("numpy", "2.4.1"))
    assert [finding.state for finding in findings] == [State.OK, State.OK]
    assert findings[0].text == "0.1.0: core, records"
    assert "numpy 2.4.1" in findings[1].text


def test_members_of_different_releases_fail():
    (finding,) = failing(found(member(), member("api", "0.2.0"), Package("numpy", "2.4.1")))
    assert finding.text.endswith("api 0.2.0, core 0.1.0")
    assert finding.mend


@pytest.mark.parametrize(
    ("version", "words"),
    [("1.26.4", "numpy is 1.26.4, and >=2.0 is needed"), (None, "numpy is needed, and not")],
)
def test_a_package_that_is_too_old_or_missing_fails(version, words):
    packages = [Package("numpy", version)] if version else []
    (finding,) = failing(found(member(), *packages))
    assert words in finding.text
    assert finding.mend


def test_what_two_members_lack_is_told_once():
    assert len(failing(found(member(), member("records")))) == 1


@pytest.mark.parametrize("version", ["2.5.0rc1", "2.4.1+local", "somebody's own"])
def test_a_build_of_somebody_s_own_is_taken(version):
    assert not failing(found(member(), Package("numpy", version)))


def test_names_are_those_of_packages_however_they_are_written():
    requires = ["Pydantic_Settings>=2.8"]
    assert not failing(found(member(requires=requires), Package("pydantic-settings", "2.9")))


def test_a_requirement_of_another_system_is_not_needed_here():
    requires = ["pywin32>=300; sys_platform == 'nowhere'"]
    assert not failing(found(member(requires=requires)))


@pytest.mark.parametrize("python", ["3.10.4", "3.14.0", "3.14.0rc1"])
def test_a_python_that_is_not_supported_fails(python):
    (finding,) = failing(found(member(requires=()), python=python))
    assert (finding.name, python in finding.text) == ("python", True)


def test_extras_that_are_there_and_those_that_may_be_added():
    models = member(
        "models",
        requires=["timm>=1.0; extra == 'timm'", "gcsfs>=2025; extra == 'gcs'"],
        extras=["timm", "gcs"],
    )
    findings = {finding.name: finding for finding in found(models, Package("gcsfs", "2026.1"))}
    assert findings["extras"].text == "gcs"
    assert f"mlopsproj-models[timm] ({EXTRAS['timm']})" in findings["may be added"].text
    assert {finding.state for finding in findings.values()} == {State.OK}


def test_an_extra_that_is_too_old_is_a_warning():
    core = member(requires=["gcsfs>=2025.3; extra == 'gcs'"], extras=["gcs"])
    (finding,) = (f for f in found(core, Package("gcsfs", "2020.1")) if f.state is State.WARN)
    assert "gcsfs is 2020.1" in finding.text


def test_what_an_extra_asks_of_other_members_they_tell_themselves():
    api = member("api", requires=["mlopsproj-core[gcs]; extra == 'gcs'"], extras=["gcs"])
    assert [finding.name for finding in found(api)] == ["mlopsproj", "packages"]
