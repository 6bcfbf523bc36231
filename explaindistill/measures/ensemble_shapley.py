"""Exact Shapley values of teachers that are sums of trees, through the optional package shap."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["ensemble_shapley", "is_readable"]

Floats = NDArray[np.float64]
FORESTS = ("RandomForest", "ExtraTrees", "DecisionTree", "ExtraTree")
"""Means of trees: their probabilities add up."""
BOOSTED = ("GradientBoosting", "HistGradientBoosting", "LGBM", "XGB")
"""Sums of trees in log-odds: their probabilities do not add up, their log-odds do."""
PACKAGES = ("sklearn", "lightgbm", "xgboost")
MOST_WORK = 4e9
"""Leaves times rows times background rows at most: some half a minute of one core."""
BLOCK = 25
"""Rows at a time: shap draws a progress bar on the terminal during calls of ten seconds and more."""
TOLERANCE = 1e-4
"""By how much the values of a row may miss the answer that they are to sum to, in units of the largest such sum: single
precision of a hundred trees, and far below what another model would miss."""


def is_readable(estimator: Any, scale: str) -> bool:
    """Whether exact values of an estimator on a scale may be had here: a sum of trees on it, and shap is installed.

    Examples
    --------
    >>> from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
    >>> from sklearn.linear_model import LogisticRegression
    >>> is_readable(LogisticRegression(), "logit"), is_readable(GradientBoostingClassifier(), "probability")
    (False, False)
    """
    return _adds_up(estimator, scale) and find_spec("shap") is not None


def _adds_up(estimator: Any, scale: str) -> bool:
    kind, package = type(estimator).__name__, type(estimator).__module__.partition(".")[0]
    families = {"probability": FORESTS, "logit": BOOSTED, "value": (*FORESTS, *BOOSTED)}[scale]
    wanted = "Regressor" if scale == "value" else "Classifier"
    return package in PACKAGES and any(kind == family + wanted for family in families)


def ensemble_shapley(
    estimator: Any,
    X: pd.DataFrame,
    background: pd.DataFrame,
    answers: tuple[Floats, Floats],
    *,
    column: int | None = None,
    scale: str = "probability",
) -> Floats | None:
    r"""Exact interventional Shapley values of a forest or of boosted trees, or None where they cannot be had.

    They are those of :mod:`explaindistill.measures.shapley`, :math:`v(S) = \tfrac1m \sum_b f(x_S, b_{\bar S})`, without
    a question: shap walks the trees. On the scale of probabilities they are had of forests alone: of boosted trees shap
    has them only on the log-odds, where their trees add up.

    Parameters
    ----------
    estimator : fitted estimator
        Of scikit-learn, LightGBM or XGBoost.
    X, background : DataFrames of n and m rows
        Numbers and flags alone.
    answers : pair of arrays of shape (n,) and (m,)
        The teacher's own answers to X and to the background on this scale. Where the values of any row do not sum to
        its answer less the mean answer to the background, the model was not read as it answers (another encoding,
        single precision, a clipped logit), and nothing is returned.
    column : int, optional
        Of a classifier: position of the class in ``estimator.classes_``.
    scale : "probability", "logit" or "value"

    Returns
    -------
    ndarray of shape (n, d), or None
        None without shap, for models that it does not read, columns of text, more work than some half a minute, and
        values that do not add up.

    References
    ----------
    Lundberg and others (2020), doi:10.1038/s42256-019-0138-9.

    Examples
    --------
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> X = pd.DataFrame({"a": [0.0, 1.0] * 20, "b": [0.0, 0.0, 1.0, 1.0] * 10})
    >>> forest = RandomForestClassifier(5, random_state=0).fit(X, X["a"])
    >>> p = forest.predict_proba(X)[:, 1]
    >>> ensemble_shapley(forest, X[:2], X, (p[:2], p), column=1)  # doctest: +SKIP
    array([[-0.5,  0. ], [ 0.5,  0. ]])
    """
    if not is_readable(estimator, scale):
        return None
    rows, others = _matrix(estimator, X), _matrix(estimator, background)
    if rows is None or others is None:
        return None
    try:
        used = _values(estimator, rows, others, column if scale != "value" else None)
    except MemoryError:
        raise
    except Exception:  # whatever shap meets in a model that it cannot read: sampled values need nothing of it
        return None
    if used is None:
        return None
    wanted = answers[0] - answers[1].mean()
    if np.abs(used.sum(axis=1) - wanted).max() > TOLERANCE * max(float(np.abs(wanted).max()), 1e-3):
        return None
    phi = np.zeros(X.shape)
    phi[:, [X.columns.get_loc(name) for name in _inputs(estimator, X)]] = used
    return phi


def _inputs(estimator: Any, X: pd.DataFrame) -> list[str]:
    """Columns of the estimator, in its order; those of X where it does not name them."""
    names = getattr(estimator, "feature_names_in_", None)
    return [str(name) for name in (X.columns if names is None else names)]


def _matrix(estimator: Any, X: pd.DataFrame) -> Floats | None:
    """The columns of the estimator as numbers; None where one is missing or is no number."""
    names = _inputs(estimator, X)
    if not set(names) <= set(X.columns):
        return None
    frame = X[names]
    numeric = all(pd.api.types.is_numeric_dtype(dtype) for dtype in frame.dtypes)
    return np.asarray(frame.to_numpy(dtype=float, na_value=np.nan)) if numeric else None


def _values(estimator: Any, rows: Floats, background: Floats, column: int | None) -> Floats | None:
    """Values ``(n, d)`` by shap; None where that would take too long."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of shap about packages that it imports
        import shap

        every = shap.maskers.Independent(background, max_samples=len(background))  # by itself it takes 100 of them
        explainer = shap.TreeExplainer(estimator, data=every, feature_perturbation="interventional", model_output="raw")
        leaves = int((np.asarray(explainer.model.children_left) < 0).sum())
        if leaves * len(rows) * len(background) > MOST_WORK:
            return None
        blocks = [
            _of_class(explainer.shap_values(rows[start : start + BLOCK], check_additivity=False), column)
            for start in range(0, len(rows), BLOCK)
        ]
    return np.concatenate(blocks)


def _of_class(values: Any, column: int | None) -> Floats:
    """Values of one class: shap gives all of a forest's, and of two boosted classes the second's."""
    phi = np.asarray(values, dtype=float)
    if column is None or phi.ndim == 2:
        return phi if column != 0 else -phi
    return np.asarray(phi[:, :, column])
