"""How good a model is against the truth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.data.class_words import unknown_labels
from explaindistill.errors import InvalidInputError
from explaindistill.measures.calibration import AUC_MINIMUM
from explaindistill.measures.class_fidelity import mean_of_classes
from explaindistill.measures.decision import DecisionRule
from explaindistill.measures.fidelity import TINY, regression_fidelity
from explaindistill.measures.table import few_clusters, frame, positions, row, shares
from explaindistill.numerics.statistics.intervals import normal_quantile
from explaindistill.numerics.statistics.ranks import auc_and_interval
from explaindistill.numerics.statistics.tallies import mean_function, tally, weights_of

__all__ = ["performance", "regression_performance"]


def performance(
    y: ArrayLike,
    P: ArrayLike,
    rule: DecisionRule,
    *,
    clusters: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    level: float = 0.95,
    subject: str = "student",
) -> pd.DataFrame:
    r"""Accuracy, balanced accuracy, recall per class, AUC (two classes), log loss and Brier distance.

    With :math:`p_{ic}` the probability of class c for row i and :math:`y_i` its true class, log loss is the mean of
    :math:`-\log p_{i y_i}` and the Brier distance half the mean of :math:`\sum_c (p_{ic} - [c = y_i])^2`, 0 to 1.
    Balanced accuracy is the plain mean of the recalls of the classes that occur.

    Parameters
    ----------
    y : array of shape (n,)
        True labels; rows with a missing label are left out, ``n`` tells how many remain.
    P : array of shape (n, k)
        Probabilities in the order of the rule's classes.
    rule, clusters, sample_weight, level, subject
        As in `explaindistill.measures.fidelity.fidelity`.

    Returns
    -------
    DataFrame
        Canonical columns; ``metric`` is ``accuracy``, ``balanced_accuracy``, ``recall`` (of a class, under ``subset``
        ``class=…``), ``log_loss``, ``brier`` or ``auc``. The AUC with fewer than 25 rows of either label has the
        status ``small``.

    Raises
    ------
    InvalidInputError
        If a label is not among the classes.

    References
    ----------
    Brier (1950), doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2; Newcombe (2006), doi:10.1002/sim.2324 (AUC).

    Examples
    --------
    >>> P = [[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]]
    >>> table = performance(["no", "yes", "no"], P, DecisionRule(["no", "yes"])).set_index("metric")
    >>> round(float(table.loc["accuracy", "estimate"]), 3), int(table.loc["accuracy", "k"])
    (0.667, 2)
    """
    classes, P = np.asarray(rule.classes), np.asarray(P, dtype=float)
    normal_quantile(level)
    truth, keep = known_labels(y, classes, len(P))
    w = weights_of(sample_weight, len(P))
    decided = positions(rule.decide(P, w), classes)
    keep = keep & (w > 0)
    truth, decided, P, w = truth[keep], decided[keep], P[keep], w[keep]
    groups = None if clusters is None else np.asarray(clusters)[keep]
    if len(P) == 0:
        return frame([row("accuracy", np.nan, np.nan, np.nan, n=0, method="wilson", subject=subject)])
    lines = [*_accuracies(truth, decided, classes, w, groups, level)]
    lines += [*_losses(truth, P, w, groups, level)]
    if len(classes) == 2 and rule.column is not None:  # the area is the same for either class
        lines.append(_area(P, truth, rule.column, w, groups, level))
    return frame(line | {"subject": subject} for line in lines)


def known_labels(y: ArrayLike, classes: NDArray[Any], n: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Positions of labels among the classes, and which rows have one; a label of no class is an error."""
    labels = pd.Series(np.asarray(y).ravel() if not isinstance(y, pd.Series) else y.to_numpy())
    if len(labels) != n:
        raise InvalidInputError(f"y must have one label per row: {n} rows, got {len(labels)}")
    labelled = labels.notna().to_numpy()
    truth = positions(labels.to_numpy(), classes)
    if (wrong := labelled & (truth < 0)).any():
        raise InvalidInputError(unknown_labels("y", labels[wrong], classes))
    return truth, labelled


def _accuracies(
    truth: NDArray[np.int64], decided: NDArray[np.int64], classes: NDArray[Any], w: Any, clusters: Any, level: float
) -> Iterator[dict[str, Any]]:
    """Shares of right decisions, of all rows and of each class; ``truth`` and ``decided`` are positions of classes."""
    right = truth == decided
    whole = tally(right, np.zeros(len(truth), dtype=np.int64), 1, sample_weight=w, clusters=clusters)
    yield from shares("accuracy", whole, [{}], level=level)
    counted = tally(right, truth, len(classes), sample_weight=w, clusters=clusters)
    names = [{"subset": f"class={c}"} for c in classes]
    recalls = shares("recall", counted, names, level=level, empty="no rows of this class")
    met = [line for line in recalls if line["n"]]
    yield row("balanced_accuracy", *mean_of_classes(met), n=len(truth), method="mover of wilson")
    yield from recalls


def _losses(truth: NDArray[np.int64], P: NDArray[np.float64], w: Any, clusters: Any, level: float) -> Iterator[Any]:
    """Log loss and Brier distance, with the normal interval of a mean."""
    one = np.zeros_like(P)
    one[np.arange(len(P)), truth] = 1.0
    log = -np.log(np.maximum(P[np.arange(len(P)), truth], TINY))
    for name, values in (("log_loss", log), ("brier", ((P - one) ** 2).sum(axis=1) / 2)):
        smooth = mean_function(values[:, None], lambda m: float(m[0]), sample_weight=w, clusters=clusters)
        low, high = smooth.limits(level)
        line = row(name, smooth.estimate, float(np.maximum(low, 0.0)), high, n=len(P), method="delta")
        yield line | few_clusters(np.inf if clusters is None else len(np.unique(clusters)))


def _area(P: NDArray[np.float64], truth: NDArray[np.int64], position: int, w: Any, clusters: Any, level: float) -> Any:
    """Chance that a row of one class gets a higher probability of it than another row, ties half."""
    positive = truth == position
    area = auc_and_interval(P[:, position], positive, w, level, clusters)
    line = row("auc", *area, n=len(P), method="newcombe 2006 and logit")
    if np.isnan(area[0]):
        line["reason"] = "all rows have one label"
    elif min(positive.sum(), (~positive).sum()) < AUC_MINIMUM:
        line |= {"status": "small", "reason": f"fewer than {AUC_MINIMUM} rows of one label"}
    return line


def regression_performance(
    y: ArrayLike,
    prediction: ArrayLike,
    *,
    clusters: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    level: float = 0.95,
    subject: str = "student",
) -> pd.DataFrame:
    """``r2``, ``mae``, ``rmse``, ``bias`` and ``spearman`` against the truth; rows without one are left out.

    Parameters and columns are those of `explaindistill.measures.fidelity.regression_fidelity`, with the truth in the
    teacher's place.

    Examples
    --------
    >>> regression_performance([1.0, 2.0, 4.0], [1.0, 2.0, 3.0])["metric"].tolist()
    ['r2', 'mae', 'rmse', 'bias', 'spearman']
    """
    truth, s = np.asarray(y, dtype=float), np.asarray(prediction, dtype=float)
    if truth.shape != s.shape:
        raise InvalidInputError(f"y and prediction must have one shape, got {truth.shape} and {s.shape}")
    keep = ~np.isnan(truth.reshape(len(truth), -1)).any(axis=1)
    w = None if sample_weight is None else weights_of(sample_weight, len(truth))[keep]
    groups = None if clusters is None else np.asarray(clusters)[keep]
    return regression_fidelity(truth[keep], s[keep], clusters=groups, sample_weight=w, level=level, subject=subject)
