import io
import json
from contextlib import redirect_stdout
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_core.errors import BundleSchemaError, NotFoundError
from mlopsproj_registry.views import (
    describe_version,
    list_models,
    models_table,
    print_version,
)

LONG = "because " * 40 + "of this"


def test_an_empty_registry_lists_nothing(shop):
    assert list_models(shop.registry) == []


def test_each_version_is_listed_with_its_figures_and_aliases(shop):
    for _ in range(2):
        shop.put(shop.publish(), "candidate")
    shop.put(shop.publish(name="alpha"))
    alpha, brightness = list_models(shop.registry)
    assert (alpha["name"], alpha["aliases"]) == ("alpha", {"production": 1})
    assert (brightness["name"], brightness["aliases"]) == ("brightness", {"candidate": 2})
    first, second = brightness["versions"]
    assert (first["version"], first["aliases"]) == (1, [])
    assert (second["version"], second["aliases"]) == (2, ["candidate"])
    assert second["accuracy"] == 1.0
    assert second["accuracy_interval"] == [0.9, 1.0]
    assert second["error"] is None
    age = datetime.now(UTC) - datetime.fromisoformat(second["created"])
    assert 0 <= age.total_seconds() < 600


def test_what_was_published_by_half_is_not_listed(shop):
    version = shop.publish()
    shop.file(version, "manifest.json").unlink()
    assert list_models(shop.registry) == []


@pytest.mark.parametrize("values", [{"schema": 99}, {"classes": ["one"]}])
def test_a_manifest_that_cannot_be_read_does_not_hide_the_others(shop, values):
    shop.rewrite_manifest(shop.publish(), **values)
    shop.publish()
    (model,) = list_models(shop.registry)
    unreadable, good = model["versions"]
    assert unreadable["accuracy"] is None
    assert "manifest" in unreadable["error"]
    assert good["accuracy"] == 1.0
    _, line, _ = models_table([model]).splitlines()
    assert line.split() == ["brightness", "1", "unreadable"]


def test_a_version_without_accuracy_is_listed(shop):
    shop.rewrite_manifest(shop.publish(), metrics={})
    models = list_models(shop.registry)
    assert models[0]["versions"][0]["accuracy"] is None
    assert "not recorded" in models_table(models)


def test_columns_stand_below_each_other(shop):
    shop.put(shop.publish())
    shop.publish(name="a-model-with-a-long-name")
    head, *rows = models_table(list_models(shop.registry)).splitlines()
    assert head.split()[0] == "model"
    for title, cells in (("version", "1"), ("accuracy", "1.0000 (0.9000 to 1.0000)")):
        at = head.index(title)
        assert all(row[at:].startswith(cells) for row in rows)
    assert [row.split()[0] for row in rows] == ["a-model-with-a-long-name", "brightness"]
    assert rows[1][head.index("aliases") :].startswith("production")


def test_a_version_is_described_with_the_history_of_its_aliases(shop):
    for alias in ("production", "candidate"):
        shop.put(shop.publish(), alias)
    description = describe_version(shop.registry, "brightness@candidate")
    assert description["version"] == "brightness:2"
    assert description["aliases"] == {"candidate": 2, "production": 1}
    assert description["manifest"]["classes"] == ["dark", "bright"]
    assert description["manifest"]["schema"] == 1
    moves = [(move["alias"], move["sequence"], move["version"]) for move in description["history"]]
    assert moves == [("candidate", 1, 2), ("production", 1, 1)]


@pytest.fixture
def half_readable(shop, tmp_path):
    """A shop whose alias candidate has a last move that cannot be read."""
    shop.put(shop.publish())
    shop.put(shop.publish(), "candidate")
    (tmp_path / "models/brightness/aliases/candidate/9.json").write_text("{")
    return shop


def test_an_alias_that_cannot_be_read_does_not_hide_the_versions(half_readable):
    (model,) = list_models(half_readable.registry)
    assert model["aliases"] == {"production": 1}
    assert "candidate/9.json" in model["unreadable_aliases"]["candidate"]
    assert [version["aliases"] for version in model["versions"]] == [["production"], []]
    _, first, second = models_table([model]).splitlines()
    assert "production, candidate (unreadable)" in first  # it may point at any of them
    assert "candidate (unreadable)" in second


def test_an_alias_that_cannot_be_read_does_not_hide_a_version(half_readable, capsys):
    description = describe_version(half_readable.registry, "brightness:1")
    assert description["aliases"] == {"production": 1}
    assert "candidate/9.json" in description["unreadable_aliases"]["candidate"]
    assert [move["alias"] for move in description["history"]] == ["production"]
    print_version(description)
    assert "production, candidate (unreadable)" in capsys.readouterr().out


def test_an_early_move_that_cannot_be_read_leaves_the_alias_where_it_points(shop, tmp_path):
    shop.put(shop.publish())
    shop.put(shop.publish())
    (tmp_path / "models/brightness/aliases/production/1.json").write_text("{")
    description = describe_version(shop.registry, "brightness:2")
    assert description["aliases"] == {"production": 2}
    assert description["history"] == []
    assert "production/1.json" in description["unreadable_aliases"]["production"]
    print_version(description)


def test_what_cannot_be_described(shop):
    with pytest.raises(NotFoundError, match="holds no model"):
        describe_version(shop.registry, "")
    version = shop.publish()
    with pytest.raises(NotFoundError, match="there is: 1"):
        describe_version(shop.registry, "brightness:7")
    shop.rewrite_manifest(version, schema=2)
    with pytest.raises(BundleSchemaError, match="upgrade"):
        describe_version(shop.registry, "brightness:1")


def test_a_version_is_shown(shop, capsys):
    shop.put(shop.publish())
    print_version(describe_version(shop.registry, "brightness:1"))
    shown = capsys.readouterr().out
    for text in ("brightness:1", "dark, bright", "28 x 28 x 1", "0.9000 to 1.0000", "put there"):
        assert text in shown


def drawn_with_reason(reason):
    move = {
        "alias": "production",
        "sequence": 1,
        "version": 1,
        "time": "2026-01-31T12:00:00Z",
        "actor": reason,
        "reason": reason,
        "gates": [],
    }
    manifest = {
        "created": "2026-01-31T12:00:00Z",
        "classes": ["[/dark]", ":bug:"],
        "image": {"height": 28, "width": 28, "channels": 1},
        "data": {"name": "d", "counts": {"test": 2000}, "fingerprint": "0" * 64},
        "parent": None,
        "git_commit": None,
        "metrics": {},
    }
    shown = io.StringIO()
    with redirect_stdout(shown):
        print_version(
            {
                "version": "d:1",
                "manifest": manifest,
                "aliases": {},
                "unreadable_aliases": {},
                "history": [move],
            },
        )
    return shown.getvalue()


@given(st.text())
def test_any_reason_can_be_shown(reason):
    assert "[/dark], :bug:" in drawn_with_reason(reason)


@pytest.mark.parametrize("reason", ["[/b] not markup", "[red]x", ":bug: fixed", LONG])
def test_a_reason_is_shown_as_it_was_given_and_whole(reason):
    assert reason in drawn_with_reason(reason)


ORDERS = "\x1b]0;title\x07\x1b[2J\r\u202e\nmore"


def test_nothing_in_a_registry_gives_orders_to_a_terminal(shop, run):
    """Also what a manifest holds freely, and what anyone may write into an alias's history."""
    first, second = shop.publish(), shop.publish()
    shop.rewrite_manifest(first, config={ORDERS: ORDERS, "of": {"lr": [ORDERS]}})
    shop.put(second)
    (move,) = shop.file(second, "manifest.json").parents[2].glob("aliases/production/1.json")
    told = {"actor": ORDERS, "reason": ORDERS, "gates": [{"name": ORDERS, "verdict": ORDERS}]}
    move.write_text(json.dumps({**json.loads(move.read_text()), **told}))
    for arguments in (["show", str(second)], ["compare", str(first), str(second)], ["list"]):
        ended = run(*arguments)
        assert ended.code == 0
        assert all(line.isprintable() for line in (ended.out + ended.err).split("\n"))
    history = describe_version(shop.registry, str(second))["history"]
    assert history[0]["reason"] == r"\x1b]0;title\x07\x1b[2J\r\u202e\nmore"
