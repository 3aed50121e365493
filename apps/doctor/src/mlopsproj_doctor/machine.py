"""What the machine has: system, cores, memory, instruction sets, clock and devices.

Knows nothing of what is installed on it, but for how torch was built.
"""

import os
import platform
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from mlopsproj_core.cpu import CpuLimits, cpu_limits, cpu_name, instruction_sets

from mlopsproj_doctor.devices import examine_devices
from mlopsproj_doctor.findings import Finding, ok, warn
from mlopsproj_doctor.units import in_bytes

LITTLE_BYTES: Final = 2 * 10**9
"""Less memory suffices for the service, and hardly for training."""

FAST_INT8: Final = {"avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm"}
"""Instruction sets any of which makes int8 worth it."""

_CGROUP = Path("/sys/fs/cgroup")


def examine() -> Iterator[Finding]:
    """Look at the machine."""
    yield ok("system", _system())
    yield examine_cores(cpu_limits(), os.environ.get("OMP_NUM_THREADS", ""))
    yield examine_memory(_memory_bytes(), _memory_limit_bytes())
    yield examine_instruction_sets(cpu_name(), instruction_sets(), platform.machine())
    yield from examine_devices()
    yield examine_clock(time.time(), Path(__file__).stat().st_mtime)


def examine_cores(limits: CpuLimits, wish: str) -> Finding:
    """How many cores are used, and why not more.

    Args:
        limits: of this process.
        wish: content of `OMP_NUM_THREADS`.
    """
    why = [f"the machine has {limits.host or 'unknown'}"]
    if limits.affinity is not None and limits.affinity != limits.host:
        why.append(f"the process may run on {limits.affinity}")
    if limits.quota is not None:
        why.append(f"the container's quota is {limits.quota}")
    if limits.wish is not None:
        why.append(f"OMP_NUM_THREADS is {limits.wish}")
    text = f"{limits.available} used ({', '.join(why)})"
    if wish and limits.wish is None:
        mend = "Set it to a whole number from 1 on, or unset it."
        return warn("cores", f"{text}; OMP_NUM_THREADS={wish} is no number of threads", mend)
    return ok("cores", text)


def examine_memory(total: int | None, limit: int | None) -> Finding:
    """How much memory there is.

    Args:
        total: bytes of the machine; None if it is unknown.
        limit: bytes that the container may use; None if there is no limit.
    """
    if total is None:
        return ok("memory", "not told by this system")
    is_limited = limit is not None and limit < total
    text = in_bytes(total)
    if is_limited and limit is not None:
        text = f"{in_bytes(limit)} may be used by this container, of {text}"
    if min(total, limit or total) < LITTLE_BYTES:
        mend = f"Training may need {in_bytes(LITTLE_BYTES)}: give the machine or container more."
        return warn("memory", text, mend)
    return ok("memory", text)


def examine_instruction_sets(name: str, sets: tuple[str, ...], architecture: str) -> Finding:
    """What the CPU computes with, and what that means for inference."""
    if not sets:
        return ok("cpu", f"{name}; its instruction sets are not told by this system")
    text = f"{name}: {' '.join(sets)}"
    if architecture.lower() in {"x86_64", "amd64"} and "avx2" not in sets:
        mend = "Another machine answers several times as fast."
        return warn("cpu", f"{text}; without AVX2 everything is slow", mend)
    if FAST_INT8.isdisjoint(sets):
        return ok("cpu", f"{text}; int8 is often slower than float here (no VNNI): measure it")
    return ok("cpu", f"{text}; int8 is fast here")


def examine_clock(now: float, installed: float) -> Finding:
    """Whether the clock can be right.

    Args:
        now: seconds since the epoch.
        installed: when this program was installed, by the same clock.
    """
    text = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M UTC")
    if now < installed - 86_400:
        mend = "Set it: ids, histories and certificates go by it."
        return warn("clock", f"{text} is before this program was installed", mend)
    return ok("clock", text)


def _system() -> str:
    try:
        called = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:  # not a Linux, or a very small one
        called = " ".join(part for part in platform.mac_ver()[:1] if part)
    parts = (platform.system(), platform.release(), platform.machine(), called)
    return f"{' '.join(filter(None, parts))}; Python {platform.python_version()}"


def _memory_bytes() -> int | None:
    if sys.platform == "win32":
        return None
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):  # a system that does not tell
        return None


def _memory_limit_bytes(cgroup: Path = _CGROUP) -> int | None:
    """Of the control group of this process, version 2, else 1."""
    for file in (cgroup / "memory.max", cgroup / "memory" / "memory.limit_in_bytes"):
        try:
            return int(file.read_text())
        except (OSError, ValueError):  # "max": there is none
            continue
    return None
