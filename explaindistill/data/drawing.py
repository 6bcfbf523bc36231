"""What there is to draw of a student: a tree, curves, bars or rules, in words and numbers, with no picture in them yet.

A student says it by its method ``drawing()``; ``plots`` paints these values, and the report tells them in words, tables
and outlines. Whoever reads them needs no other knowledge of the student.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from explaindistill.data.schema import Feature
from explaindistill.data.target_names import class_name
from explaindistill.errors import InvalidInputError

__all__ = [
    "NORMAL_95",
    "SECONDS_PER_YEAR",
    "SHOWN_CATEGORIES",
    "BarsDrawing",
    "Branch",
    "CurvesDrawing",
    "Drawing",
    "DrawnTerm",
    "GroupShares",
    "RulesDrawing",
    "TreeDrawing",
    "answer_words",
    "bar_lengths",
    "drawing_of",
    "effect_unit",
    "importance_bars",
    "question_words",
    "shown_class",
]

NORMAL_95 = 1.959963984540054  # 97.5 % point of the standard normal: half of a two-sided 95 % band, in standard errors
SHOWN_CATEGORIES = 6  # a question that names more of them is read as a list
SECONDS_PER_YEAR = 365.2425 * 86400  # mean year of the Gregorian calendar, so that a year begins near its whole number


@dataclass(frozen=True)
class GroupShares:
    """Who is in a leaf by one attribute: groups with their shares of its rows, None where a share is withheld.

    Examples
    --------
    >>> GroupShares("sex", (("female", 0.75), ("other", None))).shares[0]
    ('female', 0.75)
    """

    attribute: str
    shares: tuple[tuple[str, float | None], ...]


@dataclass(frozen=True)
class Branch:
    """A question with what hangs below it, or an answer.

    Attributes
    ----------
    text : str
        The question, or the answer in words.
    edge : str
        What the question above is answered with on the way here.
    share : float, optional
        Share of the rows of fitting, in [0, 1].
    n : int, optional
        Rows of fitting.
    values : tuple of float
        Of an answer: the probability of each class, or its numbers; empty where there is no bar to draw.
    children : tuple of Branch
    node : str
        The place's name where the student is asked in the page: the number that its script's ``path`` gives, or
        ``"w"`` and the answers on the way, 1 for yes and 0 for no, where ``path`` gives answers.
    title : str
        What an answer is called elsewhere on the page, such as ``"leaf 3"``.
    who : tuple of GroupShares

    Examples
    --------
    >>> root = Branch("age ≤ 30?", children=(Branch("no 0.90", "yes"), Branch("yes 0.80", "no")))
    >>> [(leaf.edge, leaf.text) for leaf in root.answers()]
    [('yes', 'no 0.90'), ('no', 'yes 0.80')]
    """

    text: str
    edge: str = ""
    share: float | None = None
    n: int | None = None
    values: tuple[float, ...] = ()
    children: tuple[Branch, ...] = ()
    node: str = ""
    title: str = ""
    who: tuple[GroupShares, ...] = ()

    def answers(self) -> Iterator[Branch]:
        """Itself where nothing hangs below it, else the answers below, in reading order."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.answers()


@dataclass(frozen=True, eq=False)
class TreeDrawing:
    """Questions that lead to answers.

    Attributes
    ----------
    root : Branch
    classes : tuple, or None in regression
    kind, title : str
        What it is, in small words and as a title.
    unit : str
        Unit of the terms that leaves add up; empty where leaves have none.
    answer : str
        What stands at a leaf, where that is not simply the student's answer.
    sums : DataFrame, optional
        What each leaf adds up: ``term`` and ``output``, then one column per leaf, ``"1"``, ``"2"``, … from left to
        right, NaN where a leaf has no such term.
    rows : str
        Whose shares and counts the branches say.

    Examples
    --------
    >>> leaves = Branch("no 0.90", "yes", values=(0.9, 0.1)), Branch("yes 0.80", "no", values=(0.2, 0.8))
    >>> tree = TreeDrawing(Branch("age ≤ 30?", children=leaves), classes=("no", "yes"))
    >>> [leaf.text for leaf in tree.root.answers()]
    ['no 0.90', 'yes 0.80']
    """

    root: Branch
    classes: tuple[Any, ...] | None = None
    kind: str = "tree"
    title: str = "The tree"
    unit: str = ""
    answer: str = ""
    sums: pd.DataFrame | None = None
    rows: str = "rows of fitting"


@dataclass(frozen=True, eq=False)
class DrawnTerm:
    """One term of a sum of curves.

    Attributes
    ----------
    name : str
    features : tuple of str
        One column, or two.
    frame : DataFrame
        Of one column ``x`` (numbers) or ``level`` (words), ``estimate``, ``low``, ``high`` and ``output``, and where it
        is known ``n``, the rows of the fit near the place; of two ``x``, ``y``, ``estimate`` and ``output``, one line
        per cell of a full grid. Places are those where rows of the fit are.
    missing : float
        What a missing value adds; NaN where that is not known.
    spread : float
        Mean absolute contribution over the rows of fitting, summed over outputs.

    Examples
    --------
    >>> levels = pd.DataFrame({"level": ["own", "rent"], "estimate": [-1.0, 1.0]})
    >>> term = DrawnTerm("home", ("home",), levels, spread=1.0)
    >>> term.spread, math.isnan(term.missing)
    (1.0, True)
    """

    name: str
    features: tuple[str, ...]
    frame: pd.DataFrame
    missing: float = math.nan
    spread: float = math.nan


@dataclass(frozen=True, eq=False)
class CurvesDrawing:
    """A sum of curves and surfaces, the one that moves answers most first; ``unit`` is that of what they add.

    Examples
    --------
    >>> import explaindistill as xd
    >>> X = pd.DataFrame({"age": range(100), "home": ["own", "rent"] * 50})
    >>> drawing = xd.GAMRegressor(n_pairs=0).fit(X, 0.01 * X["age"] + (X["home"] == "own")).drawing()
    >>> [term.name for term in drawing.terms], drawing.unit
    (['home', 'age'], 'effect on the value')
    """

    terms: tuple[DrawnTerm, ...]
    unit: str
    kind: str = "additive"
    title: str = "Terms"


@dataclass(frozen=True, eq=False)
class BarsDrawing:
    """One number per term, as bars from zero.

    Attributes
    ----------
    frame : DataFrame
        ``term`` and ``estimate``, the length of its bar; ``low`` and ``high`` where known; ``coefficient``, the number
        per unit that is applied, where bars are per standard deviation of their columns.
    unit : str
        Unit of what terms add; empty where they add nothing up.
    bar, bar_unit : str
        What a bar is, and its unit.
    kind, title : str
        What it is, in small words and as a title.
    outcome : str
        What the totals speak for: a class.
    totals : DataFrame, optional
        Where totals are looked up in a table: ``x`` (the total), ``estimate`` (probability of the outcome), ``share``
        (of the rows of fitting).

    Examples
    --------
    >>> frame = pd.DataFrame({"term": ["age", "home = own"], "estimate": [1.5, -0.5]})
    >>> BarsDrawing(frame, "value", "coefficient", "value per standard deviation", title="Coefficients").totals is None
    True
    """

    frame: pd.DataFrame
    unit: str
    bar: str
    bar_unit: str
    kind: str = "bars"
    title: str = "Bars"
    outcome: str = ""
    totals: pd.DataFrame | None = None


@dataclass(frozen=True, eq=False)
class RulesDrawing:
    """Rules in their order; the first that holds decides.

    Attributes
    ----------
    frame : DataFrame
        One line per rule, the default last: ``rule`` (from 1), ``condition`` and ``answer`` in words, ``values`` (a
        tuple: the probability of each class, or the numbers), ``n`` and ``coverage`` (rows of fitting under the rule,
        and their share) with ``coverage_low`` and ``coverage_high``, ``agreement`` (share of these rows whose teacher
        said the same, NaN in regression) with ``low`` and ``high``.
    classes : tuple, or None in regression
    kind, title : str
        What it is, in small words and as a title.
    rows : str
        Whose shares, counts and intervals the frame holds.

    Examples
    --------
    >>> import explaindistill as xd
    >>> rules = xd.RuleListRegressor().fit([[20.0], [60.0]] * 50, [1.0, 9.0] * 50).drawing()
    >>> rules.frame[["rule", "condition", "answer"]].values.tolist()
    [[1, 'x0 > 40', '9'], [2, '(default)', '1']]
    """

    frame: pd.DataFrame
    classes: tuple[Any, ...] | None = None
    kind: str = "rules"
    title: str = "The rules"
    rows: str = "rows of fitting"


Drawing = TreeDrawing | CurvesDrawing | BarsDrawing | RulesDrawing


def drawing_of(student: Any) -> Drawing | None:
    """What a student says there is to draw of it; bars of its importance where it says nothing; else None.

    Raises
    ------
    InvalidInputError
        If the student's method ``drawing`` gives something else than a drawing.

    Examples
    --------
    >>> import explaindistill as xd
    >>> tree = xd.TreeRegressor(max_leaf_nodes=2).fit([[0.0], [1.0]] * 20, [0.0, 1.0] * 20)
    >>> drawing_of(tree).root.text
    'x0 ≤ 0?'
    >>> drawing_of("a word") is None
    True
    """
    if not hasattr(student, "drawing"):
        # a user's own estimator may mean something else by the word
        importance = student.importance() if callable(getattr(student, "importance", None)) else None
        is_shares = isinstance(importance, pd.DataFrame) and {"feature", "estimate"} <= set(importance)
        return importance_bars(importance) if is_shares else None
    drawing = student.drawing()
    if not isinstance(drawing, Drawing):
        raise InvalidInputError(
            f"drawing() must return one of the drawings of explaindistill.data.drawing, {type(student).__name__} "
            f"returned {type(drawing).__name__}"
        )
    return drawing


def importance_bars(importance: pd.DataFrame) -> BarsDrawing:
    """Shares of columns in a student's structure, as bars.

    Parameters
    ----------
    importance : DataFrame
        Columns ``feature`` and ``estimate``, as :meth:`explaindistill.protocols.Student.importance` gives them.

    Examples
    --------
    >>> importance_bars(pd.DataFrame({"feature": ["age"], "estimate": [1.0]})).frame["term"].tolist()
    ['age']
    """
    frame = importance[["feature", "estimate"]].rename(columns={"feature": "term"})
    return BarsDrawing(frame, "", "importance", "share of the whole", "importance", "Importance of the columns")


def shown_class(classes: Sequence[Any] | None, favorable: Any = None) -> int | None:
    """Place of the class whose probability a bar shows: the favourable one, else the last; None in regression.

    Examples
    --------
    >>> shown_class(["no", "yes"], "no"), shown_class(["no", "yes"]), shown_class(None)
    (0, 1, None)
    """
    if classes is None:
        return None
    return list(classes).index(favorable) if favorable in classes else len(classes) - 1


def bar_lengths(
    answers: Iterable[tuple[float, ...]], classes: Sequence[Any] | None, favorable: Any = None
) -> dict[tuple[float, ...], float]:
    """Length of the bar of each answer, in [0, 1].

    It is the probability of the favourable class (of the last one when None); of numbers the first one's place between
    the smallest and the largest of all answers, one half where these are the same.

    Examples
    --------
    >>> bar_lengths([(0.9, 0.1), (0.2, 0.8)], ["no", "yes"])
    {(0.9, 0.1): 0.1, (0.2, 0.8): 0.8}
    >>> bar_lengths([(3.0,), (4.0,), (7.0,)], None)
    {(3.0,): 0.0, (4.0,): 0.25, (7.0,): 1.0}
    """
    every = [values for values in answers if values]
    place = shown_class(classes, favorable)
    if place is not None:
        return {values: values[place] for values in every}
    low, high = min((v[0] for v in every), default=0.0), max((v[0] for v in every), default=0.0)
    return {values: (values[0] - low) / (high - low) if high > low else 0.5 for values in every}


def effect_unit(
    classes: Sequence[Any] | None, n_outputs: int, target: str | None = None, regression: str = "value"
) -> str:
    """Unit of what the terms of a sum add: log-odds where one output speaks for the second class of two.

    Examples
    --------
    >>> effect_unit(["no", "yes"], 1), effect_unit(["a", "b", "c"], 3), effect_unit(None, 1)
    ('log-odds of yes', 'score', 'value')
    >>> effect_unit([0, 1], 1, "default"), effect_unit(None, 1, "price in €", "effect on the value")
    ('log-odds of default 1', 'effect on price in €')
    """
    if classes is None:
        return regression if target is None else re.sub("(the )?value", lambda _: target, regression)
    return f"log-odds of {class_name(classes[1], target)}" if n_outputs == 1 else "score"


def answer_words(values: Sequence[float], classes: Sequence[Any] | None) -> str:
    """Most probable class with its probability, or the numbers, in words.

    Examples
    --------
    >>> answer_words([0.25, 0.75], ["no", "yes"]), answer_words([3.14159], None)
    ('yes 0.75', '3.142')
    """
    if classes is None:
        return ", ".join(f"{v:.4g}" for v in values)
    top = int(np.argmax(values))
    return f"{classes[top]} {values[top]:.2f}"


def _one_of(names: Sequence[str]) -> str:
    """Categories in a question, all of them: what cannot be read cannot be followed."""
    if len(names) <= SHOWN_CATEGORIES:
        return " or ".join(names)
    return f"one of {len(names)}: {', '.join(names)}"


def question_words(
    feature: Feature, threshold: float | None, listed: Sequence[int] = (), missing_left: bool = False
) -> tuple[str, tuple[str, str]]:
    """The question of a split, and what its left and its right branch answer.

    Parameters
    ----------
    feature : Feature
        The column that is asked for.
    threshold : float, optional
        Numbers up to it go left; infinite where every known number does. None: categories are listed.
    listed : sequence of int
        Codes of the categories that go left.
    missing_left : bool
        Whether a missing value goes left.

    Examples
    --------
    >>> question_words(Feature("age", "integer", nullable=True), 30.0, missing_left=True)
    ('age ≤ 30?', ('yes, missing', 'no'))
    >>> question_words(Feature("home", "categorical", categories=("own", "rent", "family")), None, [0, 1])
    ('home is family?', ('no', 'yes'))
    """
    if threshold == math.inf:
        return f"{feature.name} is known?", ("yes", "no")
    first, second = "yes", "no"
    if threshold is None:
        others = [c for c in range(len(feature.categories)) if c not in set(listed)]
        if 0 < len(others) < len(listed):  # the shorter side is asked for: the left branch then says no
            first, second, listed = "no", "yes", others
        question = f"{feature.name} is {_one_of([str(feature.categories[c]) for c in listed])}?"
    elif feature.kind == "boolean":  # "flag ≤ 0.5?" would ask a reader to turn it round
        question, first, second = f"{feature.name}?", "no", "yes"
    else:
        question = f"{feature.name} ≤ {feature.words(threshold)}?"
    if feature.nullable:
        first, second = (f"{first}, missing", second) if missing_left else (first, f"{second}, missing")
    return question, (first, second)
