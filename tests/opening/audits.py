"""Small random audits in every mode that an opening has to speak in: each a function of its number alone."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression, LogisticRegression

import explaindistill as xd

REQUIREMENTS = (
    {}, {}, {"fidelity.agreement": ">= 0.9"}, {"fidelity.agreement": ">= 0.8", "bias.worst_impact_ratio": ">= 0.8"},
    {"fidelity.agreement": ">= 0.97", "performance.accuracy": ">= 0.7"}, {"fidelity.kl": "<= 0.05"},
    {"gaps.selection_rate_difference[attribute=sex]": "abs <= 0.1"}, {"fidelity.agreement_argmax": "between 0.7 and 0.95"},
)  # fmt: skip
"""What is required of classifiers; those on gaps need a favourable class and a column of the name."""
OF_VALUES = ({}, {"fidelity.r2": ">= 0.8"}, {"fidelity.r2": ">= 0.5", "gaps.mean_prediction_difference": "abs <= 1"})
ABOUT = ({}, {"title": "Who gets a loan", "decision": "approved", "data_name": "loans.csv", "row_name": "applications",
              "owner": "Example Bank", "purpose": "An example.", "date": "2026-01-31"})  # fmt: skip


def random_rows(rng: np.random.Generator, n: int) -> tuple[pd.DataFrame, Any]:
    """Rows with a sensitive column of two groups, one of several, a proxy of the first, and a score."""
    sex = rng.choice(["f", "m"], n, p=[0.45, 0.55])
    region = rng.choice(["north", "south", "east", "far away"], n, p=[0.4, 0.3, 0.25, 0.05])
    X = pd.DataFrame({"income": rng.normal(size=n), "debt": rng.normal(size=n)})
    X["job"] = np.where(rng.random(n) < 0.8, sex == "f", rng.random(n) < 0.5).astype(float)
    X["sex"], X["region"] = sex, region
    gap = rng.choice([0.0, 0.6, 1.5])
    score = X["income"] - X["debt"] - gap * (sex == "f") - rng.choice([0.0, 0.7]) * X["job"]
    return X, score.to_numpy() + rng.normal(scale=rng.choice([0.3, 1.0]), size=n)


class Encoded:
    """A scikit-learn model on columns of which the text ones are turned into numbers."""

    def __init__(self, model: Any, columns: list[str]) -> None:
        self.model, self.columns = model, columns

    def _numbers(self, X: pd.DataFrame) -> np.ndarray:
        return np.column_stack([pd.to_numeric(X[c], errors="coerce").fillna(0) if c in {"income", "debt", "job"}
                                else (X[c].astype(str) == X[c].astype(str).min()) for c in self.columns]).astype(float)  # fmt: skip

    def fit(self, X: pd.DataFrame, y: Any) -> Encoded:
        self.model.fit(self._numbers(X), y)
        if hasattr(self.model, "classes_"):
            self.classes_ = self.model.classes_
        return self

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        return self.model.predict_proba(self._numbers(X))

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        return self.model.predict(self._numbers(X))


class EncodedValues:
    """The same of a regressor, which has no probabilities and no classes."""

    def __init__(self, model: Any, columns: list[str]) -> None:
        self.encoded = Encoded(model, columns)

    def fit(self, X: pd.DataFrame, y: Any) -> EncodedValues:
        self.encoded.fit(X, y)
        return self

    def __call__(self, X: pd.DataFrame) -> np.ndarray:
        return self.encoded.predict(X)


def random_audit(number: int) -> Any:
    """One audit: one to three students, classes or values, with and without what can be left out."""
    rng = np.random.default_rng(number)
    kind = rng.choice(["two", "two", "two", "three", "values"])
    n = int(rng.choice([60, 150, 400, 900]))
    X, score = random_rows(rng, n + 300)
    fitting, rows = X.iloc[:300], X.iloc[300:].reset_index(drop=True)
    y = score if kind == "values" else np.array(["no", "yes"])[(score > 0).astype(int)]
    if kind == "three":
        y = np.select([score > 1, score > -1], ["high", "middle"], "low")
    seen = list(X.columns) if rng.random() < 0.7 else ["income", "debt", "job"]
    model = LinearRegression() if kind == "values" else LogisticRegression(max_iter=300)
    wrap = EncodedValues if kind == "values" else Encoded
    teacher = wrap(model, seen).fit(fitting, y[:300])
    answers = (
        teacher(fitting) if kind == "values" else pd.DataFrame(teacher.predict_proba(fitting), columns=teacher.classes_)
    )
    students = _students(rng, kind, fitting, answers)
    options = _options(rng, kind, y[300:], number)
    recorded = rng.random() < 0.2
    if recorded:
        at = teacher(rows) if kind == "values" else pd.DataFrame(teacher.predict_proba(rows), columns=teacher.classes_)
        teacher = (rows, at)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return xd.audit(teacher, students, rows, **options)


def _students(rng: np.random.Generator, kind: str, X: pd.DataFrame, answers: Any) -> dict[str, Any]:
    values = kind == "values"
    tree, linear = (xd.TreeRegressor, xd.LinearRegressor) if values else (xd.TreeClassifier, xd.LinearClassifier)
    makers = {"small": lambda: tree(max_leaf_nodes=2), "large tree": lambda: tree(max_leaf_nodes=12),
              "linear": linear}  # fmt: skip
    names = list(rng.choice(list(makers), int(rng.integers(1, 4)), replace=False))
    return {str(name): makers[name]().fit(X, answers) for name in names}


def _options(rng: np.random.Generator, kind: str, y: Any, number: int) -> dict[str, Any]:
    options: dict[str, Any] = {"n_explained": int(rng.choice([0, 30])), "random_state": number, "min_group_size": 10}
    sensitive = [[], ["sex"], ["region"], ["sex", "region"], ["region", "sex"]][int(rng.integers(5))]
    if sensitive:
        options["sensitive"] = sensitive
    if rng.random() < 0.8:
        options["y"] = y
    if kind != "values" and rng.random() < 0.8:
        options["favorable"] = "yes" if kind == "two" else "high"
    if kind == "two" and "favorable" in options:
        options["threshold"] = [0.5, 0.5, 0.7, {"top": 0.3}][int(rng.integers(4))]
    if rng.random() < 0.15:
        options["sample_weight"] = rng.choice([1.0, 2.0], len(y))
    if rng.random() < 0.15:
        options["groups"] = rng.integers(0, int(rng.choice([4, 40])), len(y))
    required = OF_VALUES if kind == "values" else REQUIREMENTS
    rules = dict(required[int(rng.integers(len(required)))])
    options["requirements"] = rules
    options["about"] = ABOUT[int(rng.integers(2))]
    if "sex" in sensitive and rng.random() < 0.5:
        options["display_names"] = {"columns": {"sex": "gender", "job": "kind of work"},
                                    "groups": {"sex": {"f": "women", "m": "men"}}}  # fmt: skip
    return options
