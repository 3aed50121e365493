"""The command as a user runs it; where many calls are needed, inside this process."""

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import fields
from pathlib import Path

import pytest
from mlopsproj_core.events import model_promoted
from mlopsproj_evaluation.gates import GATES, GateLimits
from mlopsproj_evaluation.gates.limits import PREFIX
from mlopsproj_evaluation.promotion import promote_version
from mlopsproj_registry.cli import app
from shop import right
from typer.main import get_command

HEAVY = ("matplotlib", "numpy.random", "onnxruntime", "pyarrow", "rich", "scipy", "torch")


@pytest.fixture
def undecided(shop):
    """A version in production, and a candidate that 100 images cannot tell from it."""
    shop.put(shop.publish(right(80, 100)))
    candidate = shop.publish(right(79, 100))
    shop.put(candidate, "candidate")
    return candidate


def test_an_empty_registry_names_the_command_that_fills_it(run, shop):
    result = run("list")
    assert (result.code, result.err) == (0, "")
    assert shop.registry.url in result.out
    assert "uv run train" in result.out
    for arguments in (("show", "@production"), ("promote", ":1"), ("rollback",), ("verify",)):
        result = run(*arguments)
        assert (result.code, result.out) == (1, ""), arguments
        assert "uv run train" in result.err
        assert "Traceback" not in result.err


def test_an_empty_registry_as_json(run_process):
    result = run_process("list", "--json")
    assert (result.code, json.loads(result.out), result.err) == (0, [], "")


@pytest.mark.parametrize(
    ("right_of_1000", "arguments", "code"),
    [
        (800, ("verify", "--json"), 1),
        (800, ("promote", "brightness:2", "--margin", "-1", "--json"), 2),
        (300, ("promote", "brightness:2", "--json"), 3),
        (796, ("promote", "brightness:2", "--json"), 4),
    ],
)
def test_each_exit_code_comes_with_a_message_on_stderr(
    run_process, shop, right_of_1000, arguments, code
):
    shop.put(shop.publish(right(800, 1000)))
    shop.publish(right(right_of_1000, 1000))
    if code == 1:
        shop.damage(shop.publish(), "model.onnx")
    result = run_process(*arguments)
    assert result.code == code
    assert result.err.startswith("error: ")
    assert "Traceback" not in result.err
    if code == 2:
        assert result.out == ""
    else:
        assert isinstance(json.loads(result.out), dict)


def test_list(run, shop, undecided):
    table = run("list")
    assert (table.code, table.err) == (0, "")
    head, first, second = table.out.splitlines()
    assert head.split()[:3] == ["model", "version", "accuracy"]
    assert first.split()[:2] == ["brightness", "1"]
    assert "production" in first
    assert "1.0000 (0.9000 to 1.0000)" in second
    assert "candidate" in second
    (model,) = json.loads(run("list", "--json").out)
    assert model["aliases"] == {"candidate": 2, "production": 1}
    assert [version["version"] for version in model["versions"]] == [1, 2]


def test_the_registry_that_is_named_counts_more_than_the_environment(run, shop, tmp_path):
    shop.publish()
    assert "holds no model" in run("list", "--registry", str(tmp_path / "other")).out
    assert "brightness" in run("list", MLOPSPROJ_REGISTRY_URL="models").out


def test_a_list_imports_nothing_heavy(shop, environment):
    shop.put(shop.publish())
    code = (
        "import sys; sys.argv = ['registry', 'list']\n"
        "from mlopsproj_registry.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    *listed, imported = result.stdout.splitlines()
    assert listed[1].startswith("brightness")
    assert imported == "[]"


def test_show(run, undecided):
    shown = run("show", "brightness@candidate")
    assert (shown.code, shown.err) == (0, "")
    assert "brightness:2" in shown.out
    description = json.loads(run("show", "brightness", "--json").out)
    assert description["version"] == "brightness:1"


def test_one_bad_alias_file_hides_nothing_and_is_not_moved(run_process, shop, undecided, tmp_path):
    (tmp_path / "models/brightness/aliases/candidate/9.json").write_text("{")
    listed = run_process("list")
    assert (listed.code, len(listed.out.splitlines())) == (0, 3)
    assert "candidate (unreadable)" in listed.out
    shown = run_process("show", "brightness:2")
    assert shown.code == 0
    for told in (listed, shown, run_process("list", "--json"), run_process("show", "--json", ":1")):
        assert told.err.startswith("warning: ")
        assert "brightness/aliases/candidate/9.json" in told.err
        assert len(told.err.splitlines()) == 1
    before = sorted(tmp_path.glob("models/brightness/aliases/*/*"))
    for command in (("promote", ":1"), ("rollback",)):
        refused = run_process(*command, "--alias", "candidate")
        assert (refused.code, refused.out) == (1, "")
        assert "brightness/aliases/candidate/9.json" in refused.err
    assert sorted(tmp_path.glob("models/brightness/aliases/*/*")) == before


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_a_person_at_a_terminal_is_not_shown_the_event(shop, environment):
    import pty

    shop.publish(right(900, 1000))
    terminal, theirs = pty.openpty()
    command = [Path(sys.executable).parent / "registry", "promote", "brightness:1", "--json"]
    ended = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=theirs, check=True
    )
    os.close(theirs)
    os.set_blocking(terminal, False)
    written = b""
    with suppress(OSError):  # there is nothing to read
        written = os.read(terminal, 10_000)
    os.close(terminal)
    assert written == b""
    assert json.loads(ended.stdout)["moved"]["version"] == 1


def test_a_promotion_and_its_way_back(run_process, shop):
    shop.put(shop.publish(right(800, 1000)))
    shop.publish(right(900, 1000))
    promoted = run_process("promote", "brightness:2", "--reason", "a better camera")
    assert promoted.code == 0, promoted.err
    for text in ("bundle", "parity", "accuracy", "+10.00 points", "points at version 2 now"):
        assert text in promoted.out
    move = shop.registry.history("brightness", "production")[-1]
    assert move.reason == "a better camera"
    assert [gate["name"] for gate in move.gates] == ["bundle", *GATES]
    event = model_promoted("brightness", move, shop.registry.url)
    assert str(event.id) in promoted.err

    back = run_process("rollback", "--reason", "too dark")
    assert back.code == 0, back.err
    assert back.out == "brightness@production points at version 1 again.\n"
    assert shop.pointed_at() == 1


def test_a_promotion_as_json(run, shop):
    shop.put(shop.publish(right(800, 1000)))
    shop.publish(right(900, 1000))
    answer = json.loads(run("promote", "brightness:2", "--json").out)
    assert (answer["version"], answer["champion"]) == ("brightness:2", "brightness:1")
    assert answer["verdict"] == "pass"
    move = json.loads(run("rollback", "--json").out)
    assert (move["name"], move["version"], move["sequence"]) == ("brightness", 1, 3)


def test_a_broken_bundle_is_refused(run, shop):
    shop.put(shop.publish())
    broken = shop.publish()
    shop.damage(broken, "model.onnx")
    table = run("promote", "brightness:2")
    assert table.code == 3
    assert "model.onnx" in table.out
    assert table.err.splitlines()[-1] == (
        "error: brightness@production stays where it is: brightness:2 is refused by the gate"
        " bundle. What is broken is never promoted: publish it again."
    )
    as_json = run("promote", "brightness:2", "--json")
    assert as_json.code == 3
    answer = json.loads(as_json.out)
    assert (answer["verdict"], answer["moved"]) == ("fail", None)
    assert shop.pointed_at() == 1


def test_a_worse_version_is_refused(run, shop):
    shop.put(shop.publish(right(900, 1000)))
    shop.publish(right(600, 1000))
    refused = run("promote", "brightness:2", "--accept-undecided", "please")
    assert refused.code == 3
    assert "refused by the gate accuracy" in refused.err


def test_two_versions_are_compared(run, shop, undecided):
    shown = run("compare", "brightness", "@candidate", "--no-speed")
    assert (shown.code, shown.err) == (0, "")
    assert "brightness:1 and brightness:2" in shown.out
    assert "speed" not in shown.out
    answer = run("compare", ":1", "brightness:2", "--json")
    assert answer.code == 0, answer.err
    found = json.loads(answer.out)
    assert found["images"]["counted"] == 100
    assert [row["batch"] for row in found["speed"]] == [1, 32]


def test_too_little_evidence_needs_a_reason(run, shop, undecided):
    result = run("promote", "@candidate", "--json")
    assert result.code == 4
    assert json.loads(result.out)["verdict"] == "undecided"
    assert "--accept-undecided REASON" in result.err
    empty = run("promote", "@candidate", "--accept-undecided", " ")
    assert (empty.code, empty.out) == (2, "")
    assert shop.pointed_at() == 1
    accepted = run("promote", "@candidate", "--accept-undecided", "looked at by hand")
    assert accepted.code == 0, accepted.err
    assert "undecided" in accepted.out
    move = shop.registry.history("brightness", "production")[-1]
    assert move.reason.endswith("accepted: looked at by hand")


@pytest.mark.parametrize(
    "arguments",
    [
        ("promote", "brightness:1"),
        ("promote", "brightness:1", "--margin", "2"),
        ("promote", "brightness:1", "--margin", "half"),
        ("promote",),
        ("rollback", "brightness:1"),
        ("show",),
        ("list", "--no-such-flag"),
        ("no-such-command",),
    ],
)
def test_wrong_usage(run, shop, arguments):
    shop.put(shop.publish())
    result = run(*arguments)
    assert (result.code, result.out) == (2, "")
    assert "error" in result.err.lower()
    assert "Traceback" not in result.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("show", "brightness:7"), "there is: 1"),
        (("show", "other:1"), "there is: brightness"),
        (("compare", "brightness:1", "brightness:7"), "there is: 1"),
        (("show", "brightness@shadow"), "it has: production"),
        (("promote", "brightness@candidate"), "'candidate'"),
        (("promote", "brightness:1", "--alias", "Not A Name"), "'Not A Name'"),
        (("rollback",), "no version before"),
        (("rollback", "other"), "there is: brightness"),
        (("rollback", "--alias", "shadow"), "'shadow'"),
        (("verify", "brightness:7"), "there is: 1"),
        (("list", "--registry", "nowhere://bucket"), "nowhere://bucket"),
    ],
)
def test_what_is_not_there(run, shop, arguments, told):
    shop.put(shop.publish())
    result = run(*arguments)
    assert (result.code, result.out) == (1, "")
    assert told in result.err
    assert result.err.startswith("error: ")
    assert "Traceback" not in result.err


def test_a_version_of_another_schema(run, shop):
    shop.rewrite_manifest(shop.publish(), schema=2)
    for command in ("show", "promote"):
        result = run(command, "brightness:1")
        assert (result.code, result.out) == (1, "")
        assert "upgrade mlopsproj" in result.err


def test_the_history_tells_who_it_was(run, shop):
    shop.publish()
    assert run("promote", "brightness:1", LOGNAME="ada").code == 0
    assert shop.registry.history("brightness", "production")[0].actor == "ada"


def test_which_of_several_models_the_environment_says(run, shop):
    for name in ("alpha", "brightness"):
        for _ in range(2):
            shop.put(shop.publish(name=name))
    for arguments in (("show", "@production"), ("rollback",), ("promote", ":1")):
        result = run(*arguments)
        assert result.code == 1
        assert "MLOPSPROJ_MODEL" in result.err
    named = {"MLOPSPROJ_MODEL": "alpha"}
    assert json.loads(run("show", ":1", "--json", **named).out)["version"] == "alpha:1"
    assert json.loads(run("rollback", "--json", **named).out)["name"] == "alpha"
    assert (shop.pointed_at(name="alpha"), shop.pointed_at()) == (1, 2)
    # It names the model that is meant, and no less is verified.
    assert len(json.loads(run("verify", "--json", **named).out)["verified"]) == 4
    assert json.loads(run("verify", ":2", "--json", **named).out)["verified"] == ["alpha:2"]


def test_verify(run, shop):
    shop.put(shop.publish())
    whole = run("verify")
    assert (whole.code, whole.out, whole.err) == (0, "brightness:1  whole\n", "")
    for file in ("model.onnx", "reference.parquet"):
        shop.damage(shop.publish(), file)
    broken = run("verify")
    assert broken.code == 1
    lines = broken.out.splitlines()
    assert lines[0] == "brightness:1  whole"
    assert "model.onnx" in lines[1]
    assert "reference.parquet" in lines[2]
    assert "brightness:2, brightness:3" in broken.err
    as_json = run("verify", "--json")
    assert as_json.code == 1
    answer = json.loads(as_json.out)
    assert answer["verified"] == ["brightness:1"]
    assert list(answer["broken"]) == ["brightness:2", "brightness:3"]


def test_a_webhook_hears_of_every_move(run, shop, webhook):
    for number in (700, 900):
        shop.publish(right(number, 1000))
    for arguments in (("promote", "brightness:1"), ("promote", "brightness:2"), ("rollback",)):
        assert run(*arguments, MLOPSPROJ_EVENT_URL=webhook.url).code == 0
    moves = shop.registry.history("brightness", "production")
    assert [move.version for move in moves] == [1, 2, 1]
    assert [event["id"] for event in webhook.told] == [
        str(model_promoted("brightness", move, shop.registry.url).id) for move in moves
    ]


def test_a_webhook_that_is_down_fails_nothing(run_process, shop):
    shop.publish()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        host = f"http://127.0.0.1:{taken.getsockname()[1]}"
        result = run_process("promote", "brightness:1", "--json", MLOPSPROJ_EVENT_URL=f"{host}/x")
    assert result.code == 0
    assert json.loads(result.out)["moved"]["version"] == 1
    assert host in result.err
    assert shop.pointed_at() == 1


@pytest.mark.skipif(sys.platform == "win32", reason="a console's Ctrl-C cannot be sent there")
def test_an_interruption_ends_with_its_code_and_the_move_stands(
    shop, environment, tmp_path, webhook
):
    shop.publish()
    webhook.answers.clear()
    process = subprocess.Popen(
        [Path(sys.executable).parent / "registry", "promote", "brightness:1"],
        cwd=tmp_path,
        env={**environment, "MLOPSPROJ_EVENT_URL": webhook.url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert webhook.arrived.wait(timeout=60)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert shop.pointed_at() == 1


def test_the_help_tells_the_limits_of_the_gates_and_their_variables():
    options = {option.name: option for option in get_command(app).commands["promote"].params}
    for limit in fields(GateLimits):
        text = options[limit.name].help
        assert f"${PREFIX}{limit.name.upper()}" in text
        if limit.name != "without":
            assert options[limit.name].default is None
            assert text.endswith(f", else {limit.default:g}.")


def test_a_team_sets_its_limits_once(run, shop):
    shop.put(shop.publish(right(800, 1000)))
    shop.publish(right(780, 1000))
    once = {"MLOPSPROJ_GATE_MARGIN": "0.05", "MLOPSPROJ_GATE_WITHOUT": "calibration,latency"}
    answer = run("promote", "brightness:2", "--alias", "production", "--json", **once)
    assert answer.code == 0, answer.err
    verdicts = {gate["name"]: gate["verdict"] for gate in json.loads(answer.out)["gates"]}
    assert (verdicts["calibration"], verdicts["latency"], verdicts["size"]) == (
        "off",
        "off",
        "pass",
    )
    assert run("rollback").code == 0
    assert run("promote", "brightness:2", "--margin", "0.01", **once).code == 3


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("MARGIN", "half", "MLOPSPROJ_GATE_MARGIN=half: give a number"),
        ("SIZE_RATIO", "0", "size_ratio=0.0: give more than 0"),
        ("WITHOUT", "bundle", "without=bundle: no such gate can be switched off"),
    ],
)
def test_a_limit_of_the_environment_that_cannot_be_used(run, shop, variable, value, told):
    shop.publish()
    result = run("promote", "brightness:1", **{f"MLOPSPROJ_GATE_{variable}": value})
    assert (result.code, result.out) == (2, "")
    assert told in result.err


def test_a_version_is_forced_and_show_tells_it(run, shop):
    shop.put(shop.publish(right(900, 1000)))
    shop.publish(right(600, 1000))
    refused = run("promote", "brightness:2")
    assert refused.code == 3
    assert "--force REASON" in refused.err
    empty = run("promote", "brightness:2", "--force", " ")
    assert (empty.code, empty.out) == (2, "")
    forced = run("promote", "brightness:2", "--force", "the old one is unlawful")
    assert forced.code == 0, forced.err
    assert "points at version 2 now" in forced.out
    shown = run("show", "brightness:2").out
    assert "forced against accuracy, classes, calibration: the old one is unlawful" in shown
    assert "accuracy fail, classes fail, calibration fail" in shown


def test_a_broken_bundle_is_not_forced(run, shop):
    shop.damage(shop.publish(), "model.onnx")
    refused = run("promote", "brightness:1", "--force", "I know better")
    assert refused.code == 3
    assert "never promoted" in refused.err


def test_the_command_gives_every_setting_of_a_promotion(run, shop, monkeypatch):
    given = {}

    def spy(registry, reference, **settings):
        given.update(settings, reference=reference, url=registry.url)
        return promote_version(registry, reference, **settings)

    monkeypatch.setattr("mlopsproj_evaluation.promotion.promote_version", spy)
    shop.publish()
    result = run(
        *("promote", "brightness:1", "--alias", "shadow", "--margin", "0.1", "--reason", "trial"),
        *("--class-margin", "0.2", "--calibration-margin", "0.03", "--robustness-margin", "0.04"),
        *("--size-ratio", "3", "--latency-ratio", "4", "--latency-seconds", "5"),
        *("--without", "data", "--without", "size"),
        *("--accept-undecided", "yes", "--force", "no", "--prepared-dir", "data"),
    )
    assert result.code == 0, result.err
    assert given["url"] == shop.registry.url
    assert {key: given[key] for key in ("reference", "alias", "reason")} == {
        "reference": "brightness:1",
        "alias": "shadow",
        "reason": "trial",
    }
    assert given["limits"] == GateLimits(0.1, 0.2, 0.03, 0.04, 3, 4, 5, ("data", "size"))
    assert given["usual"] == GateLimits()
    assert (given["accept_undecided"], given["force"]) == ("yes", "no")
    assert given["find_test_images"].keywords == {"prepared_dir": Path("data")}
    assert shop.pointed_at("shadow") == 1


@pytest.mark.parametrize(
    "command", ["", "list", "show", "compare", "promote", "rollback", "verify"]
)
def test_help_tells_what_a_command_does(run, command):
    result = run(*command.split(), "--help")
    assert result.code == 0
    assert "Usage:" in result.out
    assert "..." not in result.out.replace("[ARGS]...", "")  # nothing is cut
    assert not command or f"Example: registry {command}" in result.out
