"""How an audit measures and what it holds the figures against: one frozen record, checked when it is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from explaindistill.auditing.audit_rows import AuditRows
from explaindistill.auditing.profiles.loading import Profile
from explaindistill.errors import InvalidInputError
from explaindistill.measures.decision import DecisionRule
from explaindistill.measures.favorable import which_is_wanted
from explaindistill.measures.transfer import MARGIN
from explaindistill.numerics.ranges import number_in, whole_in

__all__ = ["ACCURACY_MARGIN", "CURVE", "AuditOptions", "check_rows", "columns_wanted"]

CURVE = ("subject", "metric", "n_queries", "n", "n_repeats", "estimate", "low", "high")
"""Columns of the frame ``query_curve``: those that :func:`explaindistill.query_curve` measures."""
ACCURACY_MARGIN = 0.01
"""Two shares of right decisions that differ by less count as the same: a point is the last digit that people quote of
an accuracy. With a student that decides one row in twenty differently, to show it takes some 2,500 rows."""


@dataclass(frozen=True)
class AuditOptions:
    """Arguments of :func:`explaindistill.audit` that are about measuring, with its defaults.

    Raises
    ------
    InvalidInputError
        Names the argument, the rule and the value.

    Examples
    --------
    >>> AuditOptions(n_refits=8).min_group_size
    10
    >>> AuditOptions(n_refits=2)
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: n_refits must be 0 or at least 3, got 2
    """

    n_refits: int = 0
    n_explained: int = 500
    min_group_size: int = 10
    price_per_row: float | None = None
    query_curve: pd.DataFrame | None = None
    compare: bool = False
    time_models: bool = False
    dependence: bool | tuple[str, ...] = False
    worst_case: bool | int = False
    n_made_up: int = 0
    margin: float | None = None
    profile: Profile | None = None
    statements: Mapping[str, str] = field(default_factory=dict)
    requirements: Mapping[str, str] = field(default_factory=dict)
    date: str | None = None
    random_state: int = 0

    def __post_init__(self) -> None:
        whole_in("n_refits", self.n_refits, 0)
        if self.n_refits in (1, 2):
            raise InvalidInputError(f"n_refits must be 0 or at least 3, got {self.n_refits}")
        whole_in("min_group_size", self.min_group_size, 1, why="1 shows everything")
        whole_in("n_explained", self.n_explained, 0)
        whole_in("n_made_up", self.n_made_up, 0)
        whole_in("random_state", self.random_state, 0)
        if not isinstance(self.worst_case, bool):
            whole_in("worst_case", self.worst_case, 1, others=(True, False), why="the most questions for all students")
        number_in("price_per_row", self.price_per_row, 0, others=(None,))
        if self.query_curve is not None and not isinstance(self.query_curve, pd.DataFrame):
            raise InvalidInputError(f"query_curve must be the frame of xd.query_curve, got {self.query_curve!r}")
        if self.query_curve is not None and (absent := [c for c in CURVE if c not in self.query_curve]):
            raise InvalidInputError(f"query_curve must have the columns of xd.query_curve, {', '.join(absent)} missing")
        if not isinstance(self.statements, Mapping):
            raise InvalidInputError(f"statements must be a mapping of names to texts, got {self.statements!r}")
        if self.date is not None and not isinstance(self.date, str):
            raise InvalidInputError(f'date must be a text such as "2026-01-31", or None, got {self.date!r}')
        if self.margin is not None and not 0 < self.margin < np.inf:
            raise InvalidInputError(f"margin must be above 0, a difference of two rates or means, got {self.margin}")
        for key, words in self.statements.items():
            if not isinstance(words, str):
                raise InvalidInputError(f"statements must be texts, {key} is {type(words).__name__}")

    def as_dict(self) -> dict[str, Any]:
        """What figures and verdicts rest on, for the manifest."""
        return {
            "min_group_size": self.min_group_size,
            "margin_of_transfer": MARGIN if self.margin is None else self.margin,
            "margin_of_accuracy": ACCURACY_MARGIN,
            "n_refits": self.n_refits,
            "n_explained": self.n_explained,
            "n_made_up": self.n_made_up,
            "worst_case": self.worst_case,
            "dependence": self.dependence if isinstance(self.dependence, bool) else list(self.dependence),
        }

    def statements_with_date(self) -> dict[str, str]:
        """The statements of people; the date counts as one, where a statement does not say another."""
        return dict(self.statements) if self.date is None else {"date": self.date, **self.statements}


def columns_wanted(dependence: Any) -> bool | tuple[str, ...]:
    """All columns (True), none (False), or those whose names are given, as text.

    Raises
    ------
    InvalidInputError
        If it is neither.

    Examples
    --------
    >>> columns_wanted(True), columns_wanted("age"), columns_wanted(["age", 2])
    (True, ('age',), ('age', '2'))
    >>> columns_wanted(3)
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: dependence must be True, False or names of columns of X, got 3
    """
    if isinstance(dependence, (bool, np.bool_)):
        return bool(dependence)
    if isinstance(dependence, str):
        return (dependence,)
    if not isinstance(dependence, Iterable):
        raise InvalidInputError(f"dependence must be True, False or names of columns of X, got {dependence!r}")
    return tuple(dict.fromkeys(str(name) for name in dependence))


def check_rows(options: AuditOptions, rows: AuditRows, rule: DecisionRule, train: object) -> None:
    """Refuse what is asked for and these rows cannot give, before any model is asked.

    Raises
    ------
    InvalidInputError
        For refits without rows of fitting, and a comparison with outcomes without labels or with several classes.

    Examples
    --------
    >>> from explaindistill.auditing.audit_rows import audit_rows
    >>> from explaindistill.auditing.validation import decision_rule
    >>> rule, X = decision_rule(None, None, 0.5), pd.DataFrame({"age": [20, 40]})
    >>> rows = audit_rows(X, None, rule, sensitive=(), sample_weight=None, clusters=None, strata=None)
    >>> check_rows(AuditOptions(compare=True), rows, rule, None)
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: compare needs true labels: pass y, or leave compare False
    """
    if options.margin is not None and rule.classes is not None and options.margin >= 1:
        raise InvalidInputError(f"margin must lie below 1, a difference of two rates, got {options.margin}")
    names = () if isinstance(options.dependence, bool) else options.dependence
    if absent := [c for c in names if c not in rows.schema.names]:
        raise InvalidInputError(
            f"dependence names {absent[0]!r}, which is no column of X; there are: {', '.join(rows.schema.names)}"
        )
    if options.n_refits and train is None:
        raise InvalidInputError("n_refits needs the rows of fitting; pass train=(X, y), or leave it 0")
    if options.compare and rows.y is None:
        raise InvalidInputError("compare needs true labels: pass y, or leave compare False")
    if options.compare and rule.classes is not None and len(rule.classes) != 2:
        raise InvalidInputError(f"compare needs two classes or values, got {len(rule.classes)} classes")
    if options.compare and rule.classes is not None and rule.favorable is None:
        raise InvalidInputError(f"compare needs to know which class is meant: {which_is_wanted(rule.classes)}")
