"""From rows and soft labels to a list of rules in the user's units."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from explaindistill.data.literals import Literal
from explaindistill.data.schema import Feature, Schema
from explaindistill.numerics.trees.binning import MISSING, BinRule, bin_table
from explaindistill.numerics.trees.fixed_point import SCALE, repetitions
from explaindistill.numerics.trees.rounding import plain_middle, plainest_moment
from explaindistill.numerics.trees.rule_growth import FoundRule, RuleLimits, grow_rules
from explaindistill.students._intake import Intake
from explaindistill.students.rules.model import ListedRule, RuleList

__all__ = ["fit_rule_list"]

Floats = NDArray[np.float64]
LEAST_GAIN = 1e-9
"""Share of the error of the best constant below which a gain is rounding."""


def fit_rule_list(intake: Intake, limits: RuleLimits, structure: Floats, n_jobs: int | None) -> RuleList:
    """Find rules on ``structure`` (n, k), give them the mean targets of the rows they take.

    Targets are rounded to whole multiples of ``1 / SCALE`` of their range, so that sums of them are exact and no order
    of rows shows. ``limits.gain`` is a share of ``E0 = sum_ik n_i (s_ik - mean_k)^2``, the squared error of the best
    constant; gains are whole numbers of steps, of which less than a billionth is rounding.
    """
    schema, X, Y = intake.schema, intake.X, intake.Y
    count = repetitions(intake.weight)
    table = bin_table(schema, X, intake.weight, n_jobs, target=Y)
    spread = np.abs(structure).max(axis=0, initial=1e-300)
    steps = np.rint(structure / spread.max() * SCALE) * count[:, None] / SCALE
    error = float((steps**2 / count[:, None]).sum() - (steps.sum(axis=0) ** 2).sum() / count.sum())
    floor = RuleLimits(limits.rules, limits.literals, limits.rows, limits.beam, max(limits.gain, LEAST_GAIN) * error)
    rank = np.argsort(np.argsort(schema.names, kind="stable"), kind="stable")
    grown = grow_rules(table, steps, count, rank, floor)
    return _rules(schema, grown, table.rules, Y, intake.weight, max(error, 1e-300))


def _rules(
    schema: Schema, grown: list[FoundRule], bins: tuple[BinRule, ...], Y: Floats, weight: Floats, error: float
) -> RuleList:
    """Values of each rule and of what it leaves: means ``sum_i w_i y_ik / sum_i w_i`` over the rows that get there."""
    rest = np.arange(len(Y))
    rules = []
    for one in grown:
        rest = np.setdiff1d(rest, one.rows, assume_unique=True)
        literals = tuple(_literal(schema[f], f, bins[f], codes) for f, codes in sorted(one.allowed.items()))
        share = float(weight[one.rows].sum() / weight.sum())
        rules.append(ListedRule(literals, _mean(Y, weight, one.rows), _mean(Y, weight, rest), share, one.gain / error))
    return RuleList(schema, tuple(rules), _mean(Y, weight, np.arange(len(Y))))


def _mean(Y: Floats, weight: Floats, rows: NDArray[np.int64]) -> tuple[float, ...]:
    mean = np.average(Y[rows], axis=0, weights=weight[rows])
    return tuple(float(v) for v in mean)


def _literal(feature: Feature, f: int, rule: BinRule, allowed: NDArray[np.bool_]) -> Literal:
    """The bins that a rule allows of one column, in the user's units: a set, or a range that ends between two bins."""
    missing = bool(allowed[MISSING])
    if rule.is_category:
        holds = allowed[rule.codes]
        inside = bool(holds.sum() <= (~holds).sum())
        listed = np.flatnonzero(holds == inside)
        return Literal(f, codes=tuple(int(c) for c in listed), inside=inside, missing=missing)
    bins = np.flatnonzero(allowed[: rule.n_bins])
    if len(bins) == 0:
        return Literal(f, math.inf, math.inf, missing=missing)
    low, high = int(bins[0]), int(bins[-1])
    plain = plainest_moment if feature.kind == "datetime" else plain_middle
    below = -math.inf if low == 0 else plain(float(rule.highs[low - 1]), float(rule.lows[low]))
    above = math.inf if high == rule.n_bins - 1 else plain(float(rule.highs[high]), float(rule.lows[high + 1]))
    return Literal(f, below, above, missing=missing)
