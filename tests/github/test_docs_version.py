"""A ref becomes a version of the site; git and mike are real, the site is small."""

import importlib.util
import json
import os
import subprocess
import sys

import pytest
from cloned_repository import ClonedRepository

needs_mike = pytest.mark.skipif(
    importlib.util.find_spec("mike") is None, reason="mike is installed by nox -s workflows"
)
LED_TO = "latest/"


@pytest.mark.parametrize(
    ("ref", "version"),
    [
        ("refs/heads/main", "dev"),
        ("refs/tags/v0.1.2", "0.1"),
        ("refs/tags/v10.20.30", "10.20"),
        ("refs/tags/v0.2.0rc1", None),
        ("refs/tags/nightly", None),
    ],
)
def test_version_of_a_ref(script, ref, version):
    assert script("docs_version").version_of(ref) == version


@pytest.mark.parametrize(
    ("version", "published", "latest"),
    [
        ("0.1", [], True),
        ("0.1", ["dev"], True),
        ("0.1", ["0.1", "dev"], True),
        ("0.10", ["0.9", "dev"], True),
        ("0.1", ["0.2", "0.1"], False),
        ("dev", ["0.1"], False),
        ("dev", [], False),
    ],
)
def test_latest_is_the_highest_release(script, version, published, latest):
    assert script("docs_version").is_latest(version, published) is latest


class Site(ClonedRepository):
    """A clone with a site of one page, and its origin."""

    def __init__(self, folder, root):
        super().__init__(folder)
        self._scripts = root / "infra" / "github"
        self.bundle, self.output = folder / "site.bundle", folder / "output"
        (self.clone / "docs").mkdir()
        (self.clone / "docs" / "index.md").write_text("# A page\n")
        settings = (root / "mkdocs.yml").read_text(encoding="utf-8")
        assert "provider: mike" in settings, "the theme shows the versions that mike made"
        (self.clone / "mkdocs.yml").write_text("site_name: site\n")
        self.commit_all()

    def run(self, script, *arguments):
        tools = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])  # noqa: PTH120 - of a link that must not be followed
        more = {"PATH": tools, "NO_MKDOCS_2_WARNING": "1", "GITHUB_OUTPUT": str(self.output)}
        return subprocess.run(
            [sys.executable, str(self._scripts / script), *map(str, arguments)],
            cwd=self.clone,
            env={**os.environ, **more},
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def publish(self, ref):
        """What the first script says; the second pushes if there is something to push."""
        self.output.write_text("")
        said = self.run("docs_version.py", ref, self.bundle)
        if self.output.read_text():
            self.run("docs_push.py", self.bundle)
        return said

    def read(self, file):
        return self.git("show", f"gh-pages:{file}", at=self.origin)

    @property
    def versions(self):
        told = json.loads(self.read("versions.json"))
        return {version["version"]: version["aliases"] for version in told}


@pytest.mark.slow
@needs_mike
def test_from_the_first_commit_to_a_patch_of_an_old_release(tmp_path, root):
    site = Site(tmp_path, root)
    assert site.publish("refs/heads/main") == "Made: dev\n"
    assert site.versions == {"dev": []}
    assert "dev/" in site.read("index.html")
    assert "A page" in site.read("dev/index.html")
    assert site.output.read_text() == "version=dev\n"

    assert site.publish("refs/tags/v0.2.0") == "Made: 0.2, latest\n"
    assert LED_TO in site.read("index.html")

    site.publish("refs/tags/v0.1.1")
    assert site.versions == {"dev": [], "0.1": [], "0.2": ["latest"]}
    assert LED_TO in site.read("index.html")

    before = site.git("rev-parse", "gh-pages", at=site.origin)
    assert site.publish("refs/tags/v0.3.0rc1").startswith("No version")
    assert site.git("rev-parse", "gh-pages", at=site.origin) == before


def test_what_is_pushed_goes_on_where_the_branch_ends(tmp_path, root):
    """Whoever makes the site can neither rewrite what was published, nor reach another branch."""
    site = Site(tmp_path, root)
    site.git("push", "--quiet", "origin", "HEAD:main")
    site.git("push", "--quiet", "origin", "HEAD:gh-pages")
    before = site.git("rev-parse", "main", at=site.origin)
    site.git("switch", "--quiet", "--orphan", "gh-pages")
    (site.clone / "index.html").write_text("another history")
    site.commit_all()
    site.git("branch", "main-of-theirs")
    site.git("bundle", "create", "--quiet", site.bundle, "gh-pages", "main-of-theirs")
    with pytest.raises(subprocess.CalledProcessError):
        site.run("docs_push.py", site.bundle)
    branches = site.git("for-each-ref", "--format=%(refname) %(objectname)", at=site.origin)
    assert branches.splitlines() == [
        f"refs/heads/gh-pages {before.strip()}",
        f"refs/heads/main {before.strip()}",
    ]
