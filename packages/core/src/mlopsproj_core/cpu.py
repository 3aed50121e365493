"""How many CPU cores this process may really use: affinity, cgroup quota and the user's wish.

`os.cpu_count()` and the defaults of onnxruntime see the host, not the container.
"""

import math
import os
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


def available_cpus(cgroup: Path = _CGROUP) -> int:
    """Cores that this process may use, at least 1: the least of affinity, quota and wish.

    The user's wish is `OMP_NUM_THREADS`, as where several processes share a machine.

    Args:
        cgroup: where the control group of this process is mounted (version 2, else 1).
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    limits = (cores, _quota(cgroup), _wish())
    return max(1, min((limit for limit in limits if limit is not None), default=1))


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
