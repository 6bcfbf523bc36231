"""Model trees: a few named coefficients in each leaf instead of a constant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from explaindistill.data.disclosure import MIN_CATEGORY_SIZE
from explaindistill.data.notebook import html_in_notebook, mimebundle
from explaindistill.data.rows import one_or_more
from explaindistill.data.target_names import class_name, value_name
from explaindistill.data.targets import as_soft_targets, sharpen
from explaindistill.numerics.model_trees.leaf_models import Loss, respond
from explaindistill.numerics.model_trees.state import LinearTreeLimits
from explaindistill.numerics.ranges import number_in, whole_in
from explaindistill.protocols import Complexity, Rows
from explaindistill.students._explaining.agreement import agreement_intervals
from explaindistill.students._explaining.counterfactual import counterfactual
from explaindistill.students._explaining.reasons import reasons
from explaindistill.students._explaining.shapley import shapley
from explaindistill.students._explaining.short_table import short_table
from explaindistill.students._export import export
from explaindistill.students._form import check_header, compact_bytes, header, plain, reader
from explaindistill.students._intake import column_classes, fit_classifier, fit_regressor, rows
from explaindistill.students._optimum import settle
from explaindistill.students._picture import plot
from explaindistill.students.model_tree.drawing import drawing
from explaindistill.students.model_tree.fit import fit_model_tree
from explaindistill.students.model_tree.model import LinearTreeModel
from explaindistill.students.model_tree.observed import recount
from explaindistill.students.model_tree.program import program
from explaindistill.students.model_tree.refining import toward_labels
from explaindistill.students.model_tree.shapley import linear_tree_shapley
from explaindistill.students.model_tree.words import regions, words

__all__ = ["ModelTreeClassifier", "ModelTreeRegressor"]

AUTO_FOLDS = 3
"""Folds of ``n_folds="auto"``: each holds out enough rows to compare sizes, and growth is repeated three times only."""
WAY_OUT = "raise shrinkage, or look for columns that all but tell the answer"
FEW_ROWS = 10_000
"""Rows up to which a budget of numbers can overfit; beyond, all of it is used."""


class ModelTreeClassifier(ClassifierMixin, BaseEstimator):
    r"""Tree whose leaves are sparse logistic models, :math:`\log\frac{p}{1-p} = a_\ell + \sum_t \beta_{\ell t} z_t(x)`.

    A coefficient belongs to a node and holds for every row below it: what a child adds is shrunk to nothing, so its
    model is shrunk to its parent's. Growth takes, again and again, the coefficient or the split that lowers the
    cross-entropy to the soft labels most per number written down; a single logistic model and a tree with constant
    leaves are both among the results. More than two classes: softmax.

    Parameters
    ----------
    max_leaf_nodes : int, at least 1, or None
        1 is one sparse logistic model without splits, None sets no limit.
    max_depth : int or None
    min_samples_leaf : int
        Least rows in a leaf; whole-number weights count as repetitions.
    max_leaf_features : int or None
        Most terms in the model of one leaf, those from the nodes above it included; 0 makes leaves constant, None
        sets no limit.
    max_parameters : int or None
        Most numbers in the whole model: 2 for a numeric split, ``min(left, right) + 1`` for a split of categories
        into two sets, one intercept per leaf and free output, 1 for each coefficient.
    shrinkage : float, positive
        Ridge penalty on each coefficient (terms in standard deviations), in units of one row's loss.
    min_gain : float
        Growth ends when no move lowers the loss by this share of its reducible part per number.
    n_folds : "auto", 0, or int of at least 2
        Folds of the fitting rows on which growth is tried, free, without splits and with constant leaves, beside one
        sparse model along the lasso's path. The model without splits that has the least held-out loss is fitted to
        all rows, or a tree where that is better by more than two standard errors. 0 always uses the limits up.
        ``"auto"`` is 3 for up to 10,000 rows, where a budget of numbers can overfit, and 0 for more.
    structure_temperature : float
        Below 1 the splits and terms are chosen for sharpened labels, see
        :func:`~explaindistill.data.targets.sharpen`; the numbers are always fitted to the labels themselves.
    classes : array of shape (k,), optional
        Classes of the columns of soft labels; ``range(k)`` when None.
    n_jobs : int or None
        Threads over columns; None is 1, -1 one per core. The tree does not depend on it.
    min_category_size : int, at least 1
        Categories of fewer rows are "(other)", which also stands for every category that fitting did not see; bounds
        are those of :func:`explaindistill.data.disclosure.shown_bounds`. 1 names and keeps everything.

    Attributes
    ----------
    tree_ : LinearTreeModel
        Nodes, terms and schema.
    optimality_ : float
        By how much the penalised loss per row, on all rows, could still fall by other numbers in the same structure,
        before they are rounded.
    converged_ : bool
        Whether that is at most 1e-7; a fit that is not raises scikit-learn's ``ConvergenceWarning``.
    classes_, schema_, n_features_in_, feature_names_in_

    Notes
    -----
    Numbers are held at the ends of the range seen in fitting and count from their mean; a missing number counts as
    the mean, and "is missing" is a term of its own. In splits, missing values go to the side that fits, unseen
    categories with the set that is not listed.

    References
    ----------
    Landwehr, Hall and Frank (2005), doi:10.1007/s10994-005-0466-3.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> a, b = (g.ravel() for g in np.meshgrid(np.arange(40.0), np.linspace(-1, 1, 41)))
    >>> p = 1 / (1 + np.exp(-np.where(a < 20, 3 * b, -3 * b)))
    >>> student = ModelTreeClassifier(max_leaf_nodes=2).fit(pd.DataFrame({"a": a, "b": b}), np.c_[1 - p, p])
    >>> student.tree_.leaves(pd.DataFrame({"a": [19.0, 20.0], "b": [0.0, 0.0]})).tolist()
    [1, 2]
    """

    accepts_soft_targets = True
    export = export
    program = program
    drawing = drawing
    plot = plot
    _repr_mimebundle_ = mimebundle
    _repr_html_ = html_in_notebook
    shapley = shapley
    counterfactual = counterfactual
    agreement_intervals = agreement_intervals
    regions = regions
    reasons = reasons
    toward_labels = toward_labels
    recount = recount
    _shapley = linear_tree_shapley

    def __init__(
        self,
        max_leaf_nodes: int | None = 8,
        *,
        max_depth: int | None = None,
        min_samples_leaf: int = 20,
        max_leaf_features: int | None = 4,
        max_parameters: int | None = None,
        shrinkage: float = 1.0,
        min_gain: float = 1e-3,
        n_folds: int | Literal["auto"] = "auto",
        structure_temperature: float = 1.0,
        classes: ArrayLike | None = None,
        n_jobs: int | None = None,
        min_category_size: int = MIN_CATEGORY_SIZE,
    ) -> None:
        self.max_leaf_nodes = max_leaf_nodes
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.max_leaf_features = max_leaf_features
        self.max_parameters = max_parameters
        self.shrinkage = shrinkage
        self.min_gain = min_gain
        self.n_folds = n_folds
        self.structure_temperature = structure_temperature
        self.classes = classes
        self.n_jobs = n_jobs
        self.min_category_size = min_category_size

    def fit(self, X: Rows, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to hard labels ``(n,)`` or soft labels ``(n, k)``."""
        intake = fit_classifier(self, X, y, sample_weight, self.classes)
        two = intake.Y.shape[1] == 2
        free = 1 if two else intake.Y.shape[1] - 1
        limits = limits_of(self, free)
        free_columns = slice(1, 2) if two else slice(None)
        sharp = None
        number_in("structure_temperature", self.structure_temperature, 0)
        if self.structure_temperature != 1:
            sharp = np.ascontiguousarray(sharpen(intake.Y, self.structure_temperature)[:, free_columns])
        intake = replace(intake, Y=np.ascontiguousarray(intake.Y[:, free_columns]))
        loss: Loss = "binary" if two else "softmax"
        folds = folds_of(self, len(intake.X))
        self.tree_, excess = fit_model_tree(intake, loss, limits, self.shrinkage, self.n_jobs, sharp, folds)
        settle(self, excess, way_out=WAY_OUT)
        return self

    def decision_function(self, X: Rows) -> NDArray[np.float64]:
        """Log-odds of ``classes_[1]`` ``(n,)`` for two classes, else one score per class ``(n, k)``."""
        frame = rows(self, X)
        eta = self.tree_.predictors(frame)
        return eta[:, 0] if eta.shape[1] == 1 else eta

    def predict_proba(self, X: Rows) -> NDArray[np.float64]:
        """Probabilities ``(n, k)`` in the order of ``classes_``."""
        frame = rows(self, X)
        eta = self.tree_.predictors(frame)
        if eta.shape[1] > 1:
            return respond(eta, "softmax")
        p = respond(eta, "binary")
        return np.concatenate([1.0 - p, p], axis=1)

    def predict(self, X: Rows) -> NDArray[Any]:
        """Most probable class."""
        P = self.predict_proba(X)
        return self.classes_[P.argmax(axis=1)]

    def score(self, X: Rows, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Share of rows whose class is that of ``y``: accuracy for hard labels, agreement for soft ones."""
        P, classes, _ = as_soft_targets(y, column_classes(self, y))
        same = self.predict(X) == classes[P.argmax(axis=1)]
        weight = None if sample_weight is None else np.asarray(sample_weight, dtype=float)
        return float(np.average(same, weights=weight))

    def describe(self) -> str:
        """Return the tree in words, the numbers that `predict` uses."""
        check_is_fitted(self)
        what, outputs = self._outputs()
        return words(self, outputs, what)

    def explain(self, X: Rows, *, as_frame: bool = False) -> pd.DataFrame:
        """Contributions that sum to the log-odds of ``classes_[1]``, or to each class's score."""
        frame = rows(self, one_or_more(X))
        classes = self.classes_.tolist()
        out = self.tree_.explain(frame, classes[1:] if len(classes) == 2 else classes)
        out.attrs["scale"] = "logit"
        return out if as_frame else short_table(self, out)

    def _outputs(self) -> tuple[str, list[str]]:
        if len(self.classes_) == 2:
            return "log-odds of", [class_name(self.classes_[1], self.target_name_)]
        return "score of", [class_name(label, self.target_name_) for label in self.classes_.tolist()]

    def complexity(self) -> Complexity:
        """Count what there is to read."""
        check_is_fitted(self)
        return complexity_of(self, 1 if len(self.classes_) == 2 else len(self.classes_) - 1)

    def importance(self) -> pd.DataFrame:
        """How far each feature moves the log-odds, see :meth:`LinearTreeModel.with_importance`."""
        check_is_fitted(self)
        return pd.DataFrame({"feature": self.tree_.schema.names, "estimate": self.tree_.importance})

    def to_dict(self) -> dict[str, Any]:
        """Return the versioned JSON form."""
        check_is_fitted(self)
        classes = [plain(c) for c in self.classes_]
        return _head(self) | {"classes": classes, "tree": self.tree_.to_dict()}

    @classmethod
    @reader
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Inverse of :meth:`to_dict`; runs no code."""
        student = _empty(cls, data)
        student.classes_ = np.array(data["classes"])
        return student

    def __sklearn_tags__(self) -> Any:
        return open_tags(super().__sklearn_tags__())


class ModelTreeRegressor(RegressorMixin, BaseEstimator):
    r"""Tree whose leaves are sparse linear models, :math:`y = a_\ell + \sum_t \beta_{\ell t} z_t(x)`.

    As :class:`ModelTreeClassifier`, but growth lowers the squared error; several outputs are standardised, share the
    splits, and have their own coefficients.

    Parameters
    ----------
    max_leaf_nodes, max_depth, min_samples_leaf, max_leaf_features, max_parameters, shrinkage, min_gain, n_folds,
    n_jobs
        See :class:`ModelTreeClassifier`.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(-1, 1, 201)
    >>> student = ModelTreeRegressor(max_leaf_nodes=2, shrinkage=1e-6).fit(x[:, None], np.abs(x))
    >>> np.abs(student.predict(x[:, None]) - np.abs(x)).max().round(3).item()
    0.0
    """

    accepts_soft_targets = True
    export = export
    program = program
    drawing = drawing
    plot = plot
    _repr_mimebundle_ = mimebundle
    _repr_html_ = html_in_notebook
    shapley = shapley
    counterfactual = counterfactual
    agreement_intervals = agreement_intervals
    regions = regions
    reasons = reasons
    toward_labels = toward_labels
    recount = recount
    _shapley = linear_tree_shapley

    def __init__(
        self,
        max_leaf_nodes: int | None = 8,
        *,
        max_depth: int | None = None,
        min_samples_leaf: int = 20,
        max_leaf_features: int | None = 4,
        max_parameters: int | None = None,
        shrinkage: float = 1.0,
        min_gain: float = 1e-3,
        n_folds: int | Literal["auto"] = "auto",
        n_jobs: int | None = None,
        min_category_size: int = MIN_CATEGORY_SIZE,
    ) -> None:
        self.max_leaf_nodes = max_leaf_nodes
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.max_leaf_features = max_leaf_features
        self.max_parameters = max_parameters
        self.shrinkage = shrinkage
        self.min_gain = min_gain
        self.n_folds = n_folds
        self.n_jobs = n_jobs
        self.min_category_size = min_category_size

    def fit(self, X: Rows, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to values ``(n,)`` or ``(n, m)``."""
        intake = fit_regressor(self, X, y, sample_weight, multi_output=True)
        limits = limits_of(self, intake.Y.shape[1])
        shape = np.shape(np.asarray(y))
        self.flat_ = len(shape) < 2 or shape[1] == 1
        folds = folds_of(self, len(intake.X))
        self.tree_, excess = fit_model_tree(intake, "squared", limits, self.shrinkage, self.n_jobs, n_folds=folds)
        settle(self, excess, way_out=WAY_OUT)
        return self

    def predict(self, X: Rows) -> NDArray[np.float64]:
        """Values ``(n,)`` or ``(n, m)``."""
        frame = rows(self, X)
        eta = self.tree_.predictors(frame)
        return eta[:, 0] if self.flat_ else eta

    def describe(self) -> str:
        """Return the tree in words, the numbers that `predict` uses."""
        check_is_fitted(self)
        m, target = self.n_outputs_, self.target_name_ or "y"
        names = [target] if m == 1 else [value_name(target, k, m) for k in range(m)]
        return words(self, names, "" if self.target_name_ else "value of")

    def explain(self, X: Rows, *, as_frame: bool = False) -> pd.DataFrame:
        """Contributions that sum to each output's value."""
        frame = rows(self, one_or_more(X))
        out = self.tree_.explain(frame, list(range(self.n_outputs_)))
        out.attrs["scale"] = "value"
        return out if as_frame else short_table(self, out)

    def complexity(self) -> Complexity:
        """Count what there is to read."""
        check_is_fitted(self)
        return complexity_of(self, self.n_outputs_)

    def importance(self) -> pd.DataFrame:
        """How far each feature moves the value, see :meth:`LinearTreeModel.with_importance`."""
        check_is_fitted(self)
        return pd.DataFrame({"feature": self.tree_.schema.names, "estimate": self.tree_.importance})

    def to_dict(self) -> dict[str, Any]:
        """Return the versioned JSON form."""
        check_is_fitted(self)
        return _head(self) | {"n_outputs": self.n_outputs_, "flat": bool(self.flat_), "tree": self.tree_.to_dict()}

    @classmethod
    @reader
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Inverse of :meth:`to_dict`; runs no code."""
        student = _empty(cls, data)
        student.n_outputs_, student.flat_ = int(data["n_outputs"]), bool(data["flat"])
        return student

    def __sklearn_tags__(self) -> Any:
        tags = open_tags(super().__sklearn_tags__())
        tags.target_tags.single_output = True
        tags.target_tags.multi_output = True
        return tags


def limits_of(student: Any, n_free: int) -> LinearTreeLimits:
    """Check the limits of growth and bring them into one record."""
    whole_in("min_samples_leaf", student.min_samples_leaf, 1)
    for name, least in (("max_leaf_nodes", 1), ("max_leaf_features", 0), ("max_depth", 0)):
        whole_in(name, getattr(student, name), least, others=(None,))
    why = f"one leaf has {n_free} intercepts"
    whole_in("max_parameters", student.max_parameters, n_free, others=(None,), why=why)
    number_in("shrinkage", student.shrinkage, 0, strict=True)
    number_in("min_gain", student.min_gain, 0)
    depth = 10**6 if student.max_depth is None else student.max_depth
    budget = np.inf if student.max_parameters is None else float(student.max_parameters)
    leaves, terms = (10**6 if v is None else v for v in (student.max_leaf_nodes, student.max_leaf_features))
    return LinearTreeLimits(leaves, depth, float(student.min_samples_leaf), terms, budget, float(student.min_gain))


def folds_of(student: Any, n_rows: int) -> int:
    """Check ``n_folds`` and say how many folds that is."""
    n_folds = student.n_folds
    if not (isinstance(n_folds, int | np.integer) and not isinstance(n_folds, bool) and n_folds == 0):
        whole_in("n_folds", n_folds, 2, others=("auto",), why="0 takes no folds")
    if n_folds == "auto":
        return AUTO_FOLDS if n_rows <= FEW_ROWS else 0
    return int(n_folds)


def complexity_of(student: Any, n_free: int) -> Complexity:
    """Count splits, intercepts and coefficients as ``max_parameters`` does."""
    tree: LinearTreeModel = student.tree_
    leaves = [v for v, n in enumerate(tree.nodes) if n.feature < 0]
    slopes = sum(len(n.terms) for n in tree.nodes)
    n_parameters = int(sum(n.cost for n in tree.nodes) + n_free * len(leaves) + slopes)
    # what a node above adds applies in every leaf below it, and is read there
    applying = [len({t for u in tree.path(v) for t, _, _ in tree.nodes[u].terms}) for v in leaves]
    levels = sum(tree.terms[t].column.operation == "level" for n in tree.nodes for t in {t for t, _, _ in n.terms})
    return Complexity(
        family="model_tree",
        n_parameters=n_parameters,
        n_features=len(tree.used()),
        n_bytes=compact_bytes(student.to_dict()),
        n_leaves=len(leaves),
        n_terms=slopes,
        depth=tree.depth(),
        mean_path_length=float(sum(tree.nodes[v].share * (len(tree.path(v)) - 1) for v in leaves)),
        n_lines=sum(max(1, n) for n in applying),
        n_numbers=n_parameters - (len(leaves) - 1) + levels,
    )


def open_tags(tags: Any) -> Any:
    """Missing values, categories and text are welcome."""
    tags.input_tags.allow_nan = True
    tags.input_tags.categorical = True
    tags.input_tags.string = True
    return tags


def _head(student: Any) -> dict[str, Any]:
    parameters = {k: plain(v) for k, v in student.get_params().items() if k != "classes"}
    return header(student, "model_tree") | {"parameters": parameters}


def _empty(cls: Any, data: Mapping[str, Any]) -> Any:
    check_header(cls, "model_tree", data)
    student = cls(**data["parameters"])
    student.tree_ = LinearTreeModel.from_dict(data["tree"])
    student.schema_ = student.tree_.schema
    student.n_features_in_ = len(student.schema_)
    if student.schema_.container == "frame":
        student.feature_names_in_ = np.array(student.schema_.names, dtype=object)
    return student
