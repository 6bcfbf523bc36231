"""Pure interactions: everything that one column alone can say is taken out of a pair.

Two forms of one idea. A table is purified by moving weighted means of rows and columns into the main effects; the
coefficients of a pair of splines are confined to the surfaces from which nothing could be moved.

References
----------
Lengerich, Tan, Chang, Hooker and Caruana (2020), arXiv:1911.04974.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics.additive.gram import Codes, Marginal, raw_gram

__all__ = ["pair_products", "pure_basis", "pure_basis_of", "purify_table"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]


def purify_table(
    F: Matrix, W: Matrix, tol: float = 1e-12, max_iter: int = 2000
) -> tuple[Matrix, Vector, Vector, float]:
    r"""Split a table into ``constant + row effect + column effect + pure``, the function unchanged.

    :math:`F_{gh} = c + r_g + k_h + P_{gh}` with :math:`\sum_h W_{gh} P_{gh} = 0` for every row g and
    :math:`\sum_g W_{gh} P_{gh} = 0` for every column h: the weighted means of rows and of columns are moved in turn.

    Parameters
    ----------
    F : ndarray of shape (a, b)
    W : ndarray of shape (a, b), non-negative
        Weight of each cell.
    tol : float
        Largest weighted mean that may be left in a row or column, relative to the largest entry.

    Returns
    -------
    pure : ndarray of shape (a, b)
        Weighted means over each row and column are 0.
    rows, columns : ndarrays of shape (a,) and (b,)
        Weighted mean 0.
    constant : float

    Examples
    --------
    >>> pure, rows, columns, constant = purify_table(np.array([[0.0, 1.0], [1.0, 2.0]]), np.ones((2, 2)))
    >>> abs(pure).max().round(9), rows.tolist(), columns.tolist(), constant
    (np.float64(0.0), [-0.5, 0.5], [-0.5, 0.5], 1.0)
    """
    pure = np.array(F, dtype=float)
    rows, columns = np.zeros(F.shape[0]), np.zeros(F.shape[1])
    by_row, by_column = W.sum(axis=1), W.sum(axis=0)
    scale = max(float(np.abs(F).max(initial=0.0)), 1e-300)
    for _ in range(max_iter):
        move = _ratio((W * pure).sum(axis=1), by_row)
        pure, rows = pure - move[:, None], rows + move
        shift = _ratio((W * pure).sum(axis=0), by_column)
        pure, columns = pure - shift[None, :], columns + shift
        if max(np.abs(move).max(), np.abs(shift).max()) <= tol * scale:
            break
    total = max(float(W.sum()), 1e-300)
    centre = float(by_row @ rows) / total, float(by_column @ columns) / total
    return pure, rows - centre[0], columns - centre[1], centre[0] + centre[1]


def _ratio(top: Vector, bottom: Vector) -> Vector:
    """``top / bottom``, 0 where a row or column has no weight."""
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0)


def pure_basis(a: Marginal, b: Marginal, codes: Codes, weight: Vector) -> Matrix:
    """Orthonormal basis of the surfaces that no function of one column alone is correlated with.

    The null space of the weighted products of the raw columns of ``a`` and ``b`` with those of the pair, from its
    singular vectors; lines are scaled to length 1 first, and singular values below 1e-10 of the largest are zeros with
    rounding.

    Parameters
    ----------
    a, b : Marginals of the pair
    codes : ndarray of shape (d, n)
    weight : ndarray of shape (n,)

    Returns
    -------
    ndarray of shape (a.size * b.size, k)
        Every column F has a weighted sum of zero against each raw column of ``a`` and of ``b``.
    """
    return pure_basis_of(pair_products(a, b, codes, weight))


def pair_products(a: Marginal, b: Marginal, codes: Codes, weight: Vector, bound: float = 0.0) -> Matrix:
    """Weighted products of the raw columns of both columns, one below the other, with those of the pair.

    ``bound`` is one on the weight of all rows; see :func:`explaindistill.numerics.additive.gram.totals`.
    """
    scale = bound * a.amplitude * b.amplitude
    return np.vstack([raw_gram((m,), (a, b), codes, weight, scale * m.amplitude) for m in (a, b)])


def pure_basis_of(M: Matrix) -> Matrix:
    """:func:`pure_basis` from :func:`pair_products`."""
    size = np.sqrt((M**2).sum(axis=1, keepdims=True))
    M = M / np.where(size > 0, size, 1.0)
    _, singular, Vt = np.linalg.svd(M, full_matrices=True)
    rank = int((singular > 1e-10 * singular[0]).sum())
    return np.ascontiguousarray(Vt[rank:].T)
