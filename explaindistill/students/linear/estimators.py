"""Linear students: a short list of named coefficients, fitted to soft labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import accuracy_score
from sklearn.utils.validation import check_is_fitted

from explaindistill.data.disclosure import MIN_CATEGORY_SIZE
from explaindistill.data.notebook import html_in_notebook, mimebundle
from explaindistill.data.rows import one_or_more
from explaindistill.data.schema import Schema
from explaindistill.data.targets import as_soft_targets
from explaindistill.numerics.linear.row_sums import classify
from explaindistill.numerics.ranges import number_in, seed_in, whole_in
from explaindistill.protocols import Complexity, Partitions, Rows
from explaindistill.students import _intake
from explaindistill.students._explaining.agreement import agreement_intervals
from explaindistill.students._explaining.counterfactual import counterfactual
from explaindistill.students._explaining.reasons import reasons
from explaindistill.students._explaining.shapley import shapley
from explaindistill.students._explaining.short_table import short_table
from explaindistill.students._export import export
from explaindistill.students._form import check_header, compact_bytes, header, reader
from explaindistill.students._parts_intake import PartsIntake
from explaindistill.students._picture import plot
from explaindistill.students.linear.compression import on_value_grid, smaller
from explaindistill.students.linear.drawing import drawing
from explaindistill.students.linear.fit import SumRows, fit_linear
from explaindistill.students.linear.model import LinearModel
from explaindistill.students.linear.nearest import nearest_in_sum
from explaindistill.students.linear.program import program
from explaindistill.students.linear.refining import toward_labels
from explaindistill.students.linear.shapley import linear_shapley

__all__ = ["LinearClassifier", "LinearRegressor"]


class _Linear(BaseEstimator):
    """What both linear students share once they are fitted."""

    model_: LinearModel
    target_name_: str | None

    def describe(self) -> str:
        """Return the sum that is applied, number for number, and its rules for missing values and levels."""
        check_is_fitted(self)
        return self.model_.describe(self.target_name_)

    def explain(self, X: Rows, *, as_frame: bool = False) -> pd.DataFrame:
        """What each feature adds beside an average row, see :meth:`explaindistill.protocols.Student.explain`.

        Numbers count from the centres that :meth:`describe` shows, flags and levels from their share of the rows.
        """
        lines = self.model_.explain(_intake.rows(self, one_or_more(X)))
        return lines if as_frame else short_table(self, lines)

    def complexity(self) -> Complexity:
        """How much there is to read."""
        check_is_fitted(self)
        return self.model_.complexity(compact_bytes(self.to_dict()))

    def importance(self) -> pd.DataFrame:
        """Share of each feature in the sum of standard deviations of contributions."""
        check_is_fitted(self)
        return self.model_.importance()

    def coefficients(self) -> pd.DataFrame:
        """Return one row per intercept and coefficient.

        Returns
        -------
        DataFrame
            ``term``, ``feature``, ``output`` (class or number), ``coefficient`` (per unit of the column, the number
            that is applied), ``standardised`` (per standard deviation of the column; for the intercept: the output of
            an average row), ``centre`` (what is taken off the column first; 0 of flags and levels).
        """
        check_is_fitted(self)
        return self.model_.table()

    def to_dict(self) -> dict[str, Any]:
        """Return a versioned JSON form; :meth:`from_dict` reads it without running code."""
        check_is_fitted(self)
        return header(self, "linear") | self.model_.to_dict()

    export = export
    program = program
    drawing = drawing
    plot = plot
    _repr_mimebundle_ = mimebundle
    _repr_html_ = html_in_notebook
    shapley = shapley
    counterfactual = counterfactual
    agreement_intervals = agreement_intervals
    reasons = reasons
    toward_labels = toward_labels
    smaller = smaller
    on_value_grid = on_value_grid
    _nearest = nearest_in_sum
    _shapley = linear_shapley

    @classmethod
    @reader
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Student from :meth:`to_dict`, ready to predict; parameters of fitting are the defaults."""
        check_header(cls, "linear", data)
        student = cls()
        model = LinearModel.from_dict(data)
        student.model_, student.schema_, student.n_features_in_ = model, model.schema, len(model.schema)
        if model.schema.container == "frame":
            student.feature_names_in_ = np.array(model.schema.names, dtype=object)
        student._answer(model)
        return student

    def _answer(self, model: LinearModel) -> None:
        if model.classes is None:
            self.n_outputs_ = len(model.intercept)
        else:
            self.classes_ = model.classes

    def _fit(self, intake: _intake.Intake) -> None:
        self._check_parameters()
        self.model_ = fit_linear(self, SumRows.in_memory(intake))

    def check_parts(self) -> None:
        """Check parameters before rows in partitions are asked about; all of them are a matter of sums."""
        self._check_parameters()

    def fit_parts(self, parts: Partitions, schema: Schema, classes: NDArray[Any] | None) -> Self:
        """Fit to answered rows in partitions; the sum is that of the same rows in memory.

        Parameters
        ----------
        parts : Partitions of ``data.parts.AnsweredPart``
            As a ``Distiller`` makes them.
        schema : Schema
            Of their rows, with the smallest and largest values.
        classes : ndarray of shape (k,), or None
            Sorted.
        """
        intake = PartsIntake.of(self, parts, schema, classes)
        self.model_ = fit_linear(self, SumRows(parts, intake.facts.n, intake.schema, classes))
        return self

    def _check_parameters(self) -> None:
        number_in("l1_ratio", self.l1_ratio, 0, 1)
        number_in("penalty", self.penalty, 0, others=("auto",))
        number_in("tolerance", self.tolerance, 0)
        whole_in("n_penalties", self.n_penalties, 1)
        whole_in("max_levels", self.max_levels, 1)
        for name, least in (("max_terms", 0), ("digits", 1)):
            whole_in(name, getattr(self, name), least, others=(None,))
        seed_in("random_state", self.random_state)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags


class LinearClassifier(ClassifierMixin, _Linear):
    r"""A sparse logistic model: the log-odds are a short sum of named terms.

    .. math:: \log \frac{q(x)}{1 - q(x)} = b + \sum_j \beta_j (x_j - c_j)

    fitted to soft labels by cross-entropy with an elastic-net penalty on standardised columns; softmax for more than
    two classes. The penalty is the largest whose fidelity on held-out rows is within ``tolerance`` of the best; the
    terms that it leaves are then fitted anew without penalty where that is more faithful.

    Parameters
    ----------
    classes : array of shape (k,), optional
        Classes of the columns of a soft ``y`` array; ``range(k)`` when None.
    l1_ratio : float in [0, 1]
        1 is the lasso (few terms), 0 the ridge (all terms).
    penalty : "auto" or float, at least 0
        ``"auto"`` chooses on held-out rows: a fifth from 5,000 distinct rows on, below that each fifth in turn, below
        30 none (the rows of fitting decide). Of more than 12,000 distinct rows a sample decides, and all are fitted.
        With k > 2 classes the 5,000 and the 12,000 are divided by k (the latter not below 3,000). Which row is held
        out follows from its content and ``random_state``, not from its place: equal rows stay together.
    max_terms : int, optional
        At most so many columns with a coefficient. Of several classes or outputs, each column that is left may have
        one for every output.
    tolerance : float, at least 0
        Share of the explained divergence that may be given up for fewer terms; 0 takes the most faithful.
    relax : bool
        Whether the chosen terms may be fitted anew without penalty.
    n_penalties : int
        Penalties tried, evenly spaced on the logarithm over four decades.
    max_levels : int
        Levels of a category that get a coefficient: the most frequent ones after the base level. The others, and
        levels not seen in fitting, count as the base level.
    digits : int or None
        Significant digits of the coefficients that are shown *and applied*; None keeps them all.
    random_state : int or None
        Decides which rows are held out; None is 0.
    min_category_size : int, at least 1
        Categories of fewer rows are "(other)", which also stands for every category that fitting did not see; bounds
        are those of :func:`explaindistill.data.disclosure.shown_bounds`. 1 names and keeps everything.

    Attributes
    ----------
    classes_, n_features_in_, feature_names_in_, schema_
    model_ : the sum itself
    penalty_ : float
    relaxed_ : bool
    optimality_ : float
        Bound on the excess of the penalised loss per row, on all rows, in nats (of values: in variances): from
        duality, before coefficients are rounded to ``digits``.
    converged_ : bool
        Whether that is at most 1e-7; a fit that is not raises scikit-learn's ``ConvergenceWarning``.
    path_ : DataFrame
        What the choice saw: ``penalty``, ``n_terms``, ``explained`` and ``explained_relaxed`` (1 minus the held-out
        divergence over that of no term).

    Notes
    -----
    A missing number counts as the mean and, if any was missing in fitting, has a term of its own; so has a missing
    level. Dates count as days since 1970.

    References
    ----------
    Friedman, Hastie and Tibshirani (2010), doi:10.18637/jss.v033.i01; Meinshausen (2007),
    doi:10.1016/j.csda.2006.12.019.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"income": rng.normal(50, 10, 500), "noise": rng.normal(size=500)})
    >>> p = 1 / (1 + np.exp(5 - 0.1 * X["income"]))
    >>> print(LinearClassifier().fit(X, np.c_[1 - p, p]).describe())
    log-odds of 1 =
        0.0
        + 0.1 × (income - 50)
    probability of 1 = 1 / (1 + exp(-log-odds))
    """

    accepts_soft_targets = True

    def __init__(
        self,
        *,
        classes: ArrayLike | None = None,
        l1_ratio: float = 1.0,
        penalty: float | str = "auto",
        max_terms: int | None = None,
        tolerance: float = 0.005,
        relax: bool = True,
        n_penalties: int = 30,
        max_levels: int = 50,
        digits: int | None = 4,
        random_state: int | None = None,
        min_category_size: int = MIN_CATEGORY_SIZE,
    ) -> None:
        self.classes = classes
        self.l1_ratio = l1_ratio
        self.penalty = penalty
        self.max_terms = max_terms
        self.tolerance = tolerance
        self.relax = relax
        self.n_penalties = n_penalties
        self.max_levels = max_levels
        self.digits = digits
        self.random_state = random_state
        self.min_category_size = min_category_size

    def fit(self, X: Rows, y: ArrayLike, sample_weight: ArrayLike | None = None) -> LinearClassifier:
        """Fit to hard labels ``(n,)`` or soft labels ``(n, k)``; see the class."""
        intake = _intake.fit_classifier(self, X, y, sample_weight, self.classes)
        self._fit(intake)
        return self

    def decision_function(self, X: Rows) -> NDArray[np.float64]:
        """Log-odds of the second class ``(n,)``, or scores of the classes ``(n, k)``."""
        frame = _intake.rows(self, X)
        eta = self.model_.predictor(frame)
        return eta[:, 0] if eta.shape[1] == 1 else eta

    def predict_proba(self, X: Rows) -> NDArray[np.float64]:
        """Probabilities ``(n, k)`` in the order of ``classes_``."""
        frame = _intake.rows(self, X)
        return classify(self.model_.predictor(frame))

    def predict(self, X: Rows) -> NDArray[Any]:
        """Most probable class ``(n,)``; the first of equals."""
        best = np.argmax(self.predict_proba(X), axis=1)
        return self.classes_[best]

    def score(self, X: Rows, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Accuracy for hard labels; agreement with the most probable class for soft ones."""
        P, classes, soft = as_soft_targets(y, _intake.column_classes(self, y))
        labels = classes[np.argmax(P, axis=1)] if soft else np.ravel(y)
        return float(accuracy_score(labels, self.predict(X), sample_weight=sample_weight))


class LinearRegressor(RegressorMixin, _Linear):
    r"""A sparse linear model: the value is a short sum of named terms.

    .. math:: f(x) = b + \sum_j \beta_j (x_j - c_j)

    fitted by least squares with an elastic-net penalty on standardised columns. Several outputs share the penalty,
    each has its own terms; each counts by its standard deviation.

    Parameters
    ----------
    l1_ratio, penalty, max_terms, tolerance, relax, n_penalties, max_levels, digits, random_state
        As in :class:`LinearClassifier`; fidelity is the explained share of the variance.
    min_category_size : int, at least 1
        Categories of fewer rows are "(other)", which also stands for every category that fitting did not see; bounds
        are those of :func:`explaindistill.data.disclosure.shown_bounds`. 1 names and keeps everything.

    Attributes
    ----------
    n_outputs_, n_features_in_, feature_names_in_, schema_, model_, penalty_, relaxed_, optimality_, converged_, path_

    References
    ----------
    Friedman, Hastie and Tibshirani (2010), doi:10.18637/jss.v033.i01.

    Examples
    --------
    >>> X = pd.DataFrame({"floor": [0, 1, 2, 3, 4, 5], "lift": ["no", "yes", "no", "yes", "no", "yes"]})
    >>> print(LinearRegressor(tolerance=0, min_category_size=1).fit(X, [9, 12, 13, 16, 17, 20]).describe())
    value =
        14.0
        + 2.0 × (floor - 2.5)
        + 1.0 if lift = "yes"
    note: lift: any other level counts as no
    """

    accepts_soft_targets = True

    def __init__(
        self,
        *,
        l1_ratio: float = 1.0,
        penalty: float | str = "auto",
        max_terms: int | None = None,
        tolerance: float = 0.005,
        relax: bool = True,
        n_penalties: int = 30,
        max_levels: int = 50,
        digits: int | None = 4,
        random_state: int | None = None,
        min_category_size: int = MIN_CATEGORY_SIZE,
    ) -> None:
        self.l1_ratio = l1_ratio
        self.penalty = penalty
        self.max_terms = max_terms
        self.tolerance = tolerance
        self.relax = relax
        self.n_penalties = n_penalties
        self.max_levels = max_levels
        self.digits = digits
        self.random_state = random_state
        self.min_category_size = min_category_size

    def fit(self, X: Rows, y: ArrayLike, sample_weight: ArrayLike | None = None) -> LinearRegressor:
        """Fit to values ``(n,)`` or ``(n, m)``; see the class."""
        intake = _intake.fit_regressor(self, X, y, sample_weight, multi_output=True)
        self._fit(intake)
        return self

    def predict(self, X: Rows) -> NDArray[np.float64]:
        """Values ``(n,)``, or ``(n, m)`` where it was fitted to several outputs."""
        frame = _intake.rows(self, X)
        value = self.model_.predictor(frame)
        return value[:, 0] if value.shape[1] == 1 else value

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = True
        return tags
