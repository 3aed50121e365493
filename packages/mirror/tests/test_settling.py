from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_core.alias_history import AliasMove
from mlopsproj_mirror.label import MirroredMove
from mlopsproj_mirror.settling import Mirrored, Moved, who_moved


def ours(sequence, version):
    return AliasMove(
        alias="production",
        sequence=sequence,
        id=UUID(int=sequence),
        version=version,
        actor="ada",
        reason="test",
        time=datetime.now(UTC),
    )


def mirrored(sequence, version):
    return Mirrored(version, MirroredMove(sequence=sequence, id=UUID(int=sequence)))


@pytest.mark.parametrize(
    ("here", "noted", "there", "expected"),
    [
        (None, None, None, Moved.nobody),
        (None, None, 1, Moved.there),  # somebody gave an alias that we do not have
        (ours(1, 1), None, None, Moved.here),  # never mirrored
        (ours(1, 1), None, 1, Moved.here),  # its note was lost
        (ours(1, 1), None, 2, Moved.both),
        (ours(1, 1), mirrored(1, 1), 1, Moved.nobody),
        (ours(2, 2), mirrored(1, 1), 1, Moved.here),
        (ours(1, 1), mirrored(1, 1), 2, Moved.there),
        (ours(1, 1), mirrored(1, 1), None, Moved.there),  # taken away, or given to a stranger
        (ours(2, 2), mirrored(1, 1), 2, Moved.here),  # they agree, and it is to be noted
        (ours(2, 2), mirrored(1, 1), 3, Moved.both),
        (ours(2, 2), mirrored(1, 1), None, Moved.both),
        (ours(3, 1), mirrored(1, 1), 1, Moved.here),  # there and back: only the note is old
        (ours(1, 1), mirrored(7, 2), 2, Moved.here),  # the registry was restored from a backup
    ],
)
def test_who_moved_it(here, noted, there, expected):
    assert who_moved(here, noted, there) is expected


versions = st.integers(1, 3)


@given(st.lists(st.tuples(st.sampled_from(["move", "push", "edit"]), versions), max_size=12))
def test_whatever_was_done_in_turn_the_answer_says_who_did(steps):
    """Against a model that remembers who moved since the last time that both agreed."""
    here, noted, there, sequence = ours(1, 1), mirrored(1, 1), 1, 1
    moved_here = moved_there = False
    for what, version in steps:
        if what == "move":
            sequence += 1
            here, moved_here = ours(sequence, version), True
        elif what == "edit":
            there = version
            moved_there = there != noted.version
        else:
            noted, there = mirrored(sequence, here.version), here.version
            moved_here = moved_there = False
    answer = who_moved(here, noted, there)
    if there == here.version:
        assert answer is (Moved.here if moved_here else Moved.nobody)
    else:
        known = {
            (True, True): Moved.both,
            (True, False): Moved.here,
            (False, True): Moved.there,
        }
        assert answer is known[moved_here, moved_there]
