"""Compression: a smaller copy of a student, step by step, each step with its bytes and its loss of fidelity."""

from __future__ import annotations

import copy
import gzip
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from explaindistill.errors import InvalidInputError
from explaindistill.numerics.statistics.closeness import closeness
from explaindistill.students.linear.model import LinearModel
from explaindistill.students.tree.model import TreeModel

__all__ = ["Compressed", "compress", "on_grid"]

Array = NDArray[np.float64]
Step = tuple[str, Any]
DIGITS = (6, 4, 3, 2)


@dataclass(frozen=True)
class Compressed:
    """A smaller copy of the student and how it came about.

    Attributes
    ----------
    student : estimator
    steps : DataFrame
        One row per step taken, the first is the student as it was: ``step`` (words), ``bytes`` of the compact JSON,
        ``gzip_bytes`` of the same, ``fidelity`` on the rows given, ``loss`` of fidelity since the first.
    reached : bool
        Whether ``max_bytes`` was reached within ``max_loss``; True where no ``max_bytes`` was asked for.

    Examples
    --------
    >>> from explaindistill.students.tree import TreeClassifier
    >>> X = pd.DataFrame({"x": np.linspace(0, 1, 400)})
    >>> P = np.c_[1 - X["x"], X["x"]]
    >>> small = compress(TreeClassifier(max_leaf_nodes=8).fit(X, P), X, P, max_loss=0.0)
    >>> bool(small.steps["bytes"].is_monotonic_decreasing), small.student.complexity().n_leaves
    (True, 2)
    """

    student: Any
    steps: pd.DataFrame
    reached: bool


def compress(
    student: Any,
    X: Any,
    P: ArrayLike,
    *,
    max_bytes: int | None = None,
    max_loss: float = 0.01,
    bits: int | None = None,
) -> Compressed:
    """Make a student smaller while it keeps its fidelity.

    At every step each possible change is tried: numbers with fewer digits, two leaves merged, the weakest term or the
    weakest feature dropped.
    The one that loses least fidelity per byte saved is taken. It ends when ``max_bytes`` is reached, when nothing is
    left to change, or before the loss would exceed ``max_loss``.

    Parameters
    ----------
    student : fitted student with ``to_dict`` and ``from_dict``
        It is not changed. Trees lose digits, leaves and features, linear and additive students digits and terms, others
        digits.
    X : n rows that fidelity is measured on
    P : array of shape (n, k) or (n,)
        The teacher's answers, columns in the order of the student's ``classes_``.
    max_bytes : int, optional
        Bytes of the compact JSON; None goes as far as ``max_loss`` allows.
    max_loss : float, at least 0
        In agreement (0.01 is one point), or in R² for regression.
    bits : 8 or 4, optional
        Begin by putting numbers on grids of ``2**bits`` levels, for small machines: leaf values and coefficients, the
        values of each curve, the thresholds of each feature within its range. Other students have none of these.

    Raises
    ------
    InvalidInputError
        For limits below 0 or another number of bits.

    Examples
    --------
    >>> from explaindistill.students.tree import TreeClassifier
    >>> X = pd.DataFrame({"x": np.linspace(0, 1, 500), "z": np.cos(np.arange(500))})
    >>> p = 1 / (1 + np.exp(-9 * (X["x"] - 0.5)))
    >>> student = TreeClassifier(max_leaf_nodes=8).fit(X, np.c_[1 - p, p])
    >>> small = compress(student, X, np.c_[1 - p, p], max_loss=0.0)
    >>> bool(small.steps["loss"].iloc[-1] <= 0), small.student.complexity().n_leaves
    (True, 2)
    """
    check_is_fitted(student)
    if max_loss < 0 or (max_bytes is not None and max_bytes < 0):
        raise InvalidInputError(f"max_loss and max_bytes must be at least 0, got {max_loss} and {max_bytes}")
    if bits not in (None, 4, 8):
        raise InvalidInputError(f"bits must be 8, 4 or None, got {bits}")
    reference = np.asarray(P, dtype=float)
    rows = [_row("as it was", student, X, reference)]
    start = rows[0]["fidelity"]
    if bits is not None and (coarse := _with_bits(student, bits)) is not None:
        row = _row(f"values on a grid of {bits} bits", coarse, X, reference)
        if start - row["fidelity"] <= max_loss + 1e-12:
            student = coarse
            rows.append(row)
    while max_bytes is None or rows[-1]["bytes"] > max_bytes:
        best = _best_step(student, X, reference, rows[-1], start - max_loss, keep_values=bits is not None)
        if best is None:
            break
        student, row = best
        rows.append(row)
    steps = pd.DataFrame(rows)
    steps["loss"] = start - steps["fidelity"]
    return Compressed(copy.deepcopy(student), steps, max_bytes is None or bool(rows[-1]["bytes"] <= max_bytes))


def on_grid(values: Array, bits: int) -> Array:
    """Nearest of ``2**bits`` evenly spaced levels between the least and the largest value.

    Examples
    --------
    >>> on_grid(np.array([0.0, 0.34, 1.0]), 2).round(3).tolist()
    [0.0, 0.333, 1.0]
    """
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    if high <= low:
        return values.copy()
    unit = (high - low) / (2**bits - 1)
    return np.asarray(low + np.rint((values - low) / unit) * unit)


def _row(step: str, student: Any, X: Any, reference: Array) -> dict[str, Any]:
    text = json.dumps(student.to_dict(), separators=(",", ":"), ensure_ascii=False).encode()
    classification = hasattr(student, "classes_")
    answer = np.asarray(student.predict_proba(X) if classification else student.predict(X), dtype=float)
    fidelity = closeness(answer, reference.reshape(answer.shape), classification)
    if classification and (np.abs(answer.sum(axis=1) - 1.0) > 1e-9).any():
        fidelity = -math.inf  # rounded apart: no longer probabilities
    return {"step": step, "bytes": len(text), "gzip_bytes": len(gzip.compress(text, mtime=0)), "fidelity": fidelity}


def _best_step(
    student: Any, X: Any, reference: Array, now: dict[str, Any], least: float, keep_values: bool
) -> tuple[Any, dict[str, Any]] | None:
    """The allowed change that loses least fidelity per byte saved; ties go to the one that saves more."""
    best: tuple[tuple[float, float], Any, dict[str, Any]] | None = None
    for words, smaller in _changes(student, keep_values):
        row = _row(words, smaller, X, reference)
        saved = now["bytes"] - row["bytes"]
        if saved <= 0 or row["fidelity"] < least - 1e-12:
            continue
        key = (max(now["fidelity"] - row["fidelity"], 0.0) / saved, -saved)
        if best is None or key < best[0]:
            best = (key, smaller, row)
    return None if best is None else best[1:]


def _changes(student: Any, keep_values: bool) -> Iterator[Step]:
    tree, model = getattr(student, "tree_", None), getattr(student, "model_", None)
    if isinstance(tree, TreeModel):
        yield from _tree_changes(student, tree, keep_values)
    elif isinstance(model, LinearModel):
        yield from _linear_changes(student, model, keep_values)
    else:
        if hasattr(student, "shapes_"):
            yield from _additive_changes(student)
        yield from _digit_changes(student)


def _with(student: Any, **attributes: Any) -> Any:
    out = copy.copy(student)
    for name, value in attributes.items():
        setattr(out, name, value)
    return out


def _tree_changes(student: Any, tree: TreeModel, keep_values: bool) -> Iterator[Step]:
    probabilities = hasattr(student, "classes_")
    leaf = tree.feature < 0
    for digits in DIGITS:
        if not keep_values:
            value = _simplex(tree.value, digits) if probabilities else _significant(tree.value, digits)
            if (value != tree.value).any():
                yield f"values with {digits} digits", _with(student, tree_=tree.with_value(value))
        finite = np.isfinite(tree.threshold)
        threshold = tree.threshold.copy()
        threshold[finite] = _significant(threshold[finite], digits)
        if (threshold[finite] != tree.threshold[finite]).any():
            yield f"thresholds with {digits} digits", _with(student, tree_=replace(tree, threshold=threshold))
        plain = _significant(tree.gain, digits), _significant(tree.weight, digits)
        if (plain[0] != tree.gain).any() or (plain[1] != tree.weight).any():
            notes = replace(tree, gain=plain[0], weight=plain[1])
            yield f"gains and weights with {digits} digits", _with(student, tree_=notes)
    ends = np.flatnonzero(~leaf)
    ends = ends[leaf[tree.left[ends]] & leaf[tree.right[ends]]]
    if len(ends):
        w, v = tree.weight, tree.value
        left, right = tree.left[ends], tree.right[ends]
        rise = w[left] * w[right] / (w[left] + w[right]) * ((v[left] - v[right]) ** 2).sum(axis=1)
        node = int(ends[np.argmin(rise)])
        name = tree.schema[int(tree.feature[node])].name
        yield f"leaves merged at a split of {name}", _with(student, tree_=tree.cut_at({node}))
    used = np.unique(tree.feature[~leaf])
    if len(used) > 1:
        gains = np.array([tree.gain[tree.feature == f].sum() for f in used])
        weakest = int(used[np.argmin(gains)])
        without = tree.cut_at(set(np.flatnonzero(tree.feature == weakest).tolist()))
        yield f"feature {tree.schema[weakest].name} dropped", _with(student, tree_=without)


def _linear_changes(student: Any, model: LinearModel, keep_values: bool) -> Iterator[Step]:
    centre = model.intercept + model.mean @ model.coef
    for digits in DIGITS[1:]:
        coef = _significant(model.coef, digits)
        if not keep_values and (coef != model.coef).any():
            shifted = _significant(centre - model.mean @ coef, digits + 2)
            yield (
                f"coefficients with {digits} digits",
                _with(student, model_=replace(model, coef=coef, intercept=shifted)),
            )
        mean, scale = _significant(model.mean, digits), _significant(model.scale, digits)
        if (mean != model.mean).any() or (scale != model.scale).any():
            yield (
                f"means and scales with {digits} digits",
                _with(student, model_=replace(model, mean=mean, scale=scale)),
            )
    if len(model.columns):
        weakest = int(np.argmin((np.abs(model.coef) * model.scale[:, None]).sum(axis=1)))
        kept = [j for j in range(len(model.columns)) if j != weakest]
        shorter = replace(
            model,
            columns=tuple(model.columns[j] for j in kept),
            coef=model.coef[kept],
            mean=model.mean[kept],
            scale=model.scale[kept],
            intercept=model.intercept + model.mean[weakest] * model.coef[weakest],
        )
        column = model.columns[weakest]
        yield f"term {column.words(model.schema[column.feature])} dropped", _with(student, model_=shorter)


def _additive_changes(student: Any) -> Iterator[Step]:
    form = student.to_dict()
    shapes = form["shapes"]
    if shapes:
        weakest = int(np.argmin([np.sum(shape["spread"]) for shape in shapes]))
        shorter = form | {"shapes": [s for i, s in enumerate(shapes) if i != weakest]}
        yield f"term {shapes[weakest]['name']} dropped", type(student).from_dict(shorter)


def _digit_changes(student: Any) -> Iterator[Step]:
    """Fewer digits for every number of the JSON form but those of the schema and of the parameters."""
    form = student.to_dict()
    for digits in DIGITS:
        rounded = {k: v if k in ("schema", "parameters") else _rounded(v, digits) for k, v in form.items()}
        yield f"numbers with {digits} digits", type(student).from_dict(rounded)


def _rounded(value: Any, digits: int) -> Any:
    if isinstance(value, dict):
        return {k: v if k == "schema" else _rounded(v, digits) for k, v in value.items()}
    if isinstance(value, list):
        return [_rounded(v, digits) for v in value]
    return float(f"{value:.{digits}g}") if isinstance(value, float) and math.isfinite(value) else value


def _significant(values: Array, digits: int) -> Array:
    return np.array([float(f"{v:.{digits}g}") for v in values.ravel()]).reshape(values.shape)


def _simplex(P: Array, decimals: int) -> Array:
    """Round probabilities; the largest of a row takes up the rest, so that the row still sums to 1."""
    out = np.round(P, decimals)
    top = P.argmax(axis=1)
    rows = np.arange(len(P))
    out[rows, top] = 0.0
    out[rows, top] = np.round(1.0 - out.sum(axis=1), decimals)
    return out


def _with_bits(student: Any, bits: int) -> Any:
    """The student with its numbers on grids; None where it has neither leaf values, coefficients nor curves."""
    tree, model = getattr(student, "tree_", None), getattr(student, "model_", None)
    if isinstance(tree, TreeModel):
        value = on_grid(tree.value, bits)
        if hasattr(student, "classes_"):
            unit = 1.0 / (2**bits - 1)
            value = _simplex_on(tree.value, unit)
        return _with(student, tree_=replace(tree.with_value(value), threshold=_threshold_grid(tree, bits)))
    if hasattr(student, "shapes_"):
        form = student.to_dict()
        shapes = [s | {"values": on_grid(np.array(s["values"]), bits).tolist()} for s in form["shapes"]]
        return type(student).from_dict(form | {"shapes": shapes})
    if isinstance(model, LinearModel):
        grid = on_grid(np.vstack([model.coef, np.zeros((1, model.coef.shape[1]))]), bits)[:-1]
        centre = model.intercept + model.mean @ model.coef
        return _with(student, model_=replace(model, coef=grid, intercept=centre - model.mean @ grid))
    return None


def _threshold_grid(tree: TreeModel, bits: int) -> Array:
    """Thresholds at the nearest of ``2**bits`` levels between the least and the largest value of their feature."""
    out = tree.threshold.copy()
    for node in np.flatnonzero(np.isfinite(tree.threshold) & (tree.feature >= 0)):
        column = tree.schema[int(tree.feature[node])]
        width = column.maximum - column.minimum
        if width > 0:
            unit = width / (2**bits - 1)
            out[node] = column.minimum + np.rint((out[node] - column.minimum) / unit) * unit
    return out


def _simplex_on(P: Array, unit: float) -> Array:
    """Probabilities as whole multiples of a unit that sum to 1."""
    levels = np.rint(P / unit)
    rows, top = np.arange(len(P)), P.argmax(axis=1)
    levels[rows, top] += np.rint(1 / unit) - levels.sum(axis=1)
    return np.asarray(levels * unit)
