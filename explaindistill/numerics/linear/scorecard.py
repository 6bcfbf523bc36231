r"""Scorecards: few columns of 0 and 1 with integer points whose sum decides the risk.

.. math:: \log \frac{q}{1 - q} = a + s \sum_j z_j b_j, \qquad z_j \in \{l, \dots, u\}, \quad \lVert z \rVert_0 \le k

Columns are found by beam search on the logistic loss and improved by swaps; points by rounding the coefficients at
several multipliers, then moving one point value at a time while the loss falls. Of the cards that explain about as much
as the best one, that which ranks best is taken. Soft labels are weights of both classes. After the ideas of Liu, Zhong,
Li, Seltzer and Rudin (2022), arXiv:2210.05846.

``g`` runs over the G distinct rows (patterns), ``j`` over columns, ``t`` over totals of points. With the weights
:math:`w^0_g, w^1_g` of both classes, which sum to 1, the loss in nats is :math:`\sum_g (w^0_g + w^1_g) \log(1 +
e^{\eta_g}) - w^1_g \eta_g`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from explaindistill.numerics._jit import kernel

__all__ = [
    "IntegerCard",
    "Patterns",
    "beam",
    "card_excess",
    "integer_cards",
    "ranking",
    "search",
    "unique_columns",
    "unique_rows",
]

Array = NDArray[np.float64]
Support = tuple[int, ...]
PRIOR = 10.0
"""Precision of a normal prior on each coefficient in the search: holds back conditions that few rows meet."""
LEAST_RIDGE = 1e-6
"""Penalty on coefficients, per unit of weight, that is never gone below: keeps separable classes finite."""
N_POOL, N_MULTIPLIERS = 40, 20
"""Supports that get integer points, and multipliers at which each one's coefficients are rounded: a trade-off, time
grows with both, and nearby multipliers mostly round to the same points."""
STEP_TOLERANCE = 1e-7  # of a coefficient: far below the half point at which rounding changes
TOTALS_RIDGE = 1e-6  # on the slope of the curve through the totals: finite where they separate the classes
LEAST_FALL = 1e-10  # of the loss for which a point value is changed: less is rounding
DIGITS = 10
"""Losses that agree to so many decimals are equal; the columns that come first win."""


@dataclass(frozen=True)
class Patterns:
    """Distinct rows of 0 and 1, and the weight of either class on each; all weights sum to 1, ``mass`` before that."""

    B: Array
    negative: Array
    positive: Array
    mass: float

    @property
    def ridge(self) -> float:
        """Penalty on a squared coefficient, per unit of weight."""
        return max(PRIOR / self.mass, LEAST_RIDGE)

    @property
    def weight(self) -> Array:
        """Weight of each row."""
        return self.negative + self.positive

    def columns(self, support: Iterable[int]) -> Patterns:
        """Distinct rows of some columns only."""
        return replace(unique_rows(self.B[:, list(support)], self.negative, self.positive), mass=self.mass)


@dataclass(frozen=True)
class IntegerCard:
    """Columns, their points, the logit ``offset + slope * total``, loss in nats per unit of weight, and AUC."""

    support: Support
    points: NDArray[np.int64]
    offset: float
    slope: float
    loss: float
    auc: float


def unique_rows(B: Array, negative: Array, positive: Array) -> Patterns:
    """Merge equal rows and add up their weights, in an order that does not depend on theirs."""
    total = float((negative + positive).sum())
    if B.shape[1] == 0:
        sides = np.array([negative.sum()]) / total, np.array([positive.sum()]) / total
        return Patterns(np.empty((1, 0)), *sides, total)
    packed = np.ascontiguousarray(np.packbits(B.astype(bool), axis=1))
    keys = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    low = np.bincount(group, weights=negative) / total
    return Patterns(np.asfortranarray(B[first]), low, np.bincount(group, weights=positive) / total, total)


def unique_columns(B: Array) -> NDArray[np.intp]:
    """Return the first of each set of columns that are equal or complements; constant ones are left out.

    Examples
    --------
    >>> unique_columns(np.array([[0.0, 1.0, 1.0, 0.0], [1.0, 0.0, 1.0, 0.0], [1.0, 0.0, 1.0, 1.0]])).tolist()
    [0, 3]
    """
    flags = np.ascontiguousarray(B.T.astype(bool))
    flags ^= flags[:, :1]
    keys: set[bytes] = {bytes(len(np.packbits(flags[0])))} if len(flags) else set()
    firsts = []
    for j, row in enumerate(np.packbits(flags, axis=1)):
        if (key := row.tobytes()) not in keys:
            keys.add(key)
            firsts.append(j)
    return np.array(firsts, dtype=np.intp)


@dataclass(frozen=True)
class SupportFit:
    """A support with its refitted intercept and coefficients."""

    support: Support
    theta: Array
    loss: float


def refit(patterns: Patterns, support: Support, start: Array) -> SupportFit:
    """Logistic fit on some columns by Newton's method with step halving.

    With A the columns after a one, q the probabilities and r the ridge a step solves
    ``(A' diag(w q (1 - q)) A + r) step = A'(w1 - w q) - r theta``; a step halved 20 times without a fall ends the fit.
    """
    small = patterns.columns(support)
    A = np.hstack([np.ones((len(small.B), 1)), small.B])
    theta, ridge = start.copy(), np.full(A.shape[1], patterns.ridge)
    ridge[0] = LEAST_RIDGE * 1e-3
    value, eta = _loss(A, small, theta, ridge)
    for _ in range(40):
        q = expit(eta)
        gradient = A.T @ (small.positive - small.weight * q) - ridge * theta
        H = A.T @ ((small.weight * q * (1 - q))[:, None] * A)
        step = np.linalg.solve(H + np.diag(ridge + 1e-12), gradient)
        share = 1.0
        while (new := _loss(A, small, theta + share * step, ridge))[0] > value and share > 1e-6:
            share /= 2
        if share <= 1e-6:
            break
        theta, (value, eta) = theta + share * step, new
        if np.abs(step).max() < STEP_TOLERANCE:
            break
    return SupportFit(support, theta, round(value, DIGITS))


def _loss(A: Array, patterns: Patterns, theta: Array, ridge: Array) -> tuple[float, Array]:
    """The module's loss on the rows of ``A``, plus half of ``ridge`` times the squared coefficients; and the logits."""
    eta = A @ theta
    loss = patterns.weight @ np.logaddexp(0.0, eta) - patterns.positive @ eta
    return float(loss + 0.5 * ridge @ theta**2), eta


def gains(patterns: Patterns, state: SupportFit) -> Array:
    """Fall of the loss by each further column, to second order with all coefficients free; -inf for those inside.

    With g the gradient, H the Hessian, S the support with its intercept and r the ridge,
    :math:`g_j^2 / 2 (H_{jj} + r - H_{jS} H_{SS}^{-1} H_{Sj})`. A column of which the support leaves less than 1e-7 is
    collinear with it.
    """
    A = np.hstack([np.ones((len(patterns.B), 1)), patterns.B[:, list(state.support)]])
    q = expit(A @ state.theta)
    h = patterns.weight * q * (1 - q)
    hA = h[:, None] * A
    products = patterns.B.T @ np.column_stack([patterns.positive - patterns.weight * q, hA])
    cross = products[:, 1:]
    inside = A.T @ hA + np.diag([1e-9, *np.full(len(state.support), patterns.ridge)])
    free = products[:, 1] - np.einsum("ij,ij->i", cross, np.linalg.solve(inside, cross.T).T)
    out = 0.5 * products[:, 0] ** 2 / (np.maximum(free, 1e-9) + patterns.ridge)
    out[free <= 1e-7 * products[:, 1]] = -np.inf
    out[list(state.support)] = -np.inf
    return np.round(out, DIGITS)


def beam(patterns: Patterns, k: int, width: int) -> list[SupportFit]:
    """Supports of at most ``k`` columns with the smallest loss, best first."""
    base = np.log(max(patterns.positive.sum(), 1e-12)) - np.log(max(patterns.negative.sum(), 1e-12))
    states = [refit(patterns, (), np.array([base]))]
    for _ in range(min(k, patterns.B.shape[1])):
        grown = _children(patterns, states, width)
        if not grown:
            break
        states = _best([*grown], width)
    return states


def _children(patterns: Patterns, states: list[SupportFit], n: int) -> list[SupportFit]:
    """Refit the most promising one-column extensions of all states, ``2 n`` at least as many as states."""
    ranked: dict[Support, tuple[float, SupportFit, int]] = {}
    for state in states:
        gain = gains(patterns, state)
        for j in np.argsort(-gain, kind="stable")[:n]:
            if gain[j] > -np.inf:
                support = tuple(sorted((*state.support, int(j))))
                estimate = state.loss - gain[j]
                if support not in ranked or estimate < ranked[support][0]:
                    ranked[support] = (estimate, state, int(j))
    chosen = sorted(ranked.items(), key=lambda item: (round(item[1][0], DIGITS), item[0]))[: max(2 * n, len(states))]
    return [refit(patterns, support, _start(state, support)) for support, (_, state, _) in chosen]


def _start(state: SupportFit, support: Support) -> Array:
    """Coefficients of a state on another support; 0 where it has none."""
    coefficients = dict(zip(state.support, state.theta[1:], strict=True))
    return np.array([state.theta[0], *(coefficients.get(j, 0.0) for j in support)])


def _best(states: Iterable[SupportFit], n: int) -> list[SupportFit]:
    """The ``n`` of least loss, each support once; the columns that come first win a tie."""
    distinct = {s.support: s for s in states}
    return sorted(distinct.values(), key=lambda s: (s.loss, s.support))[:n]


def swaps(patterns: Patterns, pool: list[SupportFit], width: int, rounds: int = 4) -> list[SupportFit]:
    """Exchange one column of the best supports for another until the best one stays; a larger pool, best first."""
    tried: set[Support] = set()
    for _ in range(rounds):
        todo = [s for s in pool[: max(width // 2, 1)] if s.support not in tried]
        if not todo:
            break
        for state in todo:
            tried.add(state.support)
            shorter = []
            for j in state.support:
                rest = tuple(i for i in state.support if i != j)
                shorter.append(refit(patterns, rest, _start(state, rest)))
            pool = _best([*pool, *_children(patterns, shorter, max(width // 2, 2))], 3 * width)
    return pool


@kernel
def fit_totals(n0: Array, n1: Array, lowest: int, offset: float, slope: float) -> tuple[float, float, float]:
    """Offset a, slope s and loss of the logistic curve ``a + s x`` through the totals x, by damped Newton steps.

    ``n0[t]`` and ``n1[t]`` are the weights of both classes at the total ``x = lowest + t``. The two equations of a step
    are solved by Cramer's rule; a step that raises the loss is halved.
    """
    m = len(n0)
    best, da, ds, share = np.inf, 0.0, 0.0, 1.0
    for _ in range(60):
        a = offset + share * da
        s = slope + share * ds
        loss = 0.5 * TOTALS_RIDGE * s * s
        ga = 0.0
        gs = -TOTALS_RIDGE * s
        haa = 1e-12
        has = 0.0
        hss = TOTALS_RIDGE
        for t in range(m):
            w = n0[t] + n1[t]
            if w > 0.0:
                x = float(lowest + t)
                eta = a + s * x
                e = np.exp(-abs(eta))
                q = 1.0 / (1.0 + e) if eta > 0 else e / (1.0 + e)
                loss += w * (max(eta, 0.0) + np.log1p(e)) - n1[t] * eta
                r = n1[t] - w * q
                h = w * q * (1.0 - q)
                ga += r
                gs += r * x
                haa += h
                has += h * x
                hss += h * x * x
        if loss > best:
            share *= 0.5
            if share < 1e-4:
                break
            continue
        gained = best - loss
        offset, slope, best, share = a, s, loss, 1.0
        if gained < 1e-12:
            break
        det = haa * hss - has * has
        if det <= 1e-300:
            break
        da = (hss * ga - has * gs) / det
        ds = (haa * gs - has * ga) / det
    return offset, slope, best


@kernel
def by_total(total: Array, w0: Array, w1: Array, n0: Array, n1: Array, column: Array, change: int, span: int) -> None:
    """Weights of both classes at each total, once a column's points have changed; written into ``n0, n1``.

    Pattern g, of the weights ``w0[g]`` and ``w1[g]``, has the total ``total[g] + change * column[g]``, which stands at
    ``span`` plus itself: totals run from ``-span`` to ``span``.
    """
    n0[:] = 0.0
    n1[:] = 0.0
    for i in range(len(total)):
        t = int(total[i] + change * column[i]) + span
        n0[t] += w0[i]
        n1[t] += w1[i]


@kernel
def descend(
    B: Array, w0: Array, w1: Array, z: NDArray[np.int64], low: int, high: int, offset: float, slope: float
) -> tuple[float, float, float]:
    """Move one point value at a time to the value of least loss until none moves; ``z`` is changed in place.

    ``B`` is ``(k, G)``, one line per column j of the card, ``w0`` and ``w1`` are ``(G,)``, ``z`` ``(k,)``. For each
    trial the curve through the totals is fitted anew (:func:`fit_totals`). Returns offset, slope and loss.
    """
    k, G = B.shape
    span = k * max(abs(low), abs(high))
    total = np.zeros(G)
    for j in range(k):
        total += z[j] * B[j]
    n0 = np.zeros(2 * span + 1)
    n1 = np.zeros(2 * span + 1)
    by_total(total, w0, w1, n0, n1, total, 0, span)
    offset, slope, best = fit_totals(n0, n1, -span, offset, slope)
    moved = True
    while moved:
        moved = False
        for j in range(k):
            keep = z[j]
            for value in range(low, high + 1):
                by_total(total, w0, w1, n0, n1, B[j], value - keep, span)
                a, s, loss = fit_totals(n0, n1, -span, offset, slope)
                if loss < best - LEAST_FALL:
                    best, offset, slope, z[j], moved = loss, a, s, value, True
            total += (z[j] - keep) * B[j]
    return offset, slope, best


@kernel
def ranking(n0: Array, n1: Array) -> float:
    r"""Area under the ROC curve of the totals; equal totals count half, one class alone gives one half.

    :math:`\sum_t n^1_t (\sum_{u < t} n^0_u + n^0_t / 2) / (\sum_t n^0_t \sum_t n^1_t)`.
    """
    below, pairs, above = 0.0, 0.0, 0.0
    for t in range(len(n0)):
        pairs += n1[t] * (below + 0.5 * n0[t])
        below += n0[t]
        above += n1[t]
    return pairs / (below * above) if below * above > 0.0 else 0.5


def integer_cards(patterns: Patterns, state: SupportFit, low: int, high: int, n_multipliers: int) -> list[IntegerCard]:
    """Integer points for one support: rounded at several multipliers, each improved by :func:`descend`."""
    small = patterns.columns(state.support)
    B = np.ascontiguousarray(small.B.T)
    beta = state.theta[1:]
    largest = float(np.abs(beta).max(initial=0.0))
    span = len(beta) * max(high, -low)
    cards = []
    tried: set[bytes] = set()
    for reach in np.linspace(min(1.0, high), max(high, -low), n_multipliers):
        multiplier = reach / largest if largest > 0 else 1.0
        z = np.clip(np.rint(np.round(multiplier * beta, 6)), low, high).astype(np.int64)
        if z.tobytes() in tried:
            continue
        tried.add(z.tobytes())
        start = float(state.theta[0]), 1.0 / multiplier
        offset, slope, loss = descend(B, small.negative, small.positive, z, low, high, *start)
        n0, n1 = np.zeros(2 * span + 1), np.zeros(2 * span + 1)
        by_total(z @ B, small.negative, small.positive, n0, n1, np.zeros(B.shape[1]), 0, span)
        auc = ranking(n0, n1)
        cards.append(IntegerCard(state.support, z, offset, slope, loss, auc if slope >= 0 else 1.0 - auc))
    return cards


def search(patterns: Patterns, k: int, low: int, high: int, width: int = 10, tolerance: float = 0.03) -> IntegerCard:
    """Find the best card: beam search, swaps, integer points for the best supports, then the choice.

    Parameters
    ----------
    patterns : Patterns
    k : int
        At most so many columns.
    low, high : int
        Range of points.
    width : int
        Partial supports that are kept at each step.
    tolerance : float, at least 0
        Of the cards whose loss lies within this share of the fall from no column to the best card, the one with the
        largest area under the ROC curve is taken; the smaller loss decides between equals.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> B = rng.integers(0, 2, (400, 6)).astype(float)
    >>> p = expit(0.5 * (B @ [2, -1, 0, 0, 3, 0]) - 1.0)
    >>> card = search(unique_rows(B, 1 - p, p), 3, -5, 5)
    >>> card.support, card.points.tolist(), round(card.slope, 3), round(card.offset, 3)
    ((0, 1, 4), [2, -1, 3], 0.5, -1.0)
    """
    pool = swaps(patterns, beam(patterns, k, width), width)[:N_POOL]
    cards = [card for state in pool for card in integer_cards(patterns, state, low, high, N_MULTIPLIERS)]
    best = min(card.loss for card in cards)
    alone = integer_cards(patterns, refit(patterns, (), np.zeros(1)), low, high, 1)[0].loss
    enough = best + tolerance * max(alone - best, 0.0) + 1e-12
    chosen = [card for card in cards if card.loss <= enough]
    return min(chosen, key=lambda c: (-round(c.auc, 9), round(c.loss, 9), c.support))


def card_excess(patterns: Patterns, card: IntegerCard, low: int, high: int) -> float:
    """How far a card is from the optimum that can be proven for it; 0 where no one change of points improves it.

    The larger of two falls of the loss per unit of weight: Newton's decrement of offset and slope at the points as they
    are, and the best that one point value changed to any other allowed one brings, offset and slope fitted anew; falls
    of :data:`LEAST_FALL` are rounding. That no *two* changes, and no other columns, improve it is not claimed.

    Examples
    --------
    >>> B = np.array([[0.0], [1.0]])
    >>> rows = unique_rows(B, np.array([3.0, 1.0]), np.array([1.0, 3.0]))
    >>> card = search(rows, 1, -5, 5)
    >>> worse = replace(card, points=card.points * 0)
    >>> card_excess(rows, card, -5, 5) < 1e-9, card_excess(rows, worse, -5, 5) > 0.1
    (True, True)
    """
    small = patterns.columns(card.support)
    B = np.ascontiguousarray(small.B.T)
    decrement = _decrement(small, card)
    points = card.points.astype(np.int64)
    span = len(points) * max(high, -low)
    n0, n1 = np.zeros(2 * span + 1), np.zeros(2 * span + 1)
    by_total(points @ B, small.negative, small.positive, n0, n1, np.zeros(B.shape[1]), 0, span)
    *_, reached = fit_totals(n0, n1, -span, card.offset, card.slope)
    # the descent tries every single change, and ends lower where one improves the card
    *_, lowest = descend(B, small.negative, small.positive, points.copy(), low, high, card.offset, card.slope)
    return max(decrement, reached - lowest, 0.0)


def _decrement(patterns: Patterns, card: IntegerCard) -> float:
    """Half of ``g' H^-1 g`` in offset and slope, at the card's own totals."""
    total = patterns.B @ card.points
    A = np.column_stack([np.ones(len(total)), total])
    theta, ridge = np.array([card.offset, card.slope]), np.array([0.0, TOTALS_RIDGE])
    q = expit(A @ theta)
    gradient = A.T @ (patterns.positive - patterns.weight * q) - ridge * theta
    H = A.T @ ((patterns.weight * q * (1 - q))[:, None] * A) + np.diag(ridge + 1e-12)
    return 0.5 * float(gradient @ np.linalg.solve(H, gradient))
