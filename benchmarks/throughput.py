"""What asking costs beyond the network itself, and what the store adds."""

from __future__ import annotations

import statistics
import sys
import tempfile
from itertools import count
from pathlib import Path

import numpy as np
import torch
from _bars import Bars, options, seconds
from torch import nn

from explaindistill.asking.labelling import label
from explaindistill.teachers.torch import TorchTeacher

BATCH = 4096
RUNS = 3


def bare(net: nn.Module, X: np.ndarray) -> np.ndarray:
    """Hand-written loop: the least that must be done."""
    out = []
    with torch.inference_mode():
        for start in range(0, len(X), BATCH):
            z = net(torch.from_numpy(X[start : start + BATCH]))
            out.append(torch.softmax(z.double(), dim=1).numpy())
    return np.concatenate(out)


def main(argv: list[str] | None = None) -> int:
    args = options(__doc__ or "").parse_args(argv)
    n = 50_000 if args.quick else 1_000_000
    bars = Bars(f"throughput: {n:,} rows of 20 columns, an MLP of 3 x 512, medians of {RUNS} rounds")
    X = np.random.default_rng(0).normal(size=(n, 20)).astype(np.float32)
    torch.manual_seed(0)
    parts = [m for a, b in ((20, 512), (512, 512), (512, 512)) for m in (nn.Linear(a, b), nn.ReLU())]
    net = nn.Sequential(*parts, nn.Linear(512, 2)).eval()
    teacher = TorchTeacher(net, classes=[0, 1], batch_size=BATCH)
    with tempfile.TemporaryDirectory() as folder:
        fresh = count()
        ways = {
            "bare": lambda: bare(net, X),
            "teacher": lambda: teacher.predict_proba(X),
            "stored": lambda: label(teacher, X, store=Path(folder) / f"{next(fresh)}.db"),
            "again": lambda: label(teacher, X, store=Path(folder) / "0.db"),
        }
        if not np.allclose(bare(net, X[:BATCH]), label(teacher, X[:BATCH]), atol=1e-9):
            sys.exit("the teacher does not answer as the bare loop does")
        rounds = [{name: seconds(way) for name, way in ways.items()} for _ in range(RUNS)]

    def ratio(name: str) -> float:
        return statistics.median(one[name] / one["bare"] for one in rounds)

    bare_seconds = statistics.median(one["bare"] for one in rounds)
    bars.add("bare hand-written loop", "reported", f"{bare_seconds:.2f} s, {n / bare_seconds:,.0f} rows/s", None)
    bars.at_most("TorchTeacher over the bare loop", 1.10, ratio("teacher"), "x")
    bars.at_most("label() with a new store over the bare loop", 2.2, ratio("stored"), "x")
    bars.add("label() where the store knows all", "reported", f"{ratio('again'):.3f}x", None)
    return bars.finish(args)


if __name__ == "__main__":
    sys.exit(main())
