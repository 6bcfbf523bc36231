"""The command doctor: what is installed, what it may use, and whether a small audit runs."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from time import perf_counter

from rich.console import Console

import explaindistill
from explaindistill.data.text_table import text_table
from explaindistill.numerics.threads import n_threads

__all__ = ["run_doctor"]

BROKEN = 1
EXTRAS = {
    "torch": (("torch",), "networks as teachers, and `teach` trains them with it"),
    "shap": (("shap",), "exact Shapley values of forests and boosted trees as teachers"),
    "onnx": (("onnx", "onnxruntime"), "teachers from .onnx files, students as ONNX"),
    "http": (("httpx",), "teachers behind an address (--teacher-url)"),
    "parquet": (("pyarrow",), "tables in Parquet, answers of a store as a file"),
    "dask": (("dask", "distributed"), "trees of rows that lie on several machines"),
    "rl": (("gymnasium",), "tasks by name for students of policies"),
}
TOOLS = {
    "gcc": 'students as C are compiled and compared (verify="target")',
    "node": 'students as JavaScript are run and compared (verify="target")',
}
LITTLE_DISK = 2**30
"""Bytes below which a store of answers may fill the disk: a million answers of ten classes are 100 MB."""
ROWS = 600
"""Rows of the small run: enough for every frame that an audit of the example has."""


def run_doctor(args: Namespace, console: Console) -> int:
    """Print what is there, and run one small audit; 0 where all is well, 1 where something must be mended."""
    faults: list[str] = []
    for title, lines in (
        ("versions", list(_versions(faults))),
        ("cores", list(_cores())),
        ("extras", list(_extras())),
        ("tools", [(name, "found" if shutil.which(name) else "missing", words) for name, words in TOOLS.items()]),
        ("disk", list(_disk(Path(args.store or "."), faults))),
    ):
        console.print(f"{title}\n{_indented(text_table(lines, width=78))}", markup=False, highlight=False)
    console.print(f"small run\n{_indented(_small_run(faults))}", markup=False, highlight=False)
    for fault in faults:
        console.print(f"to mend: {fault}", markup=False, highlight=False)
    console.print("nothing to mend" if not faults else f"{len(faults)} to mend", markup=False, highlight=False)
    return BROKEN if faults else 0


def _versions(faults: list[str]) -> Iterator[tuple[str, str, str]]:
    """Versions of this package, of Python, and of each package that is needed, with the least one that works."""
    yield "explaindistill", explaindistill.__version__, str(Path(explaindistill.__file__).parent)
    yield "python", platform.python_version(), f"{sys.implementation.name} on {platform.system()} {platform.machine()}"
    try:
        needed = requires("explaindistill") or []
    except PackageNotFoundError:
        faults.append("explaindistill is imported from a folder and not installed; run: pip install -e .")
        return
    for line in needed:
        words = re.fullmatch(r"([\w.-]+)\s*>=\s*([\w.]+)", line)
        if words is None:
            continue  # of an extra
        name, least = words.groups()
        present = _installed(name)
        if present is None or _numbers(present) < _numbers(least):
            faults.append(f"{name} must be at least {least}, {present or 'it'} is {'there' if present else 'missing'}")
        yield name, present or "missing", f"at least {least}"


def _cores() -> Iterator[tuple[str, str]]:
    """How many cores the machine has, how many this process may use, and what limits threads."""
    yield "of the machine", str(os.cpu_count() or "unknown")
    yield "this process may use", str(n_threads(-1))
    if (quota := _quota()) is not None:
        yield "quota of the container", f"{quota:.1f}"
    limits = {name: os.environ[name] for name in THREAD_VARIABLES if os.environ.get(name)}
    yield "limits of threads", ", ".join(f"{name}={value}" for name, value in limits.items()) or "none set"


THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
CGROUP = Path("/sys/fs/cgroup/cpu.max")


def _quota(file: Path = CGROUP) -> float | None:
    """Cores that a container may use in time; None where nothing limits it or nobody can say.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "cpu.max"
    ...     _ = file.write_text("150000 100000")
    ...     limited = _quota(file)
    ...     _ = file.write_text("max 100000")
    ...     limited, _quota(file), _quota(Path(folder) / "none")
    (1.5, None, None)
    """
    try:
        granted, period = file.read_text("ascii").split()
        return int(granted) / int(period)
    except (OSError, ValueError):
        return None


def _extras() -> Iterator[tuple[str, str, str]]:
    for extra, (packages, enables) in EXTRAS.items():
        missing = [name for name in packages if _installed(name) is None]
        present = "missing" if missing else ", ".join(str(_installed(name)) for name in packages)
        yield extra, present, enables + (f"; pip install 'explaindistill[{extra}]'" if missing else "")


def _disk(store: Path, faults: list[str]) -> Iterator[tuple[str, str]]:
    """Free disk where the store lies or would lie, and whether files can be written there."""
    folder = next(place for place in (store, *store.absolute().parents) if place.is_dir())
    free = shutil.disk_usage(folder).free
    if free < LITTLE_DISK:
        faults.append(
            f"only {free / 2**20:,.0f} MB are free at {folder}; a label store needs about 100 bytes an answer"
        )
    yield "free for a store", f"{free / 2**30:,.1f} GB at {folder}"
    try:
        with tempfile.TemporaryFile(dir=folder):
            yield "can be written", "yes"
    except OSError as error:
        faults.append(f"nothing can be written to {folder}: {error.strerror or error}")
        yield "can be written", "no"


def _small_run(faults: list[str]) -> str:
    """Distil and audit a small teacher on the embedded example; what it took, or what went wrong."""
    import numpy as np

    from explaindistill.auditing.audits import audit
    from explaindistill.data.datasets import lending
    from explaindistill.distillation.distiller import Distiller
    from explaindistill.students.tree.estimators import TreeClassifier
    from explaindistill.teachers.callable import CallableTeacher

    began = perf_counter()
    try:
        data = lending(ROWS, 0)
        fitting, measuring = data.X.iloc[: ROWS // 2], data.X.iloc[ROWS // 2 :]
        median = data.X["income"].median()
        teacher = CallableTeacher(
            lambda X: np.where(X["income"] > median, "approved", "declined"), ["approved", "declined"], "labels"
        )
        student = Distiller(teacher, TreeClassifier(max_leaf_nodes=4), n_queries=ROWS, random_state=0).fit(fitting)
        fitted = perf_counter()
        report = audit(teacher, {"tree": student}, measuring, n_explained=20, strict=True)
        report.summary()
    except Exception as error:  # whatever is wrong with this installation is what the command is asked for
        faults.append(f"the small run ended in {type(error).__name__}: {' '.join(str(error).split())[:200]}")
        return "failed"
    agreement = report.frames["fidelity"].query("metric == 'agreement'")["estimate"].iloc[0]
    ended = perf_counter()
    return (
        f"distilled in {fitted - began:.1f} s, audited in {ended - fitted:.1f} s, agreement {agreement:.3f}\n"
        "(the first run on a machine compiles, and takes longer than the next)"
    )


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _numbers(text: str) -> tuple[int, ...]:
    """Numbers of a version, for comparing: of 2.13.0+cpu the 2, 13 and 0.

    Examples
    --------
    >>> _numbers("2.13.0+cpu"), _numbers("1.6.0rc1") >= _numbers("1.6"), _numbers("1.10") > _numbers("1.9")
    ((2, 13, 0), True, True)
    """
    release = re.match(r"\d+(\.\d+)*", text)
    return tuple(int(digits) for digits in release[0].split(".")) if release else ()


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
