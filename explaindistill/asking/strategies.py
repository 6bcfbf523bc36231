"""Which rows are worth a question."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill import plugins
from explaindistill.errors import InvalidInputError

__all__ = ["STRATEGIES", "ask_in_rounds"]

STRATEGIES = ("random", "committee", "boundary")
COMMITTEE = 8
FIRST_SHARE = 0.4
ROUNDS = 3

Answers = NDArray[np.float64]


def ask_in_rounds(
    ask: Callable[[NDArray[np.intp]], Answers],
    pool: pd.DataFrame,
    n: int,
    *,
    strategy: str,
    classes: NDArray[Any] | None,
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
    for left in range(ROUNDS, 0, -1):
        more = int(np.ceil((n - len(at)) / left))
        if more == 0:
            break
        rest = np.setdiff1d(np.arange(len(pool)), at)
        votes = _votes(pool, at, P, rest, classes, rng)
        worth = _disagreement(votes) if strategy == "committee" else _indecision(votes)
        chosen = np.sort(rest[_draw(worth, more, rng)])
        answers = ask(chosen)
        order = np.argsort(np.concatenate([at, chosen]), kind="stable")
        P = np.concatenate([P, answers])[order]
        at = np.concatenate([at, chosen])[order]
    return at, P


def _votes(
    pool: pd.DataFrame,
    at: NDArray[np.intp],
    P: Answers,
    rest: NDArray[np.intp],
    classes: NDArray[Any] | None,
    rng: np.random.Generator,
) -> Answers:
    """Answers of the committee on the rows not asked yet, shape (members, rows, outputs)."""
    kind = plugins.public("students", "tree")["TreeClassifier" if classes is not None else "TreeRegressor"]
    leaves = int(np.clip(len(at) // 20, 4, 32))
    rows, others = pool.iloc[at], pool.iloc[rest]
    votes = []
    for _ in range(COMMITTEE):
        weight = np.bincount(rng.integers(len(at), size=len(at)), minlength=len(at)).astype(float)
        member = kind(max_leaf_nodes=leaves, min_samples_leaf=5)
        target = P if classes is None else pd.DataFrame(P, columns=classes)
        member.fit(rows, target, sample_weight=weight)
        answer = member.predict_proba(others) if classes is not None else member.predict(others)
        votes.append(answer.reshape(len(others), -1))
    return np.stack(votes)


def _disagreement(votes: Answers) -> Answers:
    return np.asarray(votes.var(axis=0).sum(axis=1))


def _indecision(votes: Answers) -> Answers:
    mean = np.sort(votes.mean(axis=0), axis=1)
    return np.asarray(1.0 - (mean[:, -1] - mean[:, -2])) ** 2


def _draw(worth: Answers, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Positions of ``n`` rows drawn without replacement in proportion to ``worth`` (Efraimidis and Spirakis 2006)."""
    floor = 1e-3 * worth.mean() + 1e-12
    keys = np.log(rng.random(len(worth))) / (worth + floor)
    return np.argpartition(-keys, n - 1)[:n]
