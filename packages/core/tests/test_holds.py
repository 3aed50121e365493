import pytest
from mlopsproj_core import holds
from mlopsproj_core.errors import RegistryError
from mlopsproj_core.model_version import ModelVersion
from mlopsproj_core.store import Store

pytestmark = pytest.mark.usefixtures("without_fsync")
FIRST, SECOND = ModelVersion("slim", 1), ModelVersion("slim", 2)


@pytest.fixture
def store(url):
    return Store(url)


def notes(store):
    return [path for path in store.files("slim") if path.startswith(("moving/", "removing/"))]


def test_what_is_held_is_known_until_it_is_let_go(store):
    assert holds.held_numbers(store, "slim") == set()
    with holds.held(store, FIRST), holds.held(store, FIRST), holds.held(store, SECOND):
        assert holds.held_numbers(store, "slim") == {1, 2}
        assert holds.held_numbers(store, "other") == set()
        assert len(notes(store)) == 3
    assert holds.held_numbers(store, "slim") == set()
    assert notes(store) == []


def test_what_is_being_removed_cannot_be_held(store):
    with holds.marked(store, FIRST):
        with (
            pytest.raises(RegistryError, match=r"slim:1 in .* is being removed: .*registry gc"),
            holds.held(store, FIRST),
        ):
            raise AssertionError
        with holds.held(store, SECOND):
            pass
    with holds.held(store, FIRST):
        pass
    assert notes(store) == []


def test_a_note_goes_also_after_an_error(store):
    with pytest.raises(KeyError), holds.held(store, FIRST):
        raise KeyError
    assert notes(store) == []


def test_the_note_of_a_dead_process_is_void_after_an_hour_and_swept_away(store, monkeypatch):
    now = holds.time.time()
    for kind in ("moving", "removing"):
        store.create(f"slim/{kind}/1/{int(now)}-{'0' * 32}", b"")
        store.create(f"slim/{kind}/1/notes", b"of somebody else")
    assert holds.held_numbers(store, "slim") == {1}
    with pytest.raises(RegistryError, match="is being removed"), holds.held(store, FIRST):
        raise AssertionError
    holds.sweep(store, "slim")
    assert len(notes(store)) == 4
    monkeypatch.setattr(holds.time, "time", lambda: now + holds.VOID_SECONDS + 1)
    assert holds.held_numbers(store, "slim") == set()
    with holds.held(store, FIRST):
        pass
    holds.sweep(store, "slim")
    assert notes(store) == ["moving/1/notes", "removing/1/notes"]


def test_a_note_that_cannot_be_taken_away_undoes_nothing(store, monkeypatch, caplog):
    def remove(_, path):
        raise RegistryError("away")

    monkeypatch.setattr(Store, "remove", remove)
    with holds.held(store, FIRST):
        pass
    assert "stays until it is void: away" in caplog.text
