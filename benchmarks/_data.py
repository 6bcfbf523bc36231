"""Real data sets as frames with their target, from EXPLAINDISTILL_DATA or the folder beside the project."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn import datasets

FOLDER = Path(os.environ.get("EXPLAINDISTILL_DATA", Path(__file__).parents[2] / "shared" / "data"))
ACS_CODES = ["SCHL", "OCCP", "RELP", "COW", "MAR", "RAC1P", "SEX", "POBP"]


@dataclass(frozen=True)
class Data:
    """Rows, target and task; categories stored as numbers are strings here."""

    name: str
    X: pd.DataFrame
    y: pd.Series
    task: str


TARGETS = {
    "adult": ("adult.csv.gz", "income-per-year", "classification"),
    "compas": ("compas.csv.gz", "two_year_recid", "classification"),
    "german": ("german_credit.csv.gz", "credit", "classification"),
    "heloc": ("heloc.csv.gz", "RiskPerformance", "classification"),
    "acs": ("acs_income_2014_2018_sample.parquet", "PINCP", "classification"),
    "credit_default": ("credit_default.csv.gz", "default-payment-next-month", "classification"),
    "magic": ("magic.csv.gz", "label", "classification"),
    "page": ("page.csv.gz", "label", "classification"),
    "segment": ("segment.csv.gz", "label", "classification"),
    "fault": ("fault.csv.gz", "label", "classification"),
    "room": ("room.csv.gz", "label", "classification"),
    "california": ("california_housing.csv.gz", "MedHouseVal", "regression"),
    "bike": ("bike_sharing.csv.gz", "count", "regression"),
}
BUNDLED = {
    "breast_cancer": ("load_breast_cancer", "classification"),
    "digits": ("load_digits", "classification"),
    "wine": ("load_wine", "classification"),
    "iris": ("load_iris", "classification"),
    "diabetes": ("load_diabetes", "regression"),
}
# Split once, before any default of this protocol was chosen, and never again: each half has small and large tables,
# two and more classes, numbers and categories, missing values, and sets that were new in November 2026.
DEVELOPMENT = ("adult", "german", "magic", "segment", "room", "california", "breast_cancer", "diabetes", "iris")
"""Sets on which defaults are chosen; no claim is quoted from them."""
JUDGEMENT = ("acs", "compas", "heloc", "credit_default", "page", "fault", "bike", "digits", "wine")
"""Sets from which claims are quoted; no default is chosen by a look at them."""


def names(task: str | None = None) -> list[str]:
    """Names of the data sets that can be had on this machine."""
    on_disk = [n for n, (f, _, t) in TARGETS.items() if (FOLDER / f).exists() and task in (None, t)]
    return on_disk + [n for n, (_, t) in BUNDLED.items() if task in (None, t)]


def load(name: str, n: int | None = None, seed: int = 0) -> Data:
    """One data set; at most ``n`` rows, drawn with ``seed``; ends the command with a message where it is not there."""
    if name in BUNDLED:
        loader, task = BUNDLED[name]
        bunch = getattr(datasets, loader)(as_frame=True)
        X, y = bunch.data, bunch.target
    else:
        file, target, task = TARGETS[name]
        X, y = _read(name, FOLDER / file, target)
    if n is not None and n < len(X):
        rows = np.sort(np.random.default_rng(seed).choice(len(X), n, replace=False))
        X, y = X.iloc[rows], y.iloc[rows]
    return Data(name, X.reset_index(drop=True), y.reset_index(drop=True), task)


def _read(name: str, path: Path, target: str) -> tuple[pd.DataFrame, pd.Series]:
    if not path.exists():
        sys.exit(f"{path.name} is not there; set EXPLAINDISTILL_DATA to the folder of the data sets")
    frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, na_values=["?"])
    if name == "credit_default":
        frame = frame.drop(columns="ID")  # a row number
    if name == "compas":
        frame = frame.drop(columns=["decile_score", "score_text"], errors="ignore")
    if name == "acs":
        codes = [c for c in ACS_CODES if c in frame]
        frame[codes] = frame[codes].astype("Int64").astype(str)
        frame[target] = frame[target].astype(int)
    y = frame.pop(target)
    return frame, y
