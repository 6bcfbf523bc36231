"""Odd fits: students, Distiller and audits of small odd tables, with odd parameters."""

from __future__ import annotations

import inspect
import json
import pickle
import random
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_classifier

import explaindistill as xd
from explaindistill.data.labels import as_labels, as_values
from explaindistill.data.rows import as_frame
from explaindistill.data.targets import as_soft_targets
from fuzz.playing import WrongAnswerError
from fuzz.tables import frame_pair, labels, rng_of, values, weights

__all__ = ["fit"]

CLASSIFIERS = (xd.TreeClassifier, xd.GAMClassifier, xd.LinearClassifier, xd.ModelTreeClassifier,
               xd.RuleListClassifier, xd.ScorecardClassifier)  # fmt: skip
REGRESSORS = (xd.TreeRegressor, xd.GAMRegressor, xd.LinearRegressor, xd.ModelTreeRegressor, xd.RuleListRegressor)
ODD = (None, True, -1, 0, 1, 2, 10**6, 10**30, 0.5, 1.5, 1e308, float("inf"), float("nan"), "", "auto", "x", [], {},
       [1], {"c0": 1}, {"nobody": 1}, np.int64(3), np.float32(0.5), np.nan, (0, 1), object)  # fmt: skip
SIGNS = ({"c0": 1}, {"c0": -1, "c1": 1}, {"c0": 0}, {"c9": 1}, {"c0": 2}, None)
SENSIBLE = {
    "max_leaf_nodes": (2, 3, 8, None), "max_depth": (1, 3, None), "min_samples_leaf": (1, 2, 20),
    "min_impurity_decrease": (0.0, 0.1), "max_features_used": (1, 2), "structure_temperature": (0, 0.5, 1.0, "auto"),
    "search": ("greedy", "lookahead", "optimal"), "lookahead_width": (1, 3), "tie_tolerance": (0.0, 0.15),
    "shrinkage": (0, 1.0, 50.0), "monotone": SIGNS, "convex": SIGNS, "interactions": ([["c0"], ["c1"]], [["c0", "c1"]]),
    "max_bins": (2, 3, 254), "n_jobs": (1, -1), "min_category_size": (1, 5, 50), "n_pairs": (1, 2, "auto"),
    "max_terms": (1, 2), "n_knots": (3, 8), "n_pair_knots": (3,), "heredity": (True,),
    "zero_at": ({"c0": 0.0}, {"c0": 1e300}), "labels": ("auto", "hard", "soft"), "max_iter": (1, 5), "tol": (1e-3,),
    "random_state": (0, 1), "l1_ratio": (0.0, 0.5, 1.0), "penalty": (0.0, 1e-6, 1.0, "auto"),
    "tolerance": (0.0, 0.5), "relax": (False,), "n_penalties": (2, 5), "max_levels": (1, 2), "digits": (1, None),
    "max_leaf_features": (0, 1, None), "max_parameters": (1, 5), "min_gain": (0.0, 0.5), "n_folds": (2, 3, "auto"),
    "max_rules": (1, 3), "max_literals": (1, 2), "min_samples_rule": (1, 50), "beam_width": (1, 2),
    "max_points": (1, 3), "n_thresholds": (1, 3), "classes": (["no", "yes"], [0, 1], ["a", "b", "c"]),
}  # fmt: skip
SLACK = 1e-5
"""A student may lose so much more than the best constant, in nats or variances: coefficients are rounded to four
digits, and weights to whole numbers of a unit that 31 bits hold."""


def fit(draw: random.Random) -> str:
    """Play one fit; what it refuses is raised."""
    X, asked, n, signal = frame_pair(draw)
    which = draw.random()
    if which < 0.7:
        return _student(draw, X, asked, n, signal)
    if which < 0.87:
        return _distiller(draw, X, asked, signal)
    return _audit(draw, X, signal)


def _drawn_student(draw: random.Random, family: tuple[type, ...], odd: float = 0.35) -> Any:
    kind = draw.choice(family)
    names = [p for p in inspect.signature(kind).parameters if p in kind().get_params()]
    settings = {}
    for _ in range(draw.choice([0, 0, 1, 2, 3])):
        name = draw.choice(names)
        pool = ODD if draw.random() < odd or name not in SENSIBLE else SENSIBLE[name]
        settings[name] = draw.choice(pool)
    return kind(**settings)


def _student(draw: random.Random, X: Any, asked: Any, n: int, signal: np.ndarray) -> str:
    classify = draw.random() < 0.6
    student = _drawn_student(draw, CLASSIFIERS if classify else REGRESSORS)
    y = (labels if classify else values)(draw, signal)
    weight = weights(draw, n)
    student.fit(X, y, sample_weight=weight)
    _check_copies(student, X)
    _check_loss(student, X, y, weight)
    if not isinstance(student.describe(), str):
        raise WrongAnswerError("describe() gives no text")
    _check_copies(student, asked)
    return ""


def _answers(student: Any, X: Any) -> np.ndarray:
    answers = np.asarray(student.predict_proba(X) if is_classifier(student) else student.predict(X), dtype=float)
    if not np.isfinite(answers).all():
        raise WrongAnswerError(f"answers are not finite: {answers[~np.isfinite(answers)][:3].tolist()}")
    if is_classifier(student):
        if (answers < 0).any() or (np.abs(answers.sum(axis=1) - 1) > 1e-9).any():
            raise WrongAnswerError(f"answers are no probabilities: {answers[:3].tolist()}")
        if not np.isin(student.predict(X), student.classes_).all():
            raise WrongAnswerError("predict names no class of classes_")
    return answers


def _check_copies(student: Any, X: Any) -> None:
    wanted = _answers(student, X)
    form = json.loads(json.dumps(student.to_dict(), allow_nan=False))
    for name, other in {"pickle": pickle.loads(pickle.dumps(student)), "JSON": type(student).from_dict(form)}.items():
        if not np.array_equal(_answers(other, X), wanted):
            raise WrongAnswerError(f"the copy by {name} answers otherwise")


def _check_loss(student: Any, X: Any, y: Any, weight: Any) -> None:
    """No student is worse on its own rows than the best constant: every family holds the constants."""
    answers = _answers(student, X)
    weight = np.ones(len(answers)) if weight is None else np.asarray(weight, dtype=float)
    weight = weight / weight.max()
    if is_classifier(student):
        width = np.asarray(y).shape[1] if np.ndim(y) == 2 else 1
        P, _, _ = as_soft_targets(as_labels(y) if width == 1 else y, student.get_params().get("classes"))
        mean = np.average(P, axis=0, weights=weight)
        loss, constant = (_log_loss(P, Q, weight) for Q in (answers, np.broadcast_to(mean, P.shape)))
    else:
        Y = as_values(y).reshape(len(answers), -1)
        scale = max(float(np.abs(Y).max()), np.finfo(float).tiny)
        Y, answers = Y / scale, answers.reshape(Y.shape) / scale
        mean = np.average(Y, axis=0, weights=weight)
        loss, constant = (float(np.average(((Y - Q) ** 2).sum(axis=1), weights=weight)) for Q in (answers, mean))
    # the risks of a scorecard are told in few digits, and never as 0 or 1
    slack = 2 * 10.0**-student.digits if isinstance(student, xd.ScorecardClassifier) else SLACK
    if loss > constant + slack * max(1.0, constant):
        raise WrongAnswerError(f"the loss is {loss:.6g}, that of a constant is {constant:.6g}")


def _log_loss(P: np.ndarray, Q: np.ndarray, weight: np.ndarray) -> float:
    return float(np.average(-(P * np.log(np.maximum(Q, 1e-300))).sum(axis=1), weights=weight))


def _teacher(draw: random.Random, X: Any, signal: np.ndarray, classes: Any) -> Any:
    """A function of rows that answers well, or badly in one of many ways."""
    seed, wrong = draw.randrange(2**31), draw.random() < 0.25
    fault = draw.randrange(8)

    def ask(rows: Any) -> Any:
        n = len(as_frame(rows))
        rng = np.random.default_rng(seed)
        if classes is None:
            answer = np.resize(signal, n) * 3
        else:
            share = 1 / (1 + np.exp(-np.resize(signal, n)))
            rest = np.repeat(((1 - share) / (len(classes) - 1))[:, None], len(classes) - 1, axis=1)
            answer = np.column_stack([rest, share])
        if not wrong:
            return answer
        return (
            answer * np.nan, answer[:-1], answer * 2 + 1, answer.astype(str), None, rng.normal(size=(n, 4)),
            [answer], answer[:, None] if answer.ndim == 1 else answer[:, 0],
        )[fault]  # fmt: skip

    from explaindistill.teachers.callable import CallableTeacher

    return CallableTeacher(ask, classes=classes)


def _distiller(draw: random.Random, X: Any, asked: Any, signal: np.ndarray) -> str:
    classes = draw.choice([None, ["no", "yes"], [0, 1], ["a", "b", "c"], [True, False], ["one"]])
    teacher = _teacher(draw, X, signal, classes)
    student = _drawn_student(draw, REGRESSORS if classes is None else CLASSIFIERS, odd=0.1)
    options: dict[str, Any] = {"n_queries": 150, "random_state": 0}
    sensible = {
        "n_queries": (1, 3, 50, 400, "auto"), "query_strategy": ("random", "committee", "boundary"),
        "proxy": ("auto", "gam", "network"), "label_weight": (0.0, 0.5, 1.0),
        "features": (["c0"], [0], ["c9"], []), "random_state": (0, None), "sampler": _samplers(),
    }  # fmt: skip
    for _ in range(draw.choice([0, 1, 2])):
        name = draw.choice(list(sensible))
        options[name] = draw.choice(ODD if draw.random() < 0.25 else sensible[name])
    distiller = xd.Distiller(teacher, student, **options)
    n = len(signal)
    y = None if draw.random() < 0.6 else labels(draw, signal) if classes else values(draw, signal)
    distiller.fit(X, y, sample_weight=weights(draw, n) if draw.random() < 0.3 else None)
    for rows in (X, asked):
        _answers(distiller, rows)
    if n > 1 and not np.isfinite(distiller.score(X)):  # R2 of one row has no value
        raise WrongAnswerError(f"score is {distiller.score(X)}")
    return ""


def _samplers() -> tuple[Any, ...]:
    from explaindistill import plugins

    names = ("marginal", "munge", "copula", "uniform", "observed")
    return tuple(next(v for k, v in plugins.public("samplers", n).items() if k.endswith("Sampler"))() for n in names)


def _audit(draw: random.Random, X: Any, signal: np.ndarray) -> str:
    classes = draw.choice([None, ["no", "yes"], ["no", "yes"], [0, 1], ["a", "b", "c"]])
    n, rng = len(signal), rng_of(draw)
    family = REGRESSORS if classes is None else CLASSIFIERS
    teacher = _teacher(draw, X, signal, classes)
    truth = signal if classes is None else np.array(classes)[rng.integers(0, len(classes), n)]
    student = _drawn_student(draw, family, odd=0.0).fit(X, truth)
    names = list(as_frame(X).columns)
    options: dict[str, Any] = {"n_explained": draw.choice([0, 3]), "strict": True, "min_group_size": 2}
    sensible = {
        "sensitive": ([names[0]], names, pd.DataFrame({"g": rng.integers(0, 3, n)}), pd.DataFrame({"g": ["f"] * n}),
                      ["nobody"], pd.DataFrame({"g": [None] * n}), pd.DataFrame({"g": range(n)})),
        "favorable": (None, "yes", 1, "c", "nobody"), "threshold": (0.5, 0.999, {"top": 0.1}, {"top": 2}),
        "sample_weight": (weights(draw, n),), "groups": (rng.integers(0, 4, n), rng.integers(0, 40, n), ["a"] * n),
        "strata": (rng.integers(0, 3, n), names[0]), "requirements": ({"fidelity.agreement": ">= 0.9"}, {"x": "y"},
        {"fidelity.r2": ">= .5"}, {"bias.impact_ratio": ">= 0.8"}), "min_group_size": (1, 10, 1000),
        "n_explained": (10,), "compare": (True,), "y": (truth, labels(draw, signal), values(draw, signal)),
        "train": ((X, truth), (X, signal)), "n_refits": (0, 3), "date": ("2026-01-31", "x"),
        "stress": (X,), "price_per_row": (0.0, 0.5), "random_state": (0, 7),
    }  # fmt: skip
    for name in draw.sample(list(sensible), draw.choice([0, 1, 2, 4])):
        options[name] = draw.choice(ODD if draw.random() < 0.12 else sensible[name])
    y = options.pop("y", None)
    result = xd.audit(teacher, {"one": student}, X, y, **options)
    for kind in ("json", "html", "markdown"):
        from explaindistill import plugins

        text = plugins.door("report").render(result, kind)
        if kind == "json":
            json.loads(text, parse_constant=_no_constant)
    return ""


def _no_constant(word: str) -> None:
    raise WrongAnswerError(f"JSON of the audit holds {word}")
