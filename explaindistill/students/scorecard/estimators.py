"""Scorecard student: integer points that add up on paper, and a risk per total."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

from explaindistill.data.design import (
    Column,
    matrix,
    rule_columns,
)
from explaindistill.data.disclosure import MIN_CATEGORY_SIZE
from explaindistill.data.notebook import html_in_notebook, mimebundle
from explaindistill.data.rows import one_or_more
from explaindistill.data.target_names import class_name
from explaindistill.data.targets import as_soft_targets
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.linear.scorecard import card_excess, search, unique_columns, unique_rows
from explaindistill.numerics.ranges import number_in, whole_in
from explaindistill.protocols import Complexity, Rows
from explaindistill.students import _intake
from explaindistill.students._explaining.agreement import agreement_intervals
from explaindistill.students._explaining.counterfactual import counterfactual
from explaindistill.students._explaining.reasons import reasons
from explaindistill.students._explaining.shapley import shapley
from explaindistill.students._explaining.short_table import short_table
from explaindistill.students._export import export
from explaindistill.students._form import check_header, compact_bytes, header, reader
from explaindistill.students._optimum import settle
from explaindistill.students._picture import plot
from explaindistill.students.scorecard.drawing import drawing
from explaindistill.students.scorecard.model import CardModel, risk_table
from explaindistill.students.scorecard.nearest import nearest_in_card
from explaindistill.students.scorecard.program import program
from explaindistill.students.scorecard.refining import toward_labels
from explaindistill.students.scorecard.shapley import card_shapley

__all__ = ["ScorecardClassifier"]

MOST_POINTS = 1_000
"""Per condition: the table of risks has a line for each total that can occur."""
MOST_DIGITS = 15
"""Decimal digits that every float keeps."""


class ScorecardClassifier(ClassifierMixin, BaseEstimator):
    r"""Points for a few yes-or-no conditions; the total decides the risk. For two classes.

    .. math:: \log \frac{q(x)}{1 - q(x)} = a + s \sum_j z_j b_j(x), \qquad z_j \text{ whole numbers}

    Conditions are thresholds at quantiles, levels of categories, flags and "is missing". The few that matter are found
    by beam search and swaps on the cross-entropy to soft labels, with a normal prior of precision 10 (a condition that
    few rows meet must earn its place) on each coefficient; their points by rounding at several multipliers.

    Parameters
    ----------
    classes : array of shape (2,), optional
        Classes of the columns of a soft ``y`` array; ``range(2)`` when None. The risk is that of the larger one.
    max_terms : int, at least 1
        At most so many conditions with points.
    max_points : int, at least 1
        Points lie between minus this and this.
    n_thresholds : int, at least 1
        Thresholds tried for a number, at its weighted quantiles.
    max_levels : int, at least 1
        Levels tried for a category: its most frequent ones. Levels without points, and unseen ones, count 0.
    beam_width : int, at least 1
        Partial cards kept at each step: more is slower and rarely better.
    tolerance : float, at least 0
        Share of the explained divergence that may be given up for a card that ranks the rows better (area under the
        ROC curve); 0 takes the card of least cross-entropy.
    digits : int, at least 1
        Decimals of the risks that are shown *and applied*; no risk is nearer to 0 or 1 than one unit of the last.
    min_category_size : int, at least 1
        Categories of fewer rows are "(other)", which also stands for every category that fitting did not see; bounds
        are those of :func:`explaindistill.data.disclosure.shown_bounds`. 1 names and keeps everything.

    Attributes
    ----------
    classes_, n_features_in_, feature_names_in_, schema_
    model_ : conditions, points and risks
    offset_, slope_ : float
        The a and s of the equation, from which the risks were rounded.
    optimality_ : float
        By how much the cross-entropy per row, on all rows, could still fall by another a and s, or by changing the
        points of any one condition (with a and s fitted anew). That no other set of conditions is better is not
        proven: the search is greedy.
    converged_ : bool
        Whether that is at most 1e-7; a card that is not raises scikit-learn's ``ConvergenceWarning``.

    References
    ----------
    Liu, Zhong, Li, Seltzer and Rudin (2022), arXiv:2210.05846.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"age": rng.integers(20, 70, 800), "smoker": rng.choice(["no", "yes"], 800)})
    >>> p = expit(-2.0 + 1.0 * (X["age"] > 44) + 2.0 * (X["smoker"] == "yes"))
    >>> card = ScorecardClassifier(max_terms=2, max_points=2, n_thresholds=50).fit(X, np.c_[1 - p, p])
    >>> print(card.describe())
    Points for 1
        age <= 44.5    -1
        smoker = "no"  -2
    Total    Risk  Share of rows
       -3  11.9 %         22.8 %
       -2  26.9 %         26.7 %
       -1  50.0 %         23.9 %
        0  73.1 %         26.6 %
    """

    accepts_soft_targets = True

    def __init__(
        self,
        *,
        classes: ArrayLike | None = None,
        max_terms: int = 10,
        max_points: int = 5,
        n_thresholds: int = 9,
        max_levels: int = 50,
        beam_width: int = 10,
        tolerance: float = 0.03,
        digits: int = 3,
        min_category_size: int = MIN_CATEGORY_SIZE,
    ) -> None:
        self.classes = classes
        self.max_terms = max_terms
        self.max_points = max_points
        self.n_thresholds = n_thresholds
        self.max_levels = max_levels
        self.beam_width = beam_width
        self.tolerance = tolerance
        self.digits = digits
        self.min_category_size = min_category_size

    def fit(self, X: Rows, y: ArrayLike, sample_weight: ArrayLike | None = None) -> ScorecardClassifier:
        """Fit to hard labels ``(n,)`` or soft labels ``(n, 2)``; see the class."""
        for name in ("max_terms", "n_thresholds", "max_levels", "beam_width"):
            whole_in(name, getattr(self, name), 1)
        whole_in("max_points", self.max_points, 1, MOST_POINTS)
        whole_in("digits", self.digits, 1, MOST_DIGITS)
        number_in("tolerance", self.tolerance, 0)
        intake = _intake.fit_classifier(self, X, y, sample_weight, self.classes)
        if len(self.classes_) != 2:
            raise InvalidInputError(
                "Only binary classification is supported. The type of the target is multiclass: "
                f"{len(self.classes_)} classes; fit one scorecard per class, or use LinearClassifier"
            )
        columns = rule_columns(intake.schema, intake.X, intake.weight, self.n_thresholds, self.max_levels)
        B = matrix(columns, intake.schema, intake.X)
        distinct = unique_columns(B)
        w0, w1 = intake.weight * intake.Y[:, 0], intake.weight * intake.Y[:, 1]
        patterns = unique_rows(B[:, distinct], w0, w1)
        # small products: one thread is faster on a busy machine, and bits do not depend on the number of cores
        with threadpool_limits(1, user_api="blas"):
            limits = -self.max_points, self.max_points
            card = search(patterns, self.max_terms, *limits, self.beam_width, self.tolerance)
            excess = card_excess(patterns, card, *limits)
        settle(self, excess, way_out="leave out conditions that all but tell the answer, or raise max_points")
        self.offset_, self.slope_ = card.offset, card.slope
        pairs = [(distinct[j], z) for j, z in zip(card.support, card.points, strict=True) if z]
        used = [(columns[q], B[:, q], z) for q, z in pairs]
        self.model_ = self._model(used, intake)
        return self

    def _model(self, used: list[tuple[Column, NDArray[np.float64], np.int64]], intake: _intake.Intake) -> CardModel:
        """Table of risks ``expit(a + s total)`` over all totals that the points can make.

        Totals run from the sum of the negative points to that of the positive ones; ``share`` counts the weight of
        the rows at each.
        """
        points = np.array([z for _, _, z in used], dtype=np.int64)
        lowest, highest = int(points[points < 0].sum()), int(points[points > 0].sum())
        risk = risk_table(expit(self.offset_ + self.slope_ * np.arange(lowest, highest + 1)), self.digits)
        w = intake.weight / intake.weight.sum()
        values = np.column_stack([z * b for _, b, z in used]) if used else np.zeros((len(w), 0))
        total = values.sum(axis=1).astype(np.int64) - lowest
        return CardModel(
            schema=intake.schema,
            columns=tuple(c for c, _, _ in used),
            points=points,
            lowest=lowest,
            risk=risk,
            share=np.asarray(np.bincount(total, weights=w, minlength=len(risk)), dtype=float),
            spread=np.sqrt(w @ (values - w @ values) ** 2),
            classes=self.classes_,
        )

    def points(self, X: Rows) -> NDArray[np.int64]:
        """Total of points of each row, ``(n,)``."""
        frame = _intake.rows(self, X)
        return self.model_.values(frame).sum(axis=1)

    def predict_proba(self, X: Rows) -> NDArray[np.float64]:
        """Probabilities ``(n, 2)``: the risk of the row's total, as in the table."""
        total = self.points(X)
        risk = self.model_.risk[total - self.model_.lowest]
        return np.column_stack([1 - risk, risk])

    def log_odds(self, X: Rows) -> NDArray[np.float64]:
        """Log-odds ``(n,)`` by the equation of the class, before the risks are rounded: what Shapley values sum to."""
        return np.asarray(self.offset_ + self.slope_ * self.points(X), dtype=float)

    def decision_function(self, X: Rows) -> NDArray[np.float64]:
        """Log-odds of the risk ``(n,)``."""
        return logit(self.predict_proba(X)[:, 1])

    def predict(self, X: Rows) -> NDArray[Any]:
        """Class whose risk is above one half, ``(n,)``; the first class at exactly one half."""
        risk = self.predict_proba(X)[:, 1]
        return self.classes_[(risk > 0.5).astype(int)]

    def score(self, X: Rows, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Accuracy for hard labels; agreement with the most probable class for soft ones."""
        P, classes, soft = as_soft_targets(y, _intake.column_classes(self, y))
        labels = classes[np.argmax(P, axis=1)] if soft else np.ravel(y)
        return float(accuracy_score(labels, self.predict(X), sample_weight=sample_weight))

    def table(self) -> pd.DataFrame:
        """Return one row per condition: ``term``, ``feature``, ``points``."""
        check_is_fitted(self)
        model = self.model_
        rows = [(model.words(c), c.feature, int(z)) for c, z in zip(model.columns, model.points, strict=True)]
        return pd.DataFrame(rows, columns=["term", "feature", "points"])

    def risks(self) -> pd.DataFrame:
        """Return one row per total: ``total``, ``risk`` (as applied), ``share`` of the rows of fitting."""
        check_is_fitted(self)
        model = self.model_
        totals = np.arange(model.lowest, model.lowest + len(model.risk))
        return pd.DataFrame({"total": totals, "risk": model.risk, "share": model.share})

    def describe(self) -> str:
        """Return the card as it goes on paper: conditions with points, then the risk per total."""
        terms, digits = self.table(), max(self.digits - 2, 0)
        width = max((len(t) for t in terms["term"]), default=0)
        lines = [f"Points for {class_name(self.classes_[1], self.target_name_)}"]
        lines += [f"    {t:<{width}}  {z:+d}" for t, z in zip(terms["term"], terms["points"], strict=True)]
        lines.append(f"Total  {'Risk':>{digits + 5}}  Share of rows")
        for row in self.risks().itertuples():
            risk, share = f"{100 * row.risk:.{digits}f} %", f"{100 * row.share:.1f} %"
            lines.append(f"{row.total:>5}  {risk:>{digits + 5}}{share:>15}")
        return "\n".join(lines)

    def explain(self, X: Rows, *, as_frame: bool = False) -> pd.DataFrame:
        """Points of each condition, row by row; they sum to the total. See :meth:`protocols.Student.explain`."""
        frame = _intake.rows(self, one_or_more(X))
        model, n = self.model_, len(frame)
        values = model.values(frame)
        names = ["(base)", *(model.words(c) for c in model.columns)]
        words = np.empty((n, len(names)), dtype=object)
        words[:, 0] = "every row"
        for j, column in enumerate(model.columns):
            numbers = model.schema.column(frame, column.feature)
            words[:, j + 1] = [f"{column.feature} = {model.schema[column.feature].shown(v, 6)}" for v in numbers]
        out = pd.DataFrame(
            {
                "row": np.repeat(np.arange(n), len(names)),
                "step": np.tile(np.arange(len(names)), n),
                "term": np.tile(np.array(names, dtype=object), n),
                "reason": words.ravel(),
                "output": np.repeat(self.classes_[1:], n * len(names)),
                "contribution": np.hstack([np.zeros((n, 1)), values]).ravel(),
            }
        )
        out.attrs["scale"] = "points"
        return out if as_frame else short_table(self, out)

    def complexity(self) -> Complexity:
        """Each condition costs its points and its threshold or level; the curve of risks two numbers."""
        check_is_fitted(self)
        model = self.model_
        return Complexity(
            family="scorecard",
            n_parameters=2 * len(model.columns) + 2,
            n_features=len({c.feature for c in model.columns}),
            n_bytes=compact_bytes(self.to_dict()),
            n_terms=len(model.columns),
            n_lines=len(model.columns),
            n_numbers=2 * len(model.columns) + 2,
        )

    def importance(self) -> pd.DataFrame:
        """Share of each feature in the sum of standard deviations of points over the rows of fitting."""
        check_is_fitted(self)
        spread = dict.fromkeys(self.schema_.names, 0.0)
        for column, size in zip(self.model_.columns, self.model_.spread, strict=True):
            spread[column.feature] += float(size)
        values = np.array(list(spread.values()))
        total = values.sum()
        return pd.DataFrame({"feature": list(spread), "estimate": values / total if total > 0 else values})

    def to_dict(self) -> dict[str, Any]:
        """Return a versioned JSON form; :meth:`from_dict` reads it without running code."""
        check_is_fitted(self)
        return (
            header(self, "scorecard")
            | self.model_.to_dict()
            | {"digits": self.digits, "offset": self.offset_, "slope": self.slope_}
        )

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
    _nearest = nearest_in_card
    _shapley = card_shapley

    @classmethod
    @reader
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Student from :meth:`to_dict`, ready to predict; other parameters of fitting are the defaults."""
        check_header(cls, "scorecard", data)
        card = cls(digits=int(data.get("digits", 3)))
        card.model_ = model = CardModel.from_dict(data)
        card.offset_, card.slope_ = float(data["offset"]), float(data["slope"])
        card.schema_, card.classes_, card.n_features_in_ = model.schema, model.classes, len(model.schema)
        if model.schema.container == "frame":
            card.feature_names_in_ = np.array(model.schema.names, dtype=object)
        return card

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags
