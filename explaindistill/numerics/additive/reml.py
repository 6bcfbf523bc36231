r"""Smoothing parameters by restricted maximum likelihood: the generalised Fellner-Schall step.

For a penalty :math:`S_\lambda = \sum_j \lambda_j S_j` on a working linear model with cross-products G,
:math:`V = (G + S_\lambda)^{-1}` and dispersion :math:`\phi`,

.. math:: \lambda_j \leftarrow \lambda_j\,\phi\,
          \frac{\mathrm{tr}(S_\lambda^{-} S_j) - \mathrm{tr}(V S_j)}{\beta^\top S_j \beta}

raises the restricted likelihood and leaves it alone only at a stationary point. ``j`` runs over the J penalties of a
block, ``k`` and ``l`` over its K coefficients, ``b`` over blocks and ``o`` over outputs that share the smoothing.

References
----------
Wood and Fasiolo (2017), doi:10.1111/biom.12666; Kim and Gu (2004), doi:10.1046/j.1369-7412.2003.05316.x.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.linalg import LinAlgError
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.linalg.lapack import dlauum, dpotrf, dpotrs, dtrtri

from explaindistill.numerics.additive.gram import Design
from explaindistill.numerics.additive.monotone import bounded_solve

__all__ = ["Smoothing", "Solution", "restricted_likelihood", "solve"]

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]
LARGEST_STEP = 4.0  # of log lambda: a factor of 55, so that one step cannot run off to a bound
WIDEST = 1e9
"""Factor around a parameter's first value that it stays within: beyond, a term is its null space, or unpenalised, to
more digits than the factorisation has."""
JITTERS = (1e-12, 1e-9, 1e-6)
"""Shares of the diagonal that are added until the factorisation succeeds: from four digits above float64's rounding
(2e-16) up to what no coefficient shows yet."""
STEPS = 6
"""Fellner-Schall steps of a block before the others are looked at again; each is small beside a new solution."""
PADDING = 8  # sizes are rounded up to multiples of this, so that few groups hold all blocks and little is padding
FIRST_WEIGHT = 0.01
"""Share of a block's cross-products that its first penalty weighs at the start: too little to flatten a curve, so that
the first fit still shows what there is to smooth."""
FIRST_FURTHER = 0.001
"""The same of further penalties relative to the first: they price what it leaves free, a line say, which is not to be
shrunk at first."""
PRIOR_WORTH = 1.0  # degrees of freedom; chosen on rows held out of the training rows of seven data sets
CAUTION = 0.4
"""Share by which noise is taken for larger where coefficients are half as many as rows: the choice of the smoothing is
made on the same noise, and follows it more readily than a curve. 1.4 is what Kim and Gu found for scores of prediction;
here it was chosen on made-up tables of seeds of their own, and on nine data sets it cost nothing."""


@dataclass(frozen=True)
class Solution:
    """Coefficients of a penalised working model, and the root R of ``(G + S)^-1 = R' R`` (zero where a bound holds).

    ``edf`` is per block: the trace of the block of ``(G + S)^-1 G``.
    """

    beta: Vector
    root: Matrix
    edf: Vector

    def corner(self, cut: slice) -> Matrix:
        """One block of the inverse; the whole of it would cost as much as a solution."""
        R = self.root[cut.start :, cut]
        return R.T @ R

    def apply(self, b: Vector) -> Vector:
        """Return the inverse times a vector."""
        return self.root.T @ (self.root @ b)

    def inverse(self) -> Matrix:
        """Return all of ``(G + S)^-1``."""
        product, _ = dlauum(self.root, lower=1)
        lower = np.tril(product)
        return lower + np.tril(lower, -1).T


def solve(G: Matrix, b: Vector, S: Matrix, design: Design) -> Solution:
    r"""Minimise ``x'(G + S)x / 2 - b'x`` with the design's bounded coordinates at least 0, and invert what is free.

    With the Cholesky factor L of :math:`H = G + S` the root is :math:`R = L^{-1}`. Since :math:`H^{-1} G = I - H^{-1}
    S`, the degrees of freedom of a block t are its free coefficients less :math:`\mathrm{tr}(V_{tt} S_{tt})`, less the
    same of the lift of the diagonal.
    """
    if design.bounded.any():
        H, lift = _lifted(G, S, JITTERS[0])
        beta, mask = bounded_solve(H, b, design.bounded)
        inside = np.ix_(mask, mask)
        root = np.zeros_like(H, order="F")
        root[inside] = dtrtri(_cholesky(H[inside]), lower=1, overwrite_c=1)[0]
        free = mask.astype(np.float64)
    else:
        factor, lift = _factor(G, S)
        beta = dpotrs(factor, b, lower=1)[0]
        root = dtrtri(factor, lower=1, overwrite_c=1)[0]
        free = np.ones(len(b))
    solution = Solution(beta, root, np.empty(0))
    edf = []
    for cut in design.slices:
        V = solution.corner(cut)
        edf.append(free[cut].sum() - np.vdot(V, S[cut, cut]) - np.diag(V) @ lift[cut])
    return Solution(beta, root, np.array(edf))


def _lifted(G: Matrix, S: Matrix, jitter: float) -> tuple[Matrix, Vector]:
    """``G + S`` with each diagonal entry but the intercept's a trifle larger, for collinear terms; and the trifle.

    Entry j grows by ``jitter * (H[j, j] + tr(G) / p)``: relative to itself, and to the mean where it is nothing itself.
    """
    H = G + S
    inner = np.diag_indices_from(H)
    lift = jitter * (H[inner] + np.trace(G) / len(G))
    lift[0] = 0.0
    H[inner] += lift
    return H, lift


def _factor(G: Matrix, S: Matrix) -> tuple[Matrix, Vector]:
    """Cholesky factor with the least lift that works."""
    for jitter in JITTERS[:-1]:
        H, lift = _lifted(G, S, jitter)
        try:
            return _cholesky(H), lift
        except LinAlgError:
            continue
    H, lift = _lifted(G, S, JITTERS[-1])
    return _cholesky(H), lift


def _cholesky(H: Matrix) -> Matrix:
    """Lower factor, zero above the diagonal."""
    factor, failed = dpotrf(H.T, lower=1, clean=1, overwrite_a=1)
    if failed:
        raise LinAlgError("the penalised curvature is not positive definite")
    return factor


@dataclass(frozen=True)
class _Group:
    """Blocks of about the same size, side by side: ``penalties`` ``(blocks, J, K, K)``, zero beyond a block's own."""

    kind: tuple[int, int]
    members: tuple[int, ...]
    sizes: tuple[int, ...]
    penalties: NDArray[np.float64]
    eigen: Matrix | None

    def padded(self, corners: Sequence[Sequence[tuple[Vector, Matrix]]]) -> NDArray[np.float64]:
        """Corners of the inverse with the coefficients as a last column, ``(blocks, outputs, K, K + 1)``."""
        K = self.penalties.shape[2]
        out = np.zeros((len(self.members), len(corners[0]), K, K + 1))
        for row, (i, k) in enumerate(zip(self.members, self.sizes, strict=True)):
            for o, (beta, V) in enumerate(corners[i]):
                out[row, o, :k, :k], out[row, o, :k, K] = V, beta
        return out

    def evidence(self, lam: Matrix, now: NDArray[np.float64]) -> tuple[Matrix, Matrix]:
        r"""Degrees of freedom that each penalty leaves, and what it costs, ``(blocks, J)`` both.

        :math:`\lambda_j (O\,\mathrm{tr}(S_\lambda^{-} S_j) - \sum_o \mathrm{tr}(V_o S_j))` and :math:`\lambda_j \sum_o
        \beta_o^\top S_j \beta_o` over the O outputs o, from ``now`` ``(blocks, O, K, K + 1)``, which holds :math:`V_o`
        and :math:`\beta_o` side by side.
        """
        V, beta = now[..., :-1].sum(axis=1), now[..., -1]
        room = now.shape[1] * self.traces(lam) - np.einsum("bkl,bjkl->bj", V, self.penalties)
        cost = np.einsum("bok,bjkl,bol->bj", beta, self.penalties, beta, optimize=True)
        return lam * np.maximum(room, 0.0), lam * np.maximum(cost, 0.0)

    def traces(self, lam: Matrix) -> Matrix:
        r"""``tr(S_lambda^-1 S_j)`` ``(blocks, J)``; the last penalty of every block has full rank.

        Of at most two penalties from the eigenvalues :math:`e_k` of the first relative to the last: :math:`\sum_k e_k /
        (\lambda_1 e_k + \lambda_2)` and :math:`\sum_k 1 / (\lambda_1 e_k + \lambda_2)`. Of more from the inverse, ones
        on the diagonal beyond a block's own size.
        """
        if self.eigen is not None:
            below = lam[:, :1] * self.eigen + (lam[:, 1:] if lam.shape[1] == 2 else 0.0)
            within = ~np.isnan(self.eigen)
            parts = [np.sum(self.eigen / below, axis=1, where=within), np.sum(1.0 / below, axis=1, where=within)]
            return np.stack(parts, axis=1)[:, : lam.shape[1]]
        S = np.einsum("bj,bjkl->bkl", lam, self.penalties)
        for total, k in zip(S, self.sizes, strict=True):
            beyond = np.arange(k, len(total))
            total[beyond, beyond] = 1.0
        return np.einsum("bkl,bjkl->bj", np.linalg.inv(S), self.penalties)


class Smoothing:
    r"""The smoothing parameters of all blocks, and how they move.

    Parameters
    ----------
    design : Design
    diagonal : ndarray of shape (p,)
        Of the cross-products; sets the scale: at first each penalty weighs a hundredth of its block.
    start : one array or None per block, optional
        Values to start from; None leaves a block to its scale.
    n_rows : float
        Number of rows, or the sum of their weights.
    noisy : bool
        Whether what a model leaves is noise, and not the misfit of answers without noise.

    Notes
    -----
    With more coefficients than rows each of many parameters is chosen on next to nothing, and the choice itself
    overfits. The parameters of the terms of one column then share a prior: the one value that fits them all, which
    counts as one further degree of freedom of each where coefficients are twice as many as rows or more, less where
    they are fewer, and nothing where rows are as many. Pairs differ too much from each other to share one.

    The dispersion of noisy outcomes counts for more than it is, by a factor :math:`\gamma = 1 + 0.4 \min(2 p / n, 1)`
    with p coefficients of single columns and n rows: as if the rows were :math:`n / \gamma`.
    """

    def __init__(
        self,
        design: Design,
        diagonal: Vector,
        start: Sequence[Vector | None] | None = None,
        n_rows: float = np.inf,
        noisy: bool = False,
    ) -> None:
        self.design = design
        alone = 1 + sum(b.size for b in design.blocks if len(b.margins) == 1)
        self._worth = PRIOR_WORTH * min(max(alone / n_rows - 1.0, 0.0), 1.0)
        self._caution = 1.0 + CAUTION * min(2.0 * alone / n_rows, 1.0) * noisy
        self._first: list[Vector] = []
        for block, cut in zip(design.blocks, design.slices, strict=True):
            size = max(float(diagonal[cut].sum()), 1e-12)
            share = FIRST_WEIGHT * FIRST_FURTHER ** (np.arange(len(block.penalties)) > 0)
            self._first.append(np.array([v * size / np.trace(S) for v, S in zip(share, block.penalties, strict=True)]))
        starts = [None] * len(design.blocks) if start is None else start
        self.values = [first.copy() if s is None else s.copy() for first, s in zip(self._first, starts, strict=True)]
        self._moved = [np.zeros_like(v) for v in self.values]
        self._damping = [np.ones_like(v) for v in self.values]
        self._groups = _grouped(design)

    def matrix(self) -> Matrix:
        """Return the total penalty, ``(p, p)``."""
        S = np.zeros((self.design.size, self.design.size))
        for block, cut, lam in zip(self.design.blocks, self.design.slices, self.values, strict=True):
            S[cut, cut] = sum(v * penalty for v, penalty in zip(lam, block.penalties, strict=True))
        return S

    def settle(self, solutions: Sequence[Solution], phi: float, steps: int = STEPS) -> None:
        """Raise the restricted likelihood block by block, each with the smoothing of the others held where it is.

        With the others profiled out, a block's own problem is known exactly from its corner of the inverse, and is
        small; several outputs that share the parameters are added up. Two blocks that can stand for each other would
        answer to each other in turn: a parameter that turns round goes half as far.

        Parameters
        ----------
        solutions : one Solution per output, at the present smoothing
        phi : float
            Dispersion.
        steps : int
            Fellner-Schall steps of each block.
        """
        slices = self.design.slices
        self.settle_corners([[(s.beta[cut], s.corner(cut)) for s in solutions] for cut in slices], phi, steps)

    def settle_corners(self, corners: Sequence[Sequence[tuple[Vector, Matrix]]], phi: float, steps: int) -> None:
        """Settle from the coefficients and the corner of the inverse of each block and output.

        A parameter that turns round is damped by half, one that does not gets a factor of 2 back, up to its full step.
        """
        phi = self._caution * phi
        now = [group.padded(corners) for group in self._groups]
        first = [np.stack([self._first[i] for i in group.members]) for group in self._groups]
        shared = self._shared(now, first, phi)
        for group, inverse, scale in zip(self._groups, now, first, strict=True):
            before = np.stack([self.values[i] for i in group.members])
            low = scale / WIDEST
            prior = (self._worth if group.kind[0] == 1 else 0.0, scale * shared[group.kind])
            after = _climb(group, inverse, before, phi, steps, (low, low * WIDEST**2), prior)
            for i, move in zip(group.members, np.log(after / before), strict=True):
                turned = move * self._moved[i] < 0
                self._damping[i] = np.where(turned, self._damping[i] / 2, np.minimum(self._damping[i] * 2, 1.0))
                self._moved[i] = self._damping[i] * move
                self.values[i] = self.values[i] * np.exp(self._moved[i])

    def _shared(
        self, now: Sequence[NDArray[np.float64]], first: Sequence[Matrix], phi: float
    ) -> dict[tuple[int, int], Vector]:
        r"""The one smoothing parameter, in units of a block's scale, that fits all terms of a kind.

        One Fellner-Schall step with the sums over blocks b: :math:`\phi \sum_b \mathrm{room}_{bj} / \sum_b
        \mathrm{cost}_{bj}`, where the cost is that of a parameter of 1 in the block's scale; within 1e-8 to 1e8 of it.
        """
        sums: dict[tuple[int, int], Matrix] = {}
        for group, inverse, scale in zip(self._groups, now, first, strict=True):
            lam = np.stack([self.values[i] for i in group.members])
            room, cost = group.evidence(lam, inverse)
            costs = np.stack([room.sum(axis=0), (cost * scale / lam).sum(axis=0)])
            sums[group.kind] = sums.get(group.kind, 0.0) + costs
        return {
            kind: np.clip(phi * np.maximum(room, 1e-12) / np.maximum(cost, 1e-300), 1e-8, 1e8)
            for kind, (room, cost) in sums.items()
        }


def _grouped(design: Design) -> list[_Group]:
    """Blocks of like size and number of penalties together, padded to a common size."""
    kinds: dict[tuple[int, int, int], list[int]] = {}
    for i, block in enumerate(design.blocks):
        key = (-(-block.size // PADDING) * PADDING, len(block.margins), len(block.penalties))
        kinds.setdefault(key, []).append(i)
    groups = []
    for (K, margins, J), members in kinds.items():
        P = np.zeros((len(members), J, K, K))
        eigen = np.full((len(members), K), np.nan) if J <= 2 else None
        for row, i in enumerate(members):
            block = design.blocks[i]
            for j, S in enumerate(block.penalties):
                P[row, j, : block.size, : block.size] = S
            if eigen is not None:
                values = eigh(block.penalties[0], block.penalties[-1], eigvals_only=True)
                eigen[row, : block.size] = np.maximum(values, 0.0)
        groups.append(_Group((margins, J), tuple(members), tuple(design.blocks[i].size for i in members), P, eigen))
    return groups


def _climb(
    group: _Group,
    first: NDArray[np.float64],
    start: Matrix,
    phi: float,
    steps: int,
    limits: tuple[Matrix, Matrix],
    prior: tuple[float, Matrix],
) -> Matrix:
    r"""Fellner-Schall steps on the log scale, longer while they keep their direction; returns ``lambda`` (blocks, J).

    With :math:`\Delta` the change of a block's penalty, its corner of the inverse becomes
    :math:`(I + V\Delta)^{-1} V` and its coefficients :math:`(I + V\Delta)^{-1}\beta`. The prior is conjugate: ``prior``
    holds its degrees of freedom :math:`\nu` and its value :math:`\lambda_0`, and the step is

    .. math:: \log\lambda_j \leftarrow \log\lambda_j + \log\frac{\phi\,(\mathrm{room}_j + \nu)}
              {\mathrm{cost}_j + \phi\,\nu\,\lambda_j / \lambda_0}.

    While a step keeps its sign it is doubled, up to four times: near a bound the plain steps shrink slowly.
    """
    lam, now = start.copy(), first
    worth, common = prior
    previous, boost = np.zeros_like(lam), np.ones_like(lam)
    for step in range(steps):
        if step:
            change = np.einsum("bj,bjkl->bkl", lam - start, group.penalties)
            now = np.linalg.solve(np.eye(first.shape[2]) + first[..., :-1] @ change[:, None], first)
        room, cost = group.evidence(lam, now)
        move = np.log(np.maximum(phi * (room + worth), 1e-300))
        move -= np.log(np.maximum(cost + phi * worth * lam / common, 1e-300))
        boost = np.where(move * previous > 0, np.minimum(2.0 * boost, 4.0), 1.0)
        previous = move
        lam = np.clip(lam * np.exp(np.clip(move * boost, -LARGEST_STEP, LARGEST_STEP)), *limits)
    return lam


def restricted_likelihood(
    G: Matrix, b: Vector, yy: float, weight: float, design: Design, lam: list[Vector], phi: float
) -> float:
    r"""Minus twice the restricted log-likelihood of a working linear model, up to a constant.

    :math:`(y^\top W y - b^\top\beta) / \phi + \log|G + S| - \log|S|_+ + (n - M)\log\phi` with M the size of what is not
    penalised, n the weight of the rows and :math:`|S|_+` the product of the eigenvalues of S above 1e-12 of the
    largest.
    """
    S = np.zeros_like(G)
    log_s, rank = 0.0, 0
    for block, cut, values in zip(design.blocks, design.slices, lam, strict=True):
        S[cut, cut] = sum(v * penalty for v, penalty in zip(values, block.penalties, strict=True))
        eigen = np.linalg.eigvalsh(S[cut, cut])
        eigen = eigen[eigen > 1e-12 * eigen[-1]]
        log_s += float(np.log(eigen).sum())
        rank += len(eigen)
    beta = np.linalg.solve(G + S, b)
    misfit = (yy - b @ beta) / phi
    log_h = float(np.linalg.slogdet(G + S)[1])
    return float(misfit + log_h - log_s + (weight - (len(b) - rank)) * np.log(phi))
