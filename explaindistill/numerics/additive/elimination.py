r"""Which terms matter: the rise of the penalised deviance when a whole block is taken out and the rest is refitted.

Around the fit the objective is quadratic with inverse curvature V, so the rise for block t is
:math:`\beta_t^\top V_{tt}^{-1}\beta_t`, and what the rest becomes is known in closed form.

References
----------
Hassibi and Stork (1993), Advances in Neural Information Processing Systems 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics.additive.gram import Design
from explaindistill.numerics.additive.pirls import AdditiveFit

__all__ = ["Dropped", "eliminate"]


@dataclass(frozen=True)
class Dropped:
    """A block that was taken out, and by how much the deviance is expected to have risen."""

    block: int
    rise: float


def eliminate(
    design: Design, fit: AdditiveFit, keep: int, parents: Mapping[int, tuple[int, ...]] | None = None
) -> list[Dropped]:
    """Take out the block that costs least, again and again, until ``keep`` are left.

    Parameters
    ----------
    design : Design
    fit : AdditiveFit
    keep : int, at least 0
    parents : mapping of block to blocks, optional
        Blocks that may not go before the block does (heredity).
    """
    betas = [b.copy() for b in fit.beta]
    inverses = [v.copy() for v in fit.V]
    remaining = set(range(len(design.blocks)))
    dropped = []
    while len(remaining) > keep:
        held = {p for t in remaining for p in (parents or {}).get(t, ())}
        rises = {t: _rise(betas, inverses, design.slices[t]) for t in sorted(remaining - held)}
        worst = min(rises, key=lambda t: (rises[t], -t))
        _remove(betas, inverses, design.slices[worst])
        remaining.discard(worst)
        dropped.append(Dropped(worst, rises[worst]))
    return dropped


def _rise(betas: list[NDArray[np.float64]], inverses: list[NDArray[np.float64]], cut: slice) -> float:
    """Sum over outputs of beta_t' V_tt^-1 beta_t for one block t.

    Directions whose variance is below 1e-12 of the largest are left out: they were taken out with another block
    already.
    """
    total = 0.0
    for beta, V in zip(betas, inverses, strict=True):
        total += float(beta[cut] @ np.linalg.lstsq(V[cut, cut], beta[cut], rcond=1e-12)[0])
    return total


def _remove(betas: list[NDArray[np.float64]], inverses: list[NDArray[np.float64]], cut: slice) -> None:
    r"""Condition on the block t being zero, in place and for each output.

    :math:`\beta \leftarrow \beta - V_{\cdot t} V_{tt}^{-1} \beta_t` and
    :math:`V \leftarrow V - V_{\cdot t} V_{tt}^{-1} V_{t \cdot}`, with the pseudo-inverse of :func:`_rise`.
    """
    for k, (beta, V) in enumerate(zip(betas, inverses, strict=True)):
        inner = np.linalg.pinv(V[cut, cut], rcond=1e-12, hermitian=True)
        across = V[:, cut] @ inner
        betas[k] = beta - across @ beta[cut]
        inverses[k] = V - across @ V[cut, :]
        inverses[k][cut, :] = 0.0
        inverses[k][:, cut] = 0.0
        betas[k][cut] = 0.0
