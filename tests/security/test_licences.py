"""A licence that is not on the list is refused, and an exception holds for what it was made for."""

import pytest

FORBIDDEN = 3
RULES = """
allowed = ["MIT", "BSD-3-Clause"]
[spellings]
"The MIT" = "MIT"
[exceptions.excepted]
licence = "LGPL-3.0-only"
reason = "a test"
"""


@pytest.fixture
def verdict(tmp_path, check):
    """Holds distributions, of a name and fields of metadata each, against the rules."""

    def run(**metadata):
        for name, fields in metadata.items():
            folder = tmp_path / "environment" / f"{name}-1.0.dist-info"
            folder.mkdir(parents=True)
            text = f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n{fields}\n"
            (folder / "METADATA").write_text(text)
        (tmp_path / "rules.toml").write_text(RULES)
        (tmp_path / "lock.toml").write_text('[[package]]\nname = "excepted"\n')
        return check(
            "licences",
            *("--list", tmp_path / "rules.toml", "--lock", tmp_path / "lock.toml"),
            *("--environment", tmp_path / "environment"),
        )

    return run


@pytest.mark.parametrize(
    "fields",
    [
        "License-Expression: MIT",
        "License-Expression: mit",
        "License-Expression: GPL-3.0-only OR MIT",
        "License-Expression: (GPL-3.0-only OR MIT) AND BSD-3-Clause",
        "License: The MIT",
        "Classifier: License :: OSI Approved :: The MIT",
    ],
)
def test_what_is_allowed(verdict, fields):
    assert verdict(one=fields)[0] == 0


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ("License-Expression: AGPL-3.0-only", "is under AGPL-3.0-only"),
        ("License-Expression: MIT AND GPL-3.0-only", "is under MIT AND GPL-3.0-only"),
        ("License-Expression: MIT AND (GPL-3.0-only OR SSPL-1.0)", "SSPL-1.0"),
        ("License-Expression: MIT AND", "is under MIT AND"),
        ("License: MIT, but not on Fridays", "but not on Fridays"),
        ("License: UNKNOWN", "says no licence"),
        ("", "says no licence"),
        (
            (
                "Classifier: License :: OSI Approved :: The MIT\n"
                "Classifier: License :: OSI Approved :: Eclipse Public License 1.0 (EPL-1.0)"
            ),
            "EPL-1.0",
        ),
    ],
)
def test_what_is_forbidden(verdict, fields, said):
    code, told = verdict(one=fields)
    assert code == FORBIDDEN
    assert said in told


def test_an_exception_holds_for_the_licence_that_it_was_made_for(verdict):
    assert verdict(excepted="License-Expression: LGPL-3.0-only")[0] == 0


def test_an_exception_holds_for_no_other_licence(verdict):
    code, told = verdict(excepted="License-Expression: AGPL-3.0-only")
    assert code == FORBIDDEN
    assert "the exception was made for LGPL-3.0-only" in told


def test_an_exception_that_nothing_needs_is_told(tmp_path, check):
    (tmp_path / "rules.toml").write_text(RULES)
    (tmp_path / "lock.toml").write_text('[[package]]\nname = "another"\n')
    (tmp_path / "empty").mkdir()
    code, told = check(
        "licences",
        *("--list", tmp_path / "rules.toml", "--lock", tmp_path / "lock.toml"),
        *("--environment", tmp_path / "empty"),
    )
    assert (code, "excepted is excepted, but not locked" in told) == (FORBIDDEN, True)


def test_what_is_installed_here_is_allowed(root, check):
    if not (root / "uv.lock").exists():
        pytest.skip("uv has not made a lock here")
    code, told = check("licences")
    assert code == 0, told
