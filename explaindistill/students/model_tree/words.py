"""A model tree in words: how large it is, its questions and sums, and what they do not say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.protocols import Rows
from explaindistill.students._intake import rows
from explaindistill.students._missing import unmet_missing
from explaindistill.students.model_tree.observed import whose

__all__ = ["regions", "words"]


def regions(self: Any, X: Rows) -> tuple[NDArray[np.int64], dict[int, str]]:
    """Leaf ``(n,)`` of each row, and the questions on the way to each leaf.

    Examples
    --------
    >>> from explaindistill import ModelTreeRegressor
    >>> x = np.linspace(-1, 1, 200)[:, None]
    >>> tree = ModelTreeRegressor(max_leaf_nodes=2, n_folds=0).fit(x, np.abs(x[:, 0]))
    >>> leaf, questions = tree.regions([[-0.5], [0.5]])
    >>> [questions[v] for v in leaf.tolist()]
    ['x0 <= -0.04', 'x0 > -0.04']
    """
    model = self.tree_
    leaves = [v for v, node in enumerate(model.nodes) if node.feature < 0]
    return model.leaves(rows(self, X)), {v: model.reasons(v) or "all rows" for v in leaves}


def words(student: Any, outputs: Sequence[str], what: str) -> str:
    """Return a fitted model tree as text.

    Parameters
    ----------
    student : model tree
    outputs : names of its outputs
    what : str
        What an output is, such as "log-odds of".

    Examples
    --------
    >>> import numpy as np
    >>> from explaindistill import ModelTreeRegressor
    >>> x = np.linspace(-1, 1, 200)[:, None]
    >>> tree = ModelTreeRegressor(max_leaf_nodes=2, n_folds=0).fit(x, np.abs(x[:, 0]))
    >>> print(words(tree, ["y"], "value of").splitlines()[-1])
    Fitting met no missing value in x0; one that comes later goes with the heavier side.
    """
    tree = student.tree_
    split_on = sorted({node.feature for node in tree.nodes if node.feature >= 0})
    lines = [_headline(student), *tree.text(list(outputs), what), unmet_missing(tree.schema, split_on)]
    return "\n".join(filter(None, lines))


def _headline(student: Any) -> str:
    c = student.complexity()
    leaves = f"{c.n_leaves} {'leaf' if c.n_leaves == 1 else 'leaves'}"
    numbers = f"{c.n_terms} coefficients, {c.n_parameters} numbers in all"
    return f"Model tree: {leaves}, {numbers}.{whose(student.tree_)}"
