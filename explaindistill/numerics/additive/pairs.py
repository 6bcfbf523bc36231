r"""Which pairs of columns interact: a scan of the residuals over all d (d - 1) / 2 pairs.

For each pair the scores are summed in a coarse table of cells (g, h), what an additive function of the two columns can
explain is taken out, and what is left is the fall of the deviance that the interaction promises, less what noise alone
would give:

.. math:: \sum_{gh} \frac{R_{gh}^2 - \phi W_{gh}}{W_{gh} + \omega}

with the sums :math:`R_{gh}` of the weighted scores left over and :math:`W_{gh}` of the curvatures of a cell's rows; a
cell's variance is :math:`\phi W_{gh}` by noise alone, and :math:`\omega` holds back cells of few rows.

References
----------
Lou, Caruana, Gehrke and Hooker (2013), doi:10.1145/2487575.2487579.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics._jit import kernel

__all__ = ["PRIOR_ROWS", "coarse_cells", "pair_gains", "pair_tables", "scan_pairs"]

Vector = NDArray[np.float64]
PRIOR_ROWS = 10.0
"""Rows of mean curvature that the prior of a cell is worth: a cell of fewer rows promises less than half of what it
shows."""
SWEEPS = 10
"""Passes that take row and column means out of a table; they shrink what is left by a factor each, and only a ranking
of pairs is asked for."""


def coarse_cells(mass: Vector, n_cells: int, ordered: bool) -> NDArray[np.uint8]:
    """Cell of each bin: weighted quantiles of ordered bins, or the heaviest categories and the rest.

    Parameters
    ----------
    mass : ndarray of shape (m + 1,)
        Weight in each bin; the last one is for missing values and gets a cell of its own.
    n_cells : int
    ordered : bool

    Examples
    --------
    >>> coarse_cells(np.array([1.0, 1.0, 1.0, 1.0, 0.0]), 2, True).tolist()
    [0, 0, 1, 1, 2]
    """
    present = mass[:-1]
    if len(present) <= n_cells:
        cells = np.arange(len(present))
    elif ordered:
        middle = (np.cumsum(present) - present / 2) / max(present.sum(), 1e-300)
        cells = np.unique(np.floor(middle * n_cells), return_inverse=True)[1]
    else:
        rank = np.empty(len(present), dtype=np.intp)
        rank[np.argsort(-present, kind="stable")] = np.arange(len(present))
        cells = np.minimum(rank, n_cells - 1)
    return np.append(cells, cells.max(initial=-1) + 1).astype(np.uint8)


def scan_pairs(
    cells: NDArray[np.uint8],
    sizes: NDArray[np.int64],
    score: NDArray[np.float64],
    curvature: NDArray[np.float64],
    pairs: list[tuple[int, int]],
    phi: float,
    pool: ThreadPoolExecutor | None = None,
) -> Vector:
    """Promised fall of the deviance for each pair, above what noise of dispersion ``phi`` would give.

    Parameters
    ----------
    cells : ndarray of shape (d, n), uint8
    sizes : ndarray of shape (d,)
        Number of cells of each column.
    score, curvature : ndarrays of shape (outputs, n)
        Weighted, at the additive fit.
    pairs : list of (a, b)
    phi : float

    Returns
    -------
    ndarray of shape (len(pairs),)
    """
    tables = pair_tables(cells, sizes, score, curvature, pairs, pool)
    return pair_gains(tables, PRIOR_ROWS * curvature.mean(axis=1), phi)


def pair_tables(
    cells: NDArray[np.uint8],
    sizes: NDArray[np.int64],
    score: NDArray[np.float64],
    curvature: NDArray[np.float64],
    pairs: list[tuple[int, int]],
    pool: ThreadPoolExecutor | None = None,
) -> list[NDArray[np.float64]]:
    """Sums of scores and curvatures in the cells of each pair, ``(outputs, 2, sizes[a], sizes[b])``."""
    out = [np.zeros((len(score), 2, int(sizes[a]), int(sizes[b]))) for a, b in pairs]

    def one(position: int) -> None:
        a, b = pairs[position]
        for k in range(len(score)):
            _in_cells(cells[a], cells[b], score[k], curvature[k], out[position][k])  # type: ignore[no-untyped-call]

    if pool is None:
        for position in range(len(pairs)):
            one(position)
    else:
        list(pool.map(one, range(len(pairs))))
    return out


def pair_gains(tables: list[NDArray[np.float64]], prior: Vector, phi: float) -> Vector:
    """Promised fall of the deviance from :func:`pair_tables`; ``prior`` ``(outputs,)`` is the curvature of a cell's."""
    out = np.zeros(len(tables))
    for position, table in enumerate(tables):
        for k, (R, W) in enumerate(table):
            out[position] += _interaction_gain(R.copy(), W.copy(), prior[k], phi)  # type: ignore[no-untyped-call]
    return out


@kernel
def _in_cells(ca, cb, r, w, out):  # type: ignore[no-untyped-def]  # a kernel
    """Add scores ``r`` and curvatures ``w`` ``(n,)`` to the cells ``(2, na, nb)`` of the rows."""
    for i in range(len(r)):
        out[0, ca[i], cb[i]] += r[i]
        out[1, ca[i], cb[i]] += w[i]


@kernel
def _interaction_gain(R, W, prior, phi):  # type: ignore[no-untyped-def]  # a kernel
    """Promised fall of one output's deviance by one pair; see the module's equation. ``R`` is changed."""
    na, nb = R.shape
    for _ in range(SWEEPS):
        for a in range(na):
            top, bottom = R[a].sum(), W[a].sum()
            if bottom > 0:
                R[a] -= W[a] * (top / bottom)
        for b in range(nb):
            top, bottom = 0.0, 0.0
            for a in range(na):
                top += R[a, b]
                bottom += W[a, b]
            if bottom > 0:
                for a in range(na):
                    R[a, b] -= W[a, b] * (top / bottom)
    gain = 0.0
    for a in range(na):
        for b in range(nb):
            if W[a, b] > 0:
                gain += (R[a, b] ** 2 - phi * W[a, b]) / (W[a, b] + prior)
    return gain
