import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_core.errors import ConfigError
from mlopsproj_serving.http.keys import PREFIX, KeyRing, new_key


def test_a_new_key_is_known_by_its_hash_alone():
    key, digest = new_key()

    assert key.startswith(PREFIX)
    assert digest == hashlib.sha256(key.encode()).hexdigest()
    assert KeyRing.parse(f"phone:{digest}").who(key) == "phone"


def test_keys_are_never_the_same():
    assert len({new_key()[0] for _ in range(100)}) == 100


def test_each_key_has_its_name():
    (first, first_hash), (second, second_hash) = new_key(), new_key()
    ring = KeyRing.parse(f"  phone:{first_hash},\n web.site-2:{second_hash.upper()} ,")

    assert ring
    assert ring.who(first) == "phone"
    assert ring.who(second) == "web.site-2"


@given(st.one_of(st.none(), st.text()))
def test_anything_else_is_nobody(presented):
    key, digest = new_key()
    ring = KeyRing.parse(f"phone:{digest}")

    assert ring.who(presented) is None
    assert ring.who(key[:-1]) is None
    assert ring.who(digest) is None


@pytest.mark.parametrize("text", ["", "  ", " , ,\n"])
def test_without_entries_there_are_no_keys(text):
    ring = KeyRing.parse(text)

    assert not ring
    assert ring.who("anything") is None


@pytest.mark.parametrize(
    "entry", ["secret-key", "phone:", ":" + "0" * 64, "phone:" + "0" * 63, "ph/one:" + "0" * 64]
)
def test_what_is_no_entry_is_refused_without_showing_it(entry):
    with pytest.raises(ConfigError, match="Entry 2") as refused:
        KeyRing.parse(f"fine:{'a' * 64} {entry}")

    assert entry not in str(refused.value)
    assert "api hash-key" in str(refused.value)


def test_a_name_is_given_once():
    with pytest.raises(ConfigError, match='"phone"'):
        KeyRing.parse(f"phone:{'0' * 64},phone:{'1' * 64}")
