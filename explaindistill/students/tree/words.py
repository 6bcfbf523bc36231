"""A tree in words: conditions, rules, the reasons of a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.literals import Literal, conjunction
from explaindistill.students._missing import unmet_missing
from explaindistill.students.tree.model import TreeModel

__all__ = ["condition", "outline", "parameters", "reasons", "rule_table", "rule_text"]

Decide = Callable[[Sequence[float]], int]
"""From a leaf's probabilities to the position of the class that it decides."""
SHOWN_CLASSES = 3
"""Classes that a leaf names, the most probable first: a line should stay a line."""


def condition(model: TreeModel, steps: Sequence[tuple[int, bool]]) -> str:
    """Join what one column must be, over one or more splits of it on a path; see :mod:`explaindistill.data.literals`.

    Parameters
    ----------
    model : TreeModel
    steps : pairs of a node and whether the path goes left there
        All of one column.
    """
    literal = _literal(model, steps)
    return literal.words(model.schema[literal.feature])


def _literal(model: TreeModel, steps: Sequence[tuple[int, bool]]) -> Literal:
    """What one column must be on a path; missing values are spoken of where fitting has seen some."""
    column = int(model.feature[steps[0][0]])
    feature = model.schema[column]
    missing = feature.nullable and all(model.missing_left[node] == left for node, left in steps)
    if model.sets[steps[0][0]] is None:
        low = max((model.threshold[node] for node, left in steps if not left), default=-np.inf)
        high = min((model.threshold[node] for node, left in steps if left), default=np.inf)
        return Literal(column, float(low), float(high), missing=missing)
    allowed = np.ones(len(feature.categories), dtype=np.bool_)
    unseen = True
    for node, left in steps:
        table = model.sets[node]
        assert table is not None
        allowed &= table == left
        unseen &= bool(model.unseen_left[node] == left)
    # the side that takes unseen categories is the one that is named by what it is not
    named = np.flatnonzero(~allowed if unseen else allowed)
    return Literal(column, codes=tuple(named.tolist()), inside=not unseen, missing=missing)


def rule_text(model: TreeModel, node: int) -> str:
    """All that must hold on the way to a node, one condition for each column."""
    by_column: dict[int, list[tuple[int, bool]]] = {}
    for step in model.path(node):
        by_column.setdefault(int(model.feature[step[0]]), []).append(step)
    return conjunction([_literal(model, steps) for steps in by_column.values()], model.schema)


def rule_table(model: TreeModel, outputs: Sequence[Any], classes: NDArray[Any] | None) -> pd.DataFrame:
    """One row per leaf: leaf, rule, n, share, prediction (classes only), and one column per output."""
    leaves = model.leaves
    frame: dict[str, Any] = {
        "leaf": leaves,
        "rule": [rule_text(model, int(leaf)) for leaf in leaves],
        "n": model.count[leaves],
        "share": model.weight[leaves] / model.weight[0],
    }
    if classes is not None:
        frame["prediction"] = classes[model.value[leaves].argmax(axis=1)]
    for k, output in enumerate(outputs):
        frame[str(output)] = model.value[leaves, k]
    return pd.DataFrame(frame)


def outline(
    model: TreeModel,
    outputs: Sequence[Any],
    is_classifier: bool,
    who: Mapping[int, Sequence[str]] | None = None,
    decide: Decide | None = None,
    target: str | None = None,
) -> str:
    """Show the tree as indented text: conditions, what each leaf says, how many rows and, if given, who they are."""
    n_leaves, n_columns = len(model.leaves), len(model.used)
    whose = f"for {target}:" if target else "of"
    lines = [
        f"tree {whose} {_count(n_leaves, 'leaf', 'leaves')} on {_count(n_columns, 'column', 'columns')}, "
        f"depth {model.depth.max()}, fitted to {_count(int(model.count[0]), 'row', 'rows')}{_made_up(model)}"
    ]
    count, share, _ = model.shown

    def visit(node: int, indent: str) -> None:
        if model.feature[node] < 0:
            answer = _answer(model.value[node], outputs, is_classifier, decide)
            lines.append(f"{indent}{answer}   ({100 * share[node]:.1f} % of rows, n = {count[node]})")
            lines.extend(f"{indent}    {line}" for line in (who or {}).get(node, ()))
            return
        for child, left in ((int(model.left[node]), True), (int(model.right[node]), False)):
            lines.append(f"{indent}{'if' if left else 'else,'} {condition(model, [(node, left)])}:")
            visit(child, indent + "    ")

    visit(0, "")
    return "\n".join([*lines, *filter(None, [unmet_missing(model.schema, model.used)])])


def _made_up(model: TreeModel) -> str:
    """How many rows of fitting were made up, and that the shares and counts below are of the others."""
    if model.observed is None:
        return ""
    if not model.observed[0]:
        return ", all of them made up"
    n = int(model.observed[0])
    return f", {int(model.count[0]) - n:,} of them made up; shares and n below are of the {n:,} observed ones"


def _count(n: int, one: str, many: str) -> str:
    return f"{n:,} {one if n == 1 else many}"


def _answer(
    value: NDArray[np.float64],
    outputs: Sequence[Any],
    is_classifier: bool,
    decide: Callable[[Sequence[float]], int] | None,
) -> str:
    if not is_classifier:
        return ", ".join(f"{o} = {v:.6g}" for o, v in zip(outputs, value, strict=True))
    order = np.argsort(-value, kind="stable")[:SHOWN_CLASSES]
    decided = order[0] if decide is None else decide(value.tolist())
    return f"{outputs[decided]}   " + ", ".join(f"{outputs[k]} {value[k]:.3f}" for k in order)


def reasons(model: TreeModel, leaf: NDArray[np.int64], outputs: Sequence[Any]) -> pd.DataFrame:
    """Reasons of rows by the leaves they are in: the root's value, then what each split on the path adds."""
    distinct, position = np.unique(leaf, return_inverse=True)
    steps = [_steps(model, int(node)) for node in distinct]
    lengths = np.array([len(s) for s in steps])
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    flat = [s for path in steps for s in path]
    n_steps = lengths[position]
    ends = np.cumsum(n_steps)
    step = np.arange(ends[-1]) - np.repeat(ends - n_steps, n_steps)
    at = np.repeat(starts[position], n_steps) + step
    k = len(outputs)
    terms = np.array([s[0] for s in flat], dtype=object)[at]
    words = np.array([s[1] for s in flat], dtype=object)[at]
    added = np.array([s[2] for s in flat])[at]
    return pd.DataFrame(
        {
            "row": np.repeat(np.repeat(np.arange(len(leaf)), n_steps), k),
            "step": np.repeat(step, k),
            "term": np.repeat(terms, k),
            "reason": np.repeat(words, k),
            "output": np.tile(np.asarray(outputs), len(at)),
            "contribution": added.ravel(),
        }
    )


def _steps(model: TreeModel, leaf: int) -> list[tuple[str, str, NDArray[np.float64]]]:
    """The root's value, then what each split on the path adds, ``v_child - v_node``: their sum is the leaf's value."""
    steps = [("(base)", "mean of the fitting rows", model.value[0])]
    path = model.path(leaf)
    below = [node for node, _ in path[1:]] + [leaf]
    for (node, left), child in zip(path, below, strict=True):
        name = model.schema[int(model.feature[node])].name
        added = model.value[child] - model.value[node]
        steps.append((name, condition(model, [(node, left)]), added))
    return steps


def parameters(model: TreeModel, per_leaf: int) -> int:
    """Numbers to write down: 2 for a threshold, min(left, right) + 1 for a set, ``per_leaf`` for a leaf."""
    total = 0
    for node, f in enumerate(model.feature):
        table = model.sets[node]
        if f < 0:
            total += per_leaf
        else:
            total += 2 if table is None else min(int(table.sum()), int((~table).sum())) + 1
    return total
