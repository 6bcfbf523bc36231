"""Row weights from linear probes: rows that the teacher's early layers already decide count more."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from explaindistill.data.schema import Schema
from explaindistill.data.targets import SoftTargets
from explaindistill.distillation.ways._hidden import hidden_layers
from explaindistill.errors import InvalidInputError

__all__ = ["ProbeWeights", "probe_confidence"]


@dataclass(frozen=True)
class ProbeWeights:
    r"""ProfWeight: weight a row by the mean confidence of linear probes on the teacher's hidden layers.

    .. math:: w_i \propto \frac{1}{|L|} \sum_{l \in L} \hat p_l(t(x_i) \mid h_l(x_i)),
        \qquad L = \{l : \text{accuracy of probe } l \ge a\}

    where :math:`t(x_i)` is the teacher's class and :math:`\hat p_l` a logistic regression on layer :math:`l`,
    out of fold. A row that the early layers cannot decide is one that a simple student cannot hope to decide.

    Parameters
    ----------
    min_accuracy : float in [0, 1], default=0.6
        Probes that agree less often with the teacher (out of fold) are left out.
    floor : float in [0, 1), default=0.1
        Least weight of a row before the mean is set to 1, so that no row is lost.

    Notes
    -----
    With the teacher's soft answers as targets no gain could be shown: −0.03 points of agreement [−0.15, +0.08] over 20
    pairs of data set and seed (``benchmarks/ways.py``). The paper fits its students to true labels.

    References
    ----------
    Dhurandhar, Shanmugam, Luss and Olsen (2018), arXiv:1807.07506.

    Examples
    --------
    >>> import pandas as pd
    >>> class Wide:
    ...     def hidden(self, X):
    ...         return {"first": X[["x"]].to_numpy()}
    >>> X = pd.DataFrame({"x": np.linspace(-1, 1, 80)})
    >>> P = np.column_stack([X["x"] <= 0, X["x"] > 0]).astype(float)
    >>> targets = SoftTargets(X, P, np.ones(80), np.full(80, "observed"), np.array([0, 1]), 80)
    >>> weight = ProbeWeights().apply(targets, Wide(), Schema.infer(X), 0).weight
    >>> bool(weight[[0, 79]].min() > weight[[39, 40]].max())  # far from the border the first layer is sure
    True
    """

    min_accuracy: float = 0.6
    floor: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.min_accuracy <= 1:
            raise InvalidInputError(f"min_accuracy must lie between 0 and 1, got {self.min_accuracy}")
        if not 0 <= self.floor < 1:
            raise InvalidInputError(f"floor must be at least 0 and below 1, got {self.floor}")

    def apply(self, targets: SoftTargets, teacher: Any, schema: Schema, seed: int) -> SoftTargets:
        """The same rows and answers with weights times the probes' confidence; their sum stays.

        Raises
        ------
        InvalidInputError
            In regression, for a teacher without hidden layers, or where no probe reaches ``min_accuracy``.
        """
        if targets.classes is None:
            raise InvalidInputError("ProbeWeights needs classes: in regression a probe has no confidence")
        layers = hidden_layers(teacher, schema.restore(targets.X), "ProbeWeights")
        decisions = targets.P.argmax(axis=1)
        confidence = {name: probe_confidence(H, decisions, seed) for name, H in layers.items()}
        confident = [c for c, accuracy in confidence.values() if accuracy >= self.min_accuracy]
        if not confident:
            accuracies = ", ".join(f"{name} {accuracy:.2f}" for name, (_, accuracy) in confidence.items())
            raise InvalidInputError(
                f"no probe agrees with the teacher on {self.min_accuracy:g} of the rows: {accuracies}"
            )
        factor = np.maximum(np.mean(confident, axis=0), self.floor)
        weight = targets.weight * factor
        return replace(targets, weight=weight * (targets.weight.sum() / weight.sum()))


def probe_confidence(
    H: NDArray[np.float64], labels: NDArray[np.intp], seed: int, n_folds: int = 3
) -> tuple[NDArray[np.float64], float]:
    """Out-of-fold probability that a linear probe gives to the teacher's class.

    Parameters
    ----------
    H : array of shape (n, h)
        Activations of one layer.
    said : array of int, shape (n,)
        Position of the teacher's class; classes of fewer rows than folds are left out and get confidence 0.
    seed : int
    n_folds : int

    Returns
    -------
    confidence : array of shape (n,)
    accuracy : float
        Share of rows where the probe's first choice is the teacher's class.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> said = np.arange(200) % 2
    >>> confidence, accuracy = probe_confidence(3.0 * said[:, None] + rng.normal(size=(200, 1)), said, seed=0)
    >>> confidence.shape, 0.85 < accuracy < 1.0
    ((200,), True)
    """
    counts = np.bincount(labels)
    frequent = counts[labels] >= n_folds
    classes = np.unique(labels[frequent])
    confidence = np.zeros(len(labels))
    if len(classes) < 2:
        confidence[frequent] = 1.0
        return confidence, float(frequent.mean())
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    folds = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    P = cross_val_predict(probe, H[frequent], labels[frequent], cv=folds, method="predict_proba")
    confidence[frequent] = P[np.arange(frequent.sum()), np.searchsorted(classes, labels[frequent])]
    right = np.zeros(len(labels), dtype=bool)
    right[frequent] = classes[P.argmax(axis=1)] == labels[frequent]
    return confidence, float(right.mean())
