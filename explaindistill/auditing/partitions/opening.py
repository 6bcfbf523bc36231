"""Rows in partitions at the door of an audit: what cannot be done with them is said, and some rows are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from explaindistill.data.named_columns import is_name
from explaindistill.data.row_draws import draw_rows
from explaindistill.distillation.partitions import names_of_parts
from explaindistill.errors import InvalidInputError
from explaindistill.protocols import Partitions

__all__ = ["DRAWN", "check_arguments", "rows_drawn", "sensitive_names"]

DRAWN = 100_000
"""Rows that are drawn for what does not add up. A trade-off: a share of them is known within 0.3 points, and every
measure of an audit holds so many in memory and is done with them in minutes."""


def check_arguments(arguments: Mapping[str, Any], others: Mapping[str, Any]) -> None:
    """Refuse what rows in partitions cannot do, before anything is read.

    Parameters
    ----------
    arguments : mapping
        ``y``, ``sensitive``, ``sample_weight``, ``groups`` and ``strata``.
    others : mapping of argument to what it must not be
        Arguments that need rows in memory, where they were given.

    Raises
    ------
    InvalidInputError
        The message says what to do instead.

    Examples
    --------
    >>> check_arguments({"y": [1, 0]}, {})
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: y must name a column for rows in partitions, got list; make it a column
    """
    if arguments.get("groups") is not None:
        raise InvalidInputError(
            "groups must stay None for rows in partitions: intervals of clusters rest on how rows of one cluster lie "
            "together, which no sum over parts keeps; draw whole clusters, and give their rows in memory"
        )
    for argument in ("y", "sample_weight", "strata"):
        value = arguments.get(argument)
        if value is not None and not is_name(value):
            raise InvalidInputError(
                f"{argument} must name a column for rows in partitions, got {type(value).__name__}; make it a column"
            )
    sensitive_names(arguments.get("sensitive"))
    for argument, value in others.items():
        if value:
            raise InvalidInputError(
                f"{argument} needs rows in memory, got rows in partitions; leave it out, or audit drawn rows, for "
                "instance rows.sample(100_000)"
            )


def sensitive_names(sensitive: Any) -> list[str]:
    """Names of the sensitive columns.

    Raises
    ------
    InvalidInputError
        If these are no names.

    Examples
    --------
    >>> sensitive_names("sex"), sensitive_names(["sex", "race"]), sensitive_names(None)
    (['sex'], ['sex', 'race'], [])
    """
    if sensitive is None:
        return []
    if is_name(sensitive):
        return [str(sensitive)]
    if isinstance(sensitive, list | tuple) and all(is_name(name) for name in sensitive):
        return [str(name) for name in sensitive]
    raise InvalidInputError(
        f"sensitive must name columns for rows in partitions, got {type(sensitive).__name__}; make them columns"
    )


def rows_drawn(parts: Partitions, arguments: Mapping[str, Any]) -> pd.DataFrame:
    """Rows drawn by what stands in all their columns: the same however the rows are cut.

    Raises
    ------
    InvalidInputError
        If an argument names no column, or parts have different columns.
    """
    named = {argument: arguments.get(argument) for argument in ("y", "sample_weight", "strata")}
    named |= {f"sensitive[{i}]": name for i, name in enumerate(sensitive_names(arguments.get("sensitive")))}
    names_of_parts(parts, named)
    return draw_rows(parts, list(parts.ask(_names, reduce=_first)), DRAWN)


def _names(part: Any) -> tuple[str, ...]:
    return tuple(part.names)


def _first(a: tuple[str, ...], b: tuple[str, ...]) -> tuple[str, ...]:
    return a
