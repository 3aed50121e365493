import json
from pathlib import Path

import pytest
import wandb
from mlopsproj_core.bundle import EVALUATION, MODEL, Bundle
from mlopsproj_core.errors import MirrorError
from mlopsproj_core.manifest import MANIFEST
from mlopsproj_core.registry import Registry
from mlopsproj_mirror import Service, Target, push
from mlopsproj_mirror.service import LABEL_FILE
from shop import Shop
from wandb_stand_in import Artifact


def files_of(version, shop):
    folder = shop.registry.fetch(version)
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "claim"
    }


CALLED = "org-entity/wandb-registry-model/brightness"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    """Whatever is written beside where a command is run."""
    monkeypatch.chdir(tmp_path)


def test_a_version_is_mirrored_with_its_files_facts_and_alias(shop, service, server, there):
    version = shop.publish()
    shop.put(version)
    answer = push(shop.registry, service)
    assert answer.as_dict() == {
        "uploaded": ("brightness:1",),
        "moved": {"brightness@production": 1},
        "told": (),
    }
    artifact = there.collection().members[0]
    files = dict(artifact.files)
    label = json.loads(files.pop(LABEL_FILE))
    assert files == files_of(version, shop)
    assert label["version"] == "brightness:1"
    metadata = json.loads(artifact.metadata)
    assert metadata["version"] == "brightness:1"
    assert metadata["manifest_sha256"] == label["manifest_sha256"]
    assert metadata["metrics"]["accuracy"]["value"] == 1.0
    assert metadata["moves"]["production"]["sequence"] == 1
    assert there.pointed_at() == {"production": 1}
    assert (artifact.sequence.entity, artifact.sequence.project) == ("team", "mlopsproj-registry")
    # The run that it was logged by, and what the SDK writes beside it, left nothing here.
    assert not Path("wandb").exists()


def test_pushed_twice_the_second_time_changes_nothing(shop, service, server):
    shop.put(shop.publish())
    shop.put(shop.publish(), "candidate")
    push(shop.registry, service)
    server.asked.clear()
    assert push(shop.registry, service).as_dict() == {"uploaded": (), "moved": {}, "told": ()}
    assert set(server.asked) <= {"ProjectArtifactCollection", "ProjectArtifacts"}  # it only looked


def test_what_came_since_is_added(shop, service, there):
    shop.put(shop.publish())
    push(shop.registry, service)
    shop.put(shop.publish(), "candidate")
    shop.put(shop.publish(name="other"))
    answer = push(shop.registry, service)
    assert answer.uploaded == ("brightness:2", "other:1")
    assert there.pointed_at() == {"production": 1, "candidate": 2}
    assert there.pointed_at("other") == {"production": 1}


def test_only_the_models_that_are_named_are_pushed(shop, service, server):
    shop.publish()
    shop.publish(name="other")
    assert push(shop.registry, service, names=["other"]).uploaded == ("other:1",)
    with pytest.raises(KeyError):
        server.account.linked("brightness")


def test_an_alias_follows_moves_and_rollbacks(shop, service, there):
    for _ in range(2):
        shop.put(shop.publish())
        push(shop.registry, service)
    assert there.pointed_at() == {"production": 2}
    shop.registry.rollback("brightness", "production", actor="ada", reason="worse")
    assert push(shop.registry, service).moved == {"brightness@production": 1}
    assert there.pointed_at() == {"production": 1}
    assert push(shop.registry, service).moved == {}


def test_two_aliases_of_one_version_are_both_noted(shop, service, there):
    version = shop.publish()
    shop.put(version)
    shop.put(version, "shadow")
    push(shop.registry, service)
    assert json.loads(there.collection().members[0].metadata)["moves"].keys() == {
        "production",
        "shadow",
    }


def test_versions_of_the_same_content_stay_two(shop, service, tmp_path, there):
    version = shop.publish()
    bundle = shop.registry.fetch(version)
    assert shop.registry.publish(Bundle.open(bundle)).number == 2
    assert push(shop.registry, service).uploaded == ("brightness:1", "brightness:2")
    told = [
        json.loads(artifact.metadata)["version"] for artifact in there.collection().members.values()
    ]
    assert told == ["brightness:1", "brightness:2"]
    assert push(shop.registry, service).uploaded == ()


def test_more_versions_than_a_page_of_the_service_holds(shop, service, there):
    shop.publish()
    push(shop.registry, service)
    members = there.collection().members
    first = members[0]
    for index in range(1, 60):  # somebody else's, newer
        members[index] = Artifact(
            f"foreign-{index}", first.sequence, index, f"digest {index}", "{}", None, "COMMITTED"
        )
    answer = push(shop.registry, service)
    assert answer.uploaded == ()
    assert len(answer.told) == 59


def test_an_alias_that_was_moved_there_is_told_and_left(shop, service, there):
    shop.put(shop.publish())
    shop.publish()
    push(shop.registry, service)
    there.move("production", 2)
    answer = push(shop.registry, service)
    assert answer.moved == {}
    (told,) = answer.told
    assert told == (
        "brightness@production was moved in W&B, to version 2, while it points at version 1 here:"
        " `registry mirror pull` asks the gates whether it may be."
    )
    assert there.pointed_at() == {"production": 2}


def test_where_both_moved_it_ours_counts_and_it_is_told(shop, service, there):
    versions = [shop.publish() for _ in range(3)]
    shop.put(versions[0])
    push(shop.registry, service)
    there.move("production", 2)
    shop.put(versions[2])
    answer = push(shop.registry, service)
    assert answer.moved == {"brightness@production": 3}
    assert "moved both here and in W&B, to version 2, while it points at" in answer.told[0]
    assert there.pointed_at() == {"production": 3}
    assert push(shop.registry, service).told == ()


def test_where_both_moved_it_alike_there_is_nothing_to_tell(shop, service, there):
    versions = [shop.publish() for _ in range(2)]
    shop.put(versions[0])
    push(shop.registry, service)
    there.move("production", 2)
    shop.put(versions[1])
    assert push(shop.registry, service).as_dict() == {"uploaded": (), "moved": {}, "told": ()}
    assert push(shop.registry, service).told == ()


def test_an_alias_that_moves_while_it_is_mirrored_ends_where_ours_does(
    shop, service, server, there
):
    versions = [shop.publish() for _ in range(2)]
    shop.put(versions[0])

    def moved_meanwhile(name):
        if name == "AddAliases" and shop.pointed_at() == 1:
            shop.put(versions[1])

    server.refuse = moved_meanwhile
    assert push(shop.registry, service).moved == {"brightness@production": 2}
    assert there.pointed_at() == {"production": 2}
    assert push(shop.registry, service).told == ()


def test_a_version_of_another_registry_is_told_and_not_taken_for_ours(
    shop, service, tmp_path, there
):
    other = Shop(Registry(str(tmp_path / "other")), tmp_path / "other-scratch")
    other.put(other.publish())
    push(other.registry, service)
    shop.put(shop.publish())
    answer = push(shop.registry, service)
    assert answer.uploaded == ("brightness:1",)
    assert "calls itself brightness:1, and is another one than ours" in answer.told[0]
    assert there.pointed_at() == {"production": 2}  # the second member is ours


def test_versions_that_were_removed_here_are_told_in_one_sentence(shop, service, there):
    versions = [shop.publish() for _ in range(3)]
    push(shop.registry, service)
    for version in versions[:2]:
        shop.file(version, MANIFEST).unlink()
    answer = push(shop.registry, service)
    assert answer.told == (
        "W&B has what is not here, or not any more: brightness:1, brightness:2.",
    )


def test_what_a_stranger_put_there_is_told_and_left(shop, service, there):
    shop.put(shop.publish())
    push(shop.registry, service)
    members = there.collection().members
    members[1] = Artifact("foreign", members[0].sequence, 1, "digest", "{}", None, "COMMITTED")
    before = dict(members)
    assert push(shop.registry, service).as_dict() == {
        "uploaded": (),
        "moved": {},
        "told": (f"{CALLED}:v1 is somebody else's: it is no version of brightness.",),
    }
    assert members == before


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        "{}",
        '{"version": 3}',
        '{"version": "brightness:1\\nbrightness:2", "manifest_sha256": "%s"}' % ("0" * 64),
        '{"version": "brightness:1", "moves": 1}',
    ],
)
def test_a_label_that_somebody_spoilt_is_mended(shop, service, there, metadata):
    shop.put(shop.publish())
    push(shop.registry, service)
    good = there.collection().members[0].metadata
    there.collection().members[0].metadata = metadata
    assert push(shop.registry, service).told == ()
    assert json.loads(there.collection().members[0].metadata) == json.loads(good)
    assert len(there.collection().members) == 1
    assert push(shop.registry, service).as_dict() == {"uploaded": (), "moved": {}, "told": ()}


@pytest.mark.parametrize("metadata", ["no json", "[1]", '"text"'])
def test_metadata_that_the_sdk_cannot_read_is_one_clear_error(shop, service, metadata, there):
    shop.put(shop.publish())
    push(shop.registry, service)
    there.collection().members[0].metadata = metadata
    with pytest.raises(MirrorError, match="did not list wandb-registry-model/brightness"):
        push(shop.registry, service)


def test_a_damaged_version_is_told_and_the_others_are_mirrored(shop, service):
    broken, unreadable, whole = (shop.publish() for _ in range(3))
    shop.put(broken)
    shop.damage(broken, EVALUATION)
    shop.file(unreadable, MANIFEST).write_text("{")
    answer = push(shop.registry, service)
    assert answer.uploaded == (str(whole),)
    assert [sentence.partition(":2 is")[0] for sentence in answer.told[:1]] == ["brightness"]
    assert any("brightness:1 is not mirrored:" in s and EVALUATION in s for s in answer.told)
    assert any("brightness@production is not mirrored: W&B lacks" in s for s in answer.told)


def test_an_alias_that_wandb_moves_itself_is_told(shop, service, there):
    version = shop.publish()
    shop.put(version, "latest")
    shop.put(version)
    answer = push(shop.registry, service)
    assert answer.told == (
        "brightness@latest is not mirrored: W&B moves an alias of that name itself.",
    )
    assert there.pointed_at() == {"production": 1}


REFUSABLE = [
    "UpsertBucket",
    "CreateArtifact",
    "upload",
    "CommitArtifact",
    "LinkArtifact",
    "AddAliases",
    "UpdateArtifact",
]


@pytest.mark.parametrize("operation", REFUSABLE)
def test_a_push_that_was_refused_half_way_goes_on_later(shop, service, server, operation, there):
    shop.put(shop.publish())
    server.refuse = lambda name: 403 if name == operation else None
    with pytest.raises(MirrorError, match=r"did not .* The registry is whole; once that is mended"):
        push(shop.registry, service)
    server.refuse = lambda _: None
    push(shop.registry, service)
    assert there.pointed_at() == {"production": 1}
    assert len(there.collection().members) == 1
    assert there.collection().members[0].files[MODEL]
    assert push(shop.registry, service).as_dict() == {"uploaded": (), "moved": {}, "told": ()}


@pytest.mark.slow
@pytest.mark.parametrize("operation", ["upload", "ProjectArtifacts"])
def test_a_server_that_fails_in_the_middle_is_given_up_soon(shop, service, server, operation):
    shop.put(shop.publish())
    push(shop.registry, service)
    shop.publish()
    server.refuse = lambda name: 500 if name == operation else None
    with pytest.raises(MirrorError, match="The registry is whole"):
        push(shop.registry, service)
    server.refuse = lambda _: None
    assert push(shop.registry, service).uploaded == ("brightness:2",)


def test_a_failure_that_passes_is_got_over(shop, service, server, there):
    shop.put(shop.publish())
    failures = iter([500, 503])
    server.refuse = lambda name: next(failures, None) if name == "upload" else None
    push(shop.registry, service)
    assert there.pointed_at() == {"production": 1}


def test_a_registry_that_the_account_lacks_is_told(shop, server):
    shop.publish()
    with pytest.raises(MirrorError, match=r"did not take brightness:1: .*wandb-registry-absent"):
        push(shop.registry, Service(Target("team", "absent")))


def test_a_run_that_is_open_stays_open(shop, service, server, tmp_path):
    with wandb.init(entity="team", project="digits", mode="online", dir=tmp_path) as run:
        shop.put(shop.publish())
        push(shop.registry, service)
        assert wandb.run is run
        run.log({"loss": 1.0})
    assert "digits" in server.account.projects
