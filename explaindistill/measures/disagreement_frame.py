"""The frame of a search for disagreement: figures, and the widest row in words that are about nobody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.disclosure import MIN_CATEGORY_SIZE, OTHER, common_values
from explaindistill.data.schema import Feature, Schema
from explaindistill.measures.decision import DecisionRule
from explaindistill.measures.disagreement import Disagreements, SearchGroup
from explaindistill.measures.groups import bands
from explaindistill.measures.table import frame, row

__all__ = ["EXTRA", "disagreement_frame", "nobodys_words"]

# the first four are words
EXTRA = ("feature", "becomes", "was", "output", "teacher_answer", "student_answer")
BANDS = 10
"""Bands of a column of numbers at most, each of about a tenth of the people, and of twice those that it must have."""
BETWEEN = " and "
UNCHANGED = "the largest is of a real row, of which nothing is said; no swap near these rows moved answers apart"
WIDER = "the largest is of a real row, of which nothing is said; in words: the widest row that the search made up"


def disagreement_frame(
    search: Disagreements,
    X: pd.DataFrame,
    schema: Schema,
    rules: tuple[DecisionRule, DecisionRule],
    *,
    subject: str = "student",
    min_size: int = MIN_CATEGORY_SIZE,
) -> pd.DataFrame:
    """What a search found, of all people and by group.

    ===============================  ================================================================================
    metric                           what it is
    ===============================  ================================================================================
    ``largest_disagreement``         the largest difference of both answers that was found. ``low`` is the same: the
                                     largest there is lies between it and ``high``, the largest that there can be
    ``worst_rows_disagreement``      mean difference of the rows that the search ended with; ``low`` and ``high`` alike
    ``worst_rows_observed``          mean difference of the real rows at which it began
    ``worst_rows_decided_apart``     share of the rows it ended with about which both decide differently (classes)
    ``worst_rows_changed``           by ``feature``: share of them in which the search changed it; of all people only
    ===============================  ================================================================================

    These rows were chosen for their difference: the figures are about them, and have no sampling error.

    Parameters
    ----------
    search : Disagreements
    X : DataFrame of n rows
        The real rows of the search.
    schema : Schema
        Of X.
    rules : pair of DecisionRule
        How the teacher's and the student's answers are decided; a top share must be fixed.
    subject : str
    min_size : int, at least 1
        People that a value must have to be shown; 1 shows values as they are.

    Returns
    -------
    DataFrame
        Canonical columns, then those of `EXTRA`. The line of a largest disagreement says in ``becomes`` which columns
        of a real row were changed to what, and in ``was`` what they were, where ``min_size`` people share that; its
        answers are those to the made-up row, the probability of the class ``output``. Of a real row that is wider
        still nothing is said, and ``reason`` says so.

    Examples
    --------
    >>> from explaindistill.measures.disagreement import worst_disagreements
    >>> X = pd.DataFrame({"age": [20, 30, 40, 50, 60, 70] * 10, "home": ["own", "rent"] * 30})
    >>> exception = lambda X: ((X["age"] == 30) & (X["home"] == "own")) * 0.9
    >>> nothing = lambda X: np.zeros(len(X))
    >>> search = worst_disagreements(exception, nothing, X, (exception(X), nothing(X)))
    >>> table = disagreement_frame(search, X, Schema.infer(X), (DecisionRule(None), DecisionRule(None)))
    >>> table.iloc[:3][["metric", "estimate", "low", "n"]].values.tolist()
    [['largest_disagreement', 0.9, 0.9, 6], ['worst_rows_disagreement', 0.6, 0.6, 6],
     ['worst_rows_observed', 0.0, nan, 6]]
    >>> table.loc[0, "becomes"]
    'age is 30'
    """
    lines: list[dict[str, Any]] = []
    blank = dict.fromkeys(EXTRA[:4], "")
    for family in search.families:
        named = {"subject": subject, "attribute": family.attribute, "group": family.group}
        lines += [blank | line | named for line in _figures(search, family, X, schema, rules, min_size)]
    return frame(lines, extra=EXTRA)


def _figures(
    search: Disagreements,
    family: SearchGroup,
    X: pd.DataFrame,
    schema: Schema,
    rules: tuple[DecisionRule, DecisionRule],
    min_size: int,
) -> Iterator[dict[str, Any]]:
    at = family.at
    n, most = len(at), 1.0 if search.teacher.ndim > 1 else np.inf
    largest, mean = float(search.after[at].max()), float(search.after[at].mean())
    method = "search: a lower bound"
    words = _widest_made_up(search, at, X, schema, rules[0], min_size)
    yield row("largest_disagreement", largest, largest, most, n=n, method=method) | words
    yield row("worst_rows_disagreement", mean, mean, most, n=n, method=method)
    yield row("worst_rows_observed", float(search.before[at].mean()), np.nan, np.nan, n=n, method="mean of these rows")
    if rules[0].classes is not None:
        apart = rules[0].decide(search.teacher[at]) != rules[1].decide(search.student[at])
        yield _share("worst_rows_decided_apart", apart)
    if not family.attribute:
        for j, names in enumerate(search.units):
            yield _share("worst_rows_changed", search.changed[at, j]) | {"feature": BETWEEN.join(names)}


def _share(metric: str, marked: NDArray[np.bool_]) -> dict[str, Any]:
    n, k = len(marked), int(marked.sum())
    return row(metric, k / n, np.nan, np.nan, n=n, k=k, method="count of these rows")


def _widest_made_up(
    search: Disagreements,
    family: NDArray[np.intp],
    X: pd.DataFrame,
    schema: Schema,
    rule: DecisionRule,
    min_size: int,
) -> dict[str, Any]:
    """The widest changed row in words, and both answers to it; of a real row nothing is said."""
    made_up = family[search.changed[family].any(axis=1)]
    if not len(made_up):
        return {"reason": UNCHANGED}
    at = int(made_up[search.after[made_up].argmax()])
    remark = {} if search.after[at] == search.after[family].max() else {"reason": WIDER}
    return remark | _in_words(search, at, X, schema, min_size) | _two_answers(search, at, rule)


def _in_words(search: Disagreements, at: int, X: pd.DataFrame, schema: Schema, min_size: int) -> dict[str, Any]:
    became, was, same = [], [], np.ones(len(X), dtype=bool)
    for j in np.flatnonzero(search.changed[at]):
        for name in search.units[j]:
            words = nobodys_words(X[name], schema[name], min_size)
            before, after = words[search.began_at[at]], words[search.source[at, j]]
            if len(search.units[j]) > 1 and before == after:
                continue  # of one-hot columns two change
            became.append(f"{name} is {after}")
            was.append(f"{name} is {before}")
            same &= words == before
    # what several columns were together may be one person's, common as each value is
    return {"becomes": BETWEEN.join(became), "was": BETWEEN.join(was) if same.sum() >= min_size else ""}


def _two_answers(search: Disagreements, at: int, rule: DecisionRule) -> dict[str, Any]:
    """Both answers: values, or the probabilities of the class that people ask about, else the one farthest apart."""
    t, s = search.teacher[at], search.student[at]
    if t.ndim == 0:
        return {"teacher_answer": float(t), "student_answer": float(s), "output": ""}
    k = rule.column
    k = int(np.abs(t - s).argmax()) if k is None else k
    return {"teacher_answer": float(t[k]), "student_answer": float(s[k]), "output": str(rule.classes[k])}


def nobodys_words(column: pd.Series, feature: Feature, min_size: int = MIN_CATEGORY_SIZE) -> NDArray[np.object_]:
    """Each value of a column in words that ``min_size`` people share: as it is, as its band, or as "(other)".

    Parameters
    ----------
    column : Series of n values
    feature : Feature
        What the column is.
    min_size : int, at least 1
        1 gives every value as it is.

    Returns
    -------
    ndarray of str, shape (n,)

    Examples
    --------
    >>> age = pd.Series([30] * 6 + list(range(40, 80)) + [99], name="age")
    >>> words = nobodys_words(age, Feature("age", "integer", minimum=30, maximum=99))
    >>> words[0], words[10], words[-1]
    ('30', 'below 50', '70 and above')
    """
    plain = Schema((feature,)).encode(column.to_frame())[:, 0]
    values, number, count = np.unique(plain, return_inverse=True, return_counts=True)
    if feature.is_category or feature.kind == "boolean":
        common = column if min_size == 1 else common_values(column, min_size)
        few_missing = np.isnan(plain) & (np.isnan(plain).sum() < min_size)
        words = np.array([feature.words(v) for v in values], dtype=object)[number]
        return np.where(_is_other(common) | few_missing, OTHER, words)
    words = np.array([feature.shown(v) for v in values], dtype=object)[number]
    if min_size == 1:
        return words
    rare = count[number] < min_size
    words[rare] = _coarse(plain, feature, max(min(BANDS, len(plain) // (2 * min_size)), 2))[rare]
    sizes = pd.Series(words).map(pd.Series(words).value_counts()).to_numpy()
    # a rare value's band may be shared with common values only; what few share after all is not named
    return np.where(rare & (sizes < min_size), OTHER, words)


def _is_other(column: pd.Series) -> NDArray[np.bool_]:
    return np.asarray(column.astype(object).map(lambda v: isinstance(v, str) and v == OTHER), dtype=bool)


def _coarse(plain: NDArray[np.float64], feature: Feature, n_bands: int) -> NDArray[np.object_]:
    """Band of each number, year of each date."""
    if feature.kind == "datetime":
        moments = pd.to_datetime(pd.Series(plain), unit="s")
        return np.asarray(moments.map(lambda m: "missing" if pd.isna(m) else f"in {m.year}"), dtype=object)
    cut = bands(pd.Series(plain), n_bands).astype(object)
    return np.asarray(cut.where(cut.notna(), "missing"), dtype=object)
