"""A picture of a tree: the share of rows on every branch, a bar of classes and, where asked, who is in each leaf."""

from __future__ import annotations

from typing import Any

from explaindistill import plugins

__all__ = ["plot", "svg"]

LINE_INCHES = 0.36


def plot(self: Any, ax: Any = None, *, X: Any = None, sensitive: Any = None, min_group_size: int = 10,
         max_depth: int = 4) -> Any:  # fmt: skip
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
    root = self.sketch(X, sensitive, min_group_size=min_group_size)
    return plugins.door("plots").tree(root, ax, max_depth=max_depth)


def svg(self: Any, *, X: Any = None, sensitive: Any = None, min_group_size: int = 10, max_depth: int = 4,
        id: str = "tree", title: str = "The tree") -> str:  # fmt: skip
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
    root = self.sketch(X, sensitive, min_group_size=min_group_size)
    figure = plots.figure(10.0, 0.5 + LINE_INCHES * _lines(root, max_depth))
    plots.tree(root, figure.subplots(), max_depth=max_depth)
    text: str = plots.svg(figure, id, title, self.describe(X, sensitive, min_group_size=min_group_size))
    return text


def _lines(node: dict[str, Any], depth: int) -> int:
    if node["children"] and depth:
        return sum(_lines(child, depth - 1) for child in node["children"])
    return 1 if node["children"] else 1 + len(node["who"])
