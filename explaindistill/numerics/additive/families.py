r"""Losses of additive models as exponential families: mean, score and curvature at a linear predictor.

A family answers three questions about an observation y with weight 1 at the linear predictor :math:`\eta`: its deviance
:math:`D(y, \eta)`, twice the loss above its least possible value; the derivative of minus half the deviance (the score,
:math:`-\tfrac12 \partial D / \partial\eta`); and the expected curvature, :math:`\tfrac12 E[\partial^2 D /
\partial\eta^2]`. All arrays run over rows.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, xlogy

__all__ = ["FAMILIES", "Bernoulli", "Family", "Gamma", "Gaussian", "Poisson"]

Vector = NDArray[np.float64]
CURVATURE_FLOOR = (
    1e-8  # where a fit is certain: keeps cross-products definite, far below what a row in doubt weighs (1/4)
)
LOG_LIMIT = 30.0  # of a log link: means stay within 1e-13 to 1e13, and their products within float64
RARE = 1e-3  # rows of each class that are added at the start, so that a class that never occurs has a finite logit


class Family(Protocol):
    """What penalised iteratively re-weighted least squares needs to know of a loss."""

    def mean(self, eta: Vector) -> Vector:
        """Return the mean at the linear predictor."""
        ...

    def deviance(self, y: Vector, eta: Vector) -> Vector:
        """Twice the loss above its smallest possible value, row by row."""
        ...

    def score(self, y: Vector, eta: Vector) -> Vector:
        """Return minus half the derivative of the deviance."""
        ...

    def curvature(self, eta: Vector) -> Vector:
        """Return the expected second derivative of half the deviance."""
        ...

    def level(self, total: float, mean: float) -> float:
        """Return the best constant linear predictor from the weight of all rows and the weighted mean of y."""
        ...

    def largest(self, low: float, high: float, least: float, most: float) -> tuple[float, float]:
        """Bounds on the size of scores and on curvatures; y lies in [low, high], the predictor in [least, most]."""
        ...


class Gaussian:
    """Squared error, identity link."""

    def mean(self, eta: Vector) -> Vector:
        """Return the predictor itself."""
        return eta

    def deviance(self, y: Vector, eta: Vector) -> Vector:
        """Squared error."""
        return (y - eta) ** 2

    def score(self, y: Vector, eta: Vector) -> Vector:
        """Residual."""
        return y - eta

    def curvature(self, eta: Vector) -> Vector:
        """One."""
        return np.ones_like(eta)

    def level(self, total: float, mean: float) -> float:
        """Mean."""
        return mean

    def largest(self, low: float, high: float, least: float, most: float) -> tuple[float, float]:
        """Bounds on the size of scores and on curvatures."""
        return max(abs(high - least), abs(most - low)), 1.0


class Bernoulli:
    """Cross-entropy with y anywhere in [0, 1], logit link.

    Examples
    --------
    >>> Bernoulli().deviance(np.array([0.3]), np.array([np.log(3 / 7)])).round(12).tolist()
    [0.0]
    """

    def mean(self, eta: Vector) -> Vector:
        """Probability."""
        return expit(eta)

    def deviance(self, y: Vector, eta: Vector) -> Vector:
        """Twice the Kullback-Leibler divergence from y."""
        negative_entropy = xlogy(y, y) + xlogy(1 - y, 1 - y)
        return np.maximum(2.0 * (np.logaddexp(0.0, eta) - y * eta + negative_entropy), 0.0)

    def score(self, y: Vector, eta: Vector) -> Vector:
        """``y - p``."""
        return y - expit(eta)

    def curvature(self, eta: Vector) -> Vector:
        """``p (1 - p)``, kept off zero."""
        p = expit(eta)
        return np.maximum(p * (1.0 - p), CURVATURE_FLOOR)

    def level(self, total: float, mean: float) -> float:
        """Logit of the mean, within bounds for a class that never occurs."""
        return float(np.log((total * mean + RARE) / (total * (1.0 - mean) + RARE)))

    def largest(self, low: float, high: float, least: float, most: float) -> tuple[float, float]:
        """Bounds on the size of scores and on curvatures."""
        return 1.0, 1.0


class Poisson:
    """Poisson deviance, log link; y at least 0."""

    def mean(self, eta: Vector) -> Vector:
        """Exponential of the predictor."""
        return np.exp(np.clip(eta, -LOG_LIMIT, LOG_LIMIT))

    def deviance(self, y: Vector, eta: Vector) -> Vector:
        """``2 (y log(y / mu) - y + mu)``."""
        mu = self.mean(eta)
        return np.maximum(2.0 * (xlogy(y, y / mu) - y + mu), 0.0)

    def score(self, y: Vector, eta: Vector) -> Vector:
        """``y - mu``."""
        return y - self.mean(eta)

    def curvature(self, eta: Vector) -> Vector:
        """``mu``."""
        return np.maximum(self.mean(eta), CURVATURE_FLOOR)

    def level(self, total: float, mean: float) -> float:
        """Log of the mean, which counts as at least 1e-12: all counts may be 0."""
        return float(np.log(max(mean, 1e-12)))

    def largest(self, low: float, high: float, least: float, most: float) -> tuple[float, float]:
        """Bounds on the size of scores and on curvatures."""
        mu = float(self.mean(np.array([most]))[0])
        return high + mu, mu + CURVATURE_FLOOR


class Gamma:
    """Gamma deviance, log link; y above 0."""

    def mean(self, eta: Vector) -> Vector:
        """Exponential of the predictor."""
        return np.exp(np.clip(eta, -LOG_LIMIT, LOG_LIMIT))

    def deviance(self, y: Vector, eta: Vector) -> Vector:
        """``2 (y / mu - 1 - log(y / mu))``."""
        ratio = y / self.mean(eta)
        return np.maximum(2.0 * (ratio - 1.0 - np.log(ratio)), 0.0)

    def score(self, y: Vector, eta: Vector) -> Vector:
        """``y / mu - 1``."""
        return y / self.mean(eta) - 1.0

    def curvature(self, eta: Vector) -> Vector:
        """One."""
        return np.ones_like(eta)

    def level(self, total: float, mean: float) -> float:
        """Log of the mean."""
        return float(np.log(mean))

    def largest(self, low: float, high: float, least: float, most: float) -> tuple[float, float]:
        """Bounds on the size of scores and on curvatures."""
        return high / float(self.mean(np.array([least]))[0]) + 1.0, 1.0


FAMILIES: dict[str, Family] = {"gaussian": Gaussian(), "poisson": Poisson(), "gamma": Gamma()}
