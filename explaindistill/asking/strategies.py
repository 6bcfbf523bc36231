"""Which rows are worth a question."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.errors import InvalidInputError

__all__ = ["STRATEGIES", "ask_in_rounds"]

STRATEGIES = ("random", "committee", "boundary")
COMMITTEE = 8
"""Trees that vote; their variance ranks rows well enough, and each costs a fit per round."""
FIRST_SHARE = 0.4
"""Share of the questions that are drawn by chance before the first committee exists."""
ROUNDS = 3
"""Committees that are grown; the rest of the questions is split among them."""

Answers = NDArray[np.float64]


def ask_in_rounds(
    ask: Callable[[NDArray[np.intp]], Answers],
    pool: pd.DataFrame,
    n: int,
    *,
    strategy: str,
    classes: NDArray[Any] | None,
    member: Callable[..., Any],
    rng: np.random.Generator,
) -> tuple[NDArray[np.intp], Answers]:
    """Ask about ``n`` rows of a pool: some at random, then in rounds where small trees say it pays.

    ``"committee"`` draws rows in proportion to how much trees grown on bootstraps of the answers disagree,
    ``"boundary"`` in proportion to how undecided their mean is. Rows are drawn, not picked, so that a round does not
    spend itself on one corner.

    Parameters
    ----------
    ask : callable
        Positions in the pool to the teacher's answers; positions are asked once each.
    pool : DataFrame of N rows
    n : int, at most N
    strategy : "committee" or "boundary"
    classes : ndarray of shape (k,), or None in regression
    member : callable
        Makes an unfitted tree from ``max_leaf_nodes`` and ``min_samples_leaf``.

    Returns
    -------
    at : ndarray of int, shape (n,), sorted
        Positions that were asked.
    P : ndarray
        Their answers.

    References
    ----------
    Seung, Opper and Sompolinsky (1992), doi:10.1145/130385.130417.
    """
    if strategy == "boundary" and classes is None:
        raise InvalidInputError('query_strategy="boundary" needs classes; use "committee" in regression')
    first = min(max(int(np.ceil(FIRST_SHARE * n)), 1), n)
    at = np.sort(rng.choice(len(pool), first, replace=False))
    P = ask(at)
    for rounds in range(ROUNDS, 0, -1):
        more = int(np.ceil((n - len(at)) / rounds))
        if more == 0:
            break
        rest = np.setdiff1d(np.arange(len(pool)), at)
        votes = _votes((pool.iloc[at], P), pool.iloc[rest], classes, member, rng)
        worth = _disagreement(votes) if strategy == "committee" else _indecision(votes)
        chosen = np.sort(rest[_draw(worth, more, rng)])
        answers = ask(chosen)
        order = np.argsort(np.concatenate([at, chosen]), kind="stable")
        P = np.concatenate([P, answers])[order]
        at = np.concatenate([at, chosen])[order]
    return at, P


def _votes(
    answered: tuple[pd.DataFrame, Answers],
    others: pd.DataFrame,
    classes: NDArray[Any] | None,
    member: Callable[..., Any],
    rng: np.random.Generator,
) -> Answers:
    """Answers of the committee on the rows not asked yet, shape (members, rows, outputs)."""
    rows, P = answered
    leaves = int(np.clip(len(rows) // 20, 4, 32))
    target = P if classes is None else pd.DataFrame(P, columns=classes)
    votes = []
    for _ in range(COMMITTEE):
        weight = np.bincount(rng.integers(len(rows), size=len(rows)), minlength=len(rows)).astype(float)
        tree = member(max_leaf_nodes=leaves, min_samples_leaf=5).fit(rows, target, sample_weight=weight)
        answer = tree.predict_proba(others) if classes is not None else tree.predict(others)
        votes.append(answer.reshape(len(others), -1))
    return np.stack(votes)


def _disagreement(votes: Answers) -> Answers:
    """Variance over the members, summed over the outputs, per row."""
    return np.asarray(votes.var(axis=0).sum(axis=1))


def _indecision(votes: Answers) -> Answers:
    """One less the lead of the first class over the second in the mean vote, squared to favour the closest rows."""
    mean = np.sort(votes.mean(axis=0), axis=1)
    return np.asarray(1.0 - (mean[:, -1] - mean[:, -2])) ** 2


def _draw(worth: Answers, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
    r"""Positions of ``n`` rows drawn without replacement in proportion to ``worth`` (Efraimidis and Spirakis 2006).

    The rows with the largest :math:`\log(u_i) / w_i`, u uniform; the floor under w gives rows that nobody doubts a
    small chance, and keeps the quotient finite where all are worth nothing.
    """
    floor = 1e-3 * worth.mean() + 1e-12
    keys = np.log(rng.random(len(worth))) / (worth + floor)
    return np.argpartition(-keys, n - 1)[:n]
