"""Fitted students of every family on rows of every kind, and rows to try them on."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd
import pytest

from explaindistill.students.gam.estimators import GAMClassifier, GAMRegressor
from explaindistill.students.linear.estimators import LinearClassifier, LinearRegressor
from explaindistill.students.model_tree.estimators import ModelTreeClassifier, ModelTreeRegressor
from explaindistill.students.rules.estimators import RuleListClassifier, RuleListRegressor
from explaindistill.students.scorecard.estimators import ScorecardClassifier
from explaindistill.students.tree.estimators import TreeClassifier, TreeRegressor

FAMILIES = {
    "tree": lambda k: TreeClassifier(max_leaf_nodes=24),
    "model_tree": lambda k: ModelTreeClassifier(max_leaf_nodes=4, max_leaf_features=3),
    "gam": lambda k: GAMClassifier(n_pairs=2 if k == 2 else 0),
    "gam_pair": lambda k: GAMClassifier(n_pairs=1),
    "linear": lambda k: LinearClassifier(),
    "scorecard": lambda k: ScorecardClassifier(),
    "rules": lambda k: RuleListClassifier(),
}
REGRESSORS = {
    "tree": lambda: TreeRegressor(max_leaf_nodes=24),
    "model_tree": lambda: ModelTreeRegressor(max_leaf_nodes=4, max_leaf_features=3),
    "gam": lambda: GAMRegressor(n_pairs=1),
    "gam_log": lambda: GAMRegressor(n_pairs=0, loss="poisson"),
    "gam_gamma": lambda: GAMRegressor(n_pairs=1, loss="gamma"),
    "linear": LinearRegressor,
    "rules": RuleListRegressor,
}
CASES = [
    *((family, k) for family in ("tree", "model_tree", "gam", "linear", "rules") for k in (2, 3, 0)),
    *((family, -2) for family in ("tree", "model_tree", "linear", "rules")),
    ("gam_log", 0),
    ("gam_gamma", 0),
    ("gam_pair", 3),
    ("scorecard", 2),
]
N_ROWS = 10_000


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for ``family`` and ``k`` is run for every family and kind of target."""
    if {"family", "k"} <= set(metafunc.fixturenames):
        metafunc.parametrize(("family", "k"), CASES, ids=[f"{family}-{k}" for family, k in CASES])


def _frame(n: int, seed: int, unseen: bool = False) -> pd.DataFrame:
    """Rows with every kind of column, awkward names, and holes."""
    rng = np.random.default_rng(seed)
    cities = ["Bern", "Zürich", 'the "old" town', "O'Hara", "*/ x ??/"] + (["Atlantis"] if unseen else [])
    sizes = ["small", "middle", "large"] + (["vast"] if unseen else [])
    days = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 700, n), unit="D")
    X = pd.DataFrame(
        {
            "income": rng.lognormal(8, 0.5, n).round(2),
            "for": rng.integers(0, 9, n),
            "owns a home?": rng.random(n) < 0.4,
            "city": rng.choice(cities, n),
            "größe": pd.Categorical(rng.choice(sizes, n), categories=sizes, ordered=True),
            "since": days,
            "code": pd.Categorical(rng.choice([10, 20, 30], n)),
        }
    )
    for name in ("income", "city", "größe", "since"):
        X.loc[rng.random(n) < 0.08, name] = None
    return X


def _score(X: pd.DataFrame) -> np.ndarray:
    """What the students are fitted to: smooth, stepped and interacting."""
    city = X["city"].isin(["Bern", "O'Hara"]).to_numpy(float)
    income = np.log(X["income"].fillna(2000.0).to_numpy()) - 8.0
    size = X["größe"].cat.codes.to_numpy(float)
    days = X["since"].fillna(pd.Timestamp("2024-01-01")).astype("int64").to_numpy(float)
    late = (days > np.median(days)).astype(float)
    return 1.5 * income + city * (X["owns a home?"].to_numpy(float) - 0.3) + 0.3 * size - 0.4 * late + 0.1 * X["for"]


@lru_cache
def _classifier(family: str, k: int = 2):
    """Fitted to soft labels of k classes."""
    X = _frame(1_500, 0)
    eta = np.column_stack([np.asarray(_score(X)) * (j - (k - 1) / 2) for j in range(k)])
    P = np.exp(eta) / np.exp(eta).sum(axis=1, keepdims=True)
    return FAMILIES[family](k).fit(X, pd.DataFrame(P, columns=["no", "perhaps", "yes"][:k] if k > 2 else ["no", "yes"]))


@lru_cache
def _regressor(family: str, n_outputs: int = 1):
    """Fitted to values."""
    X = _frame(1_500, 0)
    y = np.asarray(_score(X))
    if n_outputs == 2:
        return REGRESSORS[family]().fit(X, np.column_stack([y, np.abs(y)]))
    return REGRESSORS[family]().fit(X, np.exp(y) if family in ("gam_log", "gam_gamma") else y)


@lru_cache
def _rows(n: int = N_ROWS) -> pd.DataFrame:
    """Rows that no student saw, with unseen levels and with values beyond those seen."""
    X = _frame(n, 1, unseen=True)
    X.loc[:20, "income"] = 1e6
    X.loc[20:40, "income"] = -5.0
    return X


def _plain(X: pd.DataFrame) -> list[dict]:
    """Rows as mappings of plain values; missing is None."""
    table = X.copy()
    for name in table:
        if pd.api.types.is_datetime64_any_dtype(table[name]):
            table[name] = [None if pd.isna(v) else v.timestamp() for v in table[name]]
    return [
        {k: None if pd.isna(v) else v.item() if hasattr(v, "item") else v for k, v in row.items()}
        for row in table.astype(object).to_dict("records")
    ]


@pytest.fixture(scope="session")
def fitted():
    """Give a fitted student: ``fitted("tree", 3)`` for three classes, 0 for values, -2 for two values per row."""
    return lambda family, k: _classifier(family, k) if k > 0 else _regressor(family, abs(k) or 1)


@pytest.fixture(scope="session")
def off():
    """Largest error of answers on the trial rows, relative where values are above 1: ``off(student, answers)``."""

    def furthest(student, answers) -> float:
        frame = _rows()
        wanted = student.predict_proba(frame) if hasattr(student, "predict_proba") else student.predict(frame)
        wanted = np.asarray(wanted, dtype=float).reshape(len(frame), -1)
        got = np.asarray(answers, dtype=float).reshape(wanted.shape)
        return float((np.abs(got - wanted) / np.maximum(1.0, np.abs(wanted))).max())

    return furthest


@pytest.fixture(scope="session")
def cases():
    """Every family and kind of target."""
    return CASES


@pytest.fixture(scope="session")
def trial():
    """Rows that no student saw, as a frame and as mappings."""
    return _rows(), _plain(_rows())
