"""How much of its budget a model tree should use, and for what, judged on rows that growth did not see.

For each fold the tree is grown on the other rows three times: free, without splits (one sparse model), and without
coefficients (constant leaves). After every move the held-out loss is noted together with the numbers written down so
far; the shape and the size of the least mean loss are taken, the fewest numbers among equals.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics.leaf_models import Problem, mean_loss
from explaindistill.numerics.model_growth import grow_model_tree
from explaindistill.numerics.model_state import Limits, Table

__all__ = ["chosen_limits", "held_out_path", "least_loss", "shapes"]

Floats = NDArray[np.float64]
Path = list[tuple[float, float]]


def shapes(limits: Limits) -> list[Limits]:
    """The limits themselves, and where they leave a choice those of one model and of constant leaves."""
    found = [limits]
    if limits.leaves > 1 and limits.depth > 0 and limits.leaf_terms > 0:
        found += [replace(limits, leaves=1), replace(limits, leaf_terms=0)]
    return found


def held_out_path(
    problem: Problem, table: Table, limits: Limits, held: NDArray[np.bool_], n_jobs: int | None = None
) -> Path:
    """Numbers and held-out loss after each move of a growth on the rows that are not held out.

    Parameters
    ----------
    problem, table, limits : Problem, Table, Limits
        Of all rows.
    held : ndarray of bool, shape (n,)
        Rows that growth must not see; they are routed along with weight 0.

    Returns
    -------
    list of pairs
        Numbers so far, ascending, and the summed loss of the held-out rows.
    """
    weight = np.where(held, 0.0, problem.weight)
    count = np.where(held, 0.0, problem.count)
    ridge = problem.ridge * problem.count.sum() / count.sum()
    seen = replace(problem, weight=weight / weight.sum(), count=count, ridge=ridge)
    own, targets = problem.weight[held], problem.targets[held]
    path: Path = []

    def watch(numbers: float, eta: Floats) -> None:
        path.append((numbers, mean_loss(eta[held], targets, own, problem.loss)))

    grow_model_tree(seen, table, limits, n_jobs, watch)
    return path


def least_loss(paths: list[Path]) -> tuple[float, float]:
    """Size at which the sum of some held-out paths is least, and that sum.

    Between its moves a path keeps its loss; sizes that some path does not reach by moves count with its last one.

    Examples
    --------
    >>> least_loss([[(1.0, 5.0), (2.0, 3.0), (3.0, 4.0)], [(1.0, 5.0), (4.0, 1.0)]])
    (4.0, 5.0)
    """
    sizes = np.unique([size for path in paths for size, _ in path])
    first = max(path[0][0] for path in paths)
    sizes = sizes[sizes >= first]
    total = np.zeros(len(sizes))
    for path in paths:
        at, loss = np.array(path).T
        total += loss[np.searchsorted(at, sizes, side="right") - 1]
    best = int(np.argmin(np.round(total, 12)))
    return float(sizes[best]), float(total[best])


def chosen_limits(
    problem: Problem, table: Table, limits: Limits, folds: NDArray[np.intp], n_jobs: int | None = None
) -> Limits:
    """Limits of the shape and the size with the least held-out loss.

    Parameters
    ----------
    problem, table, limits : Problem, Table, Limits
    folds : ndarray of int, shape (n,)
        Fold in which each row is held out; a negative number for none.
    """
    parts = [folds == k for k in range(int(folds.max()) + 1)]
    parts = [held for held in parts if 0 < problem.weight[held].sum() < problem.weight.sum()]
    if not parts:
        return limits
    best, least = limits, np.inf
    for shape in shapes(limits):
        size, loss = least_loss([held_out_path(problem, table, shape, held, n_jobs) for held in parts])
        if loss < least * (1 - 1e-9):
            best, least = replace(shape, parameters=size), loss
    return best
