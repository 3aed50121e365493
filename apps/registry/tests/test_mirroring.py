import json
import subprocess
import sys

import pytest
import wandb
import wandb_stand_in
from shop import right

SAME = (True,) * 1000
NOT_TIMED = {"MLOPSPROJ_GATE_WITHOUT": "latency,robustness"}


@pytest.fixture
def server(monkeypatch, tmp_path):
    """A stand-in for W&B, which the SDK in this process speaks to."""
    wandb.teardown()  # it reads the environment once
    for name in ("MODE", "ENTITY", "PROJECT", "RUN_ID"):
        monkeypatch.delenv(f"WANDB_{name}", raising=False)
    for name in ("CONFIG", "CACHE", "DATA"):
        monkeypatch.setenv(f"WANDB_{name}_DIR", str(tmp_path / f"wandb-{name.lower()}"))
    with wandb_stand_in.serving() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        monkeypatch.setenv("WANDB_API_KEY", wandb_stand_in.KEY)
        yield server
        wandb.teardown()


@pytest.fixture
def mirrored(server, environment):
    """The mirror is wished."""
    environment["MLOPSPROJ_WANDB_REGISTRY"] = "team/model"


def move(server, alias, version):
    collection = server.account.linked("brightness")
    collection.aliases[alias] = collection.members[version - 1]


def at(server, alias="production"):
    """The version that an alias points at in the mirror."""
    artifact = server.account.linked("brightness").aliases[alias]
    return json.loads(artifact.metadata)["version"]


def test_push_adds_what_is_lacking_and_says_so(shop, run, server):
    shop.put(shop.publish())
    ended = run("mirror", "push", "--target", "team/model")
    assert ended.code == 0
    assert ended.out == "brightness:1  added\nbrightness@production  points at version 1\n"
    assert at(server) == "brightness:1"
    again = run("mirror", "push", "--target", "team/model")
    assert again.out == "Nothing was to be added or moved in team/model at W&B.\n"


@pytest.mark.usefixtures("mirrored")
def test_push_prints_one_document(shop, run):
    shop.put(shop.publish())
    shop.publish(name="other")
    ended = run("mirror", "push", "brightness", "--json")
    assert json.loads(ended.out) == {
        "uploaded": ["brightness:1"],
        "moved": {"brightness@production": 1},
        "told": [],
    }


@pytest.mark.usefixtures("mirrored")
def test_pull_promotes_what_was_moved_there(shop, run, server):
    shop.put(shop.publish(SAME))
    shop.publish(SAME)
    run("mirror", "push")
    assert run("mirror", "pull").out == "Nobody moved an alias in W&B.\n"
    move(server, "production", 2)
    ended = run("mirror", "pull", **NOT_TIMED)
    assert ended.code == 0, ended.err
    assert "accuracy" in ended.out
    assert ended.out.endswith("brightness@production points at version 2 now.\n")
    assert shop.registry.history("brightness", "production")[-1].actor == "wandb"


@pytest.mark.usefixtures("mirrored")
def test_pull_ends_with_3_where_a_gate_refuses(shop, run, server):
    shop.put(shop.publish(SAME))
    shop.publish(SAME, parity=None)
    run("mirror", "push")
    move(server, "production", 2)
    ended = run("mirror", "pull", "--json", **NOT_TIMED)
    (answer,) = json.loads(ended.out)
    assert answer["outcome"] == "refused"
    assert answer["promotion"]["moved"] is None
    assert ended.code == 3
    assert "Moved in W&B, and not here: brightness@production." in ended.err
    assert at(server) == "brightness:1"


@pytest.mark.usefixtures("mirrored")
def test_pull_ends_with_4_where_nobody_can_tell(shop, run, server):
    shop.put(shop.publish(right(80, 100)))
    shop.publish(right(79, 100))
    run("mirror", "push")
    move(server, "production", 2)
    ended = run("mirror", "pull", **NOT_TIMED)
    assert ended.code == 4
    assert "undecided: the evidence for version 2 does not suffice" in ended.out
    assert "--accept-undecided REASON" in ended.err
    assert run("mirror", "pull", "--accept-undecided", "tried", **NOT_TIMED).code == 0


@pytest.mark.usefixtures("mirrored")
def test_pull_tells_all_though_one_fails_and_ends_with_1(shop, run, server):
    first, second = shop.publish(SAME), shop.publish(SAME, parity=None)
    for alias in ("production", "shadow"):
        shop.put(first, alias)
    run("mirror", "push")
    for alias in ("production", "shadow"):
        move(server, alias, second.number)
    told = []

    def refuse(name):
        if name != "UpdateArtifact":
            return None
        told.append(name)
        return 403 if len(told) == 1 else None

    server.refuse = refuse
    ended = run("mirror", "pull", "--json", **NOT_TIMED)
    assert [answer["outcome"] for answer in json.loads(ended.out)] == ["failed", "refused"]
    assert ended.code == 1
    assert "Not pulled: brightness@production." in ended.err


@pytest.mark.usefixtures("mirrored")
def test_a_promotion_and_a_rollback_are_mirrored(shop, run, server):
    shop.put(shop.publish(SAME))
    shop.publish(SAME)
    ended = run("promote", "brightness:2", "--json", **NOT_TIMED)
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["moved"]["version"] == 2
    assert at(server) == "brightness:2"
    assert run("rollback").code == 0
    assert at(server) == "brightness:1"


@pytest.mark.usefixtures("mirrored")
def test_a_mirror_that_is_away_fails_no_command(shop, run, server, caplog):
    shop.put(shop.publish())
    shop.put(shop.publish())
    server.key = "another"
    ended = run("rollback")
    assert ended.code == 0
    assert ended.out == "brightness@production points at version 1 again.\n"
    assert "registry mirror push" in caplog.text


@pytest.mark.parametrize("command", ["push", "pull"])
def test_what_cannot_be_meant_is_refused(shop, run, server, command):
    shop.publish()
    unnamed = run("mirror", command)
    assert unnamed.code == 2
    assert "give --target ENTITY/REGISTRY" in unnamed.err
    assert run("mirror", command, "--target", "nonsense").code == 2
    of_version = run("mirror", command, "brightness:1", "--target", "team/model")
    assert of_version.code == 2
    assert "takes the NAME of a model, not 'brightness:1'" in of_version.err
    absent = run("mirror", command, "absent", "--target", "team/model")
    assert absent.code == 1
    assert "brightness" in absent.err


def test_without_the_extra_it_says_what_to_install(shop):
    """The member that is not installed is one that cannot be found."""
    shop.put(shop.publish())
    shop.put(shop.publish())
    code = (
        "import sys; sys.modules['mlopsproj_mirror'] = None\n"
        "from mlopsproj_registry.cli import main\nmain()"
    )

    def run_without(*arguments):
        command = [sys.executable, "-c", code, *arguments, "--registry", shop.registry.url]
        variables = {"MLOPSPROJ_WANDB_REGISTRY": "team/model"}
        return subprocess.run(
            command, env=variables, capture_output=True, text=True, timeout=120, check=False
        )

    ended = run_without("mirror", "push")
    assert ended.returncode == 2
    assert "install mlopsproj-registry[wandb]" in ended.stderr
    rolled_back = run_without("rollback")
    assert rolled_back.returncode == 0
    assert "install mlopsproj-registry[wandb]" in rolled_back.stderr
