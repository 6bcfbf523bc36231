"""A large label store: how fast it answers, what a look-up costs after a cold start, and how large it is."""

from __future__ import annotations

import resource
import sys
import tempfile
from pathlib import Path

import numpy as np
from _bars import Bars, options, seconds

from explaindistill.asking.shelf import Shelf
from explaindistill.asking.store import LabelStore
from explaindistill.data.row_keys import row_keys
from explaindistill.teachers.callable import CallableTeacher

BATCH = 16_384
N_CLASSES = (2, 10)


def shelf_of(store: LabelStore, k: int) -> Shelf:
    shelf = store.shelf(CallableTeacher(len, classes=list(range(k)), version="1"))
    assert shelf is not None
    return shelf


def answers(ids: np.ndarray, k: int) -> np.ndarray:
    """What the teacher is taken to have said about row number i."""
    return ids.reshape(-1, 1) + np.arange(k) / k


def fill(path: Path, n: int, k: int) -> None:
    """Keep n rows in batches, as a labelling run does."""
    with LabelStore(path) as store:
        shelf = shelf_of(store, k)
        for start in range(0, n, BATCH):
            ids = np.arange(start, min(start + BATCH, n), dtype=float)
            shelf.keep(row_keys(ids.reshape(-1, 1)), answers(ids, k))


def look_up(path: Path, ids: np.ndarray, k: int) -> None:
    """Open the file and look rows up; a wrong answer ends the benchmark."""
    with LabelStore(path) as store:
        known, found = shelf_of(store, k).find(row_keys(ids.reshape(-1, 1)))
    if not known.all() or not np.array_equal(found, answers(ids, k)):
        sys.exit("the store gave a wrong answer")


def main(argv: list[str] | None = None) -> int:
    args = options(__doc__ or "").parse_args(argv)
    n = 1_000_000 if args.quick else 10_000_000
    bars = Bars(f"label store of {n:,} rows")
    some = np.random.default_rng(0).choice(n, 100_000, replace=False).astype(float)
    for k in N_CLASSES:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "labels.db"
            took = seconds(lambda path=path, k=k: fill(path, n, k))
            bars.add(f"{k} classes: rows stored per second", "reported", f"{n / took:,.0f}", None)
            bars.add(f"{k} classes: bytes per row", "reported", f"{path.stat().st_size / n:.1f}", None)
            cold = [seconds(lambda path=path, k=k: look_up(path, some, k)) for _ in range(3)]
            bars.at_most(
                f"{k} classes: 100,000 look-ups, file opened each time (median of 3)", 1.0, sorted(cold)[1], " s"
            )
            with LabelStore(path) as store:
                shelf, keys = shelf_of(store, k), row_keys(some.reshape(-1, 1))
                shelf.find(keys)
                warm = [seconds(lambda shelf=shelf, keys=keys: shelf.find(keys)) for _ in range(3)]
            bars.at_most(f"{k} classes: 100,000 look-ups, keys in memory (median of 3)", 1.0, sorted(warm)[1], " s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    bars.add("peak memory of this process", "reported", f"{peak / 2**20:,.0f} MiB", None)
    return bars.finish(args)


if __name__ == "__main__":
    sys.exit(main())
