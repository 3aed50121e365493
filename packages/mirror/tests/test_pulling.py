import json

import pytest
from mlopsproj_core.errors import ConfigError, RegistryError
from mlopsproj_mirror import Outcome, push
from mlopsproj_mirror.contents import Contents
from shop import right

SAME = (True,) * 1000


def last_move(shop, alias="production"):
    return shop.registry.history("brightness", alias)[-1]


@pytest.fixture
def two(shop, service):
    """Two equal versions, the first in production, mirrored."""
    versions = [shop.publish(SAME), shop.publish(SAME)]
    shop.put(versions[0])
    push(shop.registry, service)
    return versions


def test_where_nobody_moved_anything_there_is_nothing_to_pull(two, pull_all):
    assert pull_all() == []


def test_a_move_there_is_a_promotion_here(two, shop, pull_all, service, there):
    there.move("production", 2)
    (pulled,) = pull_all()
    assert pulled.outcome is Outcome.promoted
    assert (pulled.alias, pulled.detail) == (
        "brightness@production",
        "it points at version 2 now",
    )
    move = last_move(shop)
    assert (move.version, move.actor) == (2, "wandb")
    assert move.reason == (
        "production was given to org-entity/wandb-registry-model/brightness:v1 in W&B;"
        " pulled by ada"
    )
    assert {gate["name"] for gate in move.gates} >= {"bundle", "parity", "accuracy"}
    # Both agree since, and say so.
    assert pull_all() == []
    assert push(shop.registry, service).as_dict() == {"uploaded": (), "moved": {}, "told": ()}


def test_a_promotion_is_told_as_any_other(two, pull_all, webhook, there):
    there.move("production", 2)
    pull_all(event_url=webhook.url)
    (event,) = webhook.told
    assert (event["type"], event["version"]) == ("model-promoted", 2)


def test_what_a_gate_refuses_is_set_back(shop, service, pull_all, there):
    shop.put(shop.publish(SAME))
    shop.publish(right(700, 1000))
    push(shop.registry, service)
    there.move("production", 2)
    (pulled,) = pull_all()
    assert pulled.outcome is Outcome.refused
    assert "version 2 is refused by the gate" in pulled.detail
    assert "accuracy" in pulled.detail
    assert pulled.detail.endswith("W&B is set back to version 1")
    assert pulled.as_dict()["promotion"]["verdict"] == "fail"
    assert shop.pointed_at() == 1
    assert there.pointed_at() == {"production": 1}
    assert pull_all() == []


def test_what_is_undecided_stays_until_somebody_decides(shop, service, pull_all, there):
    shop.put(shop.publish(right(95, 100)))
    shop.publish(right(94, 100))
    push(shop.registry, service)
    there.move("production", 2)
    for _ in range(2):
        (pulled,) = pull_all()
        assert pulled.outcome is Outcome.undecided
        assert shop.pointed_at() == 1
        assert there.pointed_at() == {"production": 2}
    (pulled,) = pull_all(accept_undecided="a test")
    assert pulled.outcome is Outcome.promoted
    assert last_move(shop).reason.endswith("undecided, accepted: a test")
    there.move("production", 1)
    with pytest.raises(ConfigError, match="accept_undecided needs a reason"):
        pull_all(accept_undecided=" ")


def test_where_both_moved_it_ours_counts(shop, service, pull_all, there):
    versions = [shop.publish(SAME) for _ in range(3)]
    shop.put(versions[0])
    push(shop.registry, service)
    there.move("production", 2)
    shop.put(versions[2])
    (pulled,) = pull_all()
    assert pulled.outcome is Outcome.set_back
    assert pulled.promotion is None
    assert pulled.detail == (
        "it was moved both here and in W&B, to version 2, while it points at version 3 here: ours"
        " counts; W&B is set back to version 3"
    )
    assert shop.pointed_at() == 3
    assert there.pointed_at() == {"production": 3}


def test_what_was_moved_here_alone_is_left_for_push(two, shop, pull_all, there):
    shop.put(two[1])
    assert pull_all() == []
    assert there.pointed_at() == {"production": 1}


def test_an_alias_that_was_taken_away_is_given_back(two, pull_all, there):
    del there.collection().aliases["production"]
    (pulled,) = pull_all()
    assert pulled.outcome is Outcome.set_back
    assert "moved in W&B to nothing" in pulled.detail
    assert there.pointed_at() == {"production": 1}


@pytest.mark.parametrize(
    "change", [{"version": "brightness:9"}, {"manifest_sha256": "0" * 64}, {"moves": 3}]
)
def test_an_alias_on_what_is_not_ours_is_set_back(two, shop, pull_all, change, there):
    """Metadata that says of another version, of other content, or nothing that can be read."""
    member = there.collection().members[1]
    member.metadata = json.dumps({**json.loads(member.metadata), **change})
    there.move("production", 2)
    (pulled,) = pull_all()
    assert pulled.outcome is Outcome.set_back
    assert "brightness:v1, while it points at version 1 here: that is no version" in pulled.detail
    assert shop.pointed_at() == 1
    assert there.pointed_at() == {"production": 1}


def test_an_alias_that_we_do_not_have_is_promoted_too(shop, service, pull_all, there):
    shop.publish(SAME)
    push(shop.registry, service)
    there.move("production", 1)
    (pulled,) = pull_all()
    assert pulled.outcome is Outcome.promoted
    assert last_move(shop).sequence == 1


def test_an_alias_that_we_do_not_have_and_that_is_refused_stays_there(
    shop, service, pull_all, there
):
    shop.publish(SAME, parity=None)
    push(shop.registry, service)
    there.move("production", 1)
    (pulled,) = pull_all()
    assert pulled.outcome is Outcome.refused
    assert pulled.detail.endswith("there is nothing here to set W&B back to")


def test_an_alias_that_is_nobody_elses_business_is_left(two, shop, pull_all, there):
    there.move("customer-a", 2)
    assert pull_all() == []
    assert "customer-a" not in shop.registry.aliases("brightness")


def test_a_candidate_passes_the_same_gates(two, shop, service, pull_all, there):
    shop.put(two[0], "candidate")
    push(shop.registry, service)
    there.move("candidate", 2)
    (pulled,) = pull_all()
    assert pulled.alias == "brightness@candidate"
    assert last_move(shop, "candidate").gates


def test_a_promotion_whose_note_is_refused_is_not_undone(two, shop, server, pull_all, there):
    there.move("production", 2)
    server.refuse = lambda name: 403 if name == "UpdateArtifact" else None
    (pulled,) = pull_all()
    assert pulled.outcome is Outcome.failed
    assert "did not point production" in pulled.detail
    assert shop.pointed_at() == 2
    server.refuse = lambda _: None
    assert pull_all() == []
    assert there.pointed_at() == {"production": 2}


def test_what_fails_for_one_alias_is_told_beside_the_others(
    two, shop, service, pull_all, *, there, server
):
    """W&B refuses the first alias that it is told of, and no other."""
    shop.put(two[0], "shadow")
    push(shop.registry, service)
    for alias in ("production", "shadow"):
        there.move(alias, 2)
    told = []

    def refuse(name):
        if name != "UpdateArtifact":
            return None
        told.append(name)
        return 403 if len(told) == 1 else None

    server.refuse = refuse
    outcomes = {pulled.alias: pulled.outcome for pulled in pull_all()}
    assert outcomes == {
        "brightness@production": Outcome.failed,
        "brightness@shadow": Outcome.promoted,
    }


def test_a_model_that_cannot_be_looked_at_is_told_beside_the_others(
    two, shop, service, pull_all, *, there, monkeypatch
):
    shop.publish(SAME, name="awful")
    push(shop.registry, service)
    there.move("production", 2)
    look = Contents.look

    def look_(registry, service, name):
        if name == "awful":
            raise RegistryError("awful cannot be read.")
        return look(registry, service, name)

    monkeypatch.setattr(Contents, "look", look_)
    answers = {pulled.alias: pulled for pulled in pull_all()}
    assert answers["awful"].outcome is Outcome.failed
    assert answers["awful"].as_dict()["detail"] == "awful cannot be read."
    assert answers["brightness@production"].outcome is Outcome.promoted
