"""A model is made smaller and faster, across an interruption, and held against its parent."""

import json
import signal

import pytest
from mlopsproj_core import Bundle

pytestmark = pytest.mark.slow

# What decides is the machine's speed, of which nothing is known here: all losses are accepted.
SETTINGS = (
    "budget=0.5",
    "accept_undecided=a trial",
    "quantisation.images=64",
    "quantisation.methods=[minmax]",
    "pruning.ratios=[0.5]",
    "pruning.epochs=1",
    "distillation.widths=[0.5]",
    "distillation.epochs=6",
    "timing.batches=[1,8]",
    "timing.threads=[1]",
    "timing.seconds=0.5",
    "output=json",
)
RUNGS = {"fp32", "folded", "int8-dynamic", "int8-minmax", "int8-mixed"} | {
    f"{name}{int8}" for name in ("pruned-50", "distilled-50") for int8 in ("", "-int8")
}


def outcomes(folder):
    return {path.parent.name: path.stat().st_mtime_ns for path in folder.rglob("outcome.json")}


@pytest.mark.parametrize("ended_by", ["SIGINT", "SIGKILL"])
def test_a_climb_that_is_ended_goes_on_and_its_choice_is_a_candidate(copied, ended_by):
    # Its compiler takes half a minute: once is enough.
    settings = (*SETTINGS, f"timing.torch={str(ended_by == 'SIGINT').lower()}")
    process = copied.start("optimize", *settings)
    folder = copied.path / "optimizations" / "tiny-1"
    metrics = folder / "rungs" / "distilled-50" / "training" / "metrics.csv"
    copied.wait_until(
        lambda: metrics.exists() and len(metrics.read_text().splitlines()) >= 3, process
    )
    process.send_signal(getattr(signal, ended_by))
    out, err = process.communicate(timeout=60)
    assert out == ""
    if ended_by == "SIGINT":
        assert process.returncode == 130, err
        assert "Go on with the same command" in err
        assert "Traceback" not in err
    done = outcomes(folder)
    assert {"fp32", "folded", "int8-minmax", "pruned-50"} <= done.keys()
    assert "distilled-50" not in done
    assert copied.aliases() == {"production": 1}

    again = copied.run("optimize", *settings)
    assert "going on from" in again.stderr
    assert "Traceback" not in again.stderr
    found = outcomes(folder)
    assert found.keys() == RUNGS
    assert {name: found[name] for name in done} == done
    report = json.loads(again.stdout)
    assert json.loads((folder / "report.json").read_text()) == report
    assert all(variant["skipped"] is None for variant in report["variants"])
    if ended_by == "SIGINT":
        assert report["torch"]["torch-eager"]["speedup"]["median"] > 0

    faster = [v for v in report["variants"][1:] if v["speedup"]["low"] > 1]
    if not faster:  # what this machine says, and nothing is published then
        assert again.returncode == 3, again.stderr
        assert copied.aliases() == {"production": 1}
        return
    assert again.returncode == 0, again.stderr
    assert report["choice"]["variant"] in {variant["name"] for variant in faster}
    assert report["published"] == "tiny:2"
    assert copied.aliases() == {"candidate": 2, "production": 1}
    bundle = Bundle.open(copied.path / "registry/tiny/versions/2")
    bundle.verify()
    assert bundle.manifest.parent == bundle.manifest.parity.reference == "tiny:1"

    gates = copied.run("registry", "promote", "tiny:2", "--json")
    assert gates.returncode in (0, 3, 4), gates.stderr
    verdicts = {gate["name"]: gate for gate in json.loads(gates.stdout)["gates"]}
    assert "by the parent" in verdicts["parity"]["detail"]  # a variant is held against it
    assert copied.aliases()["production"] == (2 if gates.returncode == 0 else 1)
    forced = copied.run("registry", "promote", "tiny:2", "--force", "a trial of the console")
    assert forced.returncode == (2 if gates.returncode == 0 else 0), forced.stderr
    assert copied.aliases()["production"] == 2


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("bundle=tiny:9",), 1, "tiny:9"),
        (("bundle=other",), 1, "other"),
        (("budget=2",), 2, "budget=2"),
        (("quantisation.images=0",), 2, "quantisation.images=0"),
        (("quantisation.methods=[guess]",), 2, "guess"),
        (("pruning.ratios=[1.5]",), 2, "pruning.ratios=[1.5]"),
        (("timing.threads=[999]",), 2, "timing.threads=[999]"),
        (("ladder=none",), 2, "full or quantise"),
        (("data=sample",), 2, "tiny:1"),
    ],
)
def test_bad_input_is_told_in_one_line(copied, arguments, code, told):
    result = copied.run("optimize", *arguments)
    assert result.returncode == code, result.stderr
    last = result.stderr.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert told in last
    assert result.stdout == ""
    assert not list(copied.path.rglob("outcome.json"))
