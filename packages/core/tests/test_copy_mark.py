import pytest
from mlopsproj_core.copy_mark import MARK, CopyMark, refuse_unfinished
from mlopsproj_core.errors import RegistryError
from mlopsproj_core.model_version import is_name
from mlopsproj_core.registry import Registry
from mlopsproj_core.store import Store

pytestmark = pytest.mark.usefixtures("without_fsync")


@pytest.fixture
def store(url):
    return Store(url)


def test_it_is_there_from_the_first_write_to_the_end(store):
    mark = CopyMark(store, "gs://old/registry")
    assert store.files("") == []
    for _ in range(2):
        mark.put()
    with pytest.raises(RegistryError, match="is a copy of gs://old/registry that is not finished"):
        refuse_unfinished(store)
    mark.take_away()
    refuse_unfinished(store)
    assert store.files("") == []


def test_that_of_a_copy_that_was_killed_goes_with_the_next(store):
    CopyMark(store, "killed").put()
    CopyMark(store, "next, which has nothing to write").take_away()
    assert not store.exists(MARK)


def test_that_of_a_copy_that_began_since_stays(store):
    first, second = (CopyMark(store, "one") for _ in range(2))
    first.put()
    second.put()
    first.take_away()
    assert store.exists(MARK)
    second.take_away()
    assert not store.exists(MARK)


def test_one_that_cannot_be_read_counts_too(store):
    store.create(MARK, b"[]")
    with pytest.raises(RegistryError, match=f"another registry that is not .* remove {MARK}"):
        refuse_unfinished(store)


def test_no_model_is_meant_by_it(store, slim_bundle):
    registry = Registry(store.url)
    registry.publish(slim_bundle)
    CopyMark(store, "source").put()
    assert not is_name(MARK)
    assert registry.names() == ["slim"]
