"""What an additive student says about itself: shapes as frames, reasons per row, a page in words, its size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.schema import Feature, Schema
from explaindistill.data.target_names import class_name, value_name
from explaindistill.errors import InvalidInputError
from explaindistill.protocols import Complexity
from explaindistill.students._form import compact_bytes
from explaindistill.students.gam.shapes import TAIL, Shape, TermGrid

__all__ = ["complexity", "contributions", "describe", "explain", "importance", "linear_predictor", "shape_frame"]

INTERVALS = {
    "outcomes": "posterior 95 % interval (labels are noisy outcomes)",
    "teacher": "approximation: one-step bootstrap of the corpus, 95 % (labels are a teacher's answers)",
}
Z95 = 1.959963984540054
"""Half width of a normal 95 % interval, in standard errors."""


def find(student: Any, term: str) -> tuple[int, Shape]:
    """Position and shape of a term.

    Raises
    ------
    InvalidInputError
        If there is no such term.
    """
    for i, shape in enumerate(student.shapes_):
        if shape.name == term:
            return i, shape
    names = ", ".join(s.name for s in student.shapes_)
    raise InvalidInputError(f"no term {term!r}; the terms are: {names or '(none)'}")


def contributions(student: Any, frame: pd.DataFrame) -> list[NDArray[np.float64]]:
    """Contribution ``(n, outputs)`` of each term, in the order of ``shapes_``."""
    columns = _columns(student, frame)
    return [shape.contribution(columns) for shape in student.shapes_]


def linear_predictor(student: Any, frame: pd.DataFrame) -> NDArray[np.float64]:
    """Sum of the intercept and all contributions, ``(n, outputs)``."""
    out = np.tile(student.intercept_, (len(frame), 1))
    columns = _columns(student, frame)
    for shape in student.shapes_:
        out += shape.contribution(columns)
    return out


def _columns(student: Any, frame: pd.DataFrame) -> dict[int, NDArray[np.float64]]:
    used = sorted({g.axis for s in student.shapes_ for g in s.grids})
    return {i: student.schema_.column(frame, i) for i in used}


def shape_frame(student: Any, term: str) -> pd.DataFrame:
    """One line per place of the term's grid; see ``GAMClassifier.shape``."""
    _, shape = find(student, term)
    schema: Schema = student.schema_
    outputs = output_names(student)
    places = [g.places() for g in shape.grids]
    labels = [g.labels(schema[g.axis]) for g in shape.grids]
    mesh = np.meshgrid(*[np.arange(g.size) for g in shape.grids], indexing="ij")
    flat = [m.ravel() for m in mesh]
    parts = []
    for k, name in enumerate(outputs):
        effect, sd = shape.values[k].ravel(), shape.sd[k].ravel()
        data: dict[str, Any] = {} if len(outputs) == 1 else {"output": [name] * len(effect)}
        for suffix, where, value, label in zip(("", "_2"), flat, places, labels, strict=False):
            data["value" + suffix] = value[where]
            data["label" + suffix] = [label[j] for j in where]
        data |= {"effect": effect, "low": effect - Z95 * sd, "high": effect + Z95 * sd, "n": shape.n.ravel()}
        parts.append(pd.DataFrame(data))
    frame = pd.concat(parts, ignore_index=True)
    frame.attrs |= {
        "term": shape.name,
        "features": shape.features,
        "scale": student.scale_,
        "interval": "none: the term was edited" if np.isnan(shape.sd).any() else INTERVALS[student.labels_],
    }
    return frame


def output_names(student: Any) -> list[Any]:
    """Names of the outputs: the class that the logit speaks for, all classes, or 0 in regression."""
    classes = getattr(student, "classes_", None)
    if classes is None:
        return [0]
    return [classes[1]] if len(classes) == 2 else list(classes)


def explain(student: Any, frame: pd.DataFrame) -> pd.DataFrame:
    """Tidy frame of contributions; the largest reason of each row first."""
    outputs = output_names(student)
    n, k = len(frame), len(outputs)
    parts = np.stack([np.tile(student.intercept_, (n, 1)), *contributions(student, frame)])
    names = ["(base)", *(s.name for s in student.shapes_)]
    weight = np.abs(parts[1:]).sum(axis=2)
    order = np.vstack([np.zeros((1, n), dtype=int), 1 + np.argsort(-weight, axis=0, kind="stable")])
    reasons = _reasons(student, frame)
    rows, steps = np.meshgrid(np.arange(n), np.arange(len(names)), indexing="ij")
    which = order[steps, rows]
    data = {
        "row": np.repeat(rows.ravel(), k),
        "step": np.repeat(steps.ravel(), k),
        "term": np.repeat(np.array(names, dtype=object)[which.ravel()], k),
        "reason": np.repeat(reasons[which.ravel(), rows.ravel()], k),
        "output": np.tile(np.array(outputs, dtype=object), rows.size),
        "contribution": parts[which, rows].ravel(),
    }
    out = pd.DataFrame(data)
    out.attrs["scale"] = student.scale_
    return out


def _reasons(student: Any, frame: pd.DataFrame) -> NDArray[Any]:
    """Words ``(terms + 1, n)``."""
    columns = _columns(student, frame)
    words: dict[int, list[str]] = {}
    out = [["base value"] * len(frame)]
    for shape in student.shapes_:
        for grid in shape.grids:
            if grid.axis not in words:
                words[grid.axis] = _words(student.schema_, grid, columns[grid.axis])
        out.append([" and ".join(w) for w in zip(*(words[g.axis] for g in shape.grids), strict=True)])
    return np.array(out, dtype=object)


def _words(schema: Schema, grid: Any, values: NDArray[np.float64]) -> list[str]:
    """Value of one column in each row, and what the curve does where the fit saw no such value."""
    feature = schema[grid.axis]
    has_place, outside = grid.weights(values)[3], grid.outside(values)
    out = []
    for value, sure, beyond in zip(values, has_place, outside, strict=True):
        text = f"{feature.name} = {feature.shown(float(value))}"
        if not sure:
            text += " (not seen in fitting: no contribution)"
        elif beyond:
            text += f" ({_beyond(feature, grid, float(value))})"
        out.append(text)
    return out


def _beyond(feature: Feature, grid: TermGrid, value: float) -> str:
    """How the function goes on at a value that lies beyond those seen."""
    low, high = grid.range_seen()
    side = grid.knots[grid.knots < low] if value < low else grid.knots[grid.knots > high][::-1]
    text = f"beyond {feature.shown(low)} to {feature.shown(high)}: "
    if len(side) == 0:
        return text + "continued along a straight line"
    # the last two knots of a side are level: the inner one is where the line ends, or just beyond the last value seen
    stop = float(side[1]) if len(side) > 1 else (low if value < low else high)
    if len(side) > 1 and (stop <= value < low or high < value <= stop):
        return text + "continued along a straight line"
    return text + f"held at its value at {feature.shown(stop)}"


def importance(student: Any) -> pd.DataFrame:
    """Mean absolute contribution of each feature over the rows of the fit, as shares; pairs count half for each."""
    total = dict.fromkeys(student.schema_.names, 0.0)
    for shape in student.shapes_:
        for name in shape.features:
            total[name] += float(shape.spread.mean()) / len(shape.features)
    everything = sum(total.values())
    shares = [v / everything if everything > 0 else 0.0 for v in total.values()]
    return pd.DataFrame({"feature": list(total), "estimate": shares})


def term_frame(student: Any) -> pd.DataFrame:
    """One line per term, the most important first."""
    rows = [
        {
            "term": s.name,
            "importance": float(s.spread.mean()),
            "edf": s.edf,
            "lowest": float(np.nanmin(s.seen_values())),
            "highest": float(np.nanmax(s.seen_values())),
        }
        for s in student.shapes_
    ]
    frame = pd.DataFrame(rows, columns=["term", "importance", "edf", "lowest", "highest"])
    return frame.sort_values(["importance", "term"], ascending=[False, True], ignore_index=True)


def describe(student: Any) -> str:
    """One page in words."""
    outputs = output_names(student)
    target = student.target_name_
    mean = f"log of the mean{f' of {target}' if target else ''}"
    what = {"logit": "logit", "value": value_name(target), "log": mean}[student.scale_]
    head = [f"{type(student).__name__}: {what} = base + the sum of {len(student.shapes_)} terms"]
    if len(outputs) == 1 and hasattr(student, "classes_"):
        head.append(f"The logit speaks for class '{class_name(outputs[0], target)}'.")
    bases = ", ".join(
        f"{b:+.4g}" if len(outputs) == 1 else f"{o}: {b:+.4g}" for o, b in zip(outputs, student.intercept_, strict=True)
    )
    head.append(f"base {bases}")
    lines = []
    for row in term_frame(student).itertuples():
        _, shape = find(student, row.term)
        lines.append(
            f"{row.term}: mean |contribution| {row.importance:.4g}, "
            f"from {row.lowest:+.4g} to {row.highest:+.4g}, {row.edf:.1f} effective df"
        )
        lines.extend(f"    {text}" for text in _extremes(student, shape, outputs))
    tail = [
        f"Beyond their bounds numeric terms go on as straight lines, for the range between the bounds where rows lie "
        f"beyond, else for {TAIL:.0%} of it, and then stay level (with convex= they go on); pairs stay level at once.",
        "Unseen categories contribute 0.",
        f"Intervals: {INTERVALS[student.labels_]}.",
    ]
    if not student.converged_:
        tail.append(f"The fit stopped after {student.n_iter_} iterations before it settled; raise max_iter.")
    tail += [f"Edited: {e['term']}: {e['what']}{e['why']}" for e in student.edits_]
    return "\n".join([*head, *lines, *tail])


def _extremes(student: Any, shape: Shape, outputs: list[Any]) -> list[str]:
    """Where a term is lowest and highest, in the user's words."""
    labels = [g.labels(student.schema_[g.axis]) for g in shape.grids]
    out = []
    for k, name in enumerate(outputs):
        who = "" if len(outputs) == 1 else f"[{name}] "
        ends = []
        values = shape.seen_values()[k]
        for word, flat in (("lowest", np.nanargmin(values)), ("highest", np.nanargmax(values))):
            at = np.unravel_index(int(flat), values.shape)
            where = ", ".join(f"{f} = {label[i]}" for f, label, i in zip(shape.features, labels, at, strict=True))
            ends.append(f"{word} {shape.values[k][at]:+.4g} at {where}")
        out.append(who + "; ".join(ends))
    return out


def complexity(student: Any) -> Complexity:
    """Terms, numbers to write down, columns used, bytes."""
    return Complexity(
        family="gam",
        n_parameters=int(sum(s.n_parameters() for s in student.shapes_) + len(student.intercept_)),
        n_features=len({name for s in student.shapes_ for name in s.features}),
        n_bytes=compact_bytes(student.to_dict()),
        n_terms=len(student.shapes_),
        n_lines=len(student.shapes_),
        n_numbers=int(sum(s.n_parameters() + s.n_levels() for s in student.shapes_) + len(student.intercept_)),
    )
