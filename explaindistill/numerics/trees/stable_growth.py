r"""Growth for stability: of splits as good as tied, the one that another sample of rows would choose too.

The best of near equals is decided by chance. Here every split whose gain reaches :math:`(1 - \tau) \max g` counts as
tied: of tied columns the first by name is cut, and of the tied thresholds around the best one of that column the one
with the fewest digits. What is left to chance is whether a column is tied at all, and which leaf is split last. Both
are sums :math:`D = \sum_i \delta_i` over rows i of differences of losses, so by the central limit theorem another
sample of n rows would decide otherwise with the probability :math:`\Phi(-|D| / \sqrt{n\,\mathrm{Var}\,\delta})`; the
sum of these probabilities bounds the chance that the tree would be another one (union bound).

References
----------
Zhou, Zhou and Hooker (2023), Approximation trees: statistical reproducibility in model distillation, Data Mining and
Knowledge Discovery, doi:10.1007/s10618-022-00907-3.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from explaindistill.numerics.trees.best_first import Grown, build
from explaindistill.numerics.trees.growth import Grower
from explaindistill.numerics.trees.local_rows import LocalRows, channels_of
from explaindistill.numerics.trees.open_leaves import CodeSplit, OpenLeaf
from explaindistill.numerics.trees.rounding import fewest_digits
from explaindistill.numerics.trees.splitting import left_table

__all__ = ["grow_canonical"]

MOST_ROWS = 50_000
"""Rows of a node that variances are estimated on, evenly spread where there are more: the standard error of a variance
from so many is below 1 % (sqrt(2 / 50 000) for normal differences), and the time no longer grows with the rows."""
FAR = 0.5
"""Columns with less than this share of the best gain are no rivals: to tie they would have to gain half of the best
gain by chance, and each rival costs a pass over the rows."""

Floats = NDArray[np.float64]


def grow_canonical(grower: Grower, rows: LocalRows, tolerance: float) -> tuple[Grown, float]:
    """Best-first growth with a canonical choice among tied splits.

    Parameters
    ----------
    grower : Grower
        Its thresholds are not refined beyond the bins.
    rows : LocalRows
        Those of the grower: variances are taken over rows one by one.
    tolerance : float in (0, 1)
        The share of the best gain that a tied split may lack.

    Returns
    -------
    grown : Grown
    chance : float in [0, 1]
        Bound on the probability that another sample of as many rows gives another tree, as far as columns and the
        order of leaves go.
    """
    grower.refines = False
    offers: dict[tuple[int, int], tuple[float, float, float]] = {}
    split_nodes: list[tuple[int, int]] = []

    def offer(leaf: OpenLeaf, allowed: frozenset[int] | None) -> CodeSplit | None:
        splits = grower.choices(leaf, allowed, most=grower.n_columns)
        if not splits:
            return None
        least = (1.0 - tolerance) * splits[0].gain
        chosen = min((s for s in splits if s.gain >= least), key=lambda s: _rank(grower, s))
        doubt, variance = _doubt(grower, rows, leaf, splits, chosen, tolerance)
        offers[leaf.start, leaf.end] = splits[0].gain, variance, doubt
        return _plainest(grower, leaf, chosen, tolerance)

    def settle(leaf: OpenLeaf, split: CodeSplit, allowed: frozenset[int] | None, room: int | None) -> CodeSplit:
        split_nodes.append((leaf.start, leaf.end))
        return split

    grown = build(grower, grower.root(), offer, settle)
    chance = sum(offers[node][2] for node in split_nodes) + _doubt_of_order(offers, split_nodes)
    return grown, float(min(chance, 1.0))


def _rank(grower: Grower, split: CodeSplit) -> int:
    """Place of a column among the names."""
    return int(np.flatnonzero(grower.by_name == split.feature)[0])


def _plainest(grower: Grower, leaf: OpenLeaf, split: CodeSplit, tolerance: float) -> CodeSplit:
    """The tied threshold with the fewest digits; categories and monotone columns stay as they are."""
    f, layout = split.feature, grower.channels
    if grower.slots.is_category[f] or grower.limits.signs[f] or leaf.hist is None:
        return split
    hist = leaf.hist[grower.slots.offsets[f] : grower.slots.offsets[f + 1]]
    best, side = int(leaf.cuts.cut[f]), int(leaf.cuts.side[f])
    gain = _gains(hist, side, layout.weight, layout.target, grower.limits.min_samples_leaf)
    if best >= len(gain):
        return split
    tied = gain >= (1.0 - tolerance) * gain[best]
    first = best - int(np.argmin(np.append(tied[best::-1], False))) + 1
    last = best + int(np.argmin(np.append(tied[best:], False))) - 1
    bins = grower.bins[f]
    plain = fewest_digits(float(bins.highs[first]), float(bins.lows[last + 1]))
    cut = int(np.clip(np.searchsorted(bins.lows, plain, side="right") - 1, first, last))
    return CodeSplit(split.gain, f, *left_table(hist, False, cut, side, layout.weight))


def _gains(hist: NDArray[np.int64], side: int, weight: int, target: int, least: int) -> Floats:
    """Gain of a cut after each bin but the last, ``(n_bins - 1,)``; 0 where a side has too few rows.

    ``hist`` is ``(n_bins + 1, c)`` with missing values last, which go left where ``side`` is 1; see ``splitting``.
    """
    whole = hist.astype(float)
    total = whole.sum(axis=0)
    below = np.cumsum(whole[:-1], axis=0)[:-1] + (whole[-1] if side else 0.0)
    above = total - below
    gain = _score(below, weight, target) + _score(above, weight, target) - _score(total, weight, target)
    return np.where((below[:, 0] >= least) & (above[:, 0] >= least), gain, 0.0)


def _score(sums: Floats, weight: int, target: int) -> Floats:
    """Sum over targets k of S_k squared over W, along the last axis (channels); the floor keeps 0 / 0 at 0."""
    return np.asarray((sums[..., target:] ** 2).sum(axis=-1) / np.maximum(sums[..., weight], 1e-300))


def _doubt(
    grower: Grower, rows: LocalRows, leaf: OpenLeaf, splits: list[CodeSplit], chosen: CodeSplit, tolerance: float
) -> tuple[float, float]:
    r"""Chances that a column ahead of the chosen one ties, or that this one does not; variance of the gain.

    Row i saves :math:`s_i` of the loss under a split. A rival ties where
    :math:`\sum_i s_i^{\mathrm{rival}} \ge (1 - \tau) \sum_i s_i^{\mathrm{best}}`, so :math:`\delta_i` of the module's
    equation is the difference of both sides. Of every ``step``-th row the variance of the sum is ``step`` times theirs.
    """
    best = splits[0]
    members = rows.index[leaf.start : leaf.end]
    step = -(-len(members) // MOST_ROWS)
    members = members[::step]
    sums = channels_of(rows.channels, members).astype(float)
    weight = sums[:, rows.channels.weight]
    target = sums[:, rows.channels.target :] / weight[:, None]
    unsplit = _losses(target, weight, np.zeros(len(members), dtype=bool))

    def saved(split: CodeSplit) -> Floats:
        return unsplit - _losses(target, weight, split.goes_left[rows.codes[split.feature][members]])

    top = saved(best)
    ahead = [s for s in splits if s.gain >= FAR * best.gain and _rank(grower, s) <= _rank(grower, chosen)]
    doubt = 0.0
    for rival in ahead:
        spread = saved(rival) - (1.0 - tolerance) * top
        distance = abs(rival.gain - (1.0 - tolerance) * best.gain)
        doubt += _chance(distance, step * float(spread.var() * len(spread)))
    return doubt, step * float(top.var() * len(top))


def _losses(target: Floats, weight: Floats, left: NDArray[np.bool_]) -> Floats:
    """Weighted squared error ``(n,)`` of each row, summed over targets, under the mean of its side."""
    out = np.empty(len(target))
    for side in (left, ~left):
        if side.any():
            mean = np.average(target[side], axis=0, weights=weight[side])
            out[side] = weight[side] * ((target[side] - mean) ** 2).sum(axis=1)
    return out


def _doubt_of_order(
    offers: dict[tuple[int, int], tuple[float, float, float]], split_nodes: list[tuple[int, int]]
) -> float:
    """Chance that the best split left out would have come before the worst that was made.

    With offers d of variance v, that is ``_chance(|d_worst - d_next|, v_worst + v_next)``: the variances are added as
    those of two nodes that share no rows.
    """
    left_out = [offer for node, offer in offers.items() if node not in split_nodes]
    if not split_nodes or not left_out:
        return 0.0
    worst, next_ = min(offers[node] for node in split_nodes), max(left_out)
    return _chance(abs(worst[0] - next_[0]), worst[1] + next_[1])


def _chance(distance: float, variance: float) -> float:
    """One-sided normal tail, Phi(-distance / sqrt(variance)); without spread nothing is left to chance."""
    return float(ndtr(-distance / np.sqrt(variance))) if variance > 0 else 0.0
