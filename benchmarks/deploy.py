"""A torch teacher of 3 x 512 on adult against its tree of 32 leaves and its GAM: bytes after gzip, and time for a row.

Sizes are gzip against gzip: the teacher's float32 weights against the student's JSON, without what only describes the
fit (``answers_only=True``), its numbers rounded to the most digits that leave it small enough: the size alone decides,
no held-out row is asked. Agreement on held-out rows is that of the rounded student, read back from that JSON; each seed
has its own split, teacher and corpus, and the worst seed counts. Times are of one row: the exported C, compiled with
-O2 and called from a loop in another file over different rows, against the bare module (one thread, preprocessing left
out, which favours the teacher) and against ``predict_proba`` of the teacher.
"""

from __future__ import annotations

import ctypes
import gzip
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _bars import Bars, options
from _data import load
from _teachers import Network

import explaindistill as xd
from explaindistill.data.program import program_of
from explaindistill.export import c
from explaindistill.export import json as json_export
from explaindistill.export._operations import operations
from explaindistill.teachers.torch import TorchTeacher

DIGITS = (6, 5, 4, 3, 2)
SMALLER = 700
LOOP = """
#include <stddef.h>
{row}
void student_predict_proba(const student_row *row, double *out);
double student_loop(const student_row *rows, int n, int repeats)
{{
    double out[2], total = 0.0;
    int i, k;
    for (k = 0; k < repeats; k++)
        for (i = 0; i < n; i++) {{ student_predict_proba(rows + i, out); total += out[1]; }}
    return total;
}}
"""


@dataclass(frozen=True)
class Packed:
    """A student that was written with few digits and read back."""

    student: Any
    digits: int
    size: int


def packed(student: Any, most: float) -> Packed:
    """The student of the most digits whose JSON takes at most so many bytes after gzip; of the fewest if none does."""
    for digits in DIGITS:
        text = json_export.generate(student, digits=digits, answers_only=True)
        size = len(gzip.compress(text.encode(), mtime=0))
        if size <= most or digits == DIGITS[-1]:
            break
    return Packed(type(student).from_dict(json.loads(text)["form"]), digits, size)


def compiled(student: Any, rows: pd.DataFrame, folder: Path) -> tuple[Any, Any]:
    """The loop over the exported C, and the rows as it takes them."""
    source = c.generate(student)
    row = re.search(r"typedef struct \{.*?\} student_row;", source, re.DOTALL)
    assert row is not None
    (folder / "student.c").write_text(source, encoding="utf-8")
    (folder / "loop.c").write_text(LOOP.format(row=row.group()), encoding="utf-8")
    made = folder / "student.so"
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-O2", "-shared", "-fPIC"]
    files = [folder / "student.c", folder / "loop.c"]
    subprocess.run(["gcc", *flags, "-o", made, *files, "-lm"], check=True)
    inputs = program_of(student).inputs

    class Row(ctypes.Structure):
        _fields_ = [(i.variable, ctypes.c_int if i.is_category else ctypes.c_double) for i in inputs]

    told = (Row * len(rows))()
    for column in inputs:
        numbers = student.schema_.column(rows, column.name)
        if column.is_category:
            numbers = np.where(np.isnan(numbers), -2, numbers).astype(int)
        for line, value in zip(told, numbers.tolist(), strict=True):
            setattr(line, column.variable, value)
    library = ctypes.CDLL(str(made))
    library.student_loop.restype = ctypes.c_double
    return library, told


def nanoseconds(student: Any, rows: pd.DataFrame, repeats: int) -> float:
    """Median time of one row in C; the sum of the answers is checked against the student."""
    with tempfile.TemporaryDirectory() as folder:
        library, told = compiled(student, rows, Path(folder))
        wanted = float(student.predict_proba(rows)[:, 1].sum())
        assert abs(library.student_loop(told, len(rows), 1) - wanted) < 1e-8 * len(rows)
        spent = []
        for _ in range(9):
            start = time.perf_counter()
            library.student_loop(told, len(rows), repeats)
            spent.append((time.perf_counter() - start) / (repeats * len(rows)))
    return 1e9 * statistics.median(spent)


def teacher_nanoseconds(ask: Any, runs: int) -> float:
    """Median time of one call."""
    for _ in range(10):
        ask()
    spent = []
    for _ in range(runs):
        start = time.perf_counter()
        ask()
        spent.append(time.perf_counter() - start)
    return 1e9 * statistics.median(spent)


def timed(bars: Bars, teacher: TorchTeacher, tree: Any, test: pd.DataFrame, quick: bool) -> None:
    """Bars of speed."""
    import torch

    if shutil.which("gcc") is None:
        bars.add("exported C tree, one row", "<= 100 ns", "gcc is not here", None)
        return
    ours = nanoseconds(tree, test.iloc[:1000], 200 if quick else 1000)
    torch.set_num_threads(1)
    one = torch.tensor(teacher.preprocess(test.iloc[:1]), dtype=torch.float32)
    with torch.inference_mode():
        module = teacher_nanoseconds(lambda: teacher.module(one), 300 if quick else 2000)
    whole = teacher_nanoseconds(lambda: teacher.predict_proba(test.iloc[:1]), 20 if quick else 100)
    bars.at_most("exported C tree, one row", 100, ours, " ns")
    bars.at_least("bare torch module over C tree, one row", 1000, module / ours, " x", f"({module / 1e3:.0f} µs)")
    bars.at_least("teacher.predict_proba over C tree, one row", 1000, whole / ours, " x", f"({whole / 1e3:.0f} µs)")


@dataclass(frozen=True)
class Seed:
    """One split, its teacher, and the students of a corpus that the teacher answered."""

    teacher: TorchTeacher
    students: dict[str, Any]
    test: pd.DataFrame
    accuracy: float


def seed_of(seed: int, quick: bool) -> Seed:
    """Fit teacher and students on 7 rows of 10."""
    data = load("adult", 9000 if quick else None, 0)
    held = np.random.default_rng(seed).random(len(data.X)) < 0.3
    train, test = data.X[~held].reset_index(drop=True), data.X[held].reset_index(drop=True)
    net = Network((512, 512, 512), seed=seed, epochs=6 if quick else 30).fit(train, data.y[~held])
    teacher = TorchTeacher(net.net, net.encoder.transform, classes=net.classes_)
    fitted = {}
    for name, student in {"tree": xd.TreeClassifier(max_leaf_nodes=32), "gam": xd.GAMClassifier()}.items():
        distiller = xd.Distiller(teacher, student, n_queries=15_000 if quick else 60_000, random_state=seed)
        fitted[name] = distiller.fit(train).student_
    accuracy = float((teacher.predict(test) == data.y[held].to_numpy()).mean())
    return Seed(teacher, fitted, test, accuracy)


def sizes(bars: Bars, name: str, asked: float, seeds: list[Seed]) -> None:
    """Bars of one student's size, agreement and operations, over seeds."""
    ratios, agreements, losses, notes, flops = [], [], [], [], []
    for one in seeds:
        student, answers = one.students[name], one.teacher.predict(one.test)
        size = len(gzip.compress(one.teacher.weights(), mtime=0))
        small = packed(student, size / SMALLER)
        agreements.append(float((small.student.predict(one.test) == answers).mean()))
        losses.append(float((student.predict(one.test) == answers).mean()) - agreements[-1])
        ratios.append(size / small.size)
        notes.append(f"{size:,} / {small.size:,} bytes, {small.digits} digits")
        flops.append(one.teacher.operations(one.test) / operations(student))
    worst = int(np.argmin(ratios))
    bars.at_least(f"teacher over {name}, gzip bytes", SMALLER, ratios[worst], " x", f"({notes[worst]})")
    each = " ".join(f"{a:.4f}" for a in agreements)
    note = f"({each}; rounding costs at most {max(losses):.4f})"
    bars.at_least(f"agreement of the rounded {name}", asked, min(agreements), "", note)
    bars.add(f"operations, teacher over {name}", "more than 1 x", f"{min(flops):,.0f} x", min(flops) > 1)


def main(argv: list[str] | None = None) -> int:
    parser = options(__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, help="splits, teachers and corpora; 3, quick 1")
    args = parser.parse_args(argv)
    seeds = [seed_of(seed, args.quick) for seed in range(args.seeds or (1 if args.quick else 3))]
    n = len(seeds[0].test)
    bars = Bars(f"deployment: adult, about {n:,} rows held out, the worst of {len(seeds)} seed(s); times on the first")
    for name, asked in {"tree": 0.93, "gam": 0.96}.items():
        sizes(bars, name, asked, seeds)
    first = seeds[0]
    timed(bars, first.teacher, first.students["tree"], first.test, args.quick)
    print("accuracy of the teachers", *(f"{one.accuracy:.4f}" for one in seeds), file=sys.stderr)
    return bars.finish(args)


if __name__ == "__main__":
    sys.exit(main())
