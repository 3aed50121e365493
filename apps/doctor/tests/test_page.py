import json

from mlopsproj_doctor.examination import Group
from mlopsproj_doctor.findings import fail, ok, warn
from mlopsproj_doctor.page import as_document, print_page, summary

GROUPS = [
    Group("machine", (ok("cores", "2 used"), warn("memory", "little", "Give more."))),
    Group("registry", (fail("[bold]@x", "a " * 60 + "ä", "Roll back."),)),
]


def test_the_page(capsys):
    print_page(GROUPS)
    assert capsys.readouterr().out.splitlines() == [
        "machine",
        "ok   cores    2 used",
        "warn memory   little",
        "              mend: Give more.",
        "registry",
        "fail [bold]@x " + "a " * 60 + "ä",
        "              mend: Roll back.",
    ]


def test_the_document():
    document = json.loads(json.dumps(as_document(GROUPS)))
    assert document["state"] == "fail"
    assert document["version"]
    assert document["findings"][1] == {
        "group": "machine",
        "name": "memory",
        "state": "warn",
        "text": "little",
        "mend": "Give more.",
    }


def test_the_summary():
    assert summary(GROUPS) == "1 of 3 lines fail, 1 warn."
    assert summary(GROUPS[:1]) == "0 of 2 lines fail, 1 warn."
    assert summary([Group("machine", (ok("cores", "2 used"),))]) == "All 1 lines are well."


def test_no_finding_at_all(capsys):
    print_page([])
    print_page([Group("machine", ())])
    assert capsys.readouterr().out == "machine\n"
