"""Labels, weights and groups that are named as columns of the rows: found, and taken out of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from explaindistill.data.rows import as_frame
from explaindistill.errors import InvalidInputError, did_you_mean

__all__ = ["column_of", "is_name", "named_columns", "without"]


def is_name(value: Any) -> bool:
    """Whether a value names one column: a word, or a whole number where columns are called so.

    Examples
    --------
    >>> is_name("age"), is_name(3), is_name(["age"]), is_name(None), is_name(True)
    (True, True, False, False, False)
    """
    return isinstance(value, str | int | np.integer) and not isinstance(value, bool | np.bool_)


def column_of(X: pd.DataFrame, name: Any, argument: str) -> Any:
    """The label of the column that a name means: itself, or the one that reads the same ("2" and 2).

    Raises
    ------
    InvalidInputError
        Where there is none.

    Examples
    --------
    >>> column_of(pd.DataFrame({2: [0.5]}), "2", "y")
    2
    """
    if name in X.columns:
        return name
    same = [c for c in X.columns if str(c) == str(name)]
    if len(same) != 1:
        near = did_you_mean(name, X.columns)
        columns = ", ".join(map(str, X.columns))
        raise InvalidInputError(
            f"{argument} names {name!r}, the columns are: {columns}{near}; or give one entry per row of X"
        )
    return same[0]


def named_columns(X: Any, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was given, with columns of X in the place of their names; and the label of each by its argument.

    Parameters
    ----------
    X : rows in any container
    given : mapping of argument to name or values

    Examples
    --------
    >>> X = pd.DataFrame({"age": [20, 40], "hired": ["no", "yes"]})
    >>> values, labels = named_columns(X, {"y": "hired", "sample_weight": [1.0, 2.0]})
    >>> values["y"].tolist(), values["sample_weight"], labels
    (['no', 'yes'], [1.0, 2.0], {'y': 'hired'})
    """
    names = {argument: value for argument, value in given.items() if is_name(value)}
    if not names:
        return dict(given), {}
    frame = X if isinstance(X, pd.DataFrame) else as_frame(X)
    labels = {argument: column_of(frame, name, argument) for argument, name in names.items()}
    return {**given, **{argument: frame[label] for argument, label in labels.items()}}, labels


def without(X: Any, labels: Iterable[Any]) -> Any:
    """The rows without some of their columns; as they came where there are none to leave out."""
    gone = list(dict.fromkeys(labels))
    return (X if isinstance(X, pd.DataFrame) else as_frame(X)).drop(columns=gone) if gone else X
