import pytest
from mlopsproj_doctor.findings import State
from mlopsproj_doctor.settings import examine_values, examine_variables


def test_nothing_is_set():
    (finding,) = examine_variables({"PATH": "/bin", "MODEL_DIR": "x", "MLOPSPROJ_MODEL": ""})
    assert finding.state is State.OK
    assert "defaults" in finding.text


def test_what_is_set_is_told_without_secrets():
    (finding,) = examine_variables(
        {
            "MLOPSPROJ_MODEL": "fashion",
            "MLOPSPROJ_API_KEYS": "bob:012345",
            "mlopsproj_api_port": "1",
        }
    )
    assert finding.text == "MLOPSPROJ_API_KEYS=***, MLOPSPROJ_MODEL=fashion, mlopsproj_api_port=1"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("MLOPSPROJ_REGISTY_URL", "MLOPSPROJ_REGISTRY_URL"),
        ("MLOPSPROJ_DB_URL", "MLOPSPROJ_DATABASE_URL"),
        ("MLOPS_REGISTRY_URL", "MLOPSPROJ_REGISTRY_URL"),
        ("MLOPSPROJ_PORT", "MLOPSPROJ_API_PORT"),
        ("mlopsproj_api_key", "MLOPSPROJ_API_KEYS"),
    ],
)
def test_a_name_that_is_misspelt_is_a_warning(name, meant):
    _, finding = examine_variables({name: "hunter2hunter2"})
    assert finding.state is State.WARN
    assert name in finding.text
    assert finding.mend == f"Is {meant} meant?"
    assert "hunter2" not in finding.text


def test_a_name_like_none_is_a_warning_too():
    _, finding = examine_variables({"MLOPSPROJ_QQQQ": "x"})
    assert (finding.state, "commands.md" in finding.mend) == (State.WARN, True)


def test_values_of_the_settings(folder):
    assert "defaults" in examine_values(None).text
    (folder / "configs").mkdir()
    assert examine_values(None).text == "in configs"
    assert examine_values("").text == "in configs"
    finding = examine_values("no/such")
    assert (finding.state, "no/such" in finding.text) == (State.FAIL, True)


def test_a_folder_that_may_not_be_looked_into_is_none(folder, as_nobody):
    (folder / "locked" / "configs").mkdir(parents=True)
    (folder / "locked").chmod(0)
    try:
        with as_nobody():
            assert examine_values("locked/configs").state is State.FAIL
    finally:
        (folder / "locked").chmod(0o755)
