"""Audits whose pages are looked at and measured: real tables, hostile names, many columns, and what can be left out."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from _data import load
from _teachers import boosted, forest

import explaindistill as xd

ARABIC = ("الأطباء في المستشفيات", "عمال البناء", "المعلمون", "سائقو الشاحنات", "المحاسبون")
HEBREW = ("עובדי מדינה", "חקלאים", "מהנדסים")
CHINESE = ("制造业和手工业工人", "服务业从业人员", "农林牧渔业", "信息传输、软件和信息技术服务业", "其他从业人员")
EMOJI = ("👩🏽‍🚒 fire brigade", "🧑‍🏫 teaching", "👷 building 🏗️", "🚜 farming")
LONG = "people who have worked for at least fifteen years in the same household, farm or family business, number {}"

LONG_COLUMN = "a column whose name tells the whole story of how it was measured, in which year, and by whom"


def _audited(teacher: Any, students: dict[str, Any], rows: pd.DataFrame, y: Any, **options: Any) -> xd.Audit:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return xd.audit(teacher, students, rows, y, **{"n_explained": 60, "random_state": 0, **options})


def _distilled(teacher: Any, students: dict[str, Any], X: pd.DataFrame) -> dict[str, Any]:
    return {name: xd.Distiller(teacher, one, random_state=0).fit(X) for name, one in students.items()}


def _three(task: str = "classification") -> dict[str, Any]:
    if task == "regression":
        return {"tree": xd.TreeRegressor(max_leaf_nodes=16), "gam": xd.GAMRegressor(), "linear": xd.LinearRegressor()}
    return {"tree": xd.TreeClassifier(max_leaf_nodes=16), "gam": xd.GAMClassifier(), "linear": xd.LinearClassifier()}


def _table(name: str, n: int, students: dict[str, Any] | None = None, **options: Any) -> xd.Audit:
    """One of the public tables: half of it to fit, half to audit; classes are words."""
    data = load(name, n)
    labels = options.pop("labels", None)
    y = data.y if labels is None else data.y.map(labels)
    fitting = np.arange(len(data.X)) % 2 == 0
    make = forest if data.task == "regression" else lambda X, y, task: boosted(X, y)
    teacher = make(data.X[fitting], y[fitting], data.task)
    fitted = _distilled(teacher, students or _three(data.task), data.X[fitting])
    rows = data.X[~fitting].reset_index(drop=True)
    answers = y[~fitting].reset_index(drop=True)
    with_truth = options.pop("with_truth", True)
    return _audited(teacher, fitted, rows, answers if with_truth else None, **options)


def adult(**options: Any) -> xd.Audit:
    """Adult: two sensitive columns, and what was asked of the students."""
    asked = {"fidelity.agreement": ">= 0.9", "bias.worst_impact_ratio": ">= 0.8"}
    return _table("adult", 8_000, sensitive=["sex", "race"], favorable=">50K", requirements=asked, **options)


def german(**options: Any) -> xd.Audit:
    """German credit with its codes as they are; ``favorable`` may be left out."""
    return _table("german", 1_000, sensitive=["personal_status"], labels={1: "good", 2: "bad"}, **options)


def compas() -> xd.Audit:
    """COMPAS with the column that is the outcome by another name left in."""
    labels = {0: "no new charge", 1: "new charge"}
    return _table(
        "compas", 6_000, sensitive=["race", "sex"], labels=labels, favorable="no new charge",
        about={"title": "Who is charged again?", "row_name": "defendants"},
    )  # fmt: skip


def california() -> xd.Audit:
    """Values: prices of houses, a column cut into two."""
    data = load("california", 6_000)
    X = data.X.assign(coast=np.where(data.X["Longitude"] < -121, "west", "east"))
    fitting = np.arange(len(X)) % 2 == 0
    teacher = forest(X[fitting], data.y[fitting], "regression", n_trees=30)
    students = _distilled(teacher, _three("regression"), X[fitting])
    rows, y = X[~fitting].reset_index(drop=True), data.y[~fitting].reset_index(drop=True)
    return _audited(teacher, students, rows, y, sensitive=["coast"], requirements={"fidelity.r2": ">= 0.8"})


def hostile() -> xd.Audit:
    """Three classes, sixty groups; names are long, from right to left, Chinese, and emoji."""
    rng = np.random.default_rng(0)
    n = 9_000
    groups = [*ARABIC, *HEBREW, *CHINESE, *EMOJI]
    groups += [LONG.format(i) for i in range(60 - len(groups))]
    X = pd.DataFrame({"الدخل الشهري": rng.normal(size=n), "教育年限": rng.integers(0, 20, n).astype(float)})
    X["a column whose name tells the whole story of how it was measured, in which year, and by whom"] = rng.normal(
        size=n
    )
    X["work"] = rng.choice(groups, n)
    score = X.iloc[:, 0] + 0.2 * X.iloc[:, 1] - X["work"].isin(groups[:20]) + rng.logistic(size=n)
    y = np.select([score > 3, score > 1], ["获得批准 (approved in full)", "مقبول جزئيا"], "declined 🚫")
    teacher = boosted(X[:4_500], y[:4_500])
    rows = X[4_500:].reset_index(drop=True)
    students = _distilled(teacher, _three(), X[:4_500])
    favorable = "获得批准 (approved in full)"
    asked = {"fidelity.agreement": ">= 0.9"}
    return _audited(teacher, students, rows, y[4_500:], sensitive=["work"], favorable=favorable, requirements=asked)


def wide() -> xd.Audit:
    """Two hundred columns."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({f"sensor_{i:03d}": rng.normal(size=6_000).round(3) for i in range(199)})
    X["site"] = rng.choice(["north", "south"], len(X))
    z = X.iloc[:, :12].to_numpy() @ np.linspace(1, 0.2, 12) + (X["site"] == "north")
    y = np.where(z + rng.logistic(size=len(X)) > 0, "passes", "fails")
    teacher = boosted(X[:3_000], y[:3_000])
    students = _distilled(teacher, _three(), X[:3_000])
    rows = X[3_000:].reset_index(drop=True)
    return _audited(teacher, students, rows, y[3_000:], sensitive=["site"], favorable="passes")


def one_student() -> xd.Audit:
    """A single student."""
    students = {"tree": xd.TreeClassifier(max_leaf_nodes=8)}
    return _table("adult", 4_000, students, sensitive=["sex"], favorable=">50K")


def no_labels() -> xd.Audit:
    """Nobody knows what is true."""
    return _table("adult", 4_000, sensitive=["sex", "race"], favorable=">50K", with_truth=False)


def no_groups() -> xd.Audit:
    """Nobody named a sensitive column."""
    return _table("adult", 4_000, requirements={"fidelity.agreement": ">= 0.9"})


def inconclusive() -> xd.Audit:
    """So few rows that nothing can be told."""
    data = load("adult", 4_000)
    rows = data.X[3_900:].reset_index(drop=True)
    teacher = boosted(data.X[:2_000], data.y[:2_000])
    students = _distilled(teacher, _three(), data.X[:2_000])
    asked = {"fidelity.agreement": ">= 0.9", "bias.worst_impact_ratio": ">= 0.8", "performance.accuracy": ">= 0.85"}
    y = data.y[3_900:].reset_index(drop=True)
    return _audited(teacher, students, rows, y, sensitive=["sex", "race"], favorable=">50K", requirements=asked)


CASES: dict[str, Callable[[], xd.Audit]] = {
    "Adult": adult,
    "German credit": lambda: german(favorable="good"),
    "German credit, nobody said which decision people want": german,
    "COMPAS with its leak": compas,
    "California": california,
    "three classes, sixty groups, hostile names": hostile,
    "200 columns": wide,
    "one student": one_student,
    "no labels": no_labels,
    "no sensitive column": no_groups,
    "everything inconclusive": inconclusive,
}
"""By name; with the demo, all that the page is looked at with."""
