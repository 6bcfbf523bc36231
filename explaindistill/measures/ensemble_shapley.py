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
BY_COLUMN = (
    "MaxAbsScaler", "MinMaxScaler", "OrdinalEncoder", "PowerTransformer", "QuantileTransformer", "RobustScaler",
    "SimpleImputer", "StandardScaler",
)  # fmt: skip
"""Transformers of scikit-learn that make of each column one of its own: a column of what they make is a column of the
rows, and has its value."""
DOUBLE = ("Hist", "LGBM")
"""Trees that compare values in double precision; all others round a value to single precision first."""
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
    model = _trees(estimator)
    kind, package = type(model).__name__, type(model).__module__.partition(".")[0]
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
        Of scikit-learn, LightGBM or XGBoost; or a pipeline that ends in one and makes of each column one column: it
        fills, scales or numbers.
    X, background : DataFrames of n and m rows
        What the trees get must be numbers and flags alone.
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
    try:
        (names, rows), (_, others) = (_inputs(estimator, frame) for frame in (X, background))
        used = _values(_trees(estimator), rows, others, column if scale != "value" else None)
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
    phi[:, [X.columns.get_loc(name) for name in names]] = used
    return phi


def _is_pipeline(estimator: Any) -> bool:
    return type(estimator).__name__ == "Pipeline" and type(estimator).__module__.startswith("sklearn.")


def _trees(estimator: Any) -> Any:
    return estimator[-1] if _is_pipeline(estimator) else estimator


def _inputs(estimator: Any, X: pd.DataFrame) -> tuple[list[str], Floats]:
    """What the trees get of the rows, as numbers, and the column of X that each of its columns is.

    Raises
    ------
    ValueError, KeyError
        Where some column is no number, is not there, or is made of several.
    """
    if not _is_pipeline(estimator):
        fitted = getattr(estimator, "feature_names_in_", None)
        names = [str(name) for name in (X.columns if fitted is None else fitted)]
        return names, _numbers(X[names])
    before = estimator[:-1]
    names = _columns_of(before)
    if not set(names) <= set(X.columns):
        raise ValueError("a pipeline that makes columns of its own")
    return names, _numbers(pd.DataFrame(before.transform(X)))


def _numbers(frame: pd.DataFrame) -> Floats:
    if not all(pd.api.types.is_numeric_dtype(dtype) for dtype in frame.dtypes):
        raise ValueError("a column of text")
    return np.asarray(frame.to_numpy(dtype=float, na_value=np.nan))


def _columns_of(transformer: Any) -> list[str]:
    """Column that each column of a transformer's output is made of; of a pipeline, by way of all its steps."""
    if _is_pipeline(transformer):
        first, *later = [_columns_of(step) for _, step in transformer.steps]
        unnamed = [f"x{i}" for i in range(len(first))]  # a step that was fitted to an array counts its columns
        if any(names not in (first, unnamed) for names in later):
            raise ValueError("steps that name columns anew")
        return first
    if not type(transformer).__module__.startswith("sklearn."):
        raise ValueError("a transformer that may mix columns")
    if type(transformer).__name__ == "ColumnTransformer":
        return [name for _, inner, names in transformer.transformers_ for name in _columns_of_part(inner, names)]
    if type(transformer).__name__ not in BY_COLUMN:
        raise ValueError("a transformer that may mix columns")
    return [str(name) for name in transformer.get_feature_names_out()]


def _columns_of_part(inner: Any, names: Any) -> list[str]:
    """Columns of one part of a ColumnTransformer, which takes those that are named."""
    if inner == "drop":
        return []
    if inner == "passthrough" or (type(inner).__name__ == "FunctionTransformer" and inner.func is None):
        if not all(isinstance(name, str) for name in names):
            raise ValueError("columns that are passed by place")
        return list(names)
    return _columns_of(inner)


def _values(trees: Any, rows: Floats, background: Floats, column: int | None) -> Floats | None:
    """Values ``(n, d)`` by shap; None where that would take too long."""
    if not type(trees).__name__.startswith(DOUBLE):
        rows, background = (Z.astype(np.float32).astype(float) for Z in (rows, background))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of shap about packages that it imports
        import shap

        every = shap.maskers.Independent(background, max_samples=len(background))  # by itself it takes 100 of them
        explainer = shap.TreeExplainer(trees, data=every, feature_perturbation="interventional", model_output="raw")
        rows = _by_rank(explainer, rows)
        leaves = int((np.asarray(explainer.model.children_left) < 0).sum())
        if leaves * len(rows) * len(background) > MOST_WORK:
            return None
        blocks = [
            _of_class(explainer.shap_values(rows[start : start + BLOCK], check_additivity=False), column)
            for start in range(0, len(rows), BLOCK)
        ]
    return np.concatenate(blocks)


def _by_rank(explainer: Any, rows: Floats) -> Floats:
    r"""Rows as ranks among the thresholds of each column, the explainer's background and thresholds likewise.

    shap compares in single precision, in which a value beside a threshold may take the other branch; in rows mixed of
    two the sums do not show it. Whole numbers compare alike in any precision: :math:`x \le t_i` just where fewer than
    i + 1 thresholds of the column lie below x. A missing value stays one.
    """
    model = explainer.model
    splits = np.asarray(model.children_left) >= 0
    ranked, background = rows.copy(), np.array(explainer.data, dtype=float)
    thresholds = np.array(model.thresholds, dtype=float)
    for j in range(rows.shape[1]):
        at = splits & (np.asarray(model.features) == j)
        cuts = np.unique(thresholds[at])
        thresholds[at] = np.searchsorted(cuts, thresholds[at])
        for Z in (ranked, background):
            Z[:, j] = np.where(np.isnan(Z[:, j]), np.nan, np.searchsorted(cuts, Z[:, j]))
    model.thresholds, explainer.data = thresholds, background
    return ranked


def _of_class(values: Any, column: int | None) -> Floats:
    """Values of one class: shap gives all of a forest's, and of two boosted classes the second's."""
    phi = np.asarray(values, dtype=float)
    if column is None or phi.ndim == 2:
        return phi if column != 0 else -phi
    return np.asarray(phi[:, :, column])
