"""A fit on two workers of dask, and one tree of LightGBM's there: wall time with everything from the files on."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import explaindistill as xd

__all__ = ["boosted_of_workers", "tree_of_workers"]

SETTINGS = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}


def tree_of_workers(folder: Path, teacher: Any, student: Any) -> dict[str, Any]:
    """Fit a student on two workers, from reading the files on."""
    import dask.dataframe as dd
    from distributed import Client

    with Client(**SETTINGS) as client:
        client.run(_warmed)
        before, driver, begin = client.run(time.process_time), time.process_time(), time.perf_counter()
        rows = dd.read_parquet(folder, split_row_groups=True)
        fitted = xd.Distiller(teacher, student, n_queries="all", random_state=0).fit(rows)
        wall = time.perf_counter() - begin
        driver = time.process_time() - driver
        workers = [seconds - before[name] for name, seconds in client.run(time.process_time).items()]
        gb = max(client.run(_memory).values())
    digest = hashlib.sha256(json.dumps(fitted.to_dict(), sort_keys=True).encode()).hexdigest()
    return {"digest": digest, "wall": wall, "gb": gb, "busiest": max(workers), "cpu": sum(workers) + driver}


def boosted_of_workers(folder: Path, teacher: Any, n_leaves: int) -> dict[str, Any]:
    """Fit one tree of LightGBM's to the teacher's decisions on two workers; its agreement on the first part."""
    import dask.dataframe as dd
    from distributed import Client
    from lightgbm import DaskLGBMClassifier

    with Client(**SETTINGS) as client:
        begin = time.perf_counter()
        rows = dd.read_parquet(folder, split_row_groups=True)
        numbers = rows.map_partitions(_numbers, meta=_numbers(rows._meta_nonempty))
        answers = rows.map_partitions(_decisions, teacher, meta=("answer", np.int64))
        model = DaskLGBMClassifier(n_estimators=1, num_leaves=n_leaves, learning_rate=1.0, client=client, verbose=-1)
        model.fit(numbers, answers)
        wall = time.perf_counter() - begin
        first = rows.get_partition(0).compute()
    agreement = float((model.to_local().predict(_numbers(first)) == _decisions(first, teacher)).mean())
    return {"wall": wall, "agreement": agreement}


def _numbers(rows: pd.DataFrame) -> pd.DataFrame:
    """Levels as the numbers in their names: LightGBM takes numbers only."""
    text = [c for c in rows if rows[c].dtype.kind not in "if"]
    return rows.assign(**{c: rows[c].astype("str").str.extract(r"(\d+)")[0].fillna("0").astype(float) for c in text})


def _decisions(rows: pd.DataFrame, teacher: Any) -> pd.Series:
    return pd.Series((teacher.predict_proba(rows)[:, 1] >= 0.5).astype(np.int64), index=rows.index, name="answer")


def _warmed() -> None:
    """Import what a fit needs, as the process beside has done before its clock starts."""
    import explaindistill.distillation.partitions
    import explaindistill.students.tree.parts_fit  # noqa: F401 - for its compiled kernels


def _memory() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
