"""One cell of the zoo: an odd column, name or label in a container, a student, and what is done with both."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import pandas as pd

import explaindistill as xd
from explaindistill.errors import ExplainDistillError
from zoo.columns import COLUMNS, column
from zoo.deeds import DEEDS, Scene, answers, compare
from zoo.names import CONTAINERS, LABELS, NAMELESS, NAMES, VALUES, contained

__all__ = ["FACTORS", "Outcome", "run"]

N_ROWS = 60
STUDENTS = {
    "tree": (xd.TreeClassifier, xd.TreeRegressor),
    "gam": (xd.GAMClassifier, xd.GAMRegressor),
    "linear": (partial(xd.LinearClassifier, n_penalties=4), partial(xd.LinearRegressor, n_penalties=4)),
    "model tree": (xd.ModelTreeClassifier, xd.ModelTreeRegressor),
    "rules": (xd.RuleListClassifier, xd.RuleListRegressor),
    "scorecard": (partial(xd.ScorecardClassifier, beam_width=2, max_terms=4), None),
}
"""Searches are kept short: they see no column, only the design that was made of it, and took half of the time."""
_COMMON = {"container": list(CONTAINERS), "student": list(STUDENTS), "deed": [d for d in DEEDS if d != "audit"]}
FACTORS = {
    "column": {"column": list(COLUMNS), **_COMMON},
    "name": {"name": list(NAMES), **_COMMON},
    "label": {"label": list(LABELS), **_COMMON},
}
"""Three arrays: odd columns under plain names, odd names over plain columns, odd labels."""
USUAL = {"column": "str", "name": "plain", "label": "text", "container": "pandas", "student": "tree", "deed": "copies"}
Verdict = Literal["same", "refused", "skipped", "fault"]


@dataclass(frozen=True)
class Outcome:
    """What came of a cell: ``words`` is the sentence of a refusal, or the fault."""

    cell: dict[str, str]
    verdict: Verdict
    words: str = ""
    n_compared: int = 0
    where: str = ""


def run(cell: Mapping[str, str], n_rows: int = N_ROWS) -> Outcome:
    """Play one cell; nothing is raised."""
    full = {**USUAL, **cell}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter(
            "ignore", UserWarning
        )  # what is odd is said in these; RuntimeWarning and the like are faults
        return _played(full, n_rows)


def _played(cell: dict[str, str], n_rows: int) -> Outcome:
    X, asked, y = _rows(cell, n_rows)
    kind = STUDENTS[cell["student"]][cell["label"] in VALUES]
    if X is None or kind is None:
        return Outcome(cell, "skipped")
    try:
        student = kind().fit(X, y)
        scene = Scene(student, X, y, asked)
        answers(student, asked)
        _other_container(scene, cell, n_rows)
        DEEDS[cell["deed"]](scene)
    except ExplainDistillError as error:
        return Outcome(cell, "refused", str(error), where=_place(error))
    except Exception as error:
        return Outcome(cell, "fault", f"{type(error).__name__}: {error}", where=_place(error))
    return Outcome(cell, "same", " / ".join(dict.fromkeys(scene.refusals)), scene.n_compared)


def _place(error: BaseException) -> str:
    frames = [
        f for f in traceback.extract_tb(error.__traceback__) if "explaindistill/" in f.filename or "zoo/" in f.filename
    ]
    return " > ".join(f"{f.filename.rpartition('/')[2]}:{f.lineno}" for f in frames[-4:])


def _other_container(scene: Scene, cell: dict[str, str], n_rows: int) -> None:
    """The same rows from pandas get the same answers, or one sentence; named by their places where names were lost."""
    frame = _frame(cell, n_rows, seed=1)
    if cell["container"] in NAMELESS:
        frame = frame.set_axis([f"x{i}" for i in range(frame.shape[1])], axis=1)
    try:
        given = answers(scene.student, frame)
    except ExplainDistillError as error:
        scene.refusals.append(f"from pandas: {error}")
        return
    compare(scene, answers(scene.student, scene.asked), given, "the same rows in pandas")


def _rows(cell: dict[str, str], n_rows: int) -> tuple[Any, Any, Any]:
    X, asked = (contained(cell["container"], _frame(cell, n, seed)) for n, seed in ((N_ROWS, 0), (n_rows, 1)))
    at = _frame({**USUAL, "column": "int64"}, N_ROWS, 0)["income"].to_numpy()
    rng = np.random.default_rng(3)
    truth = ((at > 5) ^ (rng.random(N_ROWS) < 0.1)).astype(np.int64)
    return X, asked, LABELS[cell["label"]](truth, rng)


def _frame(cell: dict[str, str], n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed + 10)
    odd = column(cell["column"], n, seed)
    plain = pd.Series(rng.normal(size=n).round(2))
    city = pd.Series(np.array(["bern", "zug", "chur"])[rng.integers(0, 3, n)], dtype="str")
    frame = pd.concat([odd, plain, city], axis=1)
    return frame.set_axis(pd.Index([NAMES[cell["name"]], "b", "city"], dtype=object, tupleize_cols=False), axis=1)


def rows_of(outcomes: list[Outcome]) -> pd.DataFrame:
    """One row per outcome."""
    return pd.DataFrame(
        [{**o.cell, "verdict": o.verdict, "words": o.words, "n": o.n_compared, "where": o.where} for o in outcomes]
    )
