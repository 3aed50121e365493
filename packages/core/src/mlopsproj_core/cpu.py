"""The CPU: the cores that this process may really use, its name, and what it computes with.

`os.cpu_count()` and the defaults of onnxruntime see the host, not the container. Knows nothing of
what an instruction set is good for.
"""

import math
import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_CGROUP = Path("/sys/fs/cgroup")
_CPUINFO = Path("/proc/cpuinfo")
_SYSCTL_SECONDS: Final = 5.0

INSTRUCTION_SETS: Final = (
    "sse4.2",
    "avx2",
    "fma",
    "f16c",
    "avx512f",
    "avx512_vnni",
    "avx_vnni",
    "avx512_bf16",
    "amx_int8",
    "amx_bf16",
    "asimd",
    "asimddp",
    "i8mm",
    "bf16",
)
"""Those that matter for inference: first of x86-64, then of ARM, the oldest first."""

_LINUX_NAMES: Final = {"sse4_2": "sse4.2"}

_MACOS_NAMES: Final = {
    "SSE4.2": "sse4.2",
    "AVX2": "avx2",
    "FMA": "fma",
    "F16C": "f16c",
    "AVX512F": "avx512f",
    "AVX512VNNI": "avx512_vnni",
    "hw.optional.AdvSIMD": "asimd",
    "hw.optional.arm.FEAT_DotProd": "asimddp",
    "hw.optional.arm.FEAT_I8MM": "i8mm",
    "hw.optional.arm.FEAT_BF16": "bf16",
}
"""Words of `machdep.cpu.features` and `machdep.cpu.leaf7_features`, and keys that are 1."""


@dataclass(frozen=True, slots=True)
class CpuLimits:
    """What limits the cores that this process may use; None where nothing does.

    Attributes:
        host: cores of the machine.
        affinity: cores that the process may run on.
        quota: of the control group, in whole cores, rounded up.
        wish: of the user, who may set `OMP_NUM_THREADS` where several processes share a machine.
    """

    host: int | None
    affinity: int | None
    quota: int | None
    wish: int | None

    @property
    def available(self) -> int:
        """The least of them, at least 1."""
        cores = self.host if self.affinity is None else self.affinity
        limits = (cores, self.quota, self.wish)
        return max(1, min((limit for limit in limits if limit is not None), default=1))


def available_cpus(cgroup: Path = _CGROUP) -> int:
    """Cores that this process may use, at least 1: the least of affinity, quota and wish.

    Args:
        cgroup: where the control group of this process is mounted (version 2, else 1).
    """
    return cpu_limits(cgroup).available


def cpu_limits(cgroup: Path = _CGROUP) -> CpuLimits:
    """What limits the cores that this process may use.

    Args:
        cgroup: where the control group of this process is mounted (version 2, else 1).
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    return CpuLimits(os.cpu_count(), affinity, _quota(cgroup), _wish())


def _wish() -> int | None:
    """None where it is not set, or is no number of threads."""
    try:
        # A list is of nested regions; the first is of the outermost.
        wish = int(os.environ.get("OMP_NUM_THREADS", "").split(",")[0])
    except ValueError:
        return None
    return wish if wish > 0 else None


def _quota(cgroup: Path) -> int | None:
    """Whole cores of the quota, rounded up; None where there is none."""
    try:
        if (cgroup / "cpu.max").exists():
            limit, period = (cgroup / "cpu.max").read_text().split()
        else:
            limit = (cgroup / "cpu" / "cpu.cfs_quota_us").read_text().strip()
            period = (cgroup / "cpu" / "cpu.cfs_period_us").read_text().strip()
        return None if limit in {"max", "-1"} else math.ceil(int(limit) / int(period))
    except (OSError, ValueError, ZeroDivisionError):
        return None


def instruction_sets(cpuinfo: Path = _CPUINFO) -> tuple[str, ...]:
    """Those of `INSTRUCTION_SETS` that this CPU has, in that order; none where it is unknown.

    Linux and macOS tell; Windows does not.

    Args:
        cpuinfo: what Linux says of its processors.
    """
    if platform.system() == "Darwin":
        found = _of_macos(_sysctl())
    else:
        facts = _first_processor(cpuinfo)
        names = (facts.get("flags") or facts.get("Features") or "").split()
        found = {_LINUX_NAMES.get(name, name) for name in names}
    return tuple(name for name in INSTRUCTION_SETS if name in found)


def cpu_name(cpuinfo: Path = _CPUINFO) -> str:
    """What its maker calls it, else its architecture.

    Args:
        cpuinfo: what Linux says of its processors.
    """
    if platform.system() == "Darwin":
        name = _sysctl().get("machdep.cpu.brand_string", "")
    else:
        name = _first_processor(cpuinfo).get("model name", "")
    known = name if name != "unknown" else ""  # of some sandboxes
    return known or platform.processor() or platform.machine()


def _first_processor(cpuinfo: Path) -> dict[str, str]:
    """Where there are several kinds of cores, Linux tells what all of them have."""
    try:
        text = cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    return _pairs(text.strip().partition("\n\n")[0])


def _sysctl() -> dict[str, str]:
    """What macOS says of its processors."""
    command = shutil.which("sysctl")
    if command is None:
        return {}
    try:
        ended = subprocess.run(  # noqa: S603 (the system's own, with fixed arguments)
            [command, "hw.optional", "machdep.cpu"],
            capture_output=True,
            text=True,
            check=False,  # a key that this macOS lacks is no failure
            timeout=_SYSCTL_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    return _pairs(ended.stdout)


def _of_macos(facts: dict[str, str]) -> set[str]:
    words = f"{facts.get('machdep.cpu.features')} {facts.get('machdep.cpu.leaf7_features')}"
    told = {*words.split(), *(key for key, value in facts.items() if value == "1")}
    return {name for word, name in _MACOS_NAMES.items() if word in told}


def _pairs(text: str) -> dict[str, str]:
    """Lines `key: value`."""
    lines = (line.partition(":") for line in text.splitlines())
    return {key.strip(): value.strip() for key, _, value in lines}
