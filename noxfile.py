"""Every check of the repository, each a session: `nox --list` tells them, `nox` runs some.

Knows how to make environments with uv and which command each check is; what the tools are told
stands in `pyproject.toml`. `uv run nox` needs nothing installed but uv.
"""

import os
import shutil
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import nox
from uv import find_uv_bin

ROOT = Path(__file__).parent
PYTHONS = ["3.11", "3.12", "3.13"]
# Pure Python, published as source only; hydra and omegaconf ask for this old release.
WITHOUT_WHEEL = ["antlr4-python3-runtime"]
PLATFORMS = ["x86_64-manylinux_2_28", "aarch64-apple-darwin", "x86_64-pc-windows-msvc"]
MINIMUM_COVERAGE = 90
MEASURED = ROOT / ".nox" / "measured"
WITH_TORCH = {"models", "train"}
CHECKS = ["lint", "types", "arch", "lock", "docs", "workflows"]  # once for each change
# A process for each core, and by file: the tests of one share what is made once for them.
AT_ONCE = ("--numprocesses=logical", "--maxprocesses=4", "--dist=loadfile")

# uv finds only the first interpreter that pyenv's shims offer: show it the others' own folders.
_PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
_INTERPRETERS = [str(path) for v in PYTHONS for path in sorted(_PYENV.glob(f"{v}.*/bin"))]
os.environ["PATH"] = os.pathsep.join([os.environ["PATH"], *_INTERPRETERS])

nox.needs_version = ">=2025.2"
nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "types", "arch", "quick"]


@dataclass(frozen=True)
class Member:
    """A member of the workspace: a folder, and the distribution that it makes."""

    folder: str
    distribution: str

    @property
    def short(self) -> str:
        """The distribution's name without the project's."""
        return self.distribution.removeprefix("mlopsproj-")

    @property
    def module(self) -> str:
        """The name that is imported."""
        return self.distribution.replace("-", "_")


def _members() -> list[Member]:
    files = [
        *sorted(ROOT.glob("packages/*/pyproject.toml")),
        *sorted(ROOT.glob("apps/*/pyproject.toml")),
    ]
    return [
        Member(
            file.parent.relative_to(ROOT).as_posix(),
            tomllib.loads(file.read_text(encoding="utf-8"))["project"]["name"],
        )
        for file in files
    ]


MEMBERS = _members()
SOURCES = [f"{member.folder}/src" for member in MEMBERS]


def _sync(session: nox.Session, *arguments: str) -> None:
    """Make the session's environment exactly what the lock says for `arguments`."""
    session.run_install(
        "uv",
        "sync",
        "--quiet",
        f"--python={session.virtualenv.location}",
        *arguments,
        env={"UV_PROJECT_ENVIRONMENT": session.virtualenv.location},
    )


@nox.session(python=PYTHONS[0])
def lint(session: nox.Session) -> None:
    """Hold format and code against ruff's rules."""
    _sync(session, "--only-group=lint")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")


@nox.session(python=PYTHONS[0])
def types(session: nox.Session) -> None:
    """Check the types of members, benchmarks and infra strictly; of members on all systems."""
    _sync(session, "--all-extras", "--group=bench")
    programs = [*ROOT.glob("benchmarks/*.py"), *ROOT.glob("benchmarks/*/__main__.py")]
    benchmarks = [str(path.relative_to(ROOT)) for path in sorted(programs)]
    infra = [str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("infra/**/*.py"))]
    session.run("mypy", *SOURCES, "noxfile.py", *benchmarks, *infra)
    for platform in ("win32", "darwin"):  # what is not guarded for a system shows nowhere else here
        session.run(
            "mypy", f"--platform={platform}", f"--cache-dir=.mypy_cache/{platform}", *SOURCES
        )


@nox.session(python=PYTHONS[0])
def arch(session: nox.Session) -> None:
    """Hold the layers, and show that a member without torch installs and imports none."""
    _sync(session)
    session.run("lint-imports")
    bundle = Path(session.create_tmp()).resolve() / "bundle"
    shutil.rmtree(bundle, ignore_errors=True)
    session.run("python", "tests/small_bundle.py", str(bundle))
    for member in MEMBERS:
        if member.short in WITH_TORCH:
            continue
        _sync(session, f"--package={member.distribution}", "--no-default-groups")
        session.run("python", "tests/arch/torch_free.py", str(bundle), member.module)


@nox.session(python=PYTHONS[0])
def quick(session: nox.Session) -> None:
    """Run the quick tests of all members in one environment, a process for each core."""
    _sync(session, "--all-extras")
    session.run("pytest", "packages", "apps", *AT_ONCE, *session.posargs)


HALVES = ("half-1", "half-2")  # for whoever shares the members among two Pythons
each_member = nox.parametrize(
    "member",
    [nox.param(m, id=m.short, tags=[HALVES[n % 2]]) for n, m in enumerate(MEMBERS)],
)


@nox.session(python=PYTHONS)
@each_member
def tests(session: nox.Session, member: Member) -> None:
    """Test one member, installed alone, so that an undeclared import fails; measure coverage."""
    _sync(
        session,
        f"--package={member.distribution}",
        "--all-extras",
        "--no-default-groups",
        "--group=test",
    )
    session.install("--quiet", "coverage>=7.10")
    data = MEASURED / f"{member.short}-{session.python}"
    data.parent.mkdir(parents=True, exist_ok=True)
    for earlier in data.parent.glob(f"{data.name}*"):
        earlier.unlink()
    session.run(
        *("coverage", "run", f"--data-file={data}", f"--source={member.folder}/src"),
        *("-m", "pytest", member.folder, *session.posargs),
        env={} if session.python == PYTHONS[0] else {"COVERAGE_CORE": "sysmon"},  # a third faster
    )
    session.run("coverage", "combine", "-q", f"--data-file={data}")  # one file of each process


@nox.session(python=PYTHONS[0])
@each_member
def floors(session: nox.Session, member: Member) -> None:
    """Test one member with the lowest versions that it asks for."""
    settings = tomllib.loads((ROOT / member.folder / "pyproject.toml").read_text(encoding="utf-8"))
    extras = ",".join(settings["project"].get("optional-dependencies", {}))
    session.install(
        "--quiet", "--resolution=lowest-direct", f"--editable={member.folder}[{extras}]"
    )
    session.install("--quiet", f"--group={member.folder}/pyproject.toml:test")
    session.run("pytest", member.folder, *session.posargs)


@nox.session(python=PYTHONS[0])
def coverage(session: nox.Session) -> None:
    """Hold each member against 90 % of lines, by its own tests, and report all together."""
    session.install("--quiet", "coverage>=7.10")
    everything = sorted(str(path) for path in MEASURED.glob("*-3.*"))
    if not everything:
        session.error("Nothing is measured yet: run nox -s tests first.")
    low = []
    for member in MEMBERS:
        measured = sorted(str(path) for path in MEASURED.glob(f"{member.short}-3.*"))
        if not measured:
            session.log(f"{member.short} is not measured: run nox -s tests.")
            continue
        total = _combine(session, MEASURED / "member", measured)
        session.log(f"{member.short}: {total} %")
        if float(total) < MINIMUM_COVERAGE:
            low.append(f"{member.short} {total} %")
    _combine(session, MEASURED / "all", everything)
    session.run("coverage", "report", f"--data-file={MEASURED / 'all'}")
    if low:
        session.error(f"Below {MINIMUM_COVERAGE} % of lines: {', '.join(low)}.")


def _combine(session: nox.Session, target: Path, measured: list[str]) -> str:
    session.run("coverage", "combine", "--keep", "-q", f"--data-file={target}", *measured)
    return str(
        session.run(
            *("coverage", "report", f"--data-file={target}", "--format=total", "--precision=1"),
            silent=True,
        )
    ).strip()


@nox.session(python=PYTHONS[0])
def e2e(session: nox.Session) -> None:
    """Run what crosses members, and every test that is too slow for each day."""
    _sync(session, "--all-extras")
    nothing_slow = 5
    session.run(
        *("pytest", "packages", "apps", "-m", "slow", *AT_ONCE, *session.posargs),
        success_codes=[0, nothing_slow],
    )
    session.run("pytest", "tests", "-m", "slow or not slow", *AT_ONCE, *session.posargs)


@nox.session(python=PYTHONS[0])
def load(session: nox.Session) -> None:
    """Load a real api with mixed images: errors, and p95 against the latency without load."""
    _sync(session, "--group=load")
    session.run("python", "tests/load/run.py", *session.posargs)


@nox.session(python=PYTHONS[0], venv_backend="none")
def lock(session: nox.Session) -> None:
    """Resolve from nothing, hold it against requirements.txt, and find a wheel for every platform.

    `nox -s lock -- --write` writes requirements.txt anew.
    """
    uv = find_uv_bin()  # the one that is locked: another version words the markers otherwise
    session.run(uv, "lock", "--quiet", "--upgrade", external=True)
    export = [uv, "export", "--quiet", "--frozen", "--all-packages", "--no-emit-workspace"]
    resolved = str(session.run(*export, "--no-header", silent=True, external=True))
    file = ROOT / "requirements.txt"
    if "--write" in session.posargs:
        file.write_text(resolved, encoding="utf-8")
    elif not file.exists() or file.read_text(encoding="utf-8") != resolved:
        session.error(
            "requirements.txt is not what the dependencies resolve to:"
            " run nox -s lock -- --write and commit it."
        )
    with session.chdir("infra"):
        write = ["--write"] if "--write" in session.posargs else []
        session.run(sys.executable, "-m", "images.pins", *write, external=True)
    pinned = Path(session.create_tmp()).resolve() / "pinned.txt"
    session.run(
        *(*export, "--no-hashes", "--no-annotate", f"--output-file={pinned}"),
        silent=True,
        external=True,
    )
    for platform in PLATFORMS:
        for python in PYTHONS:
            session.run(
                *(uv, "pip", "compile", "--quiet", "--no-deps", "--only-binary=:all:"),
                *(f"--no-binary={name}" for name in WITHOUT_WHEEL),
                *(f"--python-platform={platform}", f"--python-version={python}", str(pinned)),
                env={"MACOSX_DEPLOYMENT_TARGET": "14.0"},  # of onnxruntime's wheels
                silent=True,
                external=True,
            )
            session.log(f"every distribution has a wheel for {platform}, Python {python}")


@nox.session(python=PYTHONS[0])
def images(session: nox.Session) -> None:
    """Build the images, start them, train in one and be answered by another; lint them."""
    _sync(session, "--only-group=images")
    session.run("hadolint", "infra/images/Dockerfile", "benchmarks/with_torch.Dockerfile")
    session.run("check-jsonschema", "--builtin-schema=vendor.compose-spec", "infra/compose.yaml")
    with session.chdir("infra"):
        session.run("python", "-m", "images.pins")
        session.run("python", "-m", "images.trial")


@nox.session(python=PYTHONS[0])
def docs(session: nox.Session) -> None:
    """Hold the reference against the code, build the site strictly, and open it in a browser.

    `nox -s docs -- --write` writes the pages of the reference anew.
    """
    # Without torch: of what needs it, the settings alone are read.
    torch_free = [f"--package={m.distribution}" for m in MEMBERS if m.short not in WITH_TORCH]
    _sync(session, "--inexact", "--only-group=docs")
    _sync(session, "--inexact", "--no-default-groups", *torch_free)
    undescribed = ("--select=D1", "--ignore=D105,D107")  # public names have docstrings
    session.run("ruff", "check", "--quiet", *undescribed, *SOURCES)
    described = [m for m in MEMBERS if m.short in WITH_TORCH]
    session.env["PYTHONPATH"] = os.pathsep.join(["infra", *(f"{m.folder}/src" for m in described)])
    session.run("python", "-m", "reference_pages", *session.posargs)
    site = Path(session.create_tmp()).resolve() / "site"
    # Not with --quiet: it hides the warnings from --strict.
    session.run(
        *("mkdocs", "build", "--strict", f"--site-dir={site}"), env={"NO_MKDOCS_2_WARNING": "1"}
    )
    browse = ("tests/docs/built", "--confcutdir=tests/docs/built", "-m", "slow or not slow")
    session.run("pytest", *browse, env={"DOCS_SITE": str(site)})


@nox.session(python=PYTHONS[0])
def workflows(session: nox.Session) -> None:
    """Check what GitHub reads: actionlint, zizmor, its schemas, and the scripts that are called."""
    _sync(session, "--only-group=workflows")
    told = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob(".github/**/*.yml"))
    flows = [path for path in told if path.startswith(".github/workflows/")]
    forms = [path for path in told if path.startswith(".github/ISSUE_TEMPLATE/")]
    config = [path for path in forms if path.endswith("/config.yml")]
    session.run("actionlint", *flows)
    session.run("zizmor", "--offline", "--quiet", "--persona=pedantic", ".github")
    for schema, files in {
        "vendor.github-workflows": flows,
        "custom.github-workflows-require-timeout": flows,
        "vendor.dependabot": [path for path in told if path.endswith("/dependabot.yml")],
        "vendor.github-issue-config": config,
        "vendor.github-issue-forms": [path for path in forms if path not in config],
    }.items():
        session.run("check-jsonschema", f"--builtin-schema={schema}", *files)
    session.run("pytest", "tests/github", "-m", "slow or not slow", *session.posargs)


@nox.session(python=PYTHONS[0])
def security(session: nox.Session) -> None:
    """Look for credentials, licences that are not allowed, unsafe code and known vulnerabilities.

    `nox -s security -- --require-index` fails where the index of vulnerabilities is away.
    """
    _sync(session, "--all-extras", "--all-groups")
    session.run("python", "infra/security/credentials.py")
    session.run("python", "infra/security/licences.py")
    session.run("ruff", "check", "--select=S", ".")
    unknown = 4  # the index did not answer
    told = session.run(
        *("python", "infra/security/vulnerabilities.py"),
        silent=True,
        success_codes=[0] if "--require-index" in session.posargs else [0, unknown],
    )
    (session.warn if "NOT CHECKED" in str(told) else session.log)(str(told).strip())


@nox.session(python=PYTHONS[0])
def build(session: nox.Session) -> None:
    """Build every wheel, install them as an image does, and run a command from elsewhere.

    `nox -s build -- FOLDER` keeps the wheels there.
    """
    kept = Path(session.posargs[0]).resolve() if session.posargs else None
    folder = Path(session.create_tmp()).resolve()
    wheels, pinned = folder / "wheels", folder / "pinned.txt"
    shutil.rmtree(wheels, ignore_errors=True)
    session.run("uv", "build", "--quiet", "--all-packages", "--wheel", f"--out-dir={wheels}")
    names = {wheel.name.split("-")[0] for wheel in wheels.glob("*.whl")}
    missing = {member.module for member in MEMBERS} - names
    if missing:
        session.error(f"No wheel was built of {', '.join(sorted(missing))}.")
    session.run(
        *("uv", "export", "--quiet", "--all-packages", "--no-dev", "--no-emit-workspace"),
        f"--output-file={pinned}",
        silent=True,
    )
    session.install("--quiet", "--require-hashes", "-r", str(pinned))
    session.install("--quiet", "--no-deps", "--reinstall", *map(str, sorted(wheels.glob("*.whl"))))
    session.run("uv", "pip", "check")
    session.chdir(folder)
    for command in ("train", "registry", "data", "api", "monitor", "doctor"):
        session.run(command, "--help", silent=True)
    if kept:
        shutil.copytree(wheels, kept, dirs_exist_ok=True)


@nox.session(python=PYTHONS[0])
def bench(session: nox.Session) -> None:
    """Run the measurements in benchmarks/, or those that are named behind `--`."""
    _sync(session, "--all-extras", "--group=bench")
    for path in sorted(ROOT.glob("benchmarks/*.py")):
        if not session.posargs or path.stem in session.posargs:
            session.run("python", str(path.relative_to(ROOT)))


@nox.session(python=PYTHONS[0])
def showcase(session: nox.Session) -> None:
    """See drift, learn from labels and go on, unattended; draw the figure of the docs."""
    _sync(session, "--all-extras", "--group=bench")
    folder = Path(session.create_tmp()).resolve()
    session.chdir("benchmarks")
    session.run("python", "-m", "showcase", str(folder), *session.posargs)


@nox.session(venv_backend="none")
def nightly(session: nox.Session) -> None:
    """Queue every session: the usual ones, and all that they leave out."""
    # A name would queue the first of its variants only.
    tests_ = [f"tests-{python}({member.short})" for python in PYTHONS for member in MEMBERS]
    floors_ = [f"floors({member.short})" for member in MEMBERS]
    slow = ["e2e", "security", "images", *floors_, "build", "bench", "showcase"]
    for name in [*CHECKS, *tests_, "coverage", *slow]:
        session.notify(name)
