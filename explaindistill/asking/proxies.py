"""Proxies: models that answer in the teacher's place, fitted to the answers it gave."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold
from sklearn.neural_network import MLPRegressor

from explaindistill.data.encoder import TableEncoder
from explaindistill.data.targets import SoftTargets
from explaindistill.errors import InvalidInputError

__all__ = ["PROXIES", "fit_proxy"]

PROXIES = ("auto", "gam", "network")

PAIRS = 10
"""Surfaces of two columns that an additive proxy may have; one per hundred answers at most."""
GAM_CELLS = 300
"""Columns times outputs up to which "auto" tries an additive model: beyond, it takes longer than it is worth."""
DECAYS = (0.1, 1.0)
"""Weight decays of the networks: their held-out errors decide between a wavy and a smooth one."""
HIDDEN = (64, 64)
"""Units of the two hidden layers; weight decay, not size, keeps them from overfitting."""
MEMBERS = 3
"""Networks of other seeds whose mean answers; one is enough while shares are chosen."""
MAX_EPOCHS = 100
"""Passes over the answers; a proxy that is not done by then is good enough."""
LEVELS = 512
"""Most columns of a category in the networks' table; rarer levels are zeros in all of them."""
LEAST = 1e-6
"""Probabilities below count as this one, so that logits stay finite."""
STEP = 0.25
"""Grid of the mixture's shares."""
FOLDS = 5
"""A fifth of the answers is held out at a time while shares are chosen."""
FEW = 500
"""Answers up to which all folds are held out in turn; of more, one fold is enough."""

Answers = NDArray[np.float64]
Rows = Callable[[pd.DataFrame], Answers]
Fitter = Callable[[SoftTargets, int, int], Rows]
"""From answers, a seed and a number of members to a model of logits or values, shape (n, outputs)."""


def fit_proxy(proxy: str, targets: SoftTargets, additive: Callable[..., Any], seed: int = 0) -> Rows:
    r"""Fit a model to the teacher's answers, as a function of rows.

    ``"gam"`` is an additive model with pairs; ``"network"`` a small committee of perceptrons on the logits, its weight
    decay chosen by held-out error; ``"auto"`` the mixture :math:`\sum_m a_m z_m(x)` of the logits of both kinds whose
    shares :math:`a_m \ge 0`, :math:`\sum_m a_m = 1`, make the squared error of the probabilities on answers held out
    smallest. In regression values take the place of logits.

    Parameters
    ----------
    proxy : "auto", "gam" or "network"
    targets : SoftTargets of n rows
        Rows that the teacher answered.
    additive : callable
        Makes an unfitted additive student, for classes or for values as the answers are, from ``n_pairs`` and
        ``random_state``.
    seed : int

    Returns
    -------
    callable
        Rows to probabilities ``(n, k)`` in the order of ``targets.classes``, or values in the shape of ``targets.P``.

    References
    ----------
    Buciluă, Caruana and Niculescu-Mizil (2006), doi:10.1145/1150402.1150464 (a network as the compressed model);
    Breiman (1996), doi:10.1007/BF00117832 (stacking under these constraints).

    Examples
    --------
    >>> from explaindistill import GAMClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame(rng.normal(size=(300, 2)), columns=["a", "b"])
    >>> p = 1 / (1 + np.exp(-3 * X["a"] * X["b"]))
    >>> P = np.column_stack([1 - p, p])
    >>> answered = SoftTargets(X, P, np.ones(300), np.full(300, "observed"), np.array(["no", "yes"]), 300)
    >>> fresh = pd.DataFrame({"a": [1.5, 1.5], "b": [1.0, -1.0]})
    >>> fit_proxy("auto", answered, GAMClassifier)(fresh).argmax(axis=1).tolist()
    [1, 0]
    """
    if proxy not in PROXIES:
        raise InvalidInputError(f"proxy must be one of {', '.join(PROXIES)} or None, got {proxy!r}")
    if proxy == "gam" and _n_outputs(targets) > 1 and targets.classes is None:
        raise InvalidInputError('proxy="gam" is for one output, and this teacher has several; use "network"')
    score = _mixture(_fitters(proxy, targets, additive), targets, seed)
    return lambda rows: _answers(score(rows), targets)


def _fitters(proxy: str, targets: SoftTargets, additive: Callable[..., Any]) -> list[Fitter]:
    networks: list[Fitter] = [_with_decay(decay) for decay in DECAYS]
    gam = _sum_of_curves(additive)
    if proxy == "gam":
        return [gam]
    n = _n_outputs(targets)
    small = targets.X.shape[1] * n <= GAM_CELLS and (targets.classes is not None or n == 1)
    return [gam, *networks] if proxy == "auto" and small else networks


def _mixture(fitters: list[Fitter], targets: SoftTargets, seed: int) -> Rows:
    """Mixture of some models, its shares chosen on answers held out."""
    shares = np.ones(1) if len(fitters) == 1 else _shares(fitters, targets, seed)
    members = [(a, fit(targets, seed, MEMBERS)) for a, fit in zip(shares, fitters, strict=True) if a > 0]
    return lambda rows: np.asarray(sum(a * score(rows) for a, score in members))


def _shares(fitters: list[Fitter], targets: SoftTargets, seed: int) -> Answers:
    """Shares of the mixture with the smallest squared error on held-out answers; of equal ones the first."""
    n = len(targets)
    if n < 2 * FOLDS:
        return np.eye(len(fitters))[-1]
    folds = list(KFold(FOLDS, shuffle=True, random_state=seed).split(np.empty(n)))
    held, scores = [], []
    for train, test in folds if n < FEW else folds[:1]:
        fold = targets.take(train)
        held.append(test)
        scores.append([fit(fold, seed, 1)(targets.X.iloc[test]) for fit in fitters])
    at = np.concatenate(held)
    stacked = np.stack([np.concatenate(s) for s in zip(*scores, strict=True)])
    truth, weight = targets.P[at].reshape(len(at), -1), targets.weight[at]

    def loss(shares: Answers) -> float:
        mixed = _answers(np.tensordot(shares, stacked, 1), targets).reshape(len(at), -1)
        return float(np.average(((mixed - truth) ** 2).sum(axis=1), weights=weight))

    return min(_simplex(len(fitters)), key=loss)


def _simplex(n: int) -> Iterator[Answers]:
    """Shares of ``n`` models on a grid, those of the first model largest first."""
    steps = round(1 / STEP)
    for parts in product(range(steps + 1), repeat=n):
        if sum(parts) == steps:
            yield np.array(parts[::-1]) * STEP


def _sum_of_curves(additive: Callable[..., Any]) -> Fitter:
    """Additive model with pairs."""

    def fit(targets: SoftTargets, seed: int, _: int) -> Rows:
        d = targets.X.shape[1]
        n_pairs = min(PAIRS, d * (d - 1) // 2, len(targets) // 100)
        model = additive(n_pairs=n_pairs, random_state=seed)
        if targets.classes is None:
            model.fit(targets.X, targets.P.ravel(), sample_weight=targets.weight)
            return lambda rows: np.asarray(model.predict(rows)).reshape(len(rows), 1)
        model.fit(targets.X, pd.DataFrame(targets.P, columns=targets.classes), sample_weight=targets.weight)
        return lambda rows: _scores(np.asarray(model.predict_proba(rows)))

    return fit


def _with_decay(decay: float) -> Fitter:
    """Committee of perceptrons on standardised scores."""

    def fit(targets: SoftTargets, seed: int, n_members: int) -> Rows:
        encoder = TableEncoder(LEVELS, "float64").fit(targets.X)
        Z = encoder.transform(targets.X)
        T = targets.P.reshape(len(Z), -1) if targets.classes is None else _scores(targets.P)
        centre, scale = T.mean(axis=0), T.std(axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        members = [_perceptron(Z, (T - centre) / scale, decay, seed + i) for i in range(n_members)]

        def score(rows: pd.DataFrame) -> Answers:
            z = encoder.transform(rows)
            return np.asarray(np.mean([m.predict(z).reshape(len(z), -1) for m in members], axis=0) * scale + centre)

        return score

    return fit


def _perceptron(Z: Answers, T: Answers, decay: float, seed: int) -> MLPRegressor:
    network = MLPRegressor(
        hidden_layer_sizes=HIDDEN,
        alpha=decay,
        batch_size=min(max(len(Z) // 16, 32), 256, len(Z)),
        learning_rate_init=3e-3,
        max_iter=MAX_EPOCHS,
        tol=1e-5,
        random_state=seed % 2**32,
    )
    with warnings.catch_warnings():
        # a hundred passes are the budget, not a failure
        warnings.simplefilter("ignore", ConvergenceWarning)
        return network.fit(Z, T[:, 0] if T.shape[1] == 1 else T)


def _n_outputs(targets: SoftTargets) -> int:
    return 1 if targets.P.ndim == 1 else targets.P.shape[1]


def _scores(P: Answers) -> Answers:
    """Logits: one column for two classes, else one per class, centred."""
    L = np.log(np.clip(P, LEAST, 1.0))
    return L[:, 1:] - L[:, :1] if P.shape[1] == 2 else L - L.mean(axis=1, keepdims=True)


def _answers(scores: Answers, targets: SoftTargets) -> Answers:
    """Probabilities from logits, or values in the shape that the teacher gave."""
    if targets.classes is None:
        return scores.reshape(len(scores), *targets.P.shape[1:])
    full = np.column_stack([np.zeros(len(scores)), scores]) if len(targets.classes) == 2 else scores
    e = np.exp(full - full.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))
