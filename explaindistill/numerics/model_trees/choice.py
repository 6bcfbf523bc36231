"""How much of its budget a model tree should use, and for what, judged on rows that growth did not see.

For each fold the tree is grown on the other rows three times: free, without splits (one sparse model), and without
coefficients (constant leaves). After every move the held-out loss is noted together with the numbers written down so
far; the size of the least mean loss is taken, the fewest numbers among equals. The lasso gives another sparse model
without splits. A tree is taken where it is better than the best of these by more than two standard errors.

Of a handful of distinct rows a fold holds what the others know nothing about (all rows of one category, say): there the
growth on all rows is cut where Akaike's criterion is least.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics.model_trees.growth import grow_model_tree
from explaindistill.numerics.model_trees.leaf_models import LinearTreeProblem, degrees_of_freedom, row_losses
from explaindistill.numerics.model_trees.sparse_model import INNER_FOLDS, sparse_model, without
from explaindistill.numerics.model_trees.state import GrowthState, LinearTreeLimits, SplitColumns

__all__ = ["SizeChoice", "chosen", "held_out_growth", "held_out_sparse", "least_loss", "shapes"]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
FEWEST = 30
"""Distinct rows below which none can be spared, as in the choice of a linear student's penalty."""
LEAST_ERROR = 1e-12  # of values, in variances: an exact fit has a finite logarithm
GrowthLosses = list[tuple[float, Floats]]
BATCHES = 30  # of held-out rows, whose sums say how far a difference is chance; a multiple of the lasso's folds


@dataclass(frozen=True)
class SizeChoice:
    """What to fit to all rows: a tree within the limits, or the lasso's model (``sparse``)."""

    limits: LinearTreeLimits
    sparse: bool = False


def shapes(limits: LinearTreeLimits) -> list[LinearTreeLimits]:
    """The limits themselves, and where they leave a choice those of one model and of constant leaves."""
    every = [limits]
    if limits.leaves > 1 and limits.depth > 0 and limits.leaf_terms > 0:
        every += [replace(limits, leaves=1), replace(limits, leaf_terms=0)]
    return every


def held_out_growth(
    problem: LinearTreeProblem,
    table: SplitColumns,
    limits: LinearTreeLimits,
    held: NDArray[np.bool_],
    n_jobs: int | None = None,
    batch: Ints | None = None,
) -> GrowthLosses:
    """Numbers and held-out loss after each move of a growth on the rows that are not held out.

    Parameters
    ----------
    problem, table, limits : LinearTreeProblem, SplitColumns, LinearTreeLimits
        Of all rows.
    held : ndarray of bool, shape (n,)
        Rows that growth must not see; they are routed along with weight 0.
    batch : ndarray of int, shape (n,), optional
        Number of each row's batch, below 30; all are of one batch when None.

    Returns
    -------
    list of pairs
        Numbers so far, ascending, and the summed loss of each batch of held-out rows.
    """
    weight = np.where(held, 0.0, problem.weight)
    count = np.where(held, 0.0, problem.count)
    ridge = problem.ridge * problem.count.sum() / count.sum()
    others = replace(problem, weight=weight / weight.sum(), count=count, ridge=ridge)
    losses: GrowthLosses = []

    def watch(numbers: float, state: GrowthState) -> None:
        losses.append((numbers, _by_batch(problem, state.eta[held], held, batch)))

    grow_model_tree(others, table, limits, n_jobs, watch)
    return losses


def held_out_sparse(
    problem: LinearTreeProblem, limits: LinearTreeLimits, held: NDArray[np.bool_], batch: Ints
) -> Floats:
    """Summed loss of each batch of held-out rows under the lasso's model of the others."""
    model = sparse_model(without(problem, held), limits, batch[~held] % INNER_FOLDS)
    model.members = {0: np.arange(len(held))}
    return _by_batch(problem, GrowthState(problem, model).eta[held], held, batch)


def _by_batch(problem: LinearTreeProblem, eta: Floats, held: NDArray[np.bool_], batch: Ints | None) -> Floats:
    """Weighted losses of the held-out rows, summed by batch ``(BATCHES,)``, or all of them ``(1,)``."""
    loss = problem.weight[held] * row_losses(eta, problem.targets[held], problem.loss)
    if batch is None:
        return loss.sum(keepdims=True)
    return np.bincount(batch[held], loss, minlength=BATCHES).astype(np.float64)


def least_loss(growths: list[GrowthLosses]) -> tuple[float, Floats]:
    """Size at which the sum of some growths' held-out losses is least, and the losses there, growth by growth.

    Between its moves a growth keeps its loss; sizes that it does not reach by moves count with its last one.

    Examples
    --------
    >>> one, two, three, four, five = np.arange(1.0, 6.0)[:, None]
    >>> size, losses = least_loss([[(1.0, five), (2.0, three), (3.0, four)], [(1.0, five), (4.0, one)]])
    >>> size, losses.tolist()
    (4.0, [4.0, 1.0])
    """
    sizes = np.unique([size for growth in growths for size, _ in growth])
    first = max(growth[0][0] for growth in growths)
    sizes = sizes[sizes >= first]
    total = np.zeros(len(sizes))
    at = [np.searchsorted([s for s, _ in growth], sizes, side="right") - 1 for growth in growths]
    for growth, moves in zip(growths, at, strict=True):
        total += np.array([loss.sum() for _, loss in growth])[moves]
    best = int(np.argmin(np.round(total, 12)))  # of losses that differ by rounding the smallest size
    return float(sizes[best]), np.concatenate([growth[m[best]][1] for growth, m in zip(growths, at, strict=True)])


def chosen(
    problem: LinearTreeProblem,
    table: SplitColumns,
    limits: LinearTreeLimits,
    rank: Ints,
    n_folds: int,
    n_jobs: int | None = None,
    lasso: bool = True,
) -> SizeChoice:
    """The shape and the size with the least held-out loss; splits only where they gain more than two standard errors.

    Parameters
    ----------
    problem, table, limits : LinearTreeProblem, SplitColumns, LinearTreeLimits
    rank : ndarray of int, shape (n,)
        Places in a shuffle of the distinct rows, which decide the folds.
    n_folds : int, at least 2
    lasso : bool
        Whether the lasso's model competes.
    """
    if rank.max() < FEWEST - 1:
        return SizeChoice(replace(limits, parameters=least_information(problem, table, limits, n_jobs)))
    folds, batch = rank % n_folds, rank // n_folds % BATCHES
    held_rows = [folds == k for k in range(n_folds)]
    held_rows = [held for held in held_rows if 0 < problem.weight[held].sum() < problem.weight.sum()]
    if not held_rows:
        return SizeChoice(limits)
    plain: list[tuple[Floats, SizeChoice]] = []
    split: list[tuple[Floats, SizeChoice]] = []
    for shape in shapes(limits):
        size, losses = least_loss([held_out_growth(problem, table, shape, held, n_jobs, batch) for held in held_rows])
        (plain if shape.leaves == 1 else split).append((losses, SizeChoice(replace(shape, parameters=size))))
    if lasso and limits.leaf_terms > 0 and rank.max() >= n_folds * BATCHES:
        losses = np.concatenate([held_out_sparse(problem, limits, held, batch) for held in held_rows])
        plain.append((losses, SizeChoice(replace(limits, leaves=1), sparse=True)))
    best, least = _least(plain), _least(split)
    if best is None or least is None:
        return (best or least or (None, SizeChoice(limits)))[1]
    return least[1] if _better(best[0] - least[0]) else best[1]


def least_information(
    problem: LinearTreeProblem, table: SplitColumns, limits: LinearTreeLimits, n_jobs: int | None = None
) -> float:
    r"""Numbers at which a growth on all rows has the least :math:`n L + q`.

    L is the mean loss of n rows in nats, :math:`\tfrac12 \log` of the mean squared error where targets are values. q
    counts the numbers, coefficients by the degrees of freedom that shrinkage leaves them: half of the criterion of
    Akaike (1974), doi:10.1109/TAC.1974.1100705, as extended by Gray (1992), doi:10.1080/01621459.1992.10476248.
    """
    n = float(problem.count.sum())
    tried: list[tuple[float, float]] = []

    def watch(numbers: float, state: GrowthState) -> None:
        loss = float(problem.weight @ row_losses(state.eta, problem.targets, problem.loss))
        if problem.loss == "squared":
            # of standardised values the loss is half the squared error, summed over outputs
            loss = 0.5 * problem.n_outputs * float(np.log(max(2 * loss / problem.n_outputs, LEAST_ERROR)))
        q = sum(state.model.split_cost) + degrees_of_freedom(problem, state.model)
        tried.append((round(n * loss + q, 9), numbers))

    grow_model_tree(problem, table, limits, n_jobs, watch)
    return min(tried)[1]


def _least(choices: list[tuple[Floats, SizeChoice]]) -> tuple[Floats, SizeChoice] | None:
    """The first of those with the least loss, up to rounding."""
    best = None
    for one in choices:
        if best is None or one[0].sum() < best[0].sum() * (1 - 1e-9):
            best = one
    return best


def _better(gain: Floats) -> bool:
    r"""Whether summed gains of batches are more than two standard errors above 0.

    Of n batches with the gains :math:`g_b` the sum has the standard error
    :math:`\sqrt{\frac{n}{n - 1} \sum_b (g_b - \bar g)^2}`; two of them is about the 97.7 % point of chance.
    """
    n = len(gain)
    error = np.sqrt(n / max(n - 1, 1) * ((gain - gain.mean()) ** 2).sum())
    return bool(gain.sum() > 2 * error * (1 + 1e-9))
