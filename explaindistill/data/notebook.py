"""What a notebook shows of a fitted student: what it says of itself, above scikit-learn's diagram of its parameters."""

from __future__ import annotations

from html import escape
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

__all__ = ["MOST_LINES", "html_in_notebook", "mimebundle"]

MOST_LINES = 120
"""Lines that a notebook keeps: what a reader scrolls through; ``describe()`` has all."""


def mimebundle(self: Any, **kwargs: Any) -> dict[str, str]:
    """Forms of an estimator that Jupyter chooses from; scikit-learn's own where it is not fitted, or shows no diagrams.

    Parameters
    ----------
    **kwargs
        What Jupyter asks for and leaves out; every form is small, and all are given.
    """
    forms: dict[str, str] = BaseEstimator._repr_mimebundle_(self, **kwargs)
    if "text/html" in forms and (words := _words(self)):
        forms["text/html"] = _page(words, forms["text/html"])
    return forms


@property  # type: ignore[misc]  # a property outside of a class: it is given to several, as methods are
def html_in_notebook(self: Any) -> Any:
    """The same for viewers that know no bundles; absent, as in scikit-learn, where diagrams are turned off."""
    diagram = BaseEstimator._repr_html_.fget(self)
    words = _words(self)
    return (lambda: _page(words, diagram())) if words else diagram


def _words(estimator: Any) -> str:
    """What a fitted estimator says of itself; nothing where it is not fitted, or has no words."""
    try:
        check_is_fitted(estimator)
        return str(estimator.describe())
    except (NotFittedError, AttributeError):
        return ""


def _page(words: str, diagram: str) -> str:
    lines = words.splitlines()
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], f"… and {len(lines) - MOST_LINES:,} more lines: print(student.describe())"]
    text = escape("\n".join(lines))
    return (
        f'<div><pre style="white-space: pre-wrap">{text}</pre>'
        f"<details><summary>Parameters</summary>{diagram}</details></div>"
    )
