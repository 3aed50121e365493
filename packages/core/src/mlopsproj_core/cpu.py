"""How many CPU cores this process may really use: the least of affinity and cgroup quota.

`os.cpu_count()` and the defaults of onnxruntime see the host, not the container.
"""

import math
import os
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


def available_cpus(cgroup: Path = _CGROUP) -> int:
    """Cores that this process may use, at least 1.

    Args:
        cgroup: where the control group of this process is mounted (version 2, else 1).
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    quota = _quota(cgroup)
    return max(1, min(cores or 1, quota if quota is not None else cores or 1))


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
