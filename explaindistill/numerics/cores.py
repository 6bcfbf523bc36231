"""How many cores this process may use: a container, a batch system or ``taskset`` may allow fewer than there are."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["available_cores"]

GROUPS, MINE = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def available_cores() -> int:
    """Cores that the scheduler allows, and no more than the quotas of the control groups pay for; at least 1.

    A quota of two and a half cores counts as three: the third thread runs half of the time.

    References
    ----------
    Linux kernel, "Control Group v2" (``cpu.max``) and "CFS Bandwidth Control" (``cpu.cfs_quota_us``).

    Examples
    --------
    >>> available_cores() >= 1
    True
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([allowed, *(math.ceil(quota) for quota in _quotas())]))


def _quotas() -> Iterator[float]:
    """Quotas in cores of all control groups that this process is in, of either version."""
    for folder in _folders():
        for limit in (_second_version(folder / "cpu.max"), _first_version(folder)):
            if limit is not None:
                yield limit


def _folders() -> Iterator[Path]:
    """Folders of the groups and of all groups around them: the tightest one counts."""
    try:
        lines = MINE.read_text().splitlines()
    except OSError:
        return  # no Linux
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = GROUPS if not controllers else GROUPS / "cpu"
        inside = Path(path.lstrip("/"))
        for group in (inside, *inside.parents):
            yield root / group


def _second_version(file: Path) -> float | None:
    words = _words(file)
    if len(words) < 2 or words[0] == "max":
        return None
    return float(words[0]) / float(words[1])


def _first_version(folder: Path) -> float | None:
    quota, period = _words(folder / "cpu.cfs_quota_us"), _words(folder / "cpu.cfs_period_us")
    if not quota or not period or float(quota[0]) <= 0:
        return None
    return float(quota[0]) / float(period[0])


def _words(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except OSError:
        return []  # a group that sets no limit has no such file
