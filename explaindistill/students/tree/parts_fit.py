"""Trees of rows in partitions: bit for bit those of the same rows in memory.

Ways to grow compete on rows drawn by their content, as for rows in memory; the winner grows on all rows, from sums.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.errors import InvalidInputError
from explaindistill.numerics.trees.best_first import grow
from explaindistill.numerics.trees.far_rows import FarRows, gaps_of, leaf_sums_of
from explaindistill.numerics.trees.fixed_point import SCALE
from explaindistill.numerics.trees.growth import Grower
from explaindistill.numerics.trees.histogram import channels
from explaindistill.numerics.trees.rounding import plain_middle
from explaindistill.numerics.trees.routing import OutputUnits
from explaindistill.students._parts_intake import PartsIntake
from explaindistill.students.tree import search, shrinkage
from explaindistill.students.tree.fit import SIGNED_SCALE, better_of_both, in_user_units, limits_of, valued
from explaindistill.students.tree.model import TreeModel
from explaindistill.students.tree.parts_bins import Structure, bin_rules, coded_part
from explaindistill.students.tree.search import Contest, Growth

__all__ = ["check_parts", "fit_tree_of_parts"]


def check_parts(estimator: Any) -> None:
    """Refuse what is not a matter of sums: ``search="optimal"`` and ``tie_tolerance``.

    Raises
    ------
    InvalidInputError
    """
    if estimator.search == "optimal" or estimator.tie_tolerance:
        what = 'search="optimal"' if estimator.search == "optimal" else f"tie_tolerance={estimator.tie_tolerance}"
        raise InvalidInputError(
            f"{what} needs rows in memory, got rows in partitions; leave it out, or give n_queries a whole number to "
            "fit to a sample of the rows"
        )


def fit_tree_of_parts(estimator: Any, intake: PartsIntake, contest: Contest) -> TreeModel:
    """Grow a tree on all rows and set its values; sets ``candidates_`` and ``shrinkage_``."""
    way, first = _chosen_way(estimator, intake, contest)
    structure, target = (_structure(intake, contest, t) for t in (way.temperature, first))
    tree = _grown(estimator, intake, way.search, structure, target)
    return _settled(estimator, tree, intake, structure)


def _structure(intake: PartsIntake, contest: Contest, temperature: float) -> Structure:
    return Structure(contest.structure, temperature, intake.facts.lows, intake.facts.highs)


def _chosen_way(estimator: Any, intake: PartsIntake, contest: Contest) -> tuple[Growth, float]:
    """The way that wins on rows drawn by content, and the temperature of the targets that order many categories."""
    ways = search.ways_of(estimator, contest)
    if estimator.search != "auto" and len(ways) == 1:
        limits_of(estimator, intake.schema, _n_targets(intake), intake.n_counted)
        estimator.candidates_ = search.table(ways, [np.nan], contest.goal, intake.n_counted, 0)
        return ways[0], ways[0].temperature
    room = search.rows_to_look_ahead(estimator)
    most = max(search.MOST, room if np.isfinite(room) else 0) + 1
    lowest = intake.lowest(most, None, by_rows=False)
    n_distinct, is_sample = len(lowest.keys), len(lowest.keys) > search.MOST
    few = intake.drawn(lowest.keys[: search.MOST], None)
    ways, scores = search.compared(estimator, few, contest, ways, n_distinct)
    best = search.best_of(scores)
    n = int(lowest.counts[: search.MOST].sum()) if intake.facts.units.is_repetition else len(few.X)
    estimator.candidates_ = search.table(ways, scores, contest.goal, n, best)
    # trees that compete share their bins, which are those of the first where the winner is not grown again
    shares = not is_sample and ways[best].search == ways[0].search
    return ways[best], (ways[0] if shares else ways[best]).temperature


def _n_targets(intake: PartsIntake) -> int:
    """Targets that decide splits: of two classes one column says it all."""
    k = len(intake.facts.lows)
    return 1 if intake.classes is not None and k == 2 else k


def _grown(estimator: Any, intake: PartsIntake, how: str, structure: Structure, target: Structure) -> TreeModel:
    """The tree of one way, on all rows; its values are the means of its nodes."""
    facts, schema = intake.facts, intake.schema
    limits = limits_of(estimator, schema, _n_targets(intake), intake.n_counted)
    rules = bin_rules(intake, estimator.max_bins, target)
    least = structure.of(facts.lows[None]).min() if intake.classes is None else 0.0
    scale = SIGNED_SCALE if least < 0 else SCALE
    n = intake.total if facts.units.is_repetition else facts.n
    layout = channels(np.zeros((0, _n_targets(intake))), None, scale, facts.units)
    parts = intake.parts.step(coded_part, schema, rules, structure, scale, facts.units, n)

    def rows() -> FarRows:
        return FarRows(parts, rules, layout, n, intake.total)

    place = rows()
    grower = Grower(place, limits, schema.names)
    if how == "greedy":
        grown = grow(grower)
    else:
        other = rows()
        grown, is_ahead = better_of_both(Grower(other, limits, schema.names), grower, estimator.lookahead_width)
        place = place if is_ahead else other
    units = OutputUnits(facts.lows, facts.highs, facts.units, float(n))
    shape = grown.feature, grown.left, grown.right
    means = leaf_sums_of(place.parts, grown, units).means(units, *shape)

    def gaps(f: int, nodes: NDArray[np.int64]) -> list[tuple[float, float]]:
        return gaps_of(place.parts, grown, f, nodes)

    return in_user_units(grown, rules, schema, gaps, plain_middle).filled(*means, intake.classes is not None)


def _settled(estimator: Any, tree: TreeModel, intake: PartsIntake, structure: Structure) -> TreeModel:
    """Set the values of a tree that holds the means of its nodes; see :mod:`explaindistill.students.tree.shrinkage`."""
    strength = estimator.shrinkage
    if isinstance(strength, str):
        strength = 0.0
        if intake.facts.n >= shrinkage.FEWEST and tree.used:
            n = intake.total if intake.facts.units.is_repetition else intake.facts.n
            columns = [intake.schema[f].name for f in tree.used] if n > shrinkage.MOST else None
            lowest = intake.lowest(shrinkage.MOST if columns else np.inf, columns, by_rows=True)
            few = intake.drawn(lowest.keys, columns)
            strength = shrinkage.chosen(estimator, few, structure.of(few.Y))
    estimator.shrinkage_ = float(strength)
    return valued(estimator, tree, estimator.shrinkage_)
