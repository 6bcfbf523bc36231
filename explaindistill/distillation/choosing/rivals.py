"""Who competes for a reader's budget: every family of students, at the sizes that may fit into it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from explaindistill.data.disclosure import MIN_CATEGORY_SIZE
from explaindistill.distillation.choosing.reading_budget import ReadingBudget

__all__ = ["Rival", "rivals"]

LARGEST = {"tree": 32, "rules": 12, "linear": 32, "scorecard": 12, "gam": 64, "model_tree": 64}
"""Sizes where the budget sets none: leaves, rules, terms, conditions, terms, numbers. Beyond them few people read on;
a trade-off, not a law."""
LEAVES = (2, 3, 5)
"""Leaves of the model trees that share a budget of lines: each leaf gets an equal number of terms."""
KNOTS = (4, 8, 16)
"""Knots of the curves that compete for a budget of numbers; a curve of 32, the default, costs 64 numbers."""


@dataclass(frozen=True, eq=False)
class Rival:
    """One family with one way to spend the budget.

    Attributes
    ----------
    name : str
    make : callable of an int
        The unfitted student of a size.
    start, least : int
        The largest size that may fit into the budget, and the smallest there is.
    columns : tuple of str, or None
        The columns that it may ask about; all when None.

    Examples
    --------
    >>> from explaindistill import TreeRegressor
    >>> Rival("tree", lambda size: TreeRegressor(max_leaf_nodes=size), 8, 2).make(4).max_leaf_nodes
    4
    """

    name: str
    make: Callable[[int], Any]
    start: int
    least: int
    columns: tuple[str, ...] | None = None


def rivals(
    n_classes: int | None,
    budget: ReadingBudget,
    columns: tuple[str, ...] | None,
    optimize: Literal["decisions", "probabilities"] = "decisions",
    min_category_size: int = MIN_CATEGORY_SIZE,
    short: tuple[str, ...] | None = None,
) -> list[Rival]:
    """Make the competitors for a task.

    Parameters
    ----------
    n_classes : int or None
        None for regression.
    budget : ReadingBudget
    columns : tuple of str or None
        The columns that all but trees are confined to, where the budget limits columns; trees choose their own.
    optimize : "decisions" or "probabilities"
        Of the classifiers that can go by either.
    min_category_size : int, at least 1
        Of every student.
    short : tuple of str, optional
        The columns whose splits fit into a budget of numbers, where others do not: a tree and a rule list of these
        alone compete, too, since a first split that lists 60 occupations leaves no smaller size to fall back on.

    Examples
    --------
    >>> [rival.name for rival in rivals(2, ReadingBudget(max_lines=6), None)]
    ['tree', 'rules', 'linear', 'gam', 'scorecard', 'model tree, 2 leaves', 'model tree, 3 leaves']
    """
    makers = _Makers(n_classes is None, budget, optimize)
    n_free = 1 if n_classes is None else n_classes - 1
    n_equations = 1 if n_classes in (None, 2) else int(n_classes or 1)
    field = [
        Rival("tree", makers.tree, makers.start("tree", lambda n: (n + 1) // (1 + n_free)), 2),
        Rival(
            "rules", makers.rules, makers.start("rules", lambda n: (n - n_free) // (1 + n_free), fewer=1), 1, columns
        ),
        Rival("linear", makers.linear, makers.start("linear", lambda n: n // n_equations - 1), 1, columns),
        *makers.curves(n_equations, columns),
    ]
    if n_classes == 2:
        field.append(Rival("scorecard", makers.card, makers.start("scorecard", lambda n: n // 2 - 1), 1, columns))
    field += makers.model_trees(n_free, columns)
    if short is not None:
        field += [_of_short_columns(rival, short) for rival in field if rival.name in ("tree", "rules")]
    return [
        replace(rival, make=partial(_with_size, rival.make, min_category_size))
        for rival in field
        if rival.start >= rival.least and rival.columns != ()
    ]


def _of_short_columns(rival: Rival, short: tuple[str, ...]) -> Rival:
    """The same rival on those of its columns that are short."""
    columns = tuple(c for c in short if rival.columns is None or c in rival.columns)
    return replace(rival, name=f"{rival.name}, short columns", columns=columns)


def _with_size(make: Callable[[int], Any], min_category_size: int, size: int) -> Any:
    """The unfitted student, with what is asked of every one."""
    return make(size).set_params(min_category_size=min_category_size)


@dataclass(frozen=True)
class _Makers:
    """Unfitted students of each family by one size."""

    regression: bool
    budget: ReadingBudget
    optimize: Literal["decisions", "probabilities"]

    def start(self, family: str, by_numbers: Callable[[int], int], fewer: int = 0) -> int:
        """The largest size that lines and numbers may leave room for."""
        sizes = [LARGEST[family]] if self.budget.max_lines is None else [self.budget.max_lines - fewer]
        if self.budget.max_numbers is not None:
            sizes.append(by_numbers(self.budget.max_numbers))
        return min(sizes)

    def tree(self, size: int) -> Any:
        from explaindistill.students.tree.estimators import TreeClassifier, TreeRegressor

        if self.regression:
            return TreeRegressor(max_leaf_nodes=size, max_features_used=self.budget.max_columns)
        columns = self.budget.max_columns
        return TreeClassifier(max_leaf_nodes=size, max_features_used=columns, optimize=self.optimize)

    def rules(self, size: int) -> Any:
        from explaindistill.students.rules.estimators import RuleListClassifier, RuleListRegressor

        return (RuleListRegressor if self.regression else RuleListClassifier)(max_rules=size)

    def linear(self, size: int) -> Any:
        from explaindistill.students.linear.estimators import LinearClassifier, LinearRegressor

        return (LinearRegressor if self.regression else LinearClassifier)(max_terms=size)

    def card(self, size: int) -> Any:
        from explaindistill.students.scorecard.estimators import ScorecardClassifier

        return ScorecardClassifier(max_terms=size)

    def curves(self, n_equations: int, columns: tuple[str, ...] | None) -> list[Rival]:
        """Sums of curves: with the default's knots, and with fewer where numbers are counted."""
        from explaindistill.students.gam.estimators import GAMClassifier, GAMRegressor

        kind = GAMRegressor if self.regression else GAMClassifier
        terms = self.start("gam", lambda n: n)
        if self.budget.max_numbers is None:
            return [Rival("gam", lambda size: kind(max_terms=size), terms, 1, columns)]
        field = []
        for knots in KNOTS:

            def make(size: int, knots: int = knots) -> Any:
                return kind(max_terms=size, n_knots=knots)

            start = min(terms, self.budget.max_numbers // (knots * (n_equations + 1)))
            field.append(Rival(f"gam, {knots} knots", make, start, 1, columns))
        return field

    def model_trees(self, n_free: int, columns: tuple[str, ...] | None) -> list[Rival]:
        """Model trees by their leaves; one leaf would be the linear student."""
        from explaindistill.students.model_tree.estimators import ModelTreeClassifier, ModelTreeRegressor

        kind = ModelTreeRegressor if self.regression else ModelTreeClassifier
        lines, numbers = self.budget.max_lines, self.budget.max_numbers
        field = []
        for leaves in LEAVES:
            # an intercept per leaf and free value, and two numbers per split, are the least there is
            least_numbers = leaves * n_free + 2 * (leaves - 1)
            if (lines is not None and lines < 2 * leaves) or (numbers is not None and numbers < least_numbers):
                continue

            def make(size: int, leaves: int = leaves) -> Any:
                # the budget limits the size, and the competition judges on rows that were held out: folds of its own
                # would grow four trees for one, and took most of the time of all families together
                return kind(max_leaf_nodes=leaves, max_leaf_features=size, max_parameters=numbers, n_folds=0)

            terms = 4 if lines is None else lines // leaves
            field.append(Rival(f"model tree, {leaves} leaves", make, terms, 1, columns))
        return field
