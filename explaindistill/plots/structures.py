"""Drawings of what a student is: its tree, its shapes, its coefficients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from explaindistill.errors import InvalidInputError
from explaindistill.plots import branching, forms
from explaindistill.plots.canvas import GRID, INK, MARKERS, MUTED, SERIES, axes, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["coefficients", "draw", "rules", "shape", "surface", "term", "tree"]


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
        part = frame[frame["output"] == output] if len(outputs) > 1 else frame
        (_levels if "level" in frame else _line)(ax, part, i, len(outputs))
    if len(outputs) > 1:
        ax.legend([label(o) for o in outputs], frameon=False, fontsize=8, labelcolor=INK, ncols=3)
    ax.axhline(0, color=MUTED, linewidth=1)
    ax.grid(axis="y", color=GRID, linewidth=0.8)
    ax.set_xlabel(label(name, 40) if name else "", color=INK, fontsize=9)
    ax.set_ylabel(effect, color=MUTED, fontsize=9)
    return ax


def _line(ax: Axes, frame: pd.DataFrame, i: int, n: int) -> None:
    colour = SERIES[i % len(SERIES)]
    if n == 1 and _banded(frame):
        ax.fill_between(frame["x"], frame["low"], frame["high"], color=colour, alpha=0.22, linewidth=0)
    ax.plot(frame["x"], frame["estimate"], color=colour, linewidth=2, linestyle=("-", "--", "-.", ":")[i % 4])


def _levels(ax: Axes, frame: pd.DataFrame, i: int, n: int) -> None:
    colour, places = SERIES[i % len(SERIES)], np.arange(len(frame)) + 0.16 * (i - (n - 1) / 2)
    ax.plot(places, frame["estimate"], linestyle="", marker=MARKERS[i % len(MARKERS)], color=colour, markersize=6)
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
    kept = frame.iloc[
        frame["estimate"].abs().sort_values(ascending=False, kind="stable").index.map(frame.index.get_loc)
    ]
    kept = kept.head(top)
    for y, (_, row) in enumerate(kept.iterrows()):
        positive = row["estimate"] >= 0
        ax.plot(
            [0, row["estimate"]],
            [y, y],
            color=SERIES[1 if positive else 0],
            linewidth=5,
            solid_capstyle="butt",
            zorder=2,
        )
        if "low" in kept and np.isfinite(row["low"]) and np.isfinite(row["high"]):
            ax.plot([row["low"], row["high"]], [y, y], color=INK, linewidth=1.2, zorder=3)
    ax.set_yticks(range(len(kept)), [label(t) for t in kept["term"]])
    ax.set_ylim(len(kept) - 0.5, -0.5)
    ax.axvline(0, color=MUTED, linewidth=1)
    ax.grid(axis="x", color=GRID, linewidth=0.8)
    ax.set_xlabel(f"{name} ({unit})", color=MUTED, fontsize=9)
    return ax


def tree(root: Mapping[str, Any], ax: Axes | None = None, *, max_depth: int = 4) -> Axes:
    """A tree from left to right: questions in ink, answers with bars; each branch says its share of the rows.

    Parameters
    ----------
    root : mapping
        ``text`` (question or answer), ``edge`` (the answer that leads here), ``share`` (of all rows, in [0, 1]),
        ``value`` (in [0, 1], drawn as a bar; None for none), ``children``, and of a leaf optionally ``values`` (class
        to probability, drawn as a bar of classes in place of ``value``) and ``who`` (attributes with their groups, see
        :meth:`~explaindistill.students.tree.TreeClassifier.occupants`; a line and a bar each, withheld groups stay
        grey).
    max_depth : int
        Deeper branches are folded into "… n more".

    Examples
    --------
    >>> from explaindistill import plots
    >>> leaves = [{"text": "no", "edge": "yes", "share": 0.4, "value": 0.1}, {"text": "yes", "edge": "no"}]
    >>> ax = plots.tree({"text": "age ≤ 30?", "share": 1.0, "children": leaves}, plots.figure().subplots())
    >>> [t.get_text() for t in ax.texts]
    ['age ≤ 30?', 'no', 'yes', 'yes, 40 %', 'no']
    """
    ax = axes(ax)
    ax.set_axis_off()
    lines = iter(range(10_000))
    deepest = [0]
    _branch(ax, root, 0, max_depth, lines, deepest)
    ax.set_xlim(-0.05, deepest[0] + 1.0)
    ax.set_ylim(next(lines) - 0.4, -0.6)
    return ax


def _branch(ax: Axes, node: Mapping[str, Any], depth: int, max_depth: int, lines: Any, deepest: list[int]) -> float:
    deepest[0] = max(deepest[0], depth)
    children = list(node.get("children", ())) if depth < max_depth else []
    hidden = _leaves(node) if node.get("children") and not children else 0
    text = label(f"… {hidden} more answers" if hidden else node["text"], 24)
    if not children:
        y = float(next(lines))
        ax.text(depth + 0.03, y, text, fontsize=8.5, color=INK, va="center")
        if not hidden:
            _answer(ax, node, depth, y, lines)
        return y
    anchor = ax.text(depth + 0.03, 0, text, fontsize=7.5, color=INK, va="center", fontweight="bold", zorder=4)
    heights = [_branch(ax, child, depth + 1, max_depth, lines, deepest) for child in children]
    y = float(np.mean(heights))
    anchor.set_y(y)
    start = min(0.9, 0.06 + 0.038 * len(text))
    for child, end in zip(children, heights, strict=True):
        width = 0.8 + 5 * float(child.get("share") or 0)
        ax.plot([depth + start, depth + 0.98], [y, end], color=GRID, linewidth=width, solid_capstyle="round", zorder=1)
        ax.text(
            depth + (start + 1) / 2,
            y + 0.56 * (end - y),
            _edge(child),
            fontsize=7.5,
            color=MUTED,
            ha="center",
            va="center",
        )
    return y


def _edge(child: Mapping[str, Any]) -> str:
    """The answer that leads to a node, and the share of rows that give it."""
    words = label(child.get("edge", ""), 16)
    share = child.get("share")
    return words if share is None else f"{words}{', ' * bool(words)}{_percent(share)}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.01 or share == 0 else "< 1 %"


def _answer(ax: Axes, leaf: Mapping[str, Any], depth: int, y: float, lines: Any) -> None:
    """Bar of a leaf's classes, or of its value; below it one line and bar for each attribute of who is in it."""
    if leaf.get("values") and (value := leaf.get("value")) is not None:
        _segments(ax, [(p, SERIES[k % len(SERIES)]) for k, p in enumerate(leaf["values"].values())], depth, y)
    elif (value := leaf.get("value")) is not None:
        _segments(ax, [(value, SERIES[0])], depth, y)
    for entry in leaf.get("who", ()):
        at = float(next(lines))
        shown = [g for g in entry["groups"] if g["share"]]
        words = ", ".join(f"{g['group']} {_percent(g['share'])}" for g in shown)
        words += (", " * bool(words) + "rest withheld") * any(g["share"] is None for g in entry["groups"])
        ax.text(depth + 0.06, at, label(f"{entry['attribute']}: {words}", 44), fontsize=7, color=MUTED, va="center")
        colours = {g["group"]: SERIES[k % len(SERIES)] for k, g in enumerate(entry["groups"])}
        _segments(ax, [(g["share"], colours[g["group"]]) for g in shown], depth, at)


def _segments(ax: Axes, parts: list[tuple[float, str]], depth: int, y: float) -> None:
    """One bar from left to right, its parts as wide as their shares, on grey paper of length 1."""
    start, width = depth + 0.04, 0.46
    ax.plot([start, start + width], [y + 0.36, y + 0.36], color=GRID, linewidth=3, solid_capstyle="butt")
    for share, colour in parts:
        ax.plot([start, start + width * share], [y + 0.36] * 2, color=colour, linewidth=3, solid_capstyle="butt")
        start += width * share


def _leaves(node: Mapping[str, Any]) -> int:
    return sum(map(_leaves, node["children"])) if node.get("children") else 1


def rules(frame: pd.DataFrame, ax: Axes | None = None, *, value: str = "probability of the favourable class") -> Axes:
    """Ordered rules from top to bottom: what each asks, the share of rows that it answers, and a bar of its answer.

    Parameters
    ----------
    frame : DataFrame
        Columns ``condition``, ``answer``, ``coverage`` (in [0, 1]) and ``value`` (in [0, 1], drawn as a bar).
    value : what the bars show

    Examples
    --------
    >>> import pandas as pd
    >>> from explaindistill import plots
    >>> line = {"condition": "age <= 30", "answer": "no 0.90", "coverage": 0.25, "value": 0.1}
    >>> ax = plots.rules(pd.DataFrame([line]), plots.figure().subplots())
    >>> [t.get_text() for t in ax.texts]
    ['if age <= 30', 'no 0.90, 25 % of rows']
    """
    ax = axes(ax)
    last = len(frame) - 1
    for y, row in enumerate(frame.to_dict("records")):
        start = "if" if y == 0 else "else if"
        asks = "else" if y == last and last else f"{start} {row['condition']}"
        ax.text(-0.03, y, label(asks, 64), fontsize=8.5, color=INK, va="center", ha="right")
        ax.plot([0, 1], [y, y], color=GRID, linewidth=7, solid_capstyle="butt", zorder=1)
        ax.plot([0, row["value"]], [y, y], color=SERIES[0], linewidth=7, solid_capstyle="butt", zorder=2)
        told = f"{row['answer']}, {_percent(row['coverage'])} of rows"
        ax.text(1.03, y, label(told, 44), fontsize=8.5, color=MUTED, va="center")
    ax.set_yticks([])
    ax.set_xticks([0, 0.5, 1])
    ax.set_ylim(last + 0.6, -0.6)
    ax.set_xlim(-2.2, 2.1)
    ax.set_xlabel(value, color=MUTED, fontsize=9)
    return ax


def draw(thing: Mapping[str, Any] | pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw a student's ``to_dict()`` or a frame, by what it is; of an additive model, its strongest term.

    Raises
    ------
    InvalidInputError
        If nothing here knows how to draw it.

    Examples
    --------
    >>> import explaindistill as xd
    >>> from explaindistill.plots import figure
    >>> X = pd.DataFrame({"age": np.arange(200) % 50})
    >>> ax = draw(xd.LinearRegressor().fit(X, 0.1 * X["age"]).to_dict(), figure().subplots())
    >>> [t.get_text() for t in ax.get_yticklabels()], ax.get_xlabel()
    (['age'], 'coefficient (value per standard deviation)')
    """
    if isinstance(thing, pd.DataFrame):
        return _draw_frame(thing, ax)
    form = forms.kind(thing)
    if form == "tree":
        return tree(forms.tree_root(thing), ax)
    if form == "additive":
        found = forms.terms(thing)
        if found:
            return term(found[0], ax, effect=forms.effect_unit(thing))
    if form == "linear":
        unit = f"{forms.effect_unit(thing)} per standard deviation"
        return coefficients(forms.coefficient_frame(thing), ax, unit=unit)
    if form in _BRANCHING:
        return _BRANCHING[form](thing, ax)
    if "text" in thing:
        return tree(thing, ax)
    raise InvalidInputError("draw takes a student's to_dict() or a frame with term, x or level and estimate")


def _draw_rules(form: Mapping[str, Any], ax: Axes | None) -> Axes:
    classes = form.get("classes")
    value = "value, from the smallest to the largest" if classes is None else f"probability of {classes[-1]}"
    return rules(branching.rule_frame(form), ax, value=value)


def _draw_points(form: Mapping[str, Any], ax: Axes | None) -> Axes:
    return coefficients(branching.point_frame(form), ax, name="points", unit=f"for {form['classes'][1]}")


_BRANCHING = {
    "model tree": lambda form, ax: tree(branching.model_root(form), ax),
    "rules": _draw_rules,
    "points": _draw_points,
}


def term(thing: forms.Term, ax: Axes | None = None, *, effect: str = "effect on the score") -> Axes:
    """Draw one term of an additive model, as :func:`shape` or :func:`surface`.

    Examples
    --------
    >>> from explaindistill.plots import figure
    >>> frame = pd.DataFrame({"x": [20.0, 40.0, 60.0], "estimate": [-1.0, 0.0, 1.0], "low": [-1.2, -0.1, 0.7],
    ...                       "high": [-0.8, 0.1, 1.3]})
    >>> thing = forms.Term("age", ("age",), frame, missing=-0.5, spread=1.0)
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


def _draw_frame(frame: pd.DataFrame, ax: Axes | None) -> Axes:
    if {"term", "estimate"} <= set(frame):
        return coefficients(frame, ax)
    if {"x", "y", "estimate"} <= set(frame):
        return surface(frame, ax)
    if "estimate" in frame and {"x", "level"} & set(frame):
        return shape(frame, ax)
    raise InvalidInputError("draw takes a student's to_dict() or a frame with term, x or level and estimate")
