"""Names and categories come from outside: what a language cannot hold is refused with one sentence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from explaindistill.data.program import Program
from explaindistill.data.rows import is_unicode
from explaindistill.errors import InvalidInputError

__all__ = ["check_categories", "check_names"]

NUL = "\0"


def check_names(program: Program, language: str) -> None:
    """Refuse names of columns that are empty, hold NUL, or cannot be written as UTF-8.

    Examples
    --------
    >>> from explaindistill.data.program import Input
    >>> check_names(Program("Tree", (Input("", "numeric", (), "x_column"),), None, 1, "identity"), "SQL")
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: a column has an empty name, which SQL cannot hold; rename it
    """
    for column in program.inputs:
        if not column.name:
            raise InvalidInputError(f"a column has an empty name, which {language} cannot hold; rename it")
    _check("column", (column.name for column in program.inputs), language)


def check_categories(program: Program, language: str) -> None:
    """Refuse categories and classes that hold NUL or are no UTF-8, and columns of text and numbers mixed."""
    for column in program.inputs:
        if column.is_text and not all(isinstance(value, str) for value in column.categories):
            raise InvalidInputError(
                f"column {column.name!a} mixes text and other categories, which {language} cannot tell apart; "
                "make all of them text"
            )
        _check(f"category of column {column.name!a}:", column.categories, language)
    _check("class", program.classes or (), language)


def _check(what: str, values: Iterable[Any], language: str) -> None:
    for text in (value for value in values if isinstance(value, str)):
        if NUL in text:
            raise InvalidInputError(f"{what} {text!a} holds the character NUL, which {language} cannot hold; rename it")
        if not is_unicode(text):
            raise InvalidInputError(f"{what} {text!a} is no valid Unicode, which {language} cannot hold; rename it")
