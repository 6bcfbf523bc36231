"""From a file to rows, target and split: the same options give the same split in every command."""

from __future__ import annotations

import re
from argparse import Namespace
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.cli.tables import note, read_table
from explaindistill.errors import InvalidInputError, did_you_mean
from explaindistill.protocols import Task

__all__ = ["SplitRows", "as_typed", "read_rows", "split"]

UNNAMED = re.compile(r"Unnamed: \d+|\s*")
"""What pandas calls a column whose heading is empty."""
MANY_VALUES = 20
"""A numeric target with more distinct values than this is taken for regression by ``--task auto``."""


@dataclass(frozen=True)
class SplitRows:
    """Rows of a file, without the target and the columns that nobody may use.

    ``y`` is None where no target was named; ``attributes`` are the sensitive columns, whether a model may use them or
    not; ``groups`` is the column of rows that belong together, no model's input unless its teacher was taught with it.
    ``train`` and ``test`` are positions.
    """

    X: pd.DataFrame
    y: NDArray[Any] | None
    task: Task | None
    attributes: pd.DataFrame
    train: NDArray[np.int64]
    test: NDArray[np.int64]
    groups: pd.Series | None = None

    def part(self, name: str) -> tuple[pd.DataFrame, Any]:
        """Rows and targets of ``"train"`` or ``"test"``; the targets are None where none was named."""
        at = getattr(self, name)
        return self.X.iloc[at], None if self.y is None else self.y[at]


def read_rows(args: Namespace) -> SplitRows:
    """Read the file of ``--data`` and split it.

    Raises
    ------
    InvalidInputError
        If a named column does not exist, the target is missing somewhere or has one value only, or the file has too few
        rows to be split.
    """
    frame = read_table(args.data, args.na, args.categories)
    named = {"target": [args.target] if args.target else [], "drop": args.drop, "categories": args.categories}
    sensitive = list(getattr(args, "sensitive", ()))
    together = [args.groups] if getattr(args, "groups", None) else []
    for option, columns in {**named, "sensitive": sensitive, "groups": together}.items():
        if absent := [c for c in columns if c not in frame.columns]:
            near = did_you_mean(absent[0], frame.columns)
            raise InvalidInputError(
                f"{option} names {', '.join(absent)}, which the file does not have{near}; "
                f"its columns are: {', '.join(frame)}"
            )
    y, task = (None, None) if args.target is None else _target(frame[args.target], args.task)
    wanted = {*named["target"], *args.drop, *args.categories, *sensitive, *together}
    unnamed = [c for c in frame if UNNAMED.fullmatch(c) and c not in wanted]
    if unnamed:
        note(f"{', '.join(unnamed)}: a column without a name is taken for row numbers and dropped")
    X = frame.drop(columns=[*named["target"], *args.drop, *unnamed, *together])
    for name in args.categories:
        if name in X:
            X[name] = X[name].astype("category")
    groups = frame[together[0]] if together else None
    train, test = split(len(X), args.test_share, args.random_state, groups)
    return SplitRows(X, y, task, frame[sensitive], train, test, groups)


def split(
    n: int, test_share: float, seed: int, groups: pd.Series | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Positions of rows for fitting and for measuring, each in the order of the file; groups stay whole.

    Examples
    --------
    >>> train, test = split(10, 0.3, seed=0)
    >>> len(train), len(test), sorted([*train.tolist(), *test.tolist()]) == list(range(10))
    (7, 3, True)
    """
    units = np.arange(n) if groups is None else pd.factorize(groups, use_na_sentinel=False)[0]
    n_units = int(units.max(initial=-1)) + 1
    n_test = round(n_units * test_share)
    if not 1 <= n_test < n_units:
        what = "rows" if groups is None else "groups"
        raise InvalidInputError(
            f"data must have more {what} to keep a share of {test_share} for measuring, got {n_units}"
        )
    chosen = np.random.default_rng(seed).permutation(n_units)[:n_test]
    measured = np.isin(units, chosen)
    return np.flatnonzero(~measured), np.flatnonzero(measured)


def as_typed(value: Any) -> str:
    """A value as people type it.

    Examples
    --------
    >>> as_typed(1.0), as_typed("1.0"), as_typed(1234567.0)
    ('1', '1.0', '1234567')
    """
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _target(column: pd.Series, wanted: str) -> tuple[NDArray[Any], Task]:
    """Return the target's values and the task, which follows from the values unless it was said."""
    name = column.name
    if n_missing := int(column.isna().sum()):
        raise InvalidInputError(f"target {name!r} is missing in {n_missing} of {len(column)} rows; drop those rows")
    n_values = column.nunique()
    if n_values < 2:
        raise InvalidInputError(f"target {name!r} must have at least 2 different values, got only {column.iloc[0]!r}")
    numeric = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    if wanted == "regression" and not numeric:
        raise InvalidInputError(
            f"target {name!r} must be numbers for regression, got values such as {column.iloc[0]!r}"
        )
    regression = wanted == "regression" or (wanted == "auto" and numeric and n_values > MANY_VALUES)
    if regression and wanted == "auto":
        note(
            f"target {name!r} has {n_values:,} different numbers and is taken for regression; "
            "give --task classification if they are classes"
        )
    if regression:
        return column.to_numpy(dtype=float), "regression"
    values = column.to_numpy()
    return (np.asarray(column.astype(str)) if values.dtype == object else values), "classification"
