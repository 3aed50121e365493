"""A site with a defect is not built: the settings of ours, around a few pages."""

import os
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]
INDEX = "# First\n\nSee [the second](second.md#part).\n"
SECOND = "# Second\n\n## Part\n\nText.\n"


@pytest.fixture
def build(tmp_path, monkeypatch):
    """Builds pages, strictly."""
    if "DOCS_SITE" not in os.environ:
        pytest.skip("`nox -s docs` has what builds the site, and runs this")
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    monkeypatch.setenv("NO_MKDOCS_2_WARNING", "1")

    def build_them(pages, nav):
        folder = tmp_path / "docs"
        folder.mkdir()
        for name, text in pages.items():
            (folder / name).write_text(text)
        build(
            load_config(
                str(ROOT / "mkdocs.yml"),
                docs_dir=str(folder),
                site_dir=str(tmp_path / "site"),
                nav=nav,
                extra_javascript=[],
                plugins=["search"],
                strict=True,
            )
        )
        return tmp_path / "site"

    return build_them


def test_a_whole_site_is_built(build):
    site = build({"index.md": INDEX, "second.md": SECOND}, ["index.md", "second.md"])
    assert (site / "second" / "index.html").exists()


@pytest.mark.parametrize(
    ("second", "more", "nav"),
    [
        pytest.param("# Second\n", {}, ["index.md", "second.md"], id="an anchor that is not there"),
        pytest.param(
            f"{SECOND}[gone](third.md)\n", {}, ["index.md", "second.md"], id="a page that is gone"
        ),
        pytest.param(
            f"{SECOND}[root](/index)\n", {}, ["index.md", "second.md"], id="an absolute link"
        ),
        pytest.param(
            f"{SECOND}![gone](gone.png)\n",
            {},
            ["index.md", "second.md"],
            id="a picture that is gone",
        ),
        pytest.param(SECOND, {"third.md": "# Third\n"}, ["index.md", "second.md"], id="an orphan"),
        pytest.param(
            SECOND, {}, ["index.md", "second.md", "third.md"], id="a page of the navigation is gone"
        ),
    ],
)
def test_a_defect_is_refused(build, second, more, nav):
    from mkdocs.exceptions import Abort

    with pytest.raises(Abort):
        build({"index.md": INDEX, "second.md": second, **more}, nav)
