"""What a printed tree says of missing values that fitting never met."""

from __future__ import annotations

from collections.abc import Iterable

from explaindistill.data.literals import name_words
from explaindistill.data.schema import Schema

__all__ = ["MISSING_NOTE", "unmet_missing"]

MISSING_NOTE = "A missing value goes with the heavier side where fitting met none in a column."
"""The same for code, which asks for missing values itself. It names no column: a name could end a comment."""
SHOWN = 6
"""Columns that are named: a sentence should stay a line."""


def unmet_missing(schema: Schema, asked: Iterable[int]) -> str:
    """Say where a missing value goes in columns that had none; nothing where all had some.

    The rules of a tree speak of missing values where fitting met some. Elsewhere neither side of a question names
    them, and yet each row goes somewhere.

    Parameters
    ----------
    schema : Schema
    asked : positions of the columns that some question of the tree asks for

    Examples
    --------
    >>> from explaindistill.data.schema import Schema
    >>> unmet_missing(Schema.infer({"age": [20, 30], "pay": [None, 7.5]}), [0, 1])
    'Fitting met no missing value in age; one that comes later goes with the heavier side.'
    """
    # by name: the order of the columns changes no tree, and no word of it
    names = sorted(name_words(schema[i].name) for i in asked if not schema[i].nullable)
    if not names:
        return ""
    rest = f" and {len(names) - SHOWN:,} more columns" if len(names) > SHOWN else ""
    return (
        f"Fitting met no missing value in {', '.join(names[:SHOWN])}{rest}; one that comes later goes with the heavier "
        "side."
    )
