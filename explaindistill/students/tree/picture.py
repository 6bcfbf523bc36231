"""A picture of a tree: the share of rows on every branch, a bar of classes and, where asked, who is in each leaf."""

from __future__ import annotations

from typing import Any

from explaindistill import plugins
from explaindistill.data.drawing import TreeDrawing
from explaindistill.protocols import Attributes, Rows
from explaindistill.students.tree.drawing import sketched

__all__ = ["plot", "svg"]

LINE_INCHES = 0.36  # height of a line of the drawing: its text at 8.5 points and the bar below it


def plot(
    self: Any,
    ax: Any = None,
    *,
    X: Rows | None = None,
    sensitive: Attributes | None = None,
    min_group_size: int = 10,
    max_depth: int = 4,
) -> Any:
    """Draw the tree from left to right: shares on the branches, a bar of classes at each leaf.

    Parameters
    ----------
    ax : matplotlib Axes, optional
    X, sensitive, min_group_size : see ``occupants``
        With both frames a bar and a line at each leaf say who is in it.
    max_depth : int, at least 1
        Deeper branches are folded.

    Returns
    -------
    matplotlib Axes
    """
    drawn = _peopled(self, X, sensitive, min_group_size)
    return plugins.door("plots").tree(drawn, ax, by_class=True, max_depth=max_depth)


def svg(
    self: Any,
    *,
    X: Rows | None = None,
    sensitive: Attributes | None = None,
    min_group_size: int = 10,
    max_depth: int = 4,
    id: str = "tree",
    title: str = "The tree",
) -> str:
    """Return the picture of :meth:`plot` as compact SVG text; the same tree gives the same bytes.

    Parameters
    ----------
    X, sensitive, min_group_size, max_depth : see :meth:`plot`
    id : str
        Prefix of the identifiers in the drawing.
    title : str

    Returns
    -------
    str
        One ``<svg>`` element; its description is the text of ``describe()``.
    """
    plots = plugins.door("plots")
    drawn = _peopled(self, X, sensitive, min_group_size)
    figure = plots.figure(10.0, 0.5 + LINE_INCHES * plots.n_lines(drawn.root, max_depth))
    plots.tree(drawn, figure.subplots(), by_class=True, max_depth=max_depth)
    text: str = plots.svg(figure, id, title, self.describe(X, sensitive, min_group_size=min_group_size))
    return text


def _peopled(student: Any, X: Any, sensitive: Any, min_group_size: int) -> TreeDrawing:
    """The tree in the words of ``describe()``, with who is in each leaf."""
    classes = tuple(student.classes_.tolist()) if hasattr(student, "classes_") else None
    return sketched(student.sketch(X, sensitive, min_group_size=min_group_size), classes)
