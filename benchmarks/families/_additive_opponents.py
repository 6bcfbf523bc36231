"""Runs in an opponent's own environment: fits EBM or pyGAM to the rows of a folder and writes answers and seconds.

``python _additive_opponents.py {ebm,ebm-logit,pygam} FOLDER N_PAIRS`` reads ``train.parquet``, ``test.parquet`` and
``train.npz`` (``y``: probability of the second class or value; ``task``), and writes ``out.npz``.
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd


def main() -> None:
    warnings.filterwarnings("ignore")
    name, folder, n_pairs = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    train, test = pd.read_parquet(folder / "train.parquet"), pd.read_parquet(folder / "test.parquet")
    data = np.load(folder / "train.npz")
    fit = {"ebm": ebm, "ebm-logit": ebm_logit, "pygam": pygam}[name]
    answer, seconds = fit(train, test, data["y"], str(data["task"]), n_pairs)
    np.savez(folder / "out.npz", answer=answer, seconds=seconds)


def ebm(train, test, y, task, n_pairs):
    from interpret.glassbox import ExplainableBoostingClassifier, ExplainableBoostingRegressor

    if task == "regression":
        model = ExplainableBoostingRegressor(interactions=n_pairs)
        start = time.perf_counter()
        model.fit(train, y)
        return model.predict(test), time.perf_counter() - start
    n, bags = len(train), 14
    twice = pd.concat([train, train], ignore_index=True)
    labels, weight = np.repeat([0, 1], n), np.concatenate([1 - y, y])
    held = np.random.default_rng(0).random((n, bags)) < 0.15
    side = np.where(np.vstack([held, held]), -1, 1).astype(np.int8)
    kept = weight > 0
    model = ExplainableBoostingClassifier(interactions=n_pairs)
    start = time.perf_counter()
    try:
        model.fit(twice[kept], labels[kept], sample_weight=weight[kept], bags=side[kept])
    except Exception:
        start = time.perf_counter()
        model.fit(twice[kept], labels[kept], sample_weight=weight[kept], bags=np.ascontiguousarray(side[kept].T))
    return model.predict_proba(test)[:, 1], time.perf_counter() - start


def ebm_logit(train, test, y, task, n_pairs):
    from interpret.glassbox import ExplainableBoostingRegressor

    p = np.clip(y, 1e-4, 1 - 1e-4)
    model = ExplainableBoostingRegressor(interactions=n_pairs)
    start = time.perf_counter()
    model.fit(train, np.log(p / (1 - p)))
    return 1 / (1 + np.exp(-model.predict(test))), time.perf_counter() - start


def pygam(train, test, y, task, n_pairs):
    from pygam import LinearGAM, LogisticGAM, f, s

    A, B, terms = numbers(train, test)
    total = None
    for i, categorical in enumerate(terms):
        term = f(i) if categorical else s(i)
        total = term if total is None else total + term
    model = LinearGAM(total) if task == "regression" else LogisticGAM(total)
    start = time.perf_counter()
    model.fit(A, y)
    seconds = time.perf_counter() - start
    return (model.predict(B) if task == "regression" else model.predict_proba(B)), seconds


def numbers(train, test):
    """Codes for categories, medians for missing values; categories of the test rows are those of the training rows."""
    A, B, categorical = [], [], []
    for name in train:
        a, b = train[name], test[name]
        if pd.api.types.is_numeric_dtype(a) or pd.api.types.is_bool_dtype(a):
            middle = a.median()
            A.append(a.fillna(middle).astype(float))
            B.append(b.fillna(middle).astype(float))
            categorical.append(False)
        else:
            levels = sorted(a.dropna().astype(str).unique())
            code = {v: i for i, v in enumerate(levels)}
            most = code[a.dropna().astype(str).mode()[0]]
            A.append(a.astype(str).map(code).fillna(most).astype(float))
            B.append(b.astype(str).map(code).fillna(most).astype(float))
            categorical.append(True)
    return np.column_stack(A), np.column_stack(B), categorical


if __name__ == "__main__":
    main()
