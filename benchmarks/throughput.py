"""What asking costs beyond the network itself, and what the store adds."""

from __future__ import annotations

import sys
import tempfile
from itertools import count
from pathlib import Path

import numpy as np
import torch
from _bars import Bars, in_turn, options, seconds
from torch import nn

from explaindistill.label_store import LabelStore
from explaindistill.labelling import label
from explaindistill.numerics.rowkeys import row_keys
from explaindistill.teachers.callable import CallableTeacher
from explaindistill.teachers.torch import TorchTeacher

BATCH = 4096


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
    bars = Bars("throughput")
    n, stored = (50_000, 200_000) if args.quick else (1_000_000, 10_000_000)
    X = np.random.default_rng(0).normal(size=(n, 20)).astype(np.float32)
    torch.manual_seed(0)
    parts = [m for a, b in ((20, 512), (512, 512), (512, 512)) for m in (nn.Linear(a, b), nn.ReLU())]
    net = nn.Sequential(*parts, nn.Linear(512, 2)).eval()
    teacher = TorchTeacher(net, classes=[0, 1], batch_size=BATCH)
    runs = 3
    _, _, ratio = in_turn(lambda: teacher.predict_proba(X), lambda: bare(net, X), runs)
    bars.at_most(f"TorchTeacher over a bare loop, {n:,} rows", 1.10, ratio, "x")
    with tempfile.TemporaryDirectory() as folder:
        fresh = count()
        _, _, ratio = in_turn(
            lambda: label(teacher, X, store=Path(folder) / f"{next(fresh)}.db"), lambda: bare(net, X), runs
        )
        bars.at_most("label() with a new store over a bare loop", 2.2, ratio, "x")
        with LabelStore(Path(folder) / "large.db") as store:
            shelf = store.shelf(CallableTeacher(len, classes=[0, 1], version="1"))
            for start in range(0, stored, 1_000_000):
                ids = np.arange(start, min(start + 1_000_000, stored), dtype=float).reshape(-1, 1)
                shelf.keep(row_keys(ids), np.column_stack([ids, ids]))
        with LabelStore(Path(folder) / "large.db") as store:
            shelf = store.shelf(CallableTeacher(len, classes=[0, 1], version="1"))
            some = row_keys(np.random.default_rng(0).choice(stored, 100_000, replace=False).reshape(-1, 1))
            bars.at_most(f"100,000 look-ups among {stored:,} stored rows", 1.0, seconds(lambda: shelf.find(some)), " s")
    return bars.finish(args)


if __name__ == "__main__":
    sys.exit(main())
