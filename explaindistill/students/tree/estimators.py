"""Decision trees with constant leaves, fitted to soft labels: grown on sharpened targets, filled with the soft ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import Tags

from explaindistill.data.class_words import class_words
from explaindistill.data.disclosure import MIN_CATEGORY_SIZE
from explaindistill.data.parts import AnsweredPart
from explaindistill.data.schema import Schema
from explaindistill.data.targets import as_soft_targets, sharpen
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.ranges import number_in, one_of
from explaindistill.numerics.trees.binning import MAX_BINS
from explaindistill.protocols import Partitions, Rows
from explaindistill.students._explaining.agreement import agreement_intervals
from explaindistill.students._explaining.counterfactual import counterfactual
from explaindistill.students._explaining.reasons import reasons
from explaindistill.students._explaining.shapley import shapley
from explaindistill.students._export import export
from explaindistill.students._intake import fit_classifier, fit_regressor
from explaindistill.students._parts_intake import PartsIntake
from explaindistill.students.tree.compression import on_value_grid, smaller
from explaindistill.students.tree.drawing import drawing
from explaindistill.students.tree.fit import unit_range
from explaindistill.students.tree.nearest import nearest_in_tree
from explaindistill.students.tree.parts_fit import check_parts, fit_tree_of_parts
from explaindistill.students.tree.program import program
from explaindistill.students.tree.reading import ReadableTree
from explaindistill.students.tree.refining import toward_labels
from explaindistill.students.tree.search import Contest, searched
from explaindistill.students.tree.shapley import tree_shapley
from explaindistill.students.tree.shrinkage import settled

__all__ = ["TreeClassifier", "TreeRegressor"]

TEMPERATURES = {"decisions": (0.5, 0.2, 0.0), "probabilities": (1.0, 0.5)}
"""Of the trees that compete. Sharper targets decide alike more often, and the labels themselves come closest to the
probabilities; half way there is safer for either than either end alone. The teacher's classes alone (0) won .1 points
on the development sets of fewer than 1,000 rows, .2 with teachers that vote, and neither won nor lost elsewhere."""
OPTIMIZE = tuple(TEMPERATURES)

Search = Literal["auto", "greedy", "lookahead", "optimal"]


class TreeClassifier(ReadableTree, ClassifierMixin, BaseEstimator):
    r"""Constant-leaf tree: :math:`P(x) = \bar p_{\ell(x)}`, the mean soft label of the leaf that x falls into.

    The splits minimise the squared error of *sharpened* labels :math:`p_k^{1/T} / \sum_j p_j^{1/T}`, best first;
    the leaves then hold the mean of the labels as they were given ("grow hard, fill soft"), pulled towards their
    parents' where that is closer on rows that growth did not see.

    Parameters
    ----------
    max_leaf_nodes : int, at least 2, or None
        None for no limit.
    max_depth : int, at least 1, or None
    min_samples_leaf : int, at least 1, or "auto"
        Rows in a leaf; whole-number weights count as repetitions of a row. ``"auto"`` is 5, and of fewer than 1,000
        rows one of 200, but 2 at least.
    min_impurity_decrease : float, at least 0
        Smallest drop of the mean squared error, over all rows, that justifies a split.
    max_features_used : int, at least 1, or None
        How many different columns the whole tree may ask for.
    structure_temperature : float, at least 0, or "auto"
        T above: 1 grows on the soft labels themselves, 0 on the most probable class. ``"auto"`` lets trees
        compete that are grown at 0.5, 0.2 and 0 for decisions, at 1 and 0.5 for probabilities.
    search : "auto", "greedy", "lookahead" or "optimal"
        ``"auto"`` lets greedy trees compete, and one that looks ahead where there are at least 1,000 distinct rows
        and 80 per leaf; the best on the rows of fitting (of more than 50,000, on so many drawn by content) is kept,
        and grown on all rows. ``"lookahead"`` compares the ``lookahead_width`` best splits of a node by the loss after
        the tree is completed greedily; never worse than greedy on the structure loss. ``"optimal"`` needs
        ``pystreed`` and ``max_depth`` at most 4.
    optimize : "decisions" or "probabilities"
        ``"decisions"``: the tree decides as the labels do on as many rows as possible. ``"probabilities"``: its
        probabilities come as close to the labels' as possible, by their cross-entropy.
    lookahead_width : int, at least 1
    tie_tolerance : float in [0, 1)
        Splits that lack at most this share of the best gain count as tied: of tied columns the first by name is cut,
        at the tied threshold with the fewest digits, so that another sample of rows gives the same tree. 0 takes the
        best. Only greedy trees grow so; ``"auto"`` then means those, at the first of the temperatures.
    shrinkage : float, at least 0, or "auto"
        Strength of hierarchical shrinkage of the values, in rows: 0 leaves each leaf the mean of its rows. ``"auto"``
        is the one of 0, 0.3, 1, 3, 10 and 30 with the least cross-entropy on held-out thirds of the rows, under trees
        grown without them, and 0 where that gains less than a standard error. Of more than 20,000 rows so many
        decide. It is 0 for fewer than 30 rows, and with ``tie_tolerance`` or ``search="optimal"``.
    monotone : mapping of column to -1, 0 or 1, optional
        Two classes only: the probability of the second class may only fall or rise with the column. Missing values are
        outside of this promise.
    interactions : iterable of groups of columns, optional
        Columns on one path must share a group; a column that no group names may only stand alone.
    max_bins : int, 2 to 254
        Distinct values, or weighted quantiles, at which a column may be cut.
    classes : array of shape (k,), optional
        Classes of the columns of soft labels given as an array; ``range(k)`` when None.
    n_jobs : int or None
        Threads; None is 1, -1 one per core. The tree does not depend on it.
    min_category_size : int, at least 1
        Categories of fewer rows are "(other)", which also stands for every category that fitting did not see; bounds
        are those of :func:`explaindistill.data.disclosure.shown_bounds`. 1 names and keeps everything.

    Attributes
    ----------
    classes_ : ndarray, shape (k,), sorted
    tree_ : TreeModel
        Nodes in the user's units.
    candidates_ : DataFrame
        A line per tree that competed: ``search``, ``temperature``, ``n`` rows, and on them ``agreement`` or
        ``cross_entropy``; ``chosen``.
    shrinkage_ : float, at least 0
        Strength of the shrinkage.
    chance_ : float in [0, 1]
        Only with ``tie_tolerance``: bound on the chance that another sample of as many rows gives another tree.
    schema_ : Schema
    n_features_in_, feature_names_in_

    Notes
    -----
    Missing values go to the side that fits better, or with the heavier side where fitting saw none; so do categories
    that fitting did not see in the node. Categories are split into two named sets. Equally good splits are decided by
    the name of the column, so neither the order of rows nor of columns nor the number of threads changes a tree.
    Thresholds have the fewest digits in the middle third of the gap between rows of the two sides, or elsewhere in it
    where that saves two digits. What a column with many categories is expected to gain by chance is taken off before
    columns are compared.

    References
    ----------
    Breiman, Friedman, Olshen and Stone (1984), Classification and Regression Trees.
    McTavish et al. (2025), Near-Optimal Decision Trees in a SPLIT Second, ICML, arXiv:2502.15988 (lookahead).
    Agarwal et al. (2022), Hierarchical Shrinkage, ICML, arXiv:2202.00858.

    Examples
    --------
    A teacher that is a tree is found again; its probabilities are kept:

    >>> import pandas as pd
    >>> X = pd.DataFrame({"age": [20, 30, 41, 50, 60, 70], "city": list("abbaab")})
    >>> P = [[0.9, 0.1], [0.9, 0.1], [0.2, 0.8], [0.2, 0.8], [0.2, 0.8], [0.2, 0.8]]
    >>> student = TreeClassifier(min_samples_leaf=1, classes=["no", "yes"]).fit(X, P)
    >>> print(student.describe())
    tree of 2 leaves on 1 column, depth 1, fitted to 6 rows
    if age <= 36:
        no   no 0.900, yes 0.100   (33.3 % of rows, n = 2)
    else, age > 36:
        yes   yes 0.800, no 0.200   (66.7 % of rows, n = 4)
    Fitting met no missing value in age; one that comes later goes with the heavier side.
    """

    accepts_soft_targets = True
    export = export
    program = program
    drawing = drawing
    shapley = shapley
    counterfactual = counterfactual
    agreement_intervals = agreement_intervals
    reasons = reasons
    toward_labels = toward_labels
    check_parts = check_parts
    smaller = smaller
    on_value_grid = on_value_grid
    _nearest = nearest_in_tree
    _shapley = tree_shapley

    def __init__(
        self,
        max_leaf_nodes: int | None = 32,
        *,
        max_depth: int | None = None,
        min_samples_leaf: int | Literal["auto"] = "auto",
        min_impurity_decrease: float = 0.0,
        max_features_used: int | None = None,
        structure_temperature: float | Literal["auto"] = "auto",
        search: Search = "auto",
        optimize: Literal["decisions", "probabilities"] = "decisions",
        lookahead_width: int = 8,
        tie_tolerance: float = 0.0,
        shrinkage: float | Literal["auto"] = "auto",
        monotone: Mapping[str, int] | None = None,
        interactions: Iterable[Iterable[str]] | None = None,
        max_bins: int = MAX_BINS,
        classes: ArrayLike | None = None,
        n_jobs: int | None = None,
        min_category_size: int = MIN_CATEGORY_SIZE,
    ) -> None:
        self.max_leaf_nodes = max_leaf_nodes
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.min_impurity_decrease = min_impurity_decrease
        self.max_features_used = max_features_used
        self.structure_temperature = structure_temperature
        self.search = search
        self.optimize = optimize
        self.lookahead_width = lookahead_width
        self.tie_tolerance = tie_tolerance
        self.shrinkage = shrinkage
        self.monotone = monotone
        self.interactions = interactions
        self.max_bins = max_bins
        self.classes = classes
        self.n_jobs = n_jobs
        self.min_category_size = min_category_size

    def fit(self, X: Rows, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to hard labels ``(n,)`` or soft labels ``(n, k)``; see the class."""
        intake = fit_classifier(self, X, y, sample_weight, self.classes)
        one_of("optimize", self.optimize, OPTIMIZE)
        is_hard = bool(((intake.Y == 0) | (intake.Y == 1)).all())
        contest = Contest(self._temperatures(is_hard), _sharpened, self.optimize)
        tree, structure = searched(self, intake, contest)
        self.tree_ = settled(self, tree, intake, structure)
        return self

    def fit_parts(self, parts: Partitions, schema: Schema, classes: NDArray[Any] | None) -> Self:
        """Fit to answered rows in partitions; the tree is that of the same rows in memory.

        Parameters
        ----------
        parts : Partitions of ``data.parts.AnsweredPart``
            As a ``Distiller`` makes them.
        schema : Schema
            Of their rows, with the smallest and largest values.
        classes : ndarray of shape (k,)
            Sorted.
        """
        one_of("optimize", self.optimize, OPTIMIZE)
        intake = PartsIntake.of(self, parts, schema, classes)
        contest = Contest(self._temperatures(parts.ask(_is_hard, reduce=_and)), _sharpened, self.optimize)
        self.tree_ = fit_tree_of_parts(self, intake, contest)
        return self

    def _temperatures(self, is_hard: bool) -> tuple[float, ...]:
        temperature = self.structure_temperature
        number_in("structure_temperature", temperature, 0, others=("auto",))
        if isinstance(temperature, str):
            # hard labels are as sharp as can be; a choice between two trees is one more thing left to chance
            plain = is_hard or self.tie_tolerance
            return TEMPERATURES[self.optimize][:1] if plain else TEMPERATURES[self.optimize]
        return (temperature,)

    def predict_proba(self, X: Rows) -> NDArray[np.float64]:
        """Probabilities ``(n, k)`` in the order of ``classes_``."""
        return self.tree_values(X)

    def predict(self, X: Rows) -> NDArray[Any]:
        """Most probable class ``(n,)``."""
        leaf = self.apply(X)
        return np.asarray(self.classes_)[self.tree_.value.argmax(axis=1)[leaf]]

    def score(self, X: Rows, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Accuracy for hard labels; for soft labels ``(n, k)`` agreement with the most probable class."""
        if np.asarray(y).shape[1:] > (1,):
            P, classes, _ = as_soft_targets(y, self.classes_ if self.classes is None else self.classes)
            y = classes[P.argmax(axis=1)]
        return float(ClassifierMixin.score(self, X, y, sample_weight))

    def prune(
        self, X: Rows, y: ArrayLike, sample_weight: ArrayLike | None = None, standard_errors: float = 0.0
    ) -> Self:
        """Return a copy cut back to the subtree that fits fresh rows best.

        See :mod:`explaindistill.numerics.trees.pruning`.

        Parameters
        ----------
        X, y, sample_weight : as in :meth:`fit`
            Rows that fitting did not use, labelled by the teacher.
        standard_errors : float, at least 0
            Take the smallest subtree whose loss is within so many standard errors of the best.
        """
        from explaindistill.students.tree.prune import pruned

        P, labels, _ = as_soft_targets(y, self.classes_ if self.classes is None or np.ndim(y) < 2 else self.classes)
        if not np.array_equal(labels, self.classes_):
            raise InvalidInputError(f"classes of y must be {class_words(self.classes_)}, got {class_words(labels)}")
        return pruned(self, X, P, sample_weight, standard_errors)

    def tree_values(self, X: Rows) -> NDArray[np.float64]:
        """Values ``(n, m)`` of the leaves that rows fall into."""
        leaf = self.apply(X)
        return np.take(self.tree_.value, leaf, axis=0)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags


def _sharpened(P: NDArray[np.float64], temperature: float, bounds: object = None) -> NDArray[np.float64]:
    """Targets that decide the splits; with two classes one column says it all."""
    sharp = sharpen(P, temperature)
    return sharp[:, 1:] if sharp.shape[1] == 2 else sharp


def _is_hard(part: AnsweredPart) -> bool:
    return bool(((part.Y == 0) | (part.Y == 1)).all())


def _and(a: bool, b: bool) -> bool:
    return a and b


def _in_unit_range(
    Y: NDArray[np.float64], temperature: float, bounds: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
) -> NDArray[np.float64]:
    """Targets that decide the splits: values in units of the widest output's half range."""
    return unit_range(Y, bounds)


VALUES = Contest((np.nan,), _in_unit_range, "values")
"""Values have no temperature."""


class TreeRegressor(ReadableTree, RegressorMixin, BaseEstimator):
    r"""Constant-leaf tree: :math:`f(x) = \bar y_{\ell(x)}`, the mean of the leaf of x; one or more outputs.

    Parameters
    ----------
    max_leaf_nodes, max_depth, min_samples_leaf, min_impurity_decrease, max_features_used : see :class:`TreeClassifier`
        ``min_impurity_decrease`` is in units of the squared half range of the widest output.
    search, lookahead_width, tie_tolerance, shrinkage, monotone, interactions, max_bins, n_jobs : see TreeClassifier
        ``monotone`` needs one output; ``shrinkage="auto"`` goes by the held-out squared error.
    min_category_size : int, at least 1
        Categories of fewer rows are "(other)", which also stands for every category that fitting did not see; bounds
        are those of :func:`explaindistill.data.disclosure.shown_bounds`. 1 names and keeps everything.

    Attributes
    ----------
    n_outputs_ : int
    tree_ : TreeModel
    candidates_ : DataFrame
        As in :class:`TreeClassifier`, with ``squared_error``.
    shrinkage_ : float
    schema_ : Schema
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(40.0)
    >>> student = TreeRegressor(max_leaf_nodes=3).fit(x[:, None], np.select([x < 10, x < 30], [1.0, 5.0], 2.0))
    >>> student.predict([[9.0], [10.0], [35.0]]).tolist(), student.complexity().n_leaves
    ([1.0, 5.0, 2.0], 3)
    """

    accepts_soft_targets = True
    export = export
    program = program
    drawing = drawing
    shapley = shapley
    counterfactual = counterfactual
    agreement_intervals = agreement_intervals
    reasons = reasons
    toward_labels = toward_labels
    check_parts = check_parts
    smaller = smaller
    on_value_grid = on_value_grid
    _nearest = nearest_in_tree
    _shapley = tree_shapley

    def __init__(
        self,
        max_leaf_nodes: int | None = 32,
        *,
        max_depth: int | None = None,
        min_samples_leaf: int | Literal["auto"] = "auto",
        min_impurity_decrease: float = 0.0,
        max_features_used: int | None = None,
        search: Search = "auto",
        lookahead_width: int = 8,
        tie_tolerance: float = 0.0,
        shrinkage: float | Literal["auto"] = "auto",
        monotone: Mapping[str, int] | None = None,
        interactions: Iterable[Iterable[str]] | None = None,
        max_bins: int = MAX_BINS,
        n_jobs: int | None = None,
        min_category_size: int = MIN_CATEGORY_SIZE,
    ) -> None:
        self.max_leaf_nodes = max_leaf_nodes
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.min_impurity_decrease = min_impurity_decrease
        self.max_features_used = max_features_used
        self.search = search
        self.lookahead_width = lookahead_width
        self.tie_tolerance = tie_tolerance
        self.shrinkage = shrinkage
        self.monotone = monotone
        self.interactions = interactions
        self.max_bins = max_bins
        self.n_jobs = n_jobs
        self.min_category_size = min_category_size

    def fit(self, X: Rows, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to values ``(n,)`` or ``(n, m)``; see the class."""
        intake = fit_regressor(self, X, y, sample_weight, multi_output=True)
        tree, structure = searched(self, intake, VALUES)
        self.tree_ = settled(self, tree, intake, structure)
        return self

    def fit_parts(self, parts: Partitions, schema: Schema, classes: NDArray[Any] | None) -> Self:
        """Fit to answered rows in partitions; see :meth:`TreeClassifier.fit_parts`. There are no ``classes``."""
        self.tree_ = fit_tree_of_parts(self, PartsIntake.of(self, parts, schema, classes), VALUES)
        return self

    def predict(self, X: Rows) -> NDArray[np.float64]:
        """Values ``(n,)``, or ``(n, m)`` for several outputs."""
        leaf = self.apply(X)
        values = np.take(self.tree_.value, leaf, axis=0)
        return values[:, 0] if self.n_outputs_ == 1 else values

    def prune(
        self, X: Rows, y: ArrayLike, sample_weight: ArrayLike | None = None, standard_errors: float = 0.0
    ) -> Self:
        """Return a copy cut back to the subtree that fits fresh rows best; see :class:`TreeClassifier`."""
        from explaindistill.students.tree.prune import pruned

        Y = np.asarray(y, dtype=np.float64)
        return pruned(self, X, Y.reshape(len(Y), -1), sample_weight, standard_errors)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.target_tags.multi_output = True
        return tags
