"""Cores that this process may use: affinity, and quotas of control groups of either version."""

import os

import pytest

from explaindistill.numerics import cores


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """Write files of control groups into a folder that stands for the kernel's; 16 cores are allowed."""
    monkeypatch.setattr(cores, "GROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(cores, "MINE", tmp_path / "mine")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)

    def write(mine, files):
        (tmp_path / "mine").write_text(mine)
        for name, words in files.items():
            file = tmp_path / "cgroup" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(words)

    return write


@pytest.mark.parametrize(
    ("mine", "files", "allowed"),
    [
        ("0::/\n", {"cpu.max": "max 100000\n"}, 16),
        ("0::/\n", {"cpu.max": "250000 100000\n"}, 3),
        ("0::/job/step\n", {"job/cpu.max": "100000 100000", "job/step/cpu.max": "400000 100000"}, 1),
        ("0::/job\n", {}, 16),
        ("3:cpu,cpuacct:/box\n2:memory:/box\n",
         {"cpu/box/cpu.cfs_quota_us": "150000", "cpu/box/cpu.cfs_period_us": "100000"}, 2),
        ("3:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 16),
        ("0::/\n", {"cpu.max": "1000 100000"}, 1),
    ],
)  # fmt: skip
def test_the_tightest_quota_counts(groups, mine, files, allowed):
    groups(mine, files)
    assert cores.available_cores() == allowed


def test_without_control_groups_the_affinity_decides(tmp_path, monkeypatch):
    monkeypatch.setattr(cores, "MINE", tmp_path / "none")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 5}, raising=False)
    assert cores.available_cores() == 2
