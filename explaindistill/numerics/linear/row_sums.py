r"""What a penalised sum needs to know of its rows: a few sums over them, at a fit.

:math:`i` runs over rows, :math:`c` over the K classes or outputs with a predictor of their own: :math:`\eta_{ic} = a_c
+ z_i^\top \beta_c`, and :math:`q_i` is the answer there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, xlogy

from explaindistill.numerics.linear.row_blocks import RowBlocks, row_blocks, row_slices

__all__ = [
    "Array", "ArraySums", "LinearFit", "RowSums", "Rows", "classify", "joint", "mean_divergence", "modelled",
    "pieces_of",
]  # fmt: skip

Array = NDArray[np.float64]
Rows = Array | RowBlocks
"""Standardised columns ``(n, p)``, in memory or read block by block: sums over rows have the same bits."""
Blocks = list[NDArray[np.intp]]
"""Columns of each class whose coefficient is fitted."""


@dataclass(frozen=True, eq=False)
class LinearFit:
    """Intercepts ``(K,)`` and coefficients ``(p, K)`` on standardised columns; K is 1 for two classes."""

    intercept: Array
    coef: Array

    def predictor(self, Z: Rows) -> Array:
        """Linear predictor ``(n, K)``."""
        return row_blocks(Z).predictor(self.coef) + self.intercept

    @property
    def n_terms(self) -> int:
        """Columns with a coefficient."""
        return int((self.coef != 0).any(axis=1).sum())


class RowSums(Protocol):
    """Rows with targets ``(n, k)`` and weights that sum to 1, of which only sums are asked."""

    @property
    def n_columns(self) -> int:
        """Number of columns p."""
        ...

    @property
    def mean(self) -> Array:
        """Weighted mean of the targets ``(k,)``."""
        ...

    def is_hard(self) -> bool:
        """Whether each row has one class for certain."""
        ...

    def divergence(self, fit: LinearFit, ahead: Blocks | None = None) -> float:
        """:func:`mean_divergence` of a fit; ``ahead`` are the blocks of which :meth:`joint` will be asked there."""
        ...

    def slopes(self, fit: LinearFit) -> Array:
        """Gradient ``(p, K)``: the sum of ``w_i (p_ic - q_ic) z_i``."""
        ...

    def joint(self, fit: LinearFit, blocks: Blocks) -> tuple[Array, Array]:
        """See :func:`joint`."""
        ...

    def covariances(self) -> tuple[Array, Array, Array]:
        """Weighted means ``(p,)`` of the columns, covariances ``(p, p)`` of them and ``(p, k)`` with the targets."""
        ...

    def pull(self, fit: LinearFit) -> tuple[Array, Array, Array]:
        """:meth:`slopes`, the same of the intercepts ``(K,)``, and the sum of ``w_i q_ic (1 - q_ic)`` ``(K,)``."""
        ...

    def dual_entropy(self, fit: LinearFit, share: float) -> float:
        """Sum of ``w_i`` times the negative entropy of ``y_i + share (q_i - y_i)`` less that of ``y_i``."""
        ...

    def value_slopes(self, fit: LinearFit) -> Array:
        """Sum of ``w_i (y_ic - eta_ic) z_i`` ``(p, m)``."""
        ...

    def dual_values(self, fit: LinearFit, shares: Array) -> Array:
        """Sum ``(m,)`` of ``w (r**2 (1 + s**2) / 2 - s r (y - mean))``, r what a fit leaves and s an output's share."""
        ...


def classify(eta: Array) -> Array:
    """Probabilities ``(n, k)`` from the linear predictor ``(n, K)``: logistic where K is 1, else softmax."""
    return modelled(eta) if eta.shape[1] > 1 else np.hstack([expit(-eta), expit(eta)])


def modelled(eta: Array) -> Array:
    """Probabilities ``(n, K)`` of the classes that have a predictor; of two classes only the second has one."""
    if eta.shape[1] > 1:
        lifted = np.exp(eta - eta.max(axis=1, keepdims=True))
        return lifted / lifted.sum(axis=1, keepdims=True)
    tail = np.exp(-np.abs(eta))
    return np.where(eta >= 0, 1.0, tail) / (1.0 + tail)


def mean_divergence(P: Array, w: Array, eta: Array) -> float:
    r"""Weighted mean of KL(p || q) in nats, q from the linear predictor; 0 where the fit is exact.

    :math:`\sum_i w_i \bigl(\log\sum_c e^{\eta_{ic}} - \sum_c p_{ic} \eta_{ic} + \sum_c p_{ic} \log p_{ic}\bigr)`; with
    one predictor that of class 0 is 0.
    """
    return sum(_divergence(P[rows], w[rows], eta[rows]) for rows in row_slices(len(w)))


def cross_entropies(P: Array, eta: Array) -> Array:
    """Cross-entropy ``(n,)`` of each row."""
    if eta.shape[1] == 1:
        eta = eta[:, 0]
        return np.asarray(np.maximum(eta, 0.0) + np.log1p(np.exp(-np.abs(eta))) - P[:, 1] * eta)
    top = eta.max(axis=1)
    return np.asarray(top + np.log(np.exp(eta - top[:, None]).sum(axis=1)) - np.einsum("ij,ij->i", P, eta))


def _divergence(P: Array, w: Array, eta: Array) -> float:
    """What some rows add to the mean."""
    return float(w @ cross_entropies(P, eta) + w @ xlogy(P, P).sum(axis=1))


def pieces_of(blocks: Blocks) -> tuple[list[slice], NDArray[np.intp], list[NDArray[np.intp]]]:
    """Places of each class's intercept and coefficients, the columns in use, and where among them each class's are."""
    cuts = np.cumsum([0, *(len(b) + 1 for b in blocks)])
    used = np.unique(np.concatenate(blocks)).astype(np.intp)
    return [slice(a, b) for a, b in pairwise(cuts.tolist())], used, [np.searchsorted(used, b) for b in blocks]


def joint(Z: Rows, blocks: Blocks, P: Array, w: Array, eta: Array) -> tuple[Array, Array]:
    r"""Gradient and Hessian of the cross-entropy in the coefficients of all classes.

    The gradient is :math:`\sum_i w_i (p_{ic} - q_{ic}) z_i`, a 1 before each :math:`z_i` for the intercept. With
    :math:`A_c` those rows with the columns of class c, :math:`Q_c` its probabilities, and :math:`u_i` the rows of the
    classes side by side, each times its probability, the Hessian is :math:`\operatorname{diag}_c(A_c^T W Q_c A_c) - U^T
    W U`: one symmetric product, made from blocks of rows that stay small, instead of one product per pair of classes.
    Two classes have one logit and one block.
    """
    K = eta.shape[1]
    pieces, used, places = pieces_of(blocks)
    size = pieces[-1].stop
    slope, level = np.zeros((len(used), K)), np.zeros(K)
    H = np.zeros((size, size))
    for rows, lines in row_blocks(Z).over(used):
        Q = modelled(eta[rows])
        residual = w[rows, None] * (P[rows, -K:] - Q)
        slope += lines.T @ residual
        level += residual.sum(axis=0)
        root = np.sqrt(w[rows, None] * Q * (1 - Q) if K == 1 else w[rows, None] * Q)
        side_by_side = np.empty((len(lines), len(H)))
        for c, (b, s) in enumerate(zip(places, pieces, strict=True)):
            of_class = side_by_side[:, s]
            of_class[:, 0], of_class[:, 1:] = root[:, c], lines[:, b] * root[:, c : c + 1]
            H[s, s] += of_class.T @ of_class
            if K > 1:
                of_class *= np.sqrt(Q[:, c])[:, None]
        if K > 1:
            H -= side_by_side.T @ side_by_side
    return np.concatenate([np.r_[level[c], slope[b, c]] for c, b in enumerate(places)]), H


@dataclass(frozen=True, eq=False)
class ArraySums:
    """Sums over rows that are in memory, as doubles are added: in the order of the rows."""

    Z: Rows
    Y: Array
    w: Array
    _last: list[tuple[LinearFit, Array]] = field(default_factory=list)

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return int(self.Z.shape[1])

    @property
    def mean(self) -> Array:
        """Weighted mean of the targets."""
        return np.asarray(self.w @ self.Y)

    def is_hard(self) -> bool:
        """Whether each row has one class for certain."""
        return bool((self.Y.max(axis=1) == 1).all())

    def _predictor(self, fit: LinearFit) -> Array:
        """Linear predictor ``(n, K)``; that of the last fit is kept."""
        if not self._last or self._last[0][0] is not fit:
            self._last[:] = [(fit, fit.predictor(self.Z))]
        return self._last[0][1]

    def divergence(self, fit: LinearFit, ahead: Blocks | None = None) -> float:
        """See :class:`RowSums`."""
        return mean_divergence(self.Y, self.w, self._predictor(fit))

    def slopes(self, fit: LinearFit) -> Array:
        """See :class:`RowSums`."""
        eta, gradient = self._predictor(fit), np.zeros_like(fit.coef)
        for rows, lines in row_blocks(self.Z):
            Q = modelled(eta[rows])
            gradient += lines.T @ (self.w[rows, None] * (self.Y[rows, -Q.shape[1] :] - Q))
        return gradient

    def joint(self, fit: LinearFit, blocks: Blocks) -> tuple[Array, Array]:
        """See :class:`RowSums`."""
        return joint(self.Z, blocks, self.Y, self.w, self._predictor(fit))

    def covariances(self) -> tuple[Array, Array, Array]:
        """See :class:`RowSums`."""
        rows_of_Z, mean, w = row_blocks(self.Z), self.mean, self.w
        p = rows_of_Z.shape[1]
        centre, G, c = np.zeros(p), np.zeros((p, p)), np.zeros((p, self.Y.shape[1]))
        for rows, lines in rows_of_Z:
            centre += w[rows] @ lines
        for rows, lines in rows_of_Z:
            A = lines - centre
            G += A.T @ (w[rows, None] * A)
            c += A.T @ (w[rows, None] * (self.Y[rows] - mean))
        return centre, G, c

    def pull(self, fit: LinearFit) -> tuple[Array, Array, Array]:
        """See :class:`RowSums`."""
        K, eta = len(fit.intercept), self._predictor(fit)
        v, level, bend = np.zeros(fit.coef.shape), np.zeros(K), np.zeros(K)
        for rows, lines in row_blocks(self.Z):
            Q = modelled(eta[rows])
            residual = self.w[rows, None] * (self.Y[rows, -K:] - Q)
            v += lines.T @ residual
            level += residual.sum(axis=0)
            bend += self.w[rows] @ (Q * (1 - Q))
        return v, level, bend

    def dual_entropy(self, fit: LinearFit, share: float) -> float:
        """See :class:`RowSums`."""
        eta, entropy = self._predictor(fit), 0.0
        for rows in row_slices(len(self.w)):
            entropy += float(self.w[rows] @ entropy_gains(self.Y[rows], eta[rows], share))
        return entropy

    def value_slopes(self, fit: LinearFit) -> Array:
        """See :class:`RowSums`."""
        return row_blocks(self.Z).onto(self.w[:, None] * (self.Y - self._predictor(fit)))

    def dual_values(self, fit: LinearFit, shares: Array) -> Array:
        """See :class:`RowSums`."""
        return np.asarray(self.w @ value_gains(self.Y, self._predictor(fit), self.mean, shares))


def entropy_gains(P: Array, eta: Array, share: float) -> Array:
    """Negative entropy ``(n,)`` of answers moved by a share towards those of a fit, less that of the answers."""
    inner = P + share * (classify(eta) - P)
    return np.asarray((xlogy(inner, inner) - xlogy(P, P)).sum(axis=1))


def value_gains(Y: Array, eta: Array, mean: Array, shares: Array) -> Array:
    """What each row adds ``(n, m)``; see ``RowSums.dual_values``."""
    r = Y - eta
    return np.asarray(0.5 * (1 + shares**2) * r**2 - shares * r * (Y - mean))
