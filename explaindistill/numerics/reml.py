r"""Smoothing parameters by restricted maximum likelihood: the generalised Fellner-Schall step.

For a penalty :math:`S_\lambda = \sum_j \lambda_j S_j` on a working linear model with cross-products G,
:math:`V = (G + S_\lambda)^{-1}` and dispersion :math:`\phi`,

.. math:: \lambda_j \leftarrow \lambda_j\,\phi\,
          \frac{\mathrm{tr}(S_\lambda^{-} S_j) - \mathrm{tr}(V S_j)}{\beta^\top S_j \beta}

raises the restricted likelihood and leaves it alone only at a stationary point.

References
----------
Wood and Fasiolo (2017), doi:10.1111/biom.12666.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.linalg import LinAlgError
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, eigh
from scipy.linalg.lapack import dpotri

from explaindistill.numerics.gram import Design
from explaindistill.numerics.monotone import bounded_solve

__all__ = ["Smoothing", "Solution", "restricted_likelihood", "solve"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
LARGEST_STEP = 4.0
WIDEST = 1e9
JITTERS = (1e-12, 1e-9, 1e-6)


@dataclass(frozen=True)
class Solution:
    """Coefficients of a penalised working model, with ``V = (G + S)^-1`` (zero where a bound holds) and the edf.

    ``edf`` is per coefficient: the diagonal of ``V G``.
    """

    beta: Vector
    V: Matrix
    edf: Vector


def solve(G: Matrix, b: Vector, S: Matrix, bounded: NDArray[np.bool_]) -> Solution:
    """Minimise ``x'(G + S)x / 2 - b'x`` with some coordinates at least 0, and invert what is free."""
    if bounded.any():
        H = _lifted(G, S, JITTERS[0])
        beta, mask = bounded_solve(H, b, bounded)
        V = np.zeros_like(H)
        inside = np.ix_(mask, mask)
        V[inside] = _inverse(cho_factor(H[inside], lower=True)[0])
    else:
        factor = _factor(G, S)
        beta = cho_solve((factor, True), b, check_finite=False)
        V = _inverse(factor)
    return Solution(beta, V, np.einsum("ij,ij->i", V, G))


def _lifted(G: Matrix, S: Matrix, jitter: float) -> Matrix:
    """``G + S`` with each diagonal entry but the intercept's a trifle larger, for collinear terms."""
    H = G + S
    inner = np.arange(1, len(H))
    H[inner, inner] *= 1.0 + jitter
    H[inner, inner] += jitter * np.trace(G) / len(G)
    return H


def _factor(G: Matrix, S: Matrix) -> Matrix:
    """Cholesky factor with the least lift that works."""
    for jitter in JITTERS[:-1]:
        try:
            return cho_factor(_lifted(G, S, jitter), lower=True, overwrite_a=True, check_finite=False)[0]
        except LinAlgError:
            continue
    return cho_factor(_lifted(G, S, JITTERS[-1]), lower=True, overwrite_a=True, check_finite=False)[0]


def _inverse(factor: Matrix) -> Matrix:
    inverse, _ = dpotri(factor, lower=1, overwrite_c=1)
    lower = np.tril(inverse)
    full = lower + lower.T
    full[np.diag_indices_from(full)] /= 2
    return full


class Smoothing:
    """The smoothing parameters of all blocks, and how they move.

    Parameters
    ----------
    design : Design
    G : ndarray of shape (p, p)
        Cross-products that set the scale: at first each penalty weighs a hundredth of its block.
    start : one array or None per block, optional
        Values to start from; None leaves a block to its scale.
    """

    def __init__(self, design: Design, G: Matrix, start: Sequence[Vector | None] | None = None) -> None:
        self.design = design
        self._first: list[Vector] = []
        for block, cut in zip(design.blocks, design.slices, strict=True):
            size = max(float(np.trace(G[cut, cut])), 1e-12)
            share = 0.01 * 0.001 ** (np.arange(len(block.penalties)) > 0)
            self._first.append(np.array([v * size / np.trace(S) for v, S in zip(share, block.penalties, strict=True)]))
        given = [None] * len(design.blocks) if start is None else start
        self.values = [f.copy() if g is None else g.copy() for f, g in zip(self._first, given, strict=True)]
        self._previous = [np.zeros_like(v) for v in self.values]
        self._boost = [np.ones_like(v) for v in self.values]
        self._eigen = [_pencil(b.penalties) for b in design.blocks]

    def matrix(self) -> Matrix:
        """Return the total penalty, ``(p, p)``."""
        S = np.zeros((self.design.size, self.design.size))
        for block, cut, lam in zip(self.design.blocks, self.design.slices, self.values, strict=True):
            S[cut, cut] = sum(v * part for v, part in zip(lam, block.penalties, strict=True))
        return S

    def step(self, betas: Matrix, inverses: list[Matrix], phi: float) -> None:
        """Take one Fellner-Schall step; several outputs that share the parameters are added up.

        Parameters
        ----------
        betas : ndarray of shape (outputs, p)
        inverses : one ``V`` per output
        phi : float
            Dispersion.
        """
        for i, (block, cut) in enumerate(zip(self.design.blocks, self.design.slices, strict=True)):
            prior = self._prior_traces(i)
            V = inverses[0][cut, cut] if len(inverses) == 1 else sum(v[cut, cut] for v in inverses)
            for j, S in enumerate(block.penalties):
                room = len(inverses) * prior[j] - float(np.vdot(V, S))
                cost = sum(float(b[cut] @ S @ b[cut]) for b in betas)
                self._move(i, j, np.log(max(phi * room, 1e-300)) - np.log(max(cost, 1e-300)))

    def _prior_traces(self, i: int) -> Vector:
        """``tr(S_lambda^-1 S_j)`` for each penalty of a block; the last penalty of every block has full rank."""
        lam, penalties = self.values[i], self.design.blocks[i].penalties
        eigen = self._eigen[i]
        if eigen is not None:
            below = lam[0] * eigen + (lam[1] if len(lam) == 2 else 0.0)
            return np.array([(eigen / below).sum(), (1.0 / below).sum()])[: len(lam)]
        inner = np.linalg.inv(sum(v * part for v, part in zip(lam, penalties, strict=True)))
        return np.array([float(np.vdot(inner, S)) for S in penalties])

    def _move(self, i: int, j: int, step: float) -> None:
        """Step on the log scale, longer while it keeps its direction."""
        boost = self._boost[i]
        same = step * self._previous[i][j] > 0
        boost[j] = min(boost[j] * 2.0, 4.0) if same else 1.0
        self._previous[i][j] = step
        taken = np.clip(step * boost[j], -LARGEST_STEP, LARGEST_STEP)
        low, high = self._first[i][j] / WIDEST, self._first[i][j] * WIDEST
        self.values[i][j] = np.clip(self.values[i][j] * np.exp(taken), low, high)


def _pencil(penalties: tuple[Matrix, ...]) -> Vector | None:
    """Eigenvalues of the first penalty against the last, which make the traces of one or two penalties cheap."""
    if len(penalties) > 2:
        return None
    return np.maximum(eigh(penalties[0], penalties[-1], eigvals_only=True), 0.0)


def restricted_likelihood(
    G: Matrix, b: Vector, yy: float, weight: float, design: Design, lam: list[Vector], phi: float
) -> float:
    r"""Minus twice the restricted log-likelihood of a working linear model, up to a constant.

    :math:`(y^\top W y - b^\top\beta) / \phi + \log|G + S| - \log|S|_+ + (n - M)\log\phi` with M the size of what is not
    penalised.
    """
    S = np.zeros_like(G)
    log_s, rank = 0.0, 0
    for block, cut, values in zip(design.blocks, design.slices, lam, strict=True):
        S[cut, cut] = sum(v * part for v, part in zip(values, block.penalties, strict=True))
        eigen = np.linalg.eigvalsh(S[cut, cut])
        eigen = eigen[eigen > 1e-12 * eigen[-1]]
        log_s += float(np.log(eigen).sum())
        rank += len(eigen)
    beta = np.linalg.solve(G + S, b)
    misfit = (yy - b @ beta) / phi
    log_h = float(np.linalg.slogdet(G + S)[1])
    return float(misfit + log_h - log_s + (weight - (len(b) - rank)) * np.log(phi))
