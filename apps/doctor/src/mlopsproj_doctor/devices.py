"""What could compute beside the CPU, asked without importing torch, which takes seconds.

Knows nothing of what torch would say of it.
"""

import platform
import shutil
import subprocess
from collections.abc import Iterator
from importlib import metadata
from typing import Final

from mlopsproj_doctor.findings import Finding, ok, warn

_ANSWER_SECONDS: Final = 10.0
_QUERY: Final = ("--query-gpu=name,memory.total,driver_version", "--format=csv,noheader")


def examine_devices() -> Iterator[Finding]:
    """Look at the devices, and at whether the installed torch could use them."""
    gpus, trouble = nvidia_gpus()
    if trouble:
        yield warn(
            "devices",
            f"nvidia-smi does not answer: {trouble}",
            "See that the driver is loaded and of the version of its tools; until then the CPU"
            " computes.",
        )
    elif gpus:
        yield ok("devices", f"cpu; {'; '.join(gpus)}")
    elif is_apple_silicon():
        yield ok("devices", "cpu; mps (Apple silicon)")
    else:
        yield ok("devices", "cpu")
    build = torch_build()
    if build and (gpus or trouble or build[1]):
        yield examine_torch(*build, has_gpu=bool(gpus))


def examine_torch(version: str, is_for_cuda: bool, *, has_gpu: bool) -> Finding:  # noqa: FBT001 (one value of a pair)
    """Whether torch and the devices go together."""
    if is_for_cuda and not has_gpu:
        return ok("torch", f"{version}, built for CUDA: without a GPU it computes on the CPU")
    if has_gpu and not is_for_cuda:
        mend = "Install a build of torch for CUDA."
        return warn("torch", f"{version} cannot use the GPU: it was built for CPUs", mend)
    return ok("torch", f"{version}, built for CUDA" if is_for_cuda else version)


def nvidia_gpus() -> tuple[list[str], str]:
    """Each GPU in words; and why there is no answer, empty if there is one."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return [], ""
    try:
        ended = subprocess.run(  # noqa: S603 (the driver's own, with fixed arguments)
            [command, *_QUERY], capture_output=True, text=True, timeout=_ANSWER_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return [], f"nothing within {_ANSWER_SECONDS:g} seconds"
    except (OSError, UnicodeError) as error:
        return [], str(error)
    lines = [line.strip() for line in ended.stdout.splitlines() if line.strip()]
    if ended.returncode:
        said = lines or ended.stderr.strip().splitlines()
        return [], said[0] if said else f"it ended with {ended.returncode}"
    return [_in_words(line) for line in lines], ""


def _in_words(line: str) -> str:
    name, *rest = (part.strip() for part in line.split(","))
    return f"{name} ({', driver '.join(rest)})" if rest else name


def is_apple_silicon() -> bool:
    """Whether torch's device mps may be had."""
    return platform.system() == "Darwin" and platform.machine() == "arm64"


def torch_build() -> tuple[str, bool] | None:
    """Version of torch, and whether it was built for CUDA; None if it is not installed."""
    try:
        found = metadata.distribution("torch")
    except metadata.PackageNotFoundError:
        return None
    _, plus, local = found.version.partition("+")
    if plus:
        return found.version, local.startswith("cu")
    # The package index's build for Linux says so by what it asks for.
    needs = [need for need in found.requires or () if need.startswith("nvidia-")]
    names = {distribution.name.lower() for distribution in metadata.distributions()}
    return found.version, bool(needs) and any(name.startswith("nvidia-cu") for name in names)
