"""Rule lists: if – else if – else, few conditions each, with how many rows a rule takes and how often it is right."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from explaindistill.data.disclosure import MIN_CATEGORY_SIZE
from explaindistill.data.notebook import html_in_notebook, mimebundle
from explaindistill.data.rows import one_or_more
from explaindistill.data.targets import as_soft_targets, sharpen
from explaindistill.numerics.ranges import number_in, whole_in
from explaindistill.numerics.trees.rule_growth import RuleLimits
from explaindistill.protocols import Complexity, Rows
from explaindistill.students._explaining.agreement import agreement_intervals
from explaindistill.students._explaining.counterfactual import counterfactual
from explaindistill.students._explaining.reasons import reasons
from explaindistill.students._explaining.shapley import shapley
from explaindistill.students._explaining.short_table import short_table
from explaindistill.students._export import export
from explaindistill.students._form import compact_bytes, plain, reader
from explaindistill.students._intake import column_classes, fit_classifier, fit_regressor, rows
from explaindistill.students._picture import plot
from explaindistill.students.rules.drawing import drawing
from explaindistill.students.rules.fit import fit_rule_list
from explaindistill.students.rules.json_form import empty, head
from explaindistill.students.rules.model import RuleList
from explaindistill.students.rules.nearest import nearest_in_rules
from explaindistill.students.rules.program import program
from explaindistill.students.rules.refining import toward_labels
from explaindistill.students.rules.shapley import rule_shapley
from explaindistill.students.rules.tables import class_table, regions, value_table

__all__ = ["RuleListClassifier", "RuleListRegressor"]


class RuleListClassifier(ClassifierMixin, BaseEstimator):
    r"""Ordered rules: the first whose conditions all hold gives its mean soft label, :math:`P(x) = \bar p_{r(x)}`.

    Each rule is the conjunction that best divides the rows that no rule before it takes, by the squared error of
    *sharpened* labels; the values are means of the labels as they were given.

    Parameters
    ----------
    max_rules : int, at least 0
        Without the default rule, which always comes last.
    max_literals : int, at least 1
        Conditions in one rule.
    min_samples_rule : int, at least 1
        Least rows that a rule takes, and leaves; whole-number weights count as repetitions.
    beam_width : int, at least 1
        Conjunctions kept while a rule is looked for.
    min_gain : float, at least 0
        Least drop of the squared error by a rule, as a share of that of the best constant.
    structure_temperature : float, at least 0
        1 looks for rules with the soft labels themselves, 0 with the most probable class.
    classes : array of shape (k,), optional
        Classes of the columns of soft labels given as an array; ``range(k)`` when None.
    n_jobs : int or None
        Threads for binning; None is 1, -1 one per core. The rules do not depend on it.
    min_category_size : int, at least 1
        Categories of fewer rows are "(other)", which also stands for every category that fitting did not see; bounds
        are those of :func:`explaindistill.data.disclosure.shown_bounds`. 1 names and keeps everything.

    Attributes
    ----------
    rules_ : RuleList
    table_ : DataFrame
        :meth:`table` of the rows of fitting: precision there is too good, ask for fresh rows. Where a Distiller made
        rows up, of the real ones alone, as its column ``rows`` says.
    classes_, schema_, n_features_in_, feature_names_in_

    References
    ----------
    Rivest (1987), doi:10.1023/A:1022607331053; Wilson (1927), doi:10.1080/01621459.1927.10502953 (the intervals).

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> age, debt = (g.ravel() for g in np.meshgrid(np.arange(20, 60), np.arange(0, 40)))
    >>> p = np.where((age > 40) & (debt <= 10), 0.9, 0.2)
    >>> student = RuleListClassifier(classes=["no", "yes"])
    >>> print(student.fit(pd.DataFrame({"age": age, "debt": debt}), np.c_[1 - p, p]).describe())
    Rule list: 1 rule of 2 conditions in all, and a default.
    if age > 40 and debt <= 10: yes 0.900, no 0.100  [13.1% of rows; 100.0% agree, 98.2% to 100.0%]
    else: no 0.800, yes 0.200  [86.9% of rows; 100.0% agree, 99.7% to 100.0%]
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
    reasons = reasons
    toward_labels = toward_labels
    regions = regions
    _nearest = nearest_in_rules
    _shapley = rule_shapley

    def __init__(
        self,
        max_rules: int = 8,
        *,
        max_literals: int = 3,
        min_samples_rule: int = 10,
        beam_width: int = 8,
        min_gain: float = 1e-3,
        structure_temperature: float = 0.25,
        classes: ArrayLike | None = None,
        n_jobs: int | None = None,
        min_category_size: int = MIN_CATEGORY_SIZE,
    ) -> None:
        self.max_rules = max_rules
        self.max_literals = max_literals
        self.min_samples_rule = min_samples_rule
        self.beam_width = beam_width
        self.min_gain = min_gain
        self.structure_temperature = structure_temperature
        self.classes = classes
        self.n_jobs = n_jobs
        self.min_category_size = min_category_size

    def fit(self, X: Rows, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to hard labels ``(n,)`` or soft labels ``(n, k)``."""
        intake = fit_classifier(self, X, y, sample_weight, self.classes)
        number_in("structure_temperature", self.structure_temperature, 0)
        structure = sharpen(intake.Y, self.structure_temperature)
        self.rules_ = fit_rule_list(intake, limits_of(self), structure, self.n_jobs)
        self.table_ = class_table(self, intake.X, intake.Y, intake.weight, 0.95)
        return self

    def predict_proba(self, X: Rows) -> NDArray[np.float64]:
        """Probabilities ``(n, k)`` in the order of ``classes_``."""
        frame = rows(self, X)
        return self.rules_.values(frame)

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

    def table(self, X: Rows, y: ArrayLike, sample_weight: ArrayLike | None = None, level: float = 0.95) -> pd.DataFrame:
        """Coverage and precision of each rule on rows with labels, best ones that fitting did not see.

        Returns
        -------
        DataFrame
            ``rule`` (from 1, the default last), ``condition``, ``output`` (class), ``n`` (rows it takes; sum of
            whole-number weights, effective rows for others), ``coverage`` with ``coverage_low`` and ``coverage_high``
            (share of the rows), ``precision`` with ``precision_low`` and ``precision_high`` (share of its rows whose
            most probable class is ``output``; NaN where it takes none). Wilson intervals.
        """
        frame = rows(self, X)
        P, classes, _ = as_soft_targets(y, column_classes(self, y))
        Q = np.zeros((len(P), len(self.classes_)))
        Q[:, np.searchsorted(self.classes_, classes)] = P
        return class_table(self, frame, Q, weights_of(sample_weight, len(P)), level)

    def describe(self, *, decide: Callable[[Sequence[float]], int] | None = None) -> str:
        """Return the rules in words, the numbers that `predict_proba` uses to three decimals.

        Parameters
        ----------
        decide : callable, optional
            From a rule's probabilities to the position of the class that it decides, where that is not the most
            probable one; it then stands first.
        """
        check_is_fitted(self)
        lines = []
        for i, value in enumerate([*(r.value for r in self.rules_.rules), self.rules_.default]):
            order = sorted(range(len(value)), key=lambda k: (-value[k], k))[:3]
            answer = ", ".join(f"{self.classes_[k]} {value[k]:.3f}" for k in order)
            if decide is not None:
                answer = f"{self.classes_[decide([float(v) for v in value])]}   {answer}"
            row = self.table_.iloc[i]
            right = f"{row.precision:.1%} agree, {row.precision_low:.1%} to {row.precision_high:.1%}"
            lines.append(f"{_if(self.rules_, i)}: {answer}  [{row.coverage:.1%} of rows; {right}]")
        return "\n".join([_headline(self.rules_, self.target_name_) + _whose(self.table_), *lines])

    def recount(self, X: Rows | None, P: NDArray[np.float64] | None, weight: NDArray[np.float64] | None) -> None:
        """Count the real rows of the fit: ``table_``, :meth:`describe` and drawings then speak of them alone.

        Parameters
        ----------
        X : rows of fitting that are real, or None where all were made up
        P : array of shape (n, k)
            Their soft labels, in the order of ``classes_``.
        weight : array of shape (n,)
        """
        _recount(self, X, P, weight, class_table)

    def explain(self, X: Rows, *, as_frame: bool = False) -> pd.DataFrame:
        """Rules that were read, and how each moved the probabilities; contributions sum to them."""
        frame = rows(self, one_or_more(X))
        out = self.rules_.explain(frame, list(self.classes_))
        out.attrs["scale"] = "probability"
        return out if as_frame else short_table(self, out)

    def complexity(self) -> Complexity:
        """Count what there is to read: bounds, listed categories, and k - 1 values per rule."""
        check_is_fitted(self)
        return complexity_of(self, len(self.classes_) - 1)

    def importance(self) -> pd.DataFrame:
        """Share of each column in the gain of the rules."""
        check_is_fitted(self)
        return self.rules_.importance()

    def to_dict(self) -> dict[str, Any]:
        """Return the versioned JSON form."""
        check_is_fitted(self)
        return head(self) | {"classes": [plain(c) for c in self.classes_]}

    @classmethod
    @reader
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Inverse of :meth:`to_dict`; runs no code."""
        student = empty(cls, data)
        student.classes_ = np.array(data["classes"])
        return student

    def __sklearn_tags__(self) -> Any:
        return open_tags(super().__sklearn_tags__())


class RuleListRegressor(RegressorMixin, BaseEstimator):
    r"""Ordered rules for numbers: the first whose conditions all hold gives the mean of its rows.

    Parameters
    ----------
    max_rules, max_literals, min_samples_rule, beam_width, min_gain, n_jobs
        See :class:`RuleListClassifier`.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(100.0)
    >>> student = RuleListRegressor(max_rules=1).fit(x[:, None], np.where(x > 59, 7.0, 1.0))
    >>> student.predict([[10.0], [80.0]]).tolist()
    [1.0, 7.0]
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
    reasons = reasons
    toward_labels = toward_labels
    regions = regions
    _nearest = nearest_in_rules
    _shapley = rule_shapley

    def __init__(
        self,
        max_rules: int = 8,
        *,
        max_literals: int = 3,
        min_samples_rule: int = 10,
        beam_width: int = 8,
        min_gain: float = 1e-3,
        n_jobs: int | None = None,
        min_category_size: int = MIN_CATEGORY_SIZE,
    ) -> None:
        self.max_rules = max_rules
        self.max_literals = max_literals
        self.min_samples_rule = min_samples_rule
        self.beam_width = beam_width
        self.min_gain = min_gain
        self.n_jobs = n_jobs
        self.min_category_size = min_category_size

    def fit(self, X: Rows, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to values ``(n,)`` or ``(n, m)``."""
        intake = fit_regressor(self, X, y, sample_weight, multi_output=True)
        shape = np.shape(np.asarray(y))
        self.flat_ = len(shape) < 2 or shape[1] == 1
        w = intake.weight / intake.weight.sum()
        centred = intake.Y - w @ intake.Y
        spread = np.sqrt(w @ centred**2)
        structure = centred / np.where(spread > 0, spread, 1.0)
        self.rules_ = fit_rule_list(intake, limits_of(self), structure, self.n_jobs)
        self.table_ = value_table(self, intake.X, intake.Y, intake.weight, 0.95)
        return self

    def predict(self, X: Rows) -> NDArray[np.float64]:
        """Values ``(n,)`` or ``(n, m)``."""
        frame = rows(self, X)
        values = self.rules_.values(frame)
        return values[:, 0] if self.flat_ else values

    def table(self, X: Rows, y: ArrayLike, sample_weight: ArrayLike | None = None, level: float = 0.95) -> pd.DataFrame:
        """Coverage of each rule and the mean of the rows it takes, best on rows that fitting did not see.

        Returns
        -------
        DataFrame
            ``rule``, ``condition``, ``output`` (number of the output), ``n``, ``coverage`` with ``coverage_low`` and
            ``coverage_high`` (Wilson), ``estimate`` (the mean) with ``low`` and ``high`` (normal interval),
            ``spread`` (standard deviation).
        """
        frame = rows(self, X)
        Y = np.asarray(y, dtype=float).reshape(len(frame), -1)
        return value_table(self, frame, Y, weights_of(sample_weight, len(Y)), level)

    def describe(self) -> str:
        """Return the rules in words."""
        check_is_fitted(self)
        lines = []
        for i, value in enumerate([*(r.value for r in self.rules_.rules), self.rules_.default]):
            row = self.table_[self.table_.rule == i + 1].iloc[0]
            answer = ", ".join(f"{v:.6g}" for v in value)
            lines.append(f"{_if(self.rules_, i)}: {answer}  [{row.coverage:.1%} of rows; spread {row.spread:.3g}]")
        return "\n".join([_headline(self.rules_, self.target_name_) + _whose(self.table_), *lines])

    def recount(self, X: Rows | None, P: NDArray[np.float64] | None, weight: NDArray[np.float64] | None) -> None:
        """As :meth:`RuleListClassifier.recount`, of values ``(n,)`` or ``(n, m)``."""
        _recount(self, X, None if P is None else P.reshape(len(P), -1), weight, value_table)

    def explain(self, X: Rows, *, as_frame: bool = False) -> pd.DataFrame:
        """Rules that were read, and how each moved the value; contributions sum to it."""
        frame = rows(self, one_or_more(X))
        out = self.rules_.explain(frame, list(range(self.n_outputs_)))
        out.attrs["scale"] = "value"
        return out if as_frame else short_table(self, out)

    def complexity(self) -> Complexity:
        """Count what there is to read: bounds, listed categories, and a value per rule and output."""
        check_is_fitted(self)
        return complexity_of(self, self.n_outputs_)

    def importance(self) -> pd.DataFrame:
        """Share of each column in the gain of the rules."""
        check_is_fitted(self)
        return self.rules_.importance()

    def to_dict(self) -> dict[str, Any]:
        """Return the versioned JSON form."""
        check_is_fitted(self)
        return head(self) | {"n_outputs": self.n_outputs_, "flat": bool(self.flat_)}

    @classmethod
    @reader
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Inverse of :meth:`to_dict`; runs no code."""
        student = empty(cls, data)
        student.n_outputs_, student.flat_ = int(data["n_outputs"]), bool(data["flat"])
        return student

    def __sklearn_tags__(self) -> Any:
        tags = open_tags(super().__sklearn_tags__())
        tags.target_tags.multi_output = True
        return tags


def limits_of(student: Any) -> RuleLimits:
    """Check the limits of the search and bring them into one record."""
    for name, least in (("max_rules", 0), ("max_literals", 1), ("min_samples_rule", 1), ("beam_width", 1)):
        whole_in(name, getattr(student, name), least)
    number_in("min_gain", student.min_gain, 0)
    return RuleLimits(
        student.max_rules, student.max_literals, float(student.min_samples_rule), student.beam_width, student.min_gain
    )


def complexity_of(student: Any, n_free: int) -> Complexity:
    """Count conditions and values.

    ``mean_path_length`` is the mean number of rules that are read, ``sum_r r share_r`` with r from 1; the rows of the
    default read all.
    """
    model: RuleList = student.rules_
    literals = [literal for rule in model.rules for literal in rule.literals]
    shares = [rule.share for rule in model.rules]
    n_parameters = sum(literal.cost for literal in literals) + n_free * (len(model.rules) + 1)
    read = sum((i + 1) * share for i, share in enumerate(shares)) + len(shares) * (1.0 - sum(shares))
    return Complexity(
        family="rules",
        n_parameters=n_parameters,
        n_features=len(model.used()),
        n_bytes=compact_bytes(student.to_dict()),
        n_leaves=len(model.rules) + 1,
        n_terms=len(literals),
        depth=len(model.rules),
        mean_path_length=float(read),
        n_lines=len(model.rules) + 1,
        n_numbers=n_parameters - len(literals),  # the column of each condition is a name
    )


def weights_of(sample_weight: ArrayLike | None, n: int) -> NDArray[np.float64]:
    """Weights ``(n,)``, ones when None."""
    return np.ones(n) if sample_weight is None else np.asarray(sample_weight, dtype=float)


def open_tags(tags: Any) -> Any:
    """Missing values, categories and text are welcome."""
    tags.input_tags.allow_nan = True
    tags.input_tags.categorical = True
    tags.input_tags.string = True
    return tags


def _if(model: RuleList, i: int) -> str:
    if i == len(model.rules):
        return "else" if i else "always"
    return f"{'else ' if i else ''}if {model.rules[i].words(model.schema)}"


def _headline(model: RuleList, target: str | None) -> str:
    n, m = len(model.rules), sum(len(r.literals) for r in model.rules)
    rules, conditions = "rule" if n == 1 else "rules", "condition" if m == 1 else "conditions"
    return f"Rule list{f' for {target}' if target else ''}: {n} {rules} of {m} {conditions} in all, and a default."


def _whose(table: pd.DataFrame) -> str:
    """Of which rows shares and intervals are, where made-up rows took part in fitting and are not counted."""
    return f" Shares and intervals are of the {table['rows'].iloc[0]}." if "rows" in table else ""


def _recount(student: Any, X: Any, Y: Any, weight: Any, tabulate: Any) -> None:
    """The table of real rows of fitting in the place of that of all."""
    if X is None:
        student.table_ = student.table_.assign(rows="made-up rows of fitting")
        return
    counted = tabulate(student, rows(student, X), Y, weight, 0.95)
    student.table_ = counted.assign(rows=f"{len(Y):,} observed rows of fitting")
