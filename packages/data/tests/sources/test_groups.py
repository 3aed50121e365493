from pathlib import Path

import pytest
from mlopsproj_core.errors import ConfigError
from mlopsproj_data.sources.groups import group_by_pattern
from mlopsproj_data.sources.labelled_files import LabelledFile


def files(*names):
    return [LabelledFile(Path(n), n, 1, 1, "a", None, None, n) for n in names]


@pytest.mark.parametrize(
    ("pattern", "group"),
    [
        (r"p\d+", "p7"),
        (r"(p\d+)_(left)", "p7/left"),
        (r"(x)?(p\d+)", "p7"),
        (r"(?P<who>p\d+)", "p7"),
        (r"^cat", "cat"),
    ],
)
def test_capture_groups_make_the_group(pattern, group):
    [file], issues = group_by_pattern(pattern, files("cat/p7_left.png"))
    assert (file.group, issues) == (group, ())


@pytest.mark.parametrize("pattern", [r"p\d+", r"(p\d*)", "p[0-9]"])
def test_a_file_without_a_group_is_told(pattern):
    kept, [issue] = group_by_pattern(pattern, files("p1.gif", "x1.gif"))
    assert [file.name for file in kept] == ["p1.gif"]
    assert (issue.check, issue.origin) == ("no group", "x1.gif")
    assert issue.detail == f"data.group={pattern} finds none"


def test_an_empty_match_is_no_group():
    with pytest.raises(ConfigError, match=r"is found in no file's name, e\.g\. not in a\.png"):
        group_by_pattern("z*", files("a.png"))


def test_a_broken_pattern_is_refused():
    with pytest.raises(
        ConfigError, match=r"data\.group='\(' is no regular expression \(missing \)"
    ):
        group_by_pattern("(", files("a.png"))


def test_no_files_have_no_groups():
    assert group_by_pattern("x", []) == ((), ())
