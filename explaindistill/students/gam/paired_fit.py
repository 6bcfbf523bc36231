"""Twin additive models: one design, one smoothing, two targets; and their joint bootstrap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit

from explaindistill.data.schema import Schema
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.additive.families import Bernoulli, Gaussian
from explaindistill.numerics.additive.gram import Design, predictor, raw_cross
from explaindistill.numerics.additive.pirls import AdditiveFit, FitOptions, fit_additive
from explaindistill.numerics.additive.refits import refit_twins
from explaindistill.numerics.additive.row_sums import BinnedRows
from explaindistill.students.gam.design import (
    AdditiveTerm,
    Columns,
    Shaping,
    discretise_columns,
    main_term,
    pair_term,
)

__all__ = ["Calibration", "Twins", "calibrate", "fit_twins"]

Floats = NDArray[np.float64]
CALIBRATION_KNOTS = 12
"""Knots of the curve from a recorded score to the outcome: monotone and smooth, it moves in a handful of directions."""
PAIR_KNOTS = 6
"""Most knots in each direction of a pair: both models fit all of a pair's coefficients in every replicate."""


@dataclass(frozen=True)
class Twins:
    """Two models on the columns ``X`` of one design; ``beta[0]`` repeats the score, ``beta[1]`` the outcome.

    ``places[t]`` are the values of term t on its grid as rows of ``maps[t] @ beta``; ``support[t]`` the rows near each.
    """

    columns: Columns
    terms: tuple[AdditiveTerm, ...]
    slices: tuple[slice, ...]
    X: Floats
    S: Floats
    beta: Floats
    is_binary: bool
    edf: Floats

    def curves(self, beta: Floats) -> list[Floats]:
        """Values of each term on its grid, ``(2, places)``."""
        return [beta[:, cut] @ t.block.Z.T for t, cut in zip(self.terms, self.slices, strict=True)]

    def support(self) -> list[Floats]:
        """Weight of the rows near each place of each term."""
        ones = np.ones(self.X.shape[0])
        return [raw_cross(t.block.margins, self.columns.codes, ones) for t in self.terms]

    def answers(self, beta: Floats) -> Floats:
        """Linear predictors of both models ``(2, n)``."""
        return beta @ self.X.T

    def refit(self, Y: Floats, weight: Floats) -> Floats:
        """Coefficients ``(2, p)`` on reweighted rows, the smoothing as it is."""
        return refit_twins(self.X, Y, weight, self.S, self.beta, self.is_binary)


def fit_twins(
    schema: Schema, frame: pd.DataFrame, Y: Floats, is_binary: bool, n_knots: int, pairs: Sequence[tuple[str, str]] = ()
) -> Twins:
    """Choose the smoothing by restricted likelihood for the mean of both targets, and fit both models with it.

    Both fit by the same loss, the score as soft labels. Where the outcome's mean given the columns is the score's mean
    given the columns, both solve the same equations, up to the noise of the outcome: what smoothing and additivity do
    to one they do to the other, and the difference of the twins has no bias.

    Parameters
    ----------
    schema, frame : columns and rows
    Y : ndarray of shape (n, 2)
        Score and outcome: probabilities and 0 or 1, or two values.
    is_binary : bool
    n_knots : int
    pairs : pairs of columns that get a term of their own
    """
    weight = np.ones(len(frame))
    columns = discretise_columns(schema, frame, weight, None)
    mains = [main_term(columns, i, n_knots, Shaping()) for i in range(len(schema))]
    terms = [t for t in mains if t is not None]
    names = schema.names
    for a, b in pairs:
        term = pair_term(columns, weight, (names.index(a), names.index(b)), min(n_knots, PAIR_KNOTS))
        if term is not None:
            terms.append(term)
    if not terms:
        raise InvalidInputError("X must have at least 1 column with two different values")
    design = Design(tuple(t.block for t in terms))
    family = Bernoulli() if is_binary else Gaussian()
    # smoothing that followed the outcome's own noise would show in the difference; half of it is the score's
    rows = BinnedRows(columns.codes, np.ascontiguousarray(Y.mean(axis=1)), weight)
    fit = fit_additive(design, rows, family, FitOptions(phi=1.0 if is_binary else None))
    X = np.column_stack([predictor(design, columns.codes, unit) for unit in np.eye(design.size)])
    S = _penalty(design, fit)
    start = np.vstack([fit.beta[0], fit.beta[0]])
    beta = refit_twins(X, Y, weight, S, start, is_binary)
    return Twins(columns, tuple(terms), design.slices, X, S, beta, is_binary, fit.edf)


def _penalty(design: Design, fit: AdditiveFit) -> Floats:
    """The whole penalty ``S = sum_t sum_m lambda_tm S_tm`` ``(p, p)``, block-diagonal over the terms t."""
    S = np.zeros((design.size, design.size))
    for block, cut, lam in zip(design.blocks, design.slices, fit.smoothing, strict=True):
        for value, penalty in zip(lam, block.penalties, strict=True):
            S[cut, cut] += value * penalty
    return S


@dataclass(frozen=True)
class Calibration:
    """A monotone curve from a recorded score to the outcome's log-odds (or value), and how to refit it."""

    design: Design
    codes: NDArray[np.uint16]
    fit: AdditiveFit
    knots: Floats
    curve: Floats
    is_binary: bool

    def mean(self, beta: Floats) -> Floats:
        """Outcome's mean of each row ``(n,)`` by the curve."""
        eta = predictor(self.design, self.codes, beta)
        return expit(eta) if self.is_binary else eta

    def refit(self, y: Floats, weight: Floats) -> Floats:
        """Coefficients on reweighted rows, the smoothing as it is."""
        drawn = weight > 0
        rows = BinnedRows(np.ascontiguousarray(self.codes[:, drawn]), y[drawn], weight[drawn])
        family = Bernoulli() if self.is_binary else Gaussian()
        return fit_additive(
            self.design, rows, family, FitOptions(phi=self.fit.phi, fixed=True, tol=1e-6),
            smoothing=self.fit.smoothing, start=self.fit.beta[0],
        ).beta[0]  # fmt: skip


def calibrate(score: Floats, y: Floats, is_binary: bool) -> Calibration:
    """Fit ``outcome ~ s(score)``, s monotone and piecewise linear on the logit scale (or the value's own)."""
    frame = pd.DataFrame({"score": score})
    schema = Schema.infer(frame)
    columns = discretise_columns(schema, frame, np.ones(len(score)), None)
    term = main_term(columns, 0, CALIBRATION_KNOTS, Shaping(monotone=1))
    if term is None:
        raise InvalidInputError("score must have at least two different values, got one")
    design = Design((term.block,))
    family = Bernoulli() if is_binary else Gaussian()
    rows = BinnedRows(columns.codes, y, np.ones(len(y)))
    fit = fit_additive(design, rows, family, FitOptions(phi=1.0 if is_binary else None))
    curve = fit.beta[0, 0] + term.block.Z @ fit.beta[0, 1:]
    return Calibration(design, columns.codes, fit, term.grids[0].knots, curve, is_binary)


def soft_logit(p: Floats, clip: float = 1e-4) -> Floats:
    """Log-odds of probabilities held off 0 and 1, where one row would be infinitely far from all others."""
    return np.asarray(logit(np.clip(p, clip, 1 - clip)))
