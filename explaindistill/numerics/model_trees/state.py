"""What growing a model tree starts from and keeps: binned columns, limits, the present fit, a possible cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics.model_trees.leaf_models import (
    LinearTree,
    LinearTreeProblem,
    curvature,
    mean_loss,
    respond,
)

__all__ = ["Cut", "GrowthState", "LinearTreeLimits", "SplitColumns", "excess", "n_free", "n_parameters"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SplitColumns:
    """Binned columns: ``codes`` (n, d), and for each column its bins, whether it is a category, and categories per bin.

    ``rank`` breaks ties between columns, so that their order does not matter. ``values(f)`` are the numbers behind
    the codes: where a bin holds several, the best cut is looked for once more between them.
    """

    codes: NDArray[np.uint8]
    n_bins: Sequence[int]
    is_category: Sequence[bool]
    sizes: Sequence[Floats]
    rank: Ints
    values: Callable[[int], Floats]


@dataclass(frozen=True)
class LinearTreeLimits:
    """How large the model may become; see :class:`~explaindistill.students.model_tree.ModelTreeClassifier`."""

    leaves: int
    depth: int
    leaf_rows: float
    leaf_terms: int
    parameters: float
    gain: float


@dataclass(frozen=True, eq=False)
class Cut:
    """A split that a leaf could have, and the coefficients it would bring: (side, term, output), side 0 is left."""

    leaf: int
    feature: int
    goes_left: NDArray[np.bool_]
    cost: float
    terms: tuple[tuple[int, int, int], ...]
    drop: float
    score: float


def n_parameters(model: LinearTree, n_terms: int, n_free: int) -> float:
    """Numbers that a person would write down: splits, one intercept per leaf and free output, coefficients."""
    slopes = sum(t != n_terms for t in model.term)
    return float(sum(model.split_cost) + n_free * len(model.members) + slopes)


def n_free(problem: LinearTreeProblem) -> int:
    """Free values of a constant leaf."""
    return problem.n_outputs - (problem.loss == "softmax")


def excess(problem: LinearTreeProblem, model: LinearTree) -> float:
    r"""Loss of the constant model over the least loss there is: the entropy of the targets.

    The loss at the root's intercepts plus :math:`\sum_i w_i \sum_k p_{ik} \log p_{ik}`, at least 1e-12; of values the
    least loss is 0.
    """
    eta = np.tile(model.beta, (len(problem.design), 1))
    value = mean_loss(eta, problem.targets, problem.weight, problem.loss)
    if problem.loss == "squared":
        return value
    p = problem.targets
    p = np.concatenate([p, 1.0 - p], axis=1) if problem.loss == "binary" else p
    safe = np.where(p > 0, p, 1.0)
    return max(value + float(problem.weight @ (p * np.log(safe)).sum(axis=1)), 1e-12)


class GrowthState:
    """Residuals and curvatures of every row at the present fit.

    ``eta`` ``(n, K)`` are the linear predictors, ``g`` ``(n, K)`` the weighted residuals :math:`w_i (y_{ik} - m_{ik})`,
    ``h`` ``(n, K)`` the weighted curvatures; ``on_path`` has the positions of the coefficients on the path of each
    leaf.
    """

    def __init__(self, problem: LinearTreeProblem, model: LinearTree) -> None:
        self.problem, self.model = problem, model
        self.eta = np.zeros_like(problem.targets)
        term, output = np.array(model.term), np.array(model.output)
        self.on_path = {leaf: model.coefficients(leaf) for leaf in sorted(model.members)}
        for leaf, at in self.on_path.items():
            rows = model.members[leaf]
            for k in range(problem.n_outputs):
                of_output = at[output[at] == k]
                self.eta[rows, k] = problem.design[rows][:, term[of_output]] @ model.beta[of_output]
        mean = respond(self.eta, problem.loss)
        self.g = (problem.targets - mean) * problem.weight[:, None]
        self.h = curvature(mean, problem.loss) * problem.weight[:, None]

    def terms(self, leaf: int) -> set[int]:
        """Terms in the model of a leaf."""
        return {self.model.term[j] for j in self.on_path[leaf]} - {self.problem.n_terms}
