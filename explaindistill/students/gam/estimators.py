r"""Additive students: :math:`\text{link}(\mu(x)) = \beta_0 + \sum_j f_j(x_j) + \sum_{jk} f_{jk}(x_j, x_k)`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from explaindistill.data.disclosure import MIN_CATEGORY_SIZE
from explaindistill.data.notebook import html_in_notebook, mimebundle
from explaindistill.data.parts import AnsweredPart
from explaindistill.data.rows import one_or_more
from explaindistill.data.schema import Schema
from explaindistill.data.targets import as_soft_targets
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.additive.families import FAMILIES, Bernoulli
from explaindistill.numerics.ranges import one_of
from explaindistill.numerics.sums import both
from explaindistill.protocols import Complexity, Partitions, Rows
from explaindistill.students._explaining.agreement import agreement_intervals
from explaindistill.students._explaining.counterfactual import counterfactual
from explaindistill.students._explaining.reasons import reasons
from explaindistill.students._explaining.shapley import shapley
from explaindistill.students._explaining.short_table import short_table
from explaindistill.students._export import export
from explaindistill.students._form import reader
from explaindistill.students._intake import fit_classifier, fit_regressor, rows
from explaindistill.students._parts_intake import PartsIntake
from explaindistill.students.gam import words
from explaindistill.students.gam.compression import on_value_grid, smaller
from explaindistill.students.gam.drawing import drawing
from explaindistill.students.gam.edit import edited
from explaindistill.students.gam.fit import CurveRows
from explaindistill.students.gam.json_form import FIT_NOTES, read, write
from explaindistill.students.gam.picture import plot
from explaindistill.students.gam.program import program
from explaindistill.students.gam.refining import toward_labels
from explaindistill.students.gam.settings import adopt, check_settings, read_options
from explaindistill.students.gam.shapley import gam_shapley

__all__ = ["GAMClassifier", "GAMRegressor"]


class GAMClassifier(ClassifierMixin, BaseEstimator):
    r"""Additive logits: :math:`\log\frac{p(x)}{1 - p(x)} = \beta_0 + \sum_j f_j(x_j) + \sum_{jk} f_{jk}(x_j, x_k)`.

    Penalised splines, fitted by cross-entropy to soft or hard labels; how smooth each term is follows from restricted
    maximum likelihood. Each :math:`f_j` is piecewise linear on knots where the data are, centred, and goes on as a
    straight line beyond the values seen; categories have an effect each; missing values have one of their own, or
    contribute 0 if none was seen in fitting; unseen categories contribute 0. Pairs are pure interactions: nothing in
    them could be said by one column alone. With three or more classes there is one logit per class and a softmax.

    Parameters
    ----------
    n_pairs : int at least 0, or "auto"
        Number of pair terms; "auto" adds pairs until the loss on held-out rows stops falling beyond its interval.
    max_terms : int at least 1, optional
        Keep only the terms that matter most and refit.
    n_knots : int, at least 2
        Knots of a numeric column; few-valued columns have a knot at each value.
    n_pair_knots : int, at least 2
        Knots in each direction of a pair.
    heredity : bool
        Whether ``max_terms`` may keep a pair only together with the terms of both its columns.
    monotone : mapping of column to -1, 0 or 1, optional
        Two classes only: the effect may only fall or rise with the column; honoured exactly. Columns with a shape
        constraint enter no pairs.
    convex : mapping of column to -1, 0 or 1, optional
        1 is convex, -1 concave; two classes only.
    zero_at : mapping of column to a value at which its effect is 0, optional
    labels : "auto", "outcomes" or "teacher"
        What the labels are: noisy outcomes (posterior intervals, dispersion 1) or a teacher's answers, which carry no
        noise (dispersion estimated, intervals are an approximation). "auto": outcomes if every label is 0 or 1.
    classes : array of shape (k,), optional
        Classes of the columns of soft labels given as an array.
    max_iter : int, at least 1
    tol : float
        On the relative change of the penalised deviance.
    n_jobs : int, optional
        Threads; None is 1, -1 one per core. The fit does not depend on it.
    random_state : int, optional
        Decides which rows ``n_pairs="auto"`` holds out; None is 0.
    min_category_size : int, at least 1
        Categories of fewer rows are "(other)", which also stands for every category that fitting did not see; bounds
        are those of :func:`explaindistill.data.disclosure.shown_bounds`. 1 names and keeps everything.

    Attributes
    ----------
    shapes_ : list
        The terms; see :meth:`shape`.
    intercept_ : ndarray of shape (1,) or (k,)
    dispersion_ : float
    labels_ : "outcomes" or "teacher"
    term_path_ : DataFrame
        Terms that ``max_terms`` took out: ``n_terms`` left, ``dropped``, ``deviance_rise`` that this was expected to
        cost, and ``explained``, the share of the deviance on the rows of fitting that the terms left explain: measured
        where the model was refitted, half way and at the end, expected in between.
    pair_trials_ : DataFrame
        What ``n_pairs="auto"`` saw.
    optimality_ : float
        How far the penalised loss per row is from its minimum at the smoothing found, foretold on all rows; for values,
        relative to the loss of their mean alone. Not part of the JSON form: it tells of the fit.
    converged_ : bool
        Whether that is at most 1e-7; a fit that is not raises scikit-learn's ``ConvergenceWarning``.
    edits_ : list of dict
        Changes made by hand through :meth:`edit`.

    Notes
    -----
    ``sample_weight`` counts rows: a row of weight 2 is the row twice. With fewer rows than coefficients of the curves,
    the smoothing of each leans on that of the others; curves of noisy outcomes are smoother the fewer rows there are
    (see :class:`~explaindistill.numerics.additive.reml.Smoothing`).

    References
    ----------
    Wood, Li, Shaddick and Augustin (2017), doi:10.1080/01621459.2016.1195744; Wood and Fasiolo (2017),
    doi:10.1111/biom.12666; Lou et al. (2013), doi:10.1145/2487575.2487579; Lengerich et al. (2020), arXiv:1911.04974.

    Examples
    --------
    >>> x = np.linspace(-2, 2, 200)[:, None]
    >>> p = 1 / (1 + np.exp(-np.abs(x[:, 0])))
    >>> gam = GAMClassifier(n_jobs=1).fit(x, np.column_stack([1 - p, p]))
    >>> gam.predict_proba([[-1.0], [3.0]])[:, 1].round(3).tolist()
    [0.731, 0.917]
    """

    accepts_soft_targets = True

    def __init__(
        self,
        *,
        n_pairs: int | str = 0,
        max_terms: int | None = None,
        n_knots: int = 32,
        n_pair_knots: int = 7,
        heredity: bool = False,
        monotone: Mapping[str, int] | None = None,
        convex: Mapping[str, int] | None = None,
        zero_at: Mapping[str, float] | None = None,
        labels: str = "auto",
        classes: ArrayLike | None = None,
        max_iter: int = 60,
        tol: float = 1e-8,
        n_jobs: int | None = None,
        random_state: Any = None,
        min_category_size: int = MIN_CATEGORY_SIZE,
    ) -> None:
        self.n_pairs = n_pairs
        self.max_terms = max_terms
        self.n_knots = n_knots
        self.n_pair_knots = n_pair_knots
        self.heredity = heredity
        self.monotone = monotone
        self.convex = convex
        self.zero_at = zero_at
        self.labels = labels
        self.classes = classes
        self.max_iter = max_iter
        self.tol = tol
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.min_category_size = min_category_size

    def fit(self, X: Rows, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to hard ``(n,)`` or soft ``(n, k)`` labels."""
        intake = fit_classifier(self, X, y, sample_weight, self.classes)
        noisy = bool(((intake.Y == 0) | (intake.Y == 1)).all())
        return self._adopted(CurveRows.in_memory(intake, 1 if intake.Y.shape[1] == 2 else None), noisy)

    def check_parts(self) -> None:
        """Check parameters before rows in partitions are asked about; all of them are a matter of sums."""
        check_settings(self)

    def fit_parts(self, parts: Partitions, schema: Schema, classes: NDArray[Any] | None) -> Self:
        """Fit to answered rows in partitions; the curves are those of the same rows in memory.

        Parameters
        ----------
        parts : Partitions of ``data.parts.AnsweredPart``
            As a ``Distiller`` makes them.
        schema : Schema
            Of their rows, with the smallest and largest values.
        classes : ndarray of shape (k,)
            Sorted.
        """
        intake = PartsIntake.of(self, parts, schema, classes)
        outcome = 1 if len(intake.facts.lows) == 2 else None
        noisy = bool(parts.ask(_are_outcomes, reduce=both)[0])
        return self._adopted(CurveRows(parts, intake.facts.n, intake.schema, outcome), noisy)

    def _adopted(self, rows: CurveRows, noisy: bool) -> Self:
        family = None if rows.outcome is None else Bernoulli()
        adopt(self, read_options(self, rows.schema, family, noisy), rows, "logit")
        return self

    def decision_function(self, X: Rows) -> NDArray[np.float64]:
        """Logits: ``(n,)`` of the second class for two classes, else ``(n, k)``."""
        eta = words.linear_predictor(self, rows(self, X))
        return eta[:, 0] if eta.shape[1] == 1 else eta

    def predict_proba(self, X: Rows) -> NDArray[np.float64]:
        """Probabilities ``(n, k)`` in the order of ``classes_``."""
        eta = words.linear_predictor(self, rows(self, X))
        if eta.shape[1] == 1:
            return np.column_stack([expit(-eta[:, 0]), expit(eta[:, 0])])
        return softmax(eta, axis=1)

    def predict(self, X: Rows) -> NDArray[Any]:
        """Most probable class of each row."""
        P = self.predict_proba(X)
        return self.classes_[P.argmax(axis=1)]

    def score(self, X: Rows, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Accuracy, or agreement at the argmax for soft labels."""
        predicted = self.predict(X)
        if np.ndim(y) == 2 and np.shape(y)[1] > 1:
            P, classes, _ = as_soft_targets(y, self.classes_ if self.classes is None else self.classes)
            y = classes[P.argmax(axis=1)]
        weight = None if sample_weight is None else np.asarray(sample_weight, dtype=float)
        return float(np.average(predicted == np.ravel(np.asarray(y)), weights=weight))

    def shape(self, term: str) -> pd.DataFrame:
        """One term as numbers.

        Returns
        -------
        DataFrame
            ``value`` (the knot, or the category's code; NaN for missing), ``label`` (in words), ``effect`` (on the
            logit), ``low`` and ``high`` (95 %; ``attrs["interval"]`` says of which kind) and ``n`` (weight of the rows
            near it). Pairs have ``value_2`` and ``label_2`` too; with three or more classes ``output`` comes first.
        """
        return words.shape_frame(self, term)

    def terms(self) -> pd.DataFrame:
        """Columns ``term``, ``importance`` (mean absolute contribution), ``edf``, ``lowest`` and ``highest`` effect."""
        return words.term_frame(self)

    def edit(self, term: str, **change: Any) -> GAMClassifier:
        """Return a copy with one term changed by hand, and a record of it.

        See :func:`~explaindistill.students.gam.edit.edited` for what may be changed.
        """
        return edited(self, term, **change)

    def describe(self) -> str:
        """One page in words."""
        return words.describe(self)

    def explain(self, X: Rows, *, as_frame: bool = False) -> pd.DataFrame:
        """Contributions to the logit, one line per row, term and output; they sum to the logit."""
        lines = words.explain(self, rows(self, one_or_more(X)))
        return lines if as_frame else short_table(self, lines)

    def importance(self) -> pd.DataFrame:
        """Share of each feature in the mean absolute contributions; a pair counts half for each of its columns."""
        return words.importance(self)

    def complexity(self) -> Complexity:
        """Terms, numbers, columns and bytes."""
        return words.complexity(self)

    def to_dict(self) -> dict[str, Any]:
        """Return a versioned JSON form."""
        return write(self)

    plot = plot
    _repr_mimebundle_ = mimebundle
    _repr_html_ = html_in_notebook
    fit_notes: ClassVar = FIT_NOTES
    export = export
    program = program
    drawing = drawing
    shapley = shapley
    counterfactual = counterfactual
    agreement_intervals = agreement_intervals
    reasons = reasons
    toward_labels = toward_labels
    smaller = smaller
    on_value_grid = on_value_grid
    _shapley = gam_shapley

    @classmethod
    @reader
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Inverse of :meth:`to_dict`; runs no code."""
        return read(cls, data)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags


def _are_outcomes(part: AnsweredPart) -> NDArray[np.bool_]:
    """Whether all answers are 0 or 1."""
    return np.array([((part.Y == 0) | (part.Y == 1)).all()])


class GAMRegressor(RegressorMixin, BaseEstimator):
    r"""Additive values: :math:`g(\mu(x)) = \beta_0 + \sum_j f_j(x_j) + \sum_{jk} f_{jk}(x_j, x_k)`.

    The terms, their smoothing and the parameters that are not listed here are those of :class:`GAMClassifier`.

    Parameters
    ----------
    loss : "gaussian", "poisson" or "gamma"
        Squared error with identity link; Poisson (y at least 0) or gamma (y above 0) deviance with log link.
    labels : "auto", "outcomes" or "teacher"
        "outcomes" gives posterior intervals; "auto" takes the values for a teacher's answers, as nothing in them could
        tell, and gives intervals that are labelled an approximation.

    Examples
    --------
    >>> x = np.linspace(0, 3, 100)[:, None]
    >>> gam = GAMRegressor(n_jobs=1, monotone={"x0": 1}).fit(x, np.minimum(x[:, 0], 2.0))
    >>> gam.predict([[1.0], [2.5], [9.0]]).round(2).tolist()
    [1.0, 2.0, 2.0]
    """

    accepts_soft_targets = False

    def __init__(
        self,
        *,
        loss: str = "gaussian",
        n_pairs: int | str = 0,
        max_terms: int | None = None,
        n_knots: int = 32,
        n_pair_knots: int = 7,
        heredity: bool = False,
        monotone: Mapping[str, int] | None = None,
        convex: Mapping[str, int] | None = None,
        zero_at: Mapping[str, float] | None = None,
        labels: str = "auto",
        max_iter: int = 60,
        tol: float = 1e-8,
        n_jobs: int | None = None,
        random_state: Any = None,
        min_category_size: int = MIN_CATEGORY_SIZE,
    ) -> None:
        self.loss = loss
        self.n_pairs = n_pairs
        self.max_terms = max_terms
        self.n_knots = n_knots
        self.n_pair_knots = n_pair_knots
        self.heredity = heredity
        self.monotone = monotone
        self.convex = convex
        self.zero_at = zero_at
        self.labels = labels
        self.max_iter = max_iter
        self.tol = tol
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.min_category_size = min_category_size

    def fit(self, X: Rows, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to values ``(n,)``."""
        one_of("loss", self.loss, FAMILIES)
        intake = fit_regressor(self, X, y, sample_weight)
        return self._adopted(CurveRows.in_memory(intake, 0), float(intake.Y.min()), float(intake.Y.max()))

    def check_parts(self) -> None:
        """Check parameters before rows in partitions are asked about; all of them are a matter of sums."""
        check_settings(self)
        one_of("loss", self.loss, FAMILIES)

    def fit_parts(self, parts: Partitions, schema: Schema, classes: NDArray[Any] | None) -> Self:
        """Fit to answered rows in partitions; see :meth:`GAMClassifier.fit_parts`. There are no ``classes``."""
        intake = PartsIntake.of(self, parts, schema, classes)
        lows, highs = intake.facts.lows, intake.facts.highs
        if len(lows) > 1:
            raise InvalidInputError(
                f"a GAMRegressor is fitted to one value per row, the teacher answers {len(lows)}; fit one student per "
                "output, each to a teacher of one"
            )
        return self._adopted(CurveRows(parts, intake.facts.n, intake.schema, 0), float(lows[0]), float(highs[0]))

    def _adopted(self, rows: CurveRows, low: float, high: float) -> Self:
        if self.loss == "poisson" and (low < 0 or high <= 0):
            raise InvalidInputError("y must be at least 0 and not 0 everywhere for loss='poisson'")
        if self.loss == "gamma" and low <= 0:
            raise InvalidInputError(f"y must be above 0 for loss='gamma', got {low}")
        scale = "value" if self.loss == "gaussian" else "log"
        adopt(self, read_options(self, rows.schema, FAMILIES[self.loss], False), rows, scale)
        return self

    def predict(self, X: Rows) -> NDArray[np.float64]:
        """Mean of each row."""
        eta = words.linear_predictor(self, rows(self, X))[:, 0]
        return FAMILIES[self.loss].mean(eta)

    def shape(self, term: str) -> pd.DataFrame:
        """One term as numbers; see :meth:`GAMClassifier.shape`."""
        return words.shape_frame(self, term)

    def terms(self) -> pd.DataFrame:
        """Columns ``term``, ``importance`` (mean absolute contribution), ``edf``, ``lowest`` and ``highest`` effect."""
        return words.term_frame(self)

    def edit(self, term: str, **change: Any) -> GAMRegressor:
        """Return a copy with one term changed by hand, and a record of it.

        See :func:`~explaindistill.students.gam.edit.edited` for what may be changed.
        """
        return edited(self, term, **change)

    def describe(self) -> str:
        """One page in words."""
        return words.describe(self)

    def explain(self, X: Rows, *, as_frame: bool = False) -> pd.DataFrame:
        """Contributions to the value (or log of the mean), one line per row and term."""
        lines = words.explain(self, rows(self, one_or_more(X)))
        return lines if as_frame else short_table(self, lines)

    def importance(self) -> pd.DataFrame:
        """Share of each feature in the mean absolute contributions; a pair counts half for each of its columns."""
        return words.importance(self)

    def complexity(self) -> Complexity:
        """Terms, numbers, columns and bytes."""
        return words.complexity(self)

    def to_dict(self) -> dict[str, Any]:
        """Return a versioned JSON form."""
        return write(self)

    plot = plot
    _repr_mimebundle_ = mimebundle
    _repr_html_ = html_in_notebook
    fit_notes: ClassVar = FIT_NOTES
    export = export
    program = program
    drawing = drawing
    shapley = shapley
    counterfactual = counterfactual
    agreement_intervals = agreement_intervals
    reasons = reasons
    toward_labels = toward_labels
    smaller = smaller
    on_value_grid = on_value_grid
    _shapley = gam_shapley

    @classmethod
    @reader
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Inverse of :meth:`to_dict`; runs no code."""
        return read(cls, data)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags
