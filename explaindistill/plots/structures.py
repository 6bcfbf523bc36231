"""Drawings of what a student is: its tree, its coefficients, and the one that fits what it says of itself."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from explaindistill.data.drawing import (
    BarsDrawing,
    Branch,
    CurvesDrawing,
    Drawing,
    RulesDrawing,
    TreeDrawing,
    answer_words,
    bar_lengths,
    shown_class,
)
from explaindistill.errors import InvalidInputError
from explaindistill.plots.canvas import GRID, INK, LONGEST_NAME, MUTED, SERIES, axes, label, series_colour, wrapped
from explaindistill.plots.rule_list import rules
from explaindistill.plots.terms import term

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["coefficients", "draw", "n_lines", "tree"]


def coefficients(
    frame: pd.DataFrame,
    ax: Axes | None = None,
    *,
    top: int = 20,
    unit: str = "log-odds",
    name: str = "coefficient",
) -> Axes:
    """Coefficients as bars from zero, the largest first.

    Parameters
    ----------
    frame : DataFrame
        Columns ``term`` and ``estimate``; ``low`` and ``high`` where known.
    top : number of terms shown
    unit : unit of the horizontal axis
    name : what the bars are

    Examples
    --------
    >>> import pandas as pd
    >>> from explaindistill import plots
    >>> ax = plots.coefficients(pd.DataFrame({"term": ["a", "b"], "estimate": [0.1, -2]}), plots.figure().subplots())
    >>> [t.get_text() for t in ax.get_yticklabels()]
    ['b', 'a']
    """
    ax = axes(ax)
    order = np.argsort(-frame["estimate"].abs().to_numpy(dtype=float), kind="stable")
    largest = frame.iloc[order[:top]]
    for y, (_, row) in enumerate(largest.iterrows()):
        positive = row["estimate"] >= 0
        ax.plot(
            [0, row["estimate"]],
            [y, y],
            color=SERIES[1 if positive else 0],
            linewidth=5,
            solid_capstyle="butt",
            zorder=2,
        )
        if "low" in largest and np.isfinite(row["low"]) and np.isfinite(row["high"]):
            ax.plot([row["low"], row["high"]], [y, y], color=INK, linewidth=1.2, zorder=3)
    ax.set_yticks(range(len(largest)), [label(t) for t in largest["term"]])
    ax.set_ylim(len(largest) - 0.5, -0.5)
    ax.axvline(0, color=MUTED, linewidth=1)
    ax.grid(axis="x", color=GRID, linewidth=0.8)
    ax.set_xlabel(f"{name} ({unit})", color=MUTED, fontsize=9)
    return ax


def tree(
    drawing: TreeDrawing, ax: Axes | None = None, *, favorable: Any = None, by_class: bool = False, max_depth: int = 4
) -> Axes:
    """A tree from left to right: questions in ink, answers with bars; each branch says its share of the rows.

    Parameters
    ----------
    drawing : TreeDrawing
        Of leaves that say who is in them, a line and a bar for each attribute; withheld groups stay grey.
    favorable : class, optional
        Whose probability the bars show; the last class when None.
    by_class : bool
        A bar at each leaf has a part for each class.
    max_depth : int
        Deeper branches are folded into "… n more".

    Examples
    --------
    >>> from explaindistill import plots
    >>> from explaindistill.data.drawing import Branch, TreeDrawing
    >>> leaves = Branch("no", "yes", share=0.4, values=(0.9, 0.1)), Branch("yes", "no")
    >>> drawing = TreeDrawing(Branch("age ≤ 30?", share=1.0, children=leaves), classes=("no", "yes"))
    >>> ax = plots.tree(drawing, plots.figure().subplots())
    >>> [t.get_text() for t in ax.texts]
    ['age ≤ 30?', 'no', 'yes', 'yes, 40 %', 'no']
    """
    ax = axes(ax)
    ax.set_axis_off()
    lengths = bar_lengths((leaf.values for leaf in drawing.root.answers()), drawing.classes, favorable)
    place = None if by_class or not lengths else shown_class(drawing.classes, favorable)
    if by_class and drawing.classes is not None:
        bars = {v: [(p, series_colour(k)) for k, p in enumerate(v)] for v in lengths}
    else:
        bars = {v: [(length, SERIES[0])] for v, length in lengths.items()}
    canvas = _TreeCanvas(ax, bars, max_depth, classes=drawing.classes if place is not None else None, place=place or 0)
    canvas.branch(drawing.root, 0)
    # a line of leaves reaches 0.6 of its height above its middle, and 0.4 below it
    ax.set_xlim(-0.05, canvas.deepest + 1.0)
    ax.set_ylim(canvas.n_lines - 0.4, -0.6)
    if place is not None and drawing.classes is not None:
        ax.set_title(f"bars: probability of {label(drawing.classes[place], 60)}", fontsize=8, color=MUTED, loc="left")
    return ax


def n_lines(root: Branch, max_depth: int) -> int:
    """Lines that :func:`tree` takes: one per answer that is not folded away, and one per attribute of who is in it.

    Examples
    --------
    >>> from explaindistill.data.drawing import Branch
    >>> n_lines(Branch("age ≤ 30?", children=(Branch("no"), Branch("yes"))), 4)
    2
    """
    if root.children and max_depth:
        return sum(n_lines(child, max_depth - 1) for child in root.children)
    return 1 if root.children else 1 + len(root.who)


@dataclass
class _TreeCanvas:
    """A tree while it is painted: the x of a node is its depth, the y the number of its line, from the top.

    ``classes`` are there where bars show the probability of one of them, the one at ``place``.
    """

    ax: Axes
    bars: Mapping[tuple[float, ...], list[tuple[float, str]]]
    max_depth: int
    n_lines: int = 0
    deepest: int = 0
    classes: tuple[Any, ...] | None = None
    place: int = 0

    def line(self) -> float:
        """Place of the next line."""
        self.n_lines += 1
        return float(self.n_lines - 1)

    def branch(self, node: Branch, depth: int) -> float:
        """Paint a node with what hangs below it, and say at which height it stands."""
        self.deepest = max(self.deepest, depth)
        if node.children and depth < self.max_depth:
            return self._question(node, depth)
        y = self.line()
        hidden = sum(1 for _ in node.answers()) if node.children else 0
        text = label(f"… {hidden} more answers" if hidden else self._about_the_bar(node), 24)
        self.ax.text(depth + 0.03, y, text, fontsize=8.5, color=INK, va="center")
        if not hidden:
            self._answer(node, depth, y)
        return y

    def _about_the_bar(self, leaf: Branch) -> str:
        """The answer in words; of two classes they speak of the one whose bar stands below."""
        if self.classes is None or len(self.classes) != 2 or not leaf.values:
            return leaf.text
        most_probable = answer_words(leaf.values, self.classes)
        if not leaf.text.startswith(most_probable):
            return leaf.text
        return f"{self.classes[self.place]} {leaf.values[self.place]:.2f}{leaf.text.removeprefix(most_probable)}"

    def _question(self, node: Branch, depth: int) -> float:
        text = _question_lines(node.text)
        anchor = self.ax.text(depth + 0.03, 0, text, fontsize=7.5, color=INK, va="center", fontweight="bold", zorder=4)
        heights = [self.branch(child, depth + 1) for child in node.children]
        y = float(np.mean(heights))
        anchor.set_y(y)
        longest = max(map(len, text.split("\n")))
        start = min(0.9, 0.06 + 0.038 * longest)  # where the words end: a letter at 7.5 points is 0.038 wide
        for child, end in zip(node.children, heights, strict=True):
            ends, width = [depth + start, depth + 0.98], 0.8 + 5 * float(child.share or 0)
            self.ax.plot(ends, [y, end], color=GRID, linewidth=width, solid_capstyle="round", zorder=1)
            x, middle = depth + (start + 1) / 2, y + 0.56 * (end - y)
            self.ax.text(x, middle, _edge(child), fontsize=7.5, color=MUTED, ha="center", va="center")
        return y

    def _answer(self, leaf: Branch, depth: int, y: float) -> None:
        """Bar of a leaf's answer; below it one line and bar for each attribute of who is in it."""
        if leaf.values:
            self._bar(self.bars[leaf.values], depth, y)
        for entry in leaf.who:
            at = self.line()
            shown = [(g, share) for g, share in entry.shares if share]
            words = ", ".join(f"{g} {_percent(share)}" for g, share in shown)
            words += (", " * bool(words) + "rest withheld") * any(share is None for _, share in entry.shares)
            words = label(f"{entry.attribute}: {words}", 44)
            self.ax.text(depth + 0.06, at, words, fontsize=7, color=MUTED, va="center")
            colours = {g: series_colour(k) for k, (g, _) in enumerate(entry.shares)}
            self._bar([(share, colours[g]) for g, share in shown], depth, at)

    def _bar(self, parts: list[tuple[float, str]], depth: int, y: float) -> None:
        """One bar from left to right, its parts as wide as their shares, on grey paper of length 1."""
        start, width = depth + 0.04, 0.46
        self.ax.plot([start, start + width], [y + 0.36] * 2, color=GRID, linewidth=3, solid_capstyle="butt")
        for share, colour in parts:
            ends = [start, start + width * share]
            self.ax.plot(ends, [y + 0.36] * 2, color=colour, linewidth=3, solid_capstyle="butt")
            start += width * share


ASKED = re.compile(r'("(?:[^"]|"")*"|.*) ((?:≤|<=|>|≥|is not|is|in) .*)$', re.DOTALL)
"""A question: the name of a column, in quotes where it needs them, and what is asked of it."""
LETTERS, MOST_LINES = 24, 3
"""Of a question in a tree: a node has two branches, between which three lines of 7.5 points stand."""


def _question_lines(text: str) -> str:
    """A question, whole, in up to three lines; of a longer one the name is cut, and what is asked of it stays."""
    lines = wrapped(text, LETTERS)
    if lines.count("\n") < MOST_LINES:
        return lines
    parts = ASKED.match(text)
    name, asked = parts.groups() if parts else (text.removesuffix("?"), "?" if text.endswith("?") else "")
    quote = '"' if name.startswith('"') else ""
    head = textwrap.wrap(label(name, LONGEST_NAME), LETTERS)
    if len(head) >= MOST_LINES:
        head = [*head[: MOST_LINES - 2], f"{head[MOST_LINES - 2][: LETTERS - 1]}…{quote}"]
    if parts is None:
        return "\n".join(head) + asked
    return "\n".join([*head, label(asked, LETTERS * 3 // 2)])


def _edge(child: Branch) -> str:
    """The answer that leads to a node, and the share of rows that give it."""
    words = label(child.edge, 16)
    return words if child.share is None else f"{words}{', ' * bool(words)}{_percent(child.share)}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.01 or share == 0 else "< 1 %"


def draw(drawing: Drawing, ax: Axes | None = None, *, favorable: Any = None) -> Axes:
    """Draw what a student's ``drawing()`` says; of a sum of curves, its strongest term.

    Parameters
    ----------
    drawing : TreeDrawing, CurvesDrawing, BarsDrawing or RulesDrawing
    favorable : class, optional
        Whose probability the bars of trees and rules show; the last class when None.

    Raises
    ------
    InvalidInputError
        If it is something else, or a sum without a term.

    Examples
    --------
    >>> import explaindistill as xd
    >>> from explaindistill.plots import figure
    >>> X = pd.DataFrame({"age": np.arange(200) % 50})
    >>> ax = draw(xd.LinearRegressor().fit(X, 0.1 * X["age"]).drawing(), figure().subplots())
    >>> [t.get_text() for t in ax.get_yticklabels()], ax.get_xlabel()
    (['age'], 'coefficient (value per standard deviation)')
    """
    if isinstance(drawing, TreeDrawing):
        return tree(drawing, ax, favorable=favorable)
    if isinstance(drawing, RulesDrawing):
        return rules(drawing, ax, favorable=favorable)
    if isinstance(drawing, BarsDrawing):
        return coefficients(drawing.frame, ax, name=drawing.bar, unit=drawing.bar_unit)
    if not isinstance(drawing, CurvesDrawing):
        raise InvalidInputError(
            "draw takes what a student's drawing() gives, see explaindistill.data.drawing; "
            f"got {type(drawing).__name__}"
        )
    if not drawing.terms:
        raise InvalidInputError("draw needs at least one term, got a sum without any")
    return term(drawing.terms[0], ax, effect=drawing.unit)
