"""A tree over finite numbers as a few arrays: what it does in a state, without the words, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.tree import BaseDecisionTree

from explaindistill.data.program import AnyOf, AtMost, Condition, Leaf, Missing, Not, Split, program_of

__all__ = ["FlatTree", "TreeNode", "flat_tree"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TreeNode:
    """A question ``column <= bound`` with two answers, or an action."""

    action: Any = None
    column: str = ""
    bound: float = 0.0
    yes: TreeNode | None = None
    no: TreeNode | None = None

    def leaves(self) -> int:
        """Actions at its ends."""
        return 1 if self.yes is None or self.no is None else self.yes.leaves() + self.no.leaves()


@dataclass(frozen=True, eq=False)
class FlatTree:
    """Nodes in arrays; a leaf leads to itself.

    ``single``: numbers are rounded to single precision before they are compared, as scikit-learn's trees do.

    Examples
    --------
    >>> import pandas as pd
    >>> from explaindistill import TreeClassifier
    >>> tree = TreeClassifier(min_samples_leaf=1).fit(pd.DataFrame({"x": [0.5, 1.5] * 9}), ["go", "stop"] * 9)
    >>> flat = flat_tree(tree, ["stop", "go"])
    >>> flat.actions_at({"x": np.array([0.2, 1.9])}).tolist(), flat.root.bound
    ([1, 0], 1.0)
    """

    root: TreeNode
    columns: tuple[str, ...]
    place: NDArray[np.int64]
    bound: Floats
    yes: NDArray[np.int64]
    no: NDArray[np.int64]
    action: NDArray[Any]
    depth: int
    single: bool = False

    def actions_at(self, columns: Mapping[str, Floats]) -> NDArray[Any]:
        """Actions for columns of numbers, by name."""
        n = len(next(iter(columns.values())))
        node, rows = np.zeros(n, dtype=np.int64), np.arange(n)
        if not self.depth:
            return self.action[node]
        values = np.stack([np.asarray(columns[name], dtype=float) for name in self.columns])
        if self.single:
            values = values.astype(np.float32).astype(np.float64)
        for _ in range(self.depth):
            below = values[self.place[node], rows] <= self.bound[node]
            node = np.where(below, self.yes[node], self.no[node])
        return self.action[node]


def flat_tree(student: Any, actions: Sequence[str] | None) -> FlatTree | None:
    """The tree that a student is, or None where it is another kind of student, or asks for more than numbers.

    Parameters
    ----------
    student : fitted student
    actions : sequence of str, or None
        Names of numbered actions: a leaf then holds the place of its most probable one, and questions between equal
        answers fall away. None: a leaf holds its values.
    """
    if isinstance(student, BaseDecisionTree):
        return _of_scikit_learn(student, actions)
    if not hasattr(student, "program"):
        return None
    program = program_of(student)
    if program.tree is None or program.link not in ("probabilities", "identity"):
        return None
    places = None if actions is None else [list(actions).index(str(c)) for c in program.classes or ()]
    try:
        root = _node(program.tree, places)
    except _NotNumbersError:
        return None
    return _flattened(root)


class _NotNumbersError(Exception):
    """The tree asks for something other than the size of a number."""


def _node(node: Split | Leaf, places: list[int] | None) -> TreeNode:
    if isinstance(node, Leaf):
        if node.terms:
            raise _NotNumbersError
        return TreeNode(tuple(node.values) if places is None else places[int(np.argmax(node.values))])
    yes, no = _node(node.yes, places), _node(node.no, places)
    test, turned = _test(node.condition)
    if test is None:  # of finite numbers none is missing
        return yes if turned else no
    if turned:
        yes, no = no, yes
    if yes.yes is None and no.yes is None and yes.action == no.action:
        return yes
    return TreeNode(None, test.input.name, test.bound, yes, no)


def _test(condition: Condition) -> tuple[AtMost | None, bool]:
    """The one comparison in a condition, and whether it is denied; None for one that no finite number meets."""
    if isinstance(condition, Not):
        test, turned = _test(condition.condition)
        return test, not turned
    if isinstance(condition, AtMost):
        return condition, False
    if isinstance(condition, Missing):
        return None, False
    if isinstance(condition, AnyOf):
        tests = [one for one in condition.conditions if not isinstance(one, Missing)]
        if len(tests) == 1:
            return _test(tests[0])
    raise _NotNumbersError


def _of_scikit_learn(student: Any, actions: Sequence[str] | None) -> FlatTree | None:
    """A decision tree of scikit-learn; None of one with several outputs that are classes."""
    tree = student.tree_
    if actions is not None and (not hasattr(student, "classes_") or tree.n_outputs != 1):
        return None
    names = [str(name) for name in getattr(student, "feature_names_in_", ())]
    if not names:
        return None
    places = None if actions is None else [list(actions).index(str(c)) for c in student.classes_]

    def node(at: int) -> TreeNode:
        if tree.children_left[at] < 0:
            values = tree.value[at]
            return TreeNode(tuple(values[:, 0].tolist()) if places is None else places[int(np.argmax(values[0]))])
        yes, no = node(tree.children_left[at]), node(tree.children_right[at])
        if yes.yes is None and no.yes is None and yes.action == no.action:
            return yes
        return TreeNode(None, names[tree.feature[at]], float(tree.threshold[at]), yes, no)

    return replace(_flattened(node(0)), single=True)


def _flattened(root: TreeNode) -> FlatTree:
    nodes: list[TreeNode] = []
    yes: list[int] = []
    no: list[int] = []

    def add(node: TreeNode) -> tuple[int, int]:
        at = len(nodes)
        nodes.append(node)
        yes.append(at)
        no.append(at)
        if node.yes is None or node.no is None:
            return at, 0
        (yes[at], left), (no[at], right) = add(node.yes), add(node.no)
        return at, 1 + max(left, right)

    depth = add(root)[1]
    names = tuple(dict.fromkeys(node.column for node in nodes if node.column)) or ()
    filling = next(node.action for node in nodes if node.yes is None)
    return FlatTree(
        root,
        names,
        np.array([names.index(node.column) if node.column else 0 for node in nodes]),
        np.array([node.bound for node in nodes]),
        np.array(yes),
        np.array(no),
        np.array([filling if node.action is None else node.action for node in nodes]),
        depth,
    )
