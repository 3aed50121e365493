import pickle
import re

import pytest
from mlopsproj_core import errors
from mlopsproj_core.errors import MlopsprojError


def tree(error, depth=0):
    yield depth, error
    for kind in error.__subclasses__():
        yield from tree(kind, depth + 1)


OURS = [(d, kind) for d, kind in tree(MlopsprojError) if kind.__module__ == errors.__name__]


def test_the_tree_that_is_drawn_is_the_real_one():
    drawn = [
        (len(match[1]) // 4, match[2], int(match[3] or 1))
        for match in re.finditer(
            r"^([│├└─ ]*)([A-Z]\w+Error)\b(?:.*\(exit code (\d)\))?", errors.__doc__, re.MULTILINE
        )
    ]
    assert drawn == [(depth, kind.__name__, kind.exit_code) for depth, kind in OURS]


@pytest.mark.parametrize("kind", [kind for _, kind in OURS])
def test_errors_come_back_from_other_processes(kind):
    error = pickle.loads(pickle.dumps(kind("what, which, how")))  # noqa: S301 (our own bytes)
    assert type(error) is kind
    assert str(error) == "what, which, how"
