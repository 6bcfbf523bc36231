r"""Ordered rules on binned columns and vector targets: the conjunction that best divides the rows not yet covered.

With :math:`W` the weight and :math:`S_k` the sums of the targets, a set of rows scores :math:`\sum_k S_k^2 / W`. A
rule is worth the score of the rows it covers plus that of the rows it leaves, less the score of both together: the
drop of the squared error. Conjunctions are found by beam search over literals, each a run of bins or a set of
categories; then the covered rows are set aside and the next rule is looked for in the rest.

``i`` runs over rows, ``k`` over targets, ``f`` over columns and ``b`` over the codes of one column.

References
----------
Rivest (1987), doi:10.1023/A:1022607331053 (decision lists); Clark and Niblett (1989), doi:10.1007/BF00116835 (beam
search).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics.trees.binning import MISSING, BinnedTable

__all__ = ["FoundRule", "RuleLimits", "grow_rules"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Codes = NDArray[np.bool_]
WORTH = 0.05
"""Share by which one more literal must raise a rule's gain: a literal is one more thing to read, and the best of many
raises the gain a little by chance alone."""


@dataclass(frozen=True)
class RuleLimits:
    """Most rules, literals in a rule, least rows under a rule, conjunctions kept while searching, least gain."""

    rules: int
    literals: int
    rows: float
    beam: int
    gain: float


@dataclass(frozen=True, eq=False)
class FoundRule:
    """A conjunction: for each column that it asks for, the codes that satisfy it; its gain and the rows it covers."""

    allowed: dict[int, Codes]
    gain: float
    rows: Ints


@dataclass(frozen=True, eq=False)
class _RuleSearch:
    """What :func:`grow_rules` was called with."""

    table: BinnedTable
    targets: Floats
    count: Floats
    rank: Ints
    limits: RuleLimits


def grow_rules(table: BinnedTable, targets: Floats, count: Floats, rank: Ints, limits: RuleLimits) -> list[FoundRule]:
    """Find rules one after the other; see the module's equation.

    Parameters
    ----------
    table : BinnedTable
    targets : ndarray, shape (n, k)
        Times the weight; whole numbers make the result independent of the order of the rows.
    count : ndarray, shape (n,)
        Weight, in rows.
    rank : ndarray, shape (d,)
        Breaks ties between columns.
    limits : RuleLimits
        ``gain`` is in the units of ``targets`` squared over ``count``.
    """
    data = _RuleSearch(table, targets, count, rank, limits)
    rest = np.arange(len(targets))
    rules: list[FoundRule] = []
    while len(rules) < limits.rules:
        rule = _best_rule(data, rest)
        if rule is None or rule.gain <= limits.gain:
            break
        rules.append(rule)
        rest = np.setdiff1d(rest, rule.rows, assume_unique=True)
    return rules


def _best_rule(data: _RuleSearch, rest: Ints) -> FoundRule | None:
    """Conjunction with the largest gain on the rows ``rest``, by beam search; a longer one must be worth its length."""
    total, mass = data.targets[rest].sum(axis=0), float(data.count[rest].sum())
    beam = [FoundRule({}, 0.0, rest)]
    best: FoundRule | None = None
    for _ in range(data.limits.literals):
        longer = [r for rule in beam for r in _longer(data, rule, total, mass)]
        unique = {_key(r, data.rank): r for r in reversed(longer)}
        beam = sorted(unique.values(), key=lambda r: (-r.gain, _key(r, data.rank)))[: data.limits.beam]
        if not beam:
            break
        if best is None or beam[0].gain > (1.0 + WORTH) * best.gain:
            best = beam[0]
    return best


def _key(rule: FoundRule, rank: Ints) -> tuple[tuple[int, bytes], ...]:
    """What tells rules apart, and decides between equals: columns by their rank, not by their place."""
    return tuple(sorted((int(rank[f]), codes.tobytes()) for f, codes in rule.allowed.items()))


def _longer(data: _RuleSearch, rule: FoundRule, total: Floats, mass: float) -> list[FoundRule]:
    """The best literals of each column, joined to a rule."""
    out = []
    for f in range(data.table.codes.shape[1]):
        codes = data.table.codes[rule.rows, f]
        for gain, allowed in _literals(data, f, codes, rule.rows, total, mass):
            joined = allowed & rule.allowed[f] if f in rule.allowed else allowed
            rows = rule.rows[allowed[codes]]
            out.append((gain, int(data.rank[f]), FoundRule({**rule.allowed, f: joined}, gain, rows)))
    out.sort(key=lambda item: (-item[0], item[1]))
    return [item[2] for item in out[: data.limits.beam]]


def _literals(
    data: _RuleSearch, f: int, codes: NDArray[np.uint8], rows: Ints, total: Floats, mass: float
) -> list[tuple[float, Codes]]:
    """Best literal from below and best from above, with and without missing values.

    ``codes`` are those of ``rows`` in column ``f``; ``total`` ``(k,)`` and ``mass`` are the sums of all rows not yet
    covered.
    """
    n: Floats = np.bincount(codes, data.count[rows], minlength=256).astype(np.float64)
    targets = data.targets[rows]
    counted = [np.bincount(codes, targets[:, k], minlength=256) for k in range(targets.shape[1])]
    sums: Floats = np.stack(counted, axis=1).astype(np.float64)
    order = _order(n, sums, data.table.rules[f].is_category)
    if len(order) + (n[MISSING] > 0) < 2:
        return []
    out = []
    for missing in (False, True) if n[MISSING] > 0 else (False,):
        for turned in (False, True):
            run = order[::-1] if turned else order
            weight, covered = np.cumsum(n[run]), np.cumsum(sums[run], axis=0)
            if missing:
                weight, covered = weight + n[MISSING], covered + sums[MISSING]
            gain = _gain(weight, covered, total, mass, data.limits.rows)
            if not missing and n[MISSING] == 0:
                gain[-1] = -np.inf  # every row: no literal
            at = int(np.argmax(gain))
            if np.isfinite(gain[at]) and gain[at] > 0:
                # to 12 digits, so that sums in another order of columns do not decide between equals
                out.append((float(f"{gain[at]:.12g}"), _allowed(run, at, missing, turned, data, f)))
    return out


def _allowed(run: Ints, at: int, missing: bool, turned: bool, data: _RuleSearch, f: int) -> Codes:
    """Codes of column f that the literal ``run[: at + 1]`` allows, bins between them that have no rows included."""
    allowed = np.zeros(256, dtype=np.bool_)
    if data.table.rules[f].is_category:
        allowed[run[: at + 1]] = True
    elif turned:
        allowed[run[at] : MISSING] = True
    else:
        allowed[: run[at] + 1] = True
    allowed[MISSING] = missing
    return allowed


def _gain(weight: Floats, covered: Floats, total: Floats, mass: float, least: float) -> Floats:
    """Gain of each of several literals j that cover ``weight[j]`` rows with the target sums ``covered[j]``.

    Score of the covered rows plus that of the others less that of both; minus infinity where either has too few rows.
    """
    others = mass - weight
    with np.errstate(divide="ignore", invalid="ignore"):
        score = (covered**2).sum(axis=1) / weight + ((total - covered) ** 2).sum(axis=1) / others
    gain = np.asarray(score - float((total**2).sum()) / mass)
    gain[(weight < least) | (others < least)] = -np.inf
    return gain


def _order(n: Floats, sums: Floats, is_category: bool) -> Ints:
    """Codes with rows in order; categories along the first principal direction of their mean targets.

    The largest eigenvector of the covariance of the means between codes b, each weighted by its ``n[b]``.
    """
    present = np.flatnonzero(n[:MISSING] > 0)
    if not is_category or len(present) < 2:
        return present
    mean = sums[present] / n[present, None]
    centred = mean - np.average(mean, axis=0, weights=n[present])
    direction = np.linalg.eigh((centred * n[present, None]).T @ centred)[1][:, -1]
    along = centred @ (direction * np.sign(direction[np.argmax(np.abs(direction))]))
    scale = float(np.abs(along).max()) or 1.0
    # to 10 digits of the widest, since an eigenvector's last digits depend on the machine
    return present[np.argsort(np.round(along / scale, 10), kind="stable")]
