import json
import shutil
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlopsproj_core import Bundle
from mlopsproj_core.errors import (
    BundleCorruptError,
    BundleSchemaError,
    NotFoundError,
    RegistryError,
    StaleError,
)
from mlopsproj_core.manifest import MANIFEST
from mlopsproj_core.registry import ModelVersion, Registry
from mlopsproj_core.store import Store

pytestmark = pytest.mark.usefixtures("without_fsync")


@pytest.fixture
def registry(url, tmp_path):
    return Registry(url, cache=tmp_path / "cache")


@pytest.fixture
def filled(registry, slim_bundle):
    """Versions 1 and 2 of one model; production points at 1, candidate at 2."""
    for _ in range(2):
        registry.publish(slim_bundle)
    for alias, version in (("production", 1), ("candidate", 2)):
        registry.move_alias("slim", alias, version, actor="Ada", reason="why not")
    return registry


def renamed(bundle, folder, name):
    """The same bundle of another model."""
    shutil.copytree(bundle.path, folder)
    manifest = json.loads((folder / MANIFEST).read_bytes())
    (folder / MANIFEST).write_text(json.dumps({**manifest, "name": name}))
    return Bundle.open(folder)


def damage(registry, path, data):
    """Change what lies there behind the registry's back; None removes it."""
    local = registry._store.local_path(path)
    if local is not None:
        local.unlink(missing_ok=True)
        if data is not None:
            local.write_bytes(data)
    elif data is None:
        registry._store._files._system.rm_file(f"{registry._store._files._root}/{path}")
    else:
        registry._store._files._system.pipe_file(f"{registry._store._files._root}/{path}", data)


def test_publishes_the_bundle_as_the_next_version(registry, small_bundle):
    assert registry.names() == []
    versions = [registry.publish(small_bundle) for _ in range(3)]
    assert list(map(str, versions)) == ["brightness:1", "brightness:2", "brightness:3"]
    assert registry.names() == ["brightness"]
    assert registry.versions("brightness") == [1, 2, 3]
    assert registry.all_versions() == versions
    assert registry.manifest(versions[1]) == small_bundle.manifest
    for version in versions:
        registry.verify(version)
        folder = registry.fetch(version)
        Bundle.open(folder).verify()
        for path in small_bundle.path.rglob("*"):
            if path.is_file():
                there = folder / path.relative_to(small_bundle.path)
                assert there.read_bytes() == path.read_bytes()


def test_numbers_go_on_beyond_nine(registry, slim_bundle):
    for _ in range(11):
        registry.publish(slim_bundle)
    assert registry.versions("slim") == list(range(1, 12))
    assert registry.publish(slim_bundle).number == 12


def test_keeps_models_apart(filled, slim_bundle, tmp_path):
    other = filled.publish(renamed(slim_bundle, tmp_path / "other", "slim-2"))
    assert str(other) == "slim-2:1"
    assert filled.names() == ["slim", "slim-2"]
    assert filled.versions("slim") == [1, 2]
    assert filled.history("slim-2", "production") == []


def test_strange_neighbours_are_passed_over(filled):
    for path in ("README.md", "slim/notes.txt", "Not A Name/versions/1/manifest.json"):
        filled._store.create(path, b"")
    for path in ("slim/versions/03/manifest.json", "slim/versions/x/manifest.json"):
        filled._store.create(path, b"")
    for path in ("slim/versions/9/nested/manifest.json", "slim/aliases/production/x.json"):
        filled._store.create(path, b"")
    assert filled.names() == ["slim"]
    assert filled.versions("slim") == [1, 2]
    assert filled.resolve("slim").number == 1


@pytest.mark.parametrize(
    ("reference", "number"),
    [
        ("slim:1", 1),
        ("slim:2", 2),
        ("slim@production", 1),
        ("slim@candidate", 2),
        ("slim", 1),
        (":2", 2),
        ("@candidate", 2),
        ("", 1),
    ],
)
def test_resolves_every_spelling(filled, reference, number):
    assert filled.resolve(reference) == ModelVersion("slim", number)


def test_an_alias_is_located_with_the_move_that_put_it_there(registry, slim_bundle):
    for _ in range(2):
        version = registry.publish(slim_bundle)
        registry.move_alias("slim", "production", version.number, actor="a", reason="r")
    assert registry.locate("slim:1") == (ModelVersion("slim", 1), None)
    version, move = registry.locate("@production")
    assert (version.number, move) == (2, registry.history("slim", "production")[-1])


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("slim:3", "There is no slim:3 in .*; there is: 1, 2"),
        ("slim:0", "There is no slim:0 in .*; there is: 1, 2"),
        ("slim@shadow", "slim has no alias 'shadow' in .*; it has: candidate, production"),
        ("other", "There is no model 'other' in .*; there is: slim"),
        ("other:1", "There is no other:1 in .*; there is: slim"),
        ("slim:", "'slim:' names no model: write name@alias or name:version"),
        ("slim@", "names no model"),
        ("slim:x", "names no model"),
        ("slim:1:2", "names no model"),
        ("slim@production:1", "names no model"),
        (f"slim:{'9' * 5000}", "names no model"),
        ("Slim", "'Slim' is no name"),
        ("slim@Production", "'Production' is no name"),
        ("../slim:1", "'../slim' is no name"),
        ("slim\n", "is no name"),
    ],
)
def test_says_what_there_is_instead(filled, reference, message):
    with pytest.raises(NotFoundError, match=message):
        filled.resolve(reference)


def test_an_empty_registry_says_how_to_fill_it(registry):
    for reference in ("", "@production", ":1", "slim", "slim:1"):
        with pytest.raises(NotFoundError, match="uv run train"):
            registry.resolve(reference)


def test_a_name_is_needed_where_there_are_several(filled, slim_bundle, tmp_path):
    filled.publish(renamed(slim_bundle, tmp_path / "other", "another"))
    with pytest.raises(
        NotFoundError, match=r"several models \(another, slim\).*another@production"
    ):
        filled.resolve("@production")


def test_a_version_without_an_alias_is_found_by_number_only(registry, slim_bundle):
    registry.publish(slim_bundle)
    assert registry.resolve("slim:1").number == 1
    with pytest.raises(NotFoundError, match="it has: none"):
        registry.resolve("slim")


@pytest.mark.parametrize("task", ["manifest", "fetch", "verify"])
def test_a_version_that_is_none(filled, task):
    for version in (ModelVersion("slim", 9), ModelVersion("../slim", 1)):
        with pytest.raises(NotFoundError):
            getattr(filled, task)(version)


@pytest.mark.parametrize("name", ["../slim", "", "A", "a/b"])
def test_no_path_goes_out_of_the_registry(filled, name):
    for task in (
        lambda: filled.versions(name),
        lambda: filled.aliases(name),
        lambda: filled.history(name, "production"),
        lambda: filled.history("slim", name),
        lambda: filled.move_alias(name, "production", 1, actor="", reason=""),
        lambda: filled.move_alias("slim", name, 1, actor="", reason=""),
        lambda: filled.rollback(name, "production", actor="", reason=""),
    ):
        with pytest.raises(NotFoundError, match="is no name of a model or alias"):
            task()


def test_a_newer_schema_is_one_clear_error_and_hides_nothing(filled):
    newer = json.dumps({"schema": 7, "name": "slim"}).encode()
    damage(filled, "slim/versions/2/manifest.json", newer)
    assert filled.names() == ["slim"]
    assert filled.versions("slim") == [1, 2]
    version = filled.resolve("slim@candidate")
    for task in (filled.manifest, filled.fetch, filled.verify):
        with pytest.raises(BundleSchemaError, match=r"slim/versions/2.*schema 7.*upgrade"):
            task(version)
    filled.verify(filled.resolve("slim@production"))


def test_verify_names_the_file_that_was_changed_or_lost(filled):
    damage(filled, "slim/versions/1/reference.parquet", b"other rows")
    with pytest.raises(RegistryError, match=r"slim:1 in .* reference\.parquet was changed"):
        filled.verify(ModelVersion("slim", 1))
    damage(filled, "slim/versions/2/probe/expected.npz", None)
    with pytest.raises(RegistryError, match=r"slim:2 in .* probe/expected\.npz is missing"):
        filled.verify(ModelVersion("slim", 2))


def test_verify_names_all_that_is_wrong_with_a_version(filled):
    damage(filled, "slim/versions/1/reference.parquet", b"other rows")
    damage(filled, "slim/versions/1/probe/expected.npz", None)
    manifest = json.loads(filled._store.read("slim/versions/1/manifest.json"))
    del manifest["files"]["model.onnx"]
    damage(filled, "slim/versions/1/manifest.json", json.dumps(manifest).encode())
    with pytest.raises(RegistryError) as raised:
        filled.verify(ModelVersion("slim", 1))
    for complaint in (
        "model.onnx is not in the manifest",
        "reference.parquet was changed",
        "probe/expected.npz is missing",
    ):
        assert complaint in str(raised.value)


def test_verify_goes_on_after_a_file_that_cannot_be_read(slim_bundle, tmp_path):
    registry = Registry(str(tmp_path))
    version = registry.publish(slim_bundle)
    folder = tmp_path / "slim/versions/1"
    (folder / "model.onnx").unlink()
    (folder / "model.onnx").mkdir()
    (folder / "reference.parquet").unlink()
    with pytest.raises(
        RegistryError, match=r"model\.onnx cannot be read \(.*reference\.parquet is missing"
    ):
        registry.verify(version)


def test_refuses_a_bundle_that_was_changed(registry, own_bundle):
    (own_bundle.path / "model.onnx").write_bytes(b"other")
    with pytest.raises(BundleCorruptError, match=r"model\.onnx"):
        registry.publish(own_bundle)
    assert registry.names() == []


@pytest.mark.parametrize("file", ["model.onnx", MANIFEST])
def test_refuses_a_bundle_that_changes_while_it_is_published(
    registry, own_bundle, monkeypatch, file
):
    """Between the check and the reading: what is published is what was checked."""
    check = Bundle.verify

    def verify_then_change(bundle):
        check(bundle)
        changed = (bundle.path / file).read_bytes().replace(b"brightness", b"brighter")
        (bundle.path / file).write_bytes(changed)

    monkeypatch.setattr(Bundle, "verify", verify_then_change)
    with pytest.raises(BundleCorruptError, match=f"{file} was changed while it was published"):
        registry.publish(own_bundle)
    assert registry.names() == []
    monkeypatch.undo()


def test_refuses_a_bundle_that_goes_away_while_it_is_published(registry, own_bundle, monkeypatch):
    check = Bundle.verify

    def verify_then_remove(bundle):
        check(bundle)
        (bundle.path / MANIFEST).unlink()

    monkeypatch.setattr(Bundle, "verify", verify_then_remove)
    with pytest.raises(BundleCorruptError, match=r"manifest\.json cannot be read"):
        registry.publish(own_bundle)
    assert registry.names() == []


def test_a_bundle_may_not_hold_a_file_called_like_the_claim(registry, slim_bundle, tmp_path):
    bundle = renamed(slim_bundle, tmp_path / "bundle", "slim")
    (bundle.path / "claim").write_bytes(b"")
    manifest = json.loads((bundle.path / MANIFEST).read_bytes())
    manifest["files"]["claim"] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    (bundle.path / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(RegistryError, match="holds a claim already"):
        registry.publish(Bundle.open(bundle.path))
    assert registry.names() == []


def test_keys_of_a_later_release_are_published_too(registry, slim_bundle, tmp_path):
    bundle = renamed(slim_bundle, tmp_path / "bundle", "slim")
    manifest = json.loads((bundle.path / MANIFEST).read_bytes())
    (bundle.path / MANIFEST).write_text(json.dumps({**manifest, "weather": "rain"}))
    version = registry.publish(Bundle.open(bundle.path))
    assert json.loads((registry.fetch(version) / MANIFEST).read_bytes())["weather"] == "rain"


def test_moves_hold_what_was_said(filled):
    gates = [{"name": "accuracy", "measured": 0.5, "verdict": "pass"}]
    before = datetime.now(UTC)
    move = filled.move_alias(
        "slim", "production", 2, actor="Żaneta 佐藤", reason="besser, „viel“ 😀", gates=gates
    )
    assert move in filled.history("slim", "production")
    assert (move.alias, move.sequence, move.version) == ("production", 2, 2)
    assert (move.actor, move.reason) == ("Żaneta 佐藤", "besser, „viel“ 😀")
    assert list(move.gates) == gates
    assert before <= move.time <= datetime.now(UTC)
    assert not move.rollback
    assert filled.aliases("slim") == {
        "candidate": filled.history("slim", "candidate")[-1],
        "production": move,
    }


def test_a_user_whose_name_is_no_unicode_can_move_an_alias(filled):
    move = filled.move_alias("slim", "production", 2, actor="J\udcfcrgen", reason="\udcff")
    assert move == filled.history("slim", "production")[-1]
    assert (move.actor, move.reason) == ("J\\udcfcrgen", "\\udcff")


def test_moves_have_ids_of_their_own(filled, slim_bundle, tmp_path):
    filled.publish(renamed(slim_bundle, tmp_path / "other", "other"))
    for name in ("slim", "other"):
        filled.move_alias(name, "shadow", 1, actor="a", reason="r")
    moves = [filled.history(name, "shadow")[0] for name in ("slim", "other")]
    assert moves[0].id != moves[1].id


def test_an_alias_points_at_what_exists_only(filled):
    for version in (0, 3, -1):
        with pytest.raises(NotFoundError, match=f"There is no slim:{version}"):
            filled.move_alias("slim", "production", version, actor="a", reason="r")
    assert len(filled.history("slim", "production")) == 1


def test_a_stale_move_is_refused(filled):
    filled.move_alias("slim", "production", 2, actor="a", reason="r", expected_sequence=1)
    with pytest.raises(StaleError, match=r"slim@production was moved meanwhile \(move 2, not 1\)"):
        filled.move_alias("slim", "production", 1, actor="b", reason="r", expected_sequence=1)
    with pytest.raises(StaleError):
        filled.move_alias("slim", "shadow", 1, actor="b", reason="r", expected_sequence=1)
    filled.move_alias("slim", "shadow", 1, actor="b", reason="r", expected_sequence=0)
    assert [move.version for move in filled.history("slim", "production")] == [1, 2]


def test_a_move_that_comes_between_looking_and_moving(filled, monkeypatch):
    """Another process moves after this one has looked for the last move."""
    look = filled._store.numbers

    def look_then_wait(folder, ending=""):
        found = look(folder, ending)
        monkeypatch.undo()
        Registry(filled.url).move_alias("slim", "production", 2, actor="other", reason="first")
        return found

    monkeypatch.setattr(filled._store, "numbers", look_then_wait)
    move = filled.move_alias("slim", "production", 1, actor="this", reason="second")
    assert move.sequence == 3
    monkeypatch.setattr(filled._store, "numbers", look_then_wait)
    with pytest.raises(StaleError, match="move 4, not 3"):
        filled.move_alias(
            "slim", "production", 1, actor="this", reason="third", expected_sequence=3
        )
    assert [m.actor for m in filled.history("slim", "production")] == [
        *("Ada", "other", "this", "other")
    ]


@pytest.mark.parametrize(
    "content",
    [b"", b'{"version": 1, "act', b"[]", b"{}", b'{"version": 0}', b"\xff\xfe", b"null"],
)
def test_a_damaged_move_is_named_and_does_not_hold_up_the_next(filled, content):
    damage(filled, "slim/aliases/production/1.json", content)
    for task in (
        lambda: filled.history("slim", "production"),
        lambda: filled.resolve("slim"),
        lambda: filled.rollback("slim", "production", actor="a", reason="r"),
    ):
        with pytest.raises(RegistryError, match=r"aliases/production/1\.json is no move"):
            task()
    assert filled.move_alias("slim", "production", 2, actor="a", reason="r").sequence == 2
    assert filled.resolve("slim").number == 2


def test_where_a_move_lies_says_which_it_is(filled):
    text = filled._store.read("slim/aliases/production/1.json")
    assert {"alias", "sequence"}.isdisjoint(json.loads(text))
    filled._store.create("slim/aliases/shadow/1.json", text)
    assert filled.history("slim", "shadow")[0].alias == "shadow"


def test_rolls_back_along_the_history(filled):
    filled.move_alias("slim", "production", 2, actor="a", reason="r")
    move = filled.rollback("slim", "production", actor="b", reason="wrong at night")
    assert (move.version, move.sequence, move.rollback) == (1, 3, True)
    assert move.reason == "rollback from 2: wrong at night"
    with pytest.raises(NotFoundError, match="no version before the present one"):
        filled.rollback("slim", "production", actor="b", reason="again")
    with pytest.raises(NotFoundError, match="slim@shadow has no version before"):
        filled.rollback("slim", "shadow", actor="b", reason="again")


def test_a_reason_that_sounds_like_a_rollback_is_none(filled):
    for version in (2, 1):
        filled.move_alias("slim", "production", version, actor="a", reason="rollback from 2")
    assert filled.rollback("slim", "production", actor="a", reason="r").version == 2


PUSH = st.integers(1, 4)
ROLL_BACK = st.just("roll back")


@settings(max_examples=40)
@given(steps=st.lists(PUSH | ROLL_BACK, max_size=14))
def test_an_alias_is_a_stack_of_versions(slim_bundle, steps):
    registry = Registry(f"memory://{uuid4().hex}")
    for _ in range(4):
        registry.publish(slim_bundle)
    stack, moves = [], 0
    for step in steps:
        if step != "roll back":
            registry.move_alias("slim", "production", step, actor="a", reason="r")
            moves += 1
            if stack[-1:] != [step]:
                stack.append(step)
        elif len(stack) > 1:
            stack.pop()
            registry.rollback("slim", "production", actor="a", reason="r")
            moves += 1
        else:
            with pytest.raises(NotFoundError):
                registry.rollback("slim", "production", actor="a", reason="r")
        history = registry.history("slim", "production")
        assert [move.sequence for move in history] == list(range(1, moves + 1))
        if stack:
            assert registry.resolve("slim").number == history[-1].version == stack[-1]


def test_an_alias_that_cannot_be_read_does_not_hide_the_others(filled):
    damage(filled, "slim/aliases/candidate/9.json", b"{")
    moves, unreadable = filled.survey_aliases("slim")
    assert {alias: move.version for alias, move in moves.items()} == {"production": 1}
    assert list(unreadable) == ["candidate"]
    assert "slim/aliases/candidate/9.json" in unreadable["candidate"]
    with pytest.raises(RegistryError, match=r"candidate/9\.json is no move"):
        filled.aliases("slim")
    with pytest.raises(NotFoundError, match="it has: candidate, production"):
        filled.resolve("slim@shadow")


def test_a_rollback_passes_over_what_is_gone_or_damaged(filled, slim_bundle, caplog):
    for _ in (3, 4):
        filled.publish(slim_bundle)
    for number in (2, 3, 4):
        filled.move_alias("slim", "production", number, actor="a", reason="r")
    damage(filled, "slim/versions/3/model.onnx", b"damaged")
    damage(filled, f"slim/versions/2/{MANIFEST}", None)
    move = filled.rollback("slim", "production", actor="a", reason="dark")
    assert (move.version, move.reason) == (1, "rollback from 4: dark")
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(told) == 2
    assert "slim:3 is passed over: slim:3 in" in told[0]
    assert "model.onnx was changed" in told[0]
    assert "There is no slim:2" in told[1]
    # What was passed over is not gone back to later.
    with pytest.raises(NotFoundError, match="no version before the present one"):
        filled.rollback("slim", "production", actor="a", reason="r")


def test_a_rollback_to_nothing_whole_leaves_the_alias(filled):
    filled.move_alias("slim", "production", 2, actor="a", reason="r")
    damage(filled, "slim/versions/1/model.onnx", b"damaged")
    with pytest.raises(
        RegistryError,
        match=r"no version to go back to that is whole: slim:1 .*model\.onnx was changed.*backup",
    ):
        filled.rollback("slim", "production", actor="a", reason="r")
    assert filled.resolve("slim").number == 2


def test_a_rollback_does_not_pass_over_what_cannot_be_read_just_now(
    filled, slim_bundle, monkeypatch
):
    """It may be whole: who is refused tries again, and nobody serves a version too old."""
    filled.publish(slim_bundle)
    for number in (2, 3):
        filled.move_alias("slim", "production", number, actor="a", reason="r")
    read = Store.read

    def away(store, path):
        if path == "slim/versions/2/model.onnx":
            raise RegistryError("The registry cannot be read: TimeoutError.")
        return read(store, path)

    with monkeypatch.context() as context:
        context.setattr(Store, "read", away)
        with pytest.raises(RegistryError, match=r"^The registry cannot be read: TimeoutError\.$"):
            filled.rollback("slim", "production", actor="a", reason="r")
    assert filled.resolve("slim").number == 3
    assert filled.rollback("slim", "production", actor="a", reason="r").version == 2
