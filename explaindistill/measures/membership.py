"""Membership inference: how well an attacker tells rows that a model learnt from, from rows that it did not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from explaindistill.errors import InvalidInputError
from explaindistill.measures.table import frame, row

__all__ = ["membership_inference"]

Floats = NDArray[np.float64]
Answer = Callable[[pd.DataFrame], Floats]
FLOOR = 1e-6
"""Added to a loss before its logarithm, and the smallest probability in it: a loss of 0, of a row that is repeated to
the last digit, is very small and not minus infinity."""
LEAST_SPREAD = 1e-3
"""Smallest deviation of log losses: where shadows repeat each other exactly, a likelihood would be infinite."""
FEWEST_ROWS = 40
"""Twenty rows inside and twenty outside of every model: with fewer an AUC says nothing."""
FEWEST_MODELS = 4
"""One victim and three shadows: each row needs shadows that did and that did not learn from it."""


def membership_inference(
    fit: Callable[[NDArray[np.intp], int], Answer],
    X: pd.DataFrame,
    P: ArrayLike,
    *,
    n_models: int = 8,
    seeds: Sequence[int] | None = None,
    level: float = 0.95,
    subject: str = "student",
) -> pd.DataFrame:
    r"""Attack a way of fitting with shadow models, and report the attacker's AUC.

    Each of ``n_models`` models is fitted to a random half of the rows. One after the other is the victim; the others,
    whose halves the attacker knows, show how large the loss of every row is where a model did and did not learn from
    it. The attacker scores a row by the log of the ratio of the two normal likelihoods of the victim's loss.

    With :math:`l_{mi}` the log loss of model m on row i, row means :math:`\mu_{1i}, \mu_{0i}` over the shadows that did
    and did not learn from it, and one deviation each, :math:`\sigma_1, \sigma_0`, pooled over rows, the score of row i
    for victim v is :math:`\log N(l_{vi}; \mu_{1i}, \sigma_1) - \log N(l_{vi}; \mu_{0i}, \sigma_0)`, after Carlini et
    al., who pool the variance where shadows are few.

    Parameters
    ----------
    fit : callable
        From the positions of the rows to learn from and a seed to a function of rows that gives probabilities
        ``(n, k)`` or values. To attack the student of a teacher, teach and distil inside.
    X : DataFrame of n rows
        At least 40.
    P : array of shape (n, k) or (n,)
        What the model is asked to repeat: the teacher's answers, or one-hot true labels. The attacker knows them.
    n_models : int, at least 4
        One victim each; the others are shadows.
    seeds : sequence of int, optional
        One per model; ``range(n_models)`` when None.
    level, subject
        As in the other measures.

    Returns
    -------
    DataFrame
        Canonical columns. ``membership_auc``: mean over victims, 0.5 is guessing; its interval rests on the larger of
        the standard errors over victims and over rows (DeLong's, of the mean: victims share rows and shadows).
        ``membership_advantage``: largest true minus false positive rate over all cuts of the score, mean over victims;
        above 0 by choice of the cut.
        ``n`` counts rows, ``k`` victims.

    Notes
    -----
    An AUC near 0.5 says that *this* attack fails, not that none could succeed.

    References
    ----------
    Shokri, Stronati, Song and Shmatikov (2017), doi:10.1109/SP.2017.41; Carlini et al. (2022),
    doi:10.1109/SP46214.2022.9833649.

    Examples
    --------
    A model that learns by heart is caught; a constant is not.

    >>> rng = np.random.default_rng(0)
    >>> X, y = pd.DataFrame({"x": rng.random(200)}), rng.random(200)
    >>> def by_heart(rows, seed):
    ...     learnt = dict(zip(X["x"].iloc[rows], y[rows]))
    ...     return lambda Z: np.array([learnt.get(x, 0.5) for x in Z["x"]])
    >>> membership_inference(by_heart, X, y)["estimate"].round(2).tolist()
    [1.0, 1.0]
    >>> float(membership_inference(lambda rows, seed: lambda Z: np.full(len(Z), 0.5), X, y)["estimate"].iloc[0])
    0.5
    """
    if n_models < FEWEST_MODELS:
        raise InvalidInputError(f"n_models must be at least {FEWEST_MODELS}, got {n_models}")
    if len(X) < FEWEST_ROWS:
        raise InvalidInputError(f"X must have at least {FEWEST_ROWS} rows, got {len(X)}")
    target = np.asarray(P, dtype=float)
    numbers = range(n_models) if seeds is None else seeds
    inside = np.zeros((n_models, len(X)), dtype=bool)
    loss = np.empty((n_models, len(X)))
    for i, seed in enumerate(numbers):
        rows = np.sort(np.random.default_rng([seed, 7]).permutation(len(X))[: len(X) // 2])
        inside[i, rows] = True
        loss[i] = _loss(target, np.asarray(fit(rows, int(seed))(X), dtype=float))
    attacks = [_attack(loss, inside, victim) for victim in range(n_models)]
    auc, advantage = (np.array(values) for values in list(zip(*attacks, strict=True))[:2])
    between = auc.std(ddof=1) / np.sqrt(n_models)
    within = np.mean([influence for *_, influence in attacks], axis=0).std(ddof=1) / np.sqrt(len(X))
    lines = []
    for metric, values, error in (
        ("membership_auc", auc, max(between, within)),
        ("membership_advantage", advantage, advantage.std(ddof=1) / np.sqrt(n_models)),
    ):
        half = float(stats.t.ppf(0.5 + level / 2, n_models - 1) * error)
        limits = (max(values.mean() - half, 0.0), min(values.mean() + half, 1.0))
        lines.append(row(metric, values.mean(), *limits, n=len(X), k=n_models, method="t", subject=subject))
    return frame(lines)


def _loss(target: Floats, answer: Floats) -> Floats:
    r"""Logarithm of the loss of each row: cross-entropy above that of the target itself, or squared error.

    :math:`\log(10^{-6} + \sum_c t_c \log(t_c / q_c))` with target t and answer q over classes c.
    """
    if target.ndim == 2 and target.shape[1] > 1:
        p, q = (np.clip(a, FLOOR, 1.0) for a in (target, answer))
        raw = (target * np.log(p / q)).sum(axis=1)
    else:
        raw = ((target.reshape(len(target), -1) - answer.reshape(len(answer), -1)) ** 2).sum(axis=1)
    return np.log(np.maximum(raw, 0.0) + FLOOR)


def _attack(loss: Floats, inside: NDArray[np.bool_], victim: int) -> tuple[float, float, Floats]:
    """AUC and advantage of the likelihood ratio against one victim, and the influence of each row on the AUC."""
    others = np.arange(len(loss)) != victim
    judged, ratio = np.ones(loss.shape[1], dtype=bool), np.zeros(loss.shape[1])
    for side, sign in ((inside[others], 1.0), (~inside[others], -1.0)):
        count = side.sum(axis=0)
        mean = np.where(side, loss[others], 0.0).sum(axis=0) / np.maximum(count, 1)
        square = (np.where(side, loss[others] - mean, 0.0) ** 2).sum()
        spread = max(float(np.sqrt(square / max(count.sum() - len(count), 1))), LEAST_SPREAD)
        ratio += sign * (-0.5 * ((loss[victim] - mean) / spread) ** 2 - np.log(spread))
        judged &= count > 0
    # Of a row that all shadows or none learnt from, nothing is known; nine digits, so that equal likelihoods tie.
    ratio = np.where(judged, ratio.round(9), 0.0)
    return _auc(ratio, inside[victim])


def _auc(score: Floats, member: NDArray[np.bool_]) -> tuple[float, float, Floats]:
    r"""AUC, largest true minus false positive rate, and DeLong's influence of each row on the AUC.

    The place of a member is the share of others below it, of another row the share of members above it (ties half): the
    AUC is the mean place of either kind. The influence of a row is its place less the AUC, times :math:`n / n_1` of a
    member and :math:`n / n_0` of another row, so that the variance of the AUC is that of the mean influence
    (DeLong, DeLong and Clarke-Pearson, 1988, doi:10.2307/2531595).
    """
    n1, n0 = int(member.sum()), int((~member).sum())
    place = np.empty(len(score))
    place[member] = _below(score[member], score[~member])
    place[~member] = 1 - _below(score[~member], score[member])
    auc = float(place[member].mean())
    cuts = np.unique(score)
    above = [1 - np.searchsorted(np.sort(score[side]), cuts) / side.sum() for side in (member, ~member)]
    influence = (place - auc) * np.where(member, len(score) / n1, len(score) / n0)
    return auc, float(max((above[0] - above[1]).max(), 0.0)), influence


def _below(values: Floats, others: Floats) -> Floats:
    """Share of ``others`` below each value; equal ones count half."""
    ordered = np.sort(others)
    lower, upper = (np.searchsorted(ordered, values, side=side) for side in ("left", "right"))
    return np.asarray((lower + upper) / (2 * len(others)))
