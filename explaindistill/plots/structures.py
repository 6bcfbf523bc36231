"""Drawings of what a student is: its tree, its shapes, its coefficients."""

from __future__ import annotations

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
    DrawnTerm,
    RulesDrawing,
    TreeDrawing,
    answer_words,
    bar_lengths,
    shown_class,
)
from explaindistill.errors import InvalidInputError
from explaindistill.plots.canvas import GRID, INK, MUTED, SERIES, axes, label, series_colour, series_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["coefficients", "draw", "n_lines", "rules", "shape", "surface", "term", "tree"]


def shape(frame: pd.DataFrame, ax: Axes | None = None, *, name: str = "", effect: str = "effect on the score") -> Axes:
    """One term of an additive model: a curve with its band, or a dot with a whisker for each level.

    Parameters
    ----------
    frame : DataFrame
        Columns ``x`` (numbers) or ``level`` (words), then ``estimate``, and ``low`` and ``high`` where known.
    name : label of the feature
    effect : label of the vertical axis, with its unit

    Examples
    --------
    >>> import pandas as pd
    >>> from explaindistill import plots
    >>> ax = plots.shape(pd.DataFrame({"x": [0, 1], "estimate": [0.0, 0.5]}), plots.figure().subplots(), name="age")
    >>> ax.get_xlabel()
    'age'
    """
    ax = axes(ax)
    outputs = list(dict.fromkeys(frame["output"])) if "output" in frame else [""]
    for i, output in enumerate(outputs):
        rows = frame[frame["output"] == output] if len(outputs) > 1 else frame
        (_levels if "level" in frame else _line)(ax, rows, i, len(outputs))
    if len(outputs) > 1:
        ax.legend([label(o) for o in outputs], frameon=False, fontsize=8, labelcolor=INK, ncols=3)
    ax.axhline(0, color=MUTED, linewidth=1)
    ax.grid(axis="y", color=GRID, linewidth=0.8)
    ax.set_xlabel(label(name, 40) if name else "", color=INK, fontsize=9)
    ax.set_ylabel(effect, color=MUTED, fontsize=9)
    return ax


def _line(ax: Axes, frame: pd.DataFrame, i: int, n: int) -> None:
    colour, dashes = series_style(i, ("-", "--", "-.", ":"))
    if n == 1 and _banded(frame):
        ax.fill_between(frame["x"], frame["low"], frame["high"], color=colour, alpha=0.22, linewidth=0)
    ax.plot(frame["x"], frame["estimate"], color=colour, linewidth=2, linestyle=dashes)


def _levels(ax: Axes, frame: pd.DataFrame, i: int, n: int) -> None:
    (colour, marker), places = series_style(i), np.arange(len(frame)) + 0.16 * (i - (n - 1) / 2)
    ax.plot(places, frame["estimate"], linestyle="", marker=marker, color=colour, markersize=6)
    if n == 1 and _banded(frame):
        ax.vlines(places, frame["low"], frame["high"], color=colour, linewidth=1.6)
    crowded = len(frame) > 4 or frame["level"].map(lambda v: len(str(v))).max() > 9
    turn: dict[str, Any] = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"} if crowded else {}
    ax.set_xticks(np.arange(len(frame)), [label(v, 16) for v in frame["level"]], **turn)
    ax.set_xlim(-0.6, len(frame) - 0.4)


def _banded(frame: pd.DataFrame) -> bool:
    return {"low", "high"} <= set(frame) and bool(np.isfinite(frame[["low", "high"]].to_numpy(dtype=float)).all())


def surface(
    frame: pd.DataFrame, ax: Axes | None = None, *, names: tuple[str, str] = ("x", "y"), effect: str = "effect"
) -> Axes:
    """A pair of features in an additive model: blue lowers the score, orange raises it, numbers say how much.

    Parameters
    ----------
    frame : DataFrame
        Columns ``x``, ``y`` (numbers or words), ``estimate``; one row per cell of a full grid.

    Examples
    --------
    >>> import pandas as pd
    >>> from explaindistill import plots
    >>> frame = pd.DataFrame({"x": [0, 1, 0, 1], "y": [0, 0, 1, 1], "estimate": [0.1, 0.0, 0.0, -0.1]})
    >>> plots.surface(frame, plots.figure().subplots(), names=("a", "b")).get_ylabel()
    'b'
    """
    from matplotlib.colors import LinearSegmentedColormap

    ax = axes(ax)
    ticks_x, ticks_y = list(dict.fromkeys(frame["x"])), list(dict.fromkeys(frame["y"]))
    values = (
        frame.pivot(index="y", columns="x", values="estimate")
        .reindex(index=ticks_y, columns=ticks_x)
        .to_numpy(dtype=float)
    )
    limit = float(np.nanmax(np.abs(values))) or 1.0
    colours = LinearSegmentedColormap.from_list("two", [SERIES[0], "#f4f4f2", SERIES[1]])
    ax.pcolormesh(
        np.arange(values.shape[1] + 1), np.arange(values.shape[0] + 1), values, cmap=colours, vmin=-limit, vmax=limit
    )
    if values.size <= 64:
        for (i, j), value in np.ndenumerate(values):
            ax.text(
                j + 0.5,
                i + 0.5,
                f"{value:+.2f}".replace("-", "−"),
                ha="center",
                va="center",
                fontsize=7,
                color="#101418",
            )
    for axis, ticks in ((ax.xaxis, ticks_x), (ax.yaxis, ticks_y)):
        chosen = np.unique(np.linspace(0, len(ticks) - 1, min(len(ticks), 6)).round().astype(int))
        axis.set_ticks(chosen + 0.5, [_tick(ticks[i]) for i in chosen])
    ax.set_xlabel(label(names[0], 40), color=INK, fontsize=9)
    ax.set_ylabel(label(names[1], 40), color=INK, fontsize=9)
    ax.set_title(f"{effect}, from −{limit:.2g} (blue) to +{limit:.2g} (orange)", fontsize=8, color=MUTED, loc="left")
    return ax


def _tick(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, (int, float, np.number)) else label(value, 12)


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
        text = label(node.text, 24)
        anchor = self.ax.text(depth + 0.03, 0, text, fontsize=7.5, color=INK, va="center", fontweight="bold", zorder=4)
        heights = [self.branch(child, depth + 1) for child in node.children]
        y = float(np.mean(heights))
        anchor.set_y(y)
        start = min(0.9, 0.06 + 0.038 * len(text))  # where the words end: a letter at 7.5 points is 0.038 wide
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


def _edge(child: Branch) -> str:
    """The answer that leads to a node, and the share of rows that give it."""
    words = label(child.edge, 16)
    return words if child.share is None else f"{words}{', ' * bool(words)}{_percent(child.share)}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.01 or share == 0 else "< 1 %"


def rules(drawing: RulesDrawing, ax: Axes | None = None, *, favorable: Any = None) -> Axes:
    """Ordered rules from top to bottom: what each asks, the share of rows that it answers, and a bar of its answer.

    Parameters
    ----------
    drawing : RulesDrawing
    favorable : class, optional
        Whose probability the bars show; the last class when None.

    Examples
    --------
    >>> import pandas as pd
    >>> from explaindistill import plots
    >>> from explaindistill.data.drawing import RulesDrawing
    >>> line = {"condition": "age <= 30", "answer": "no 0.90", "coverage": 0.25, "values": (0.9, 0.1)}
    >>> ax = plots.rules(RulesDrawing(pd.DataFrame([line]), ("no", "yes")), plots.figure().subplots())
    >>> [t.get_text() for t in ax.texts], ax.get_xlabel()
    (['if age <= 30', 'no 0.90, 25 % of rows'], 'probability of yes')
    """
    ax = axes(ax)
    frame, last = drawing.frame, len(drawing.frame) - 1
    lengths = bar_lengths(frame["values"], drawing.classes, favorable)
    for y, row in enumerate(frame.to_dict("records")):
        start = "if" if y == 0 else "else if"
        asks = "else" if y == last and last else f"{start} {row['condition']}"
        ax.text(-0.03, y, label(asks, 64), fontsize=8.5, color=INK, va="center", ha="right")
        ax.plot([0, 1], [y, y], color=GRID, linewidth=7, solid_capstyle="butt", zorder=1)
        ax.plot([0, lengths[row["values"]]], [y, y], color=SERIES[0], linewidth=7, solid_capstyle="butt", zorder=2)
        words = f"{row['answer']}, {_percent(row['coverage'])} of rows"
        ax.text(1.03, y, label(words, 44), fontsize=8.5, color=MUTED, va="center")
    ax.set_yticks([])
    ax.set_xticks([0, 0.5, 1])
    ax.set_ylim(last + 0.6, -0.6)
    ax.set_xlim(-2.2, 2.1)  # bars take the middle: conditions stand left of 0, answers right of 1
    place = shown_class(drawing.classes, favorable)
    value = "value, from the smallest to the largest"
    if place is not None and drawing.classes is not None:
        value = f"probability of {label(drawing.classes[place], 60)}"
    ax.set_xlabel(value, color=MUTED, fontsize=9)
    return ax


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


def term(thing: DrawnTerm, ax: Axes | None = None, *, effect: str = "effect on the score") -> Axes:
    """Draw one term of an additive model, as :func:`shape` or :func:`surface`.

    Examples
    --------
    >>> from explaindistill.plots import figure
    >>> frame = pd.DataFrame({"x": [20.0, 40.0, 60.0], "estimate": [-1.0, 0.0, 1.0], "low": [-1.2, -0.1, 0.7],
    ...                       "high": [-0.8, 0.1, 1.3]})
    >>> thing = DrawnTerm("age", ("age",), frame, missing=-0.5, spread=1.0)
    >>> ax = term(thing, figure().subplots(), effect="log-odds of yes")
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('age (missing: −0.50)', 'log-odds of yes')
    """
    if len(thing.features) == 2:
        return surface(thing.frame, ax, names=(thing.features[0], thing.features[1]), effect=effect)
    name = label(thing.features[0])
    if np.isfinite(thing.missing):
        name += f"  (missing: {thing.missing:+.2f})".replace("-", "−")
    return shape(thing.frame, ax, name=name, effect=effect)
