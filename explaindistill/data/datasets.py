"""Data with a known answer: loan applications with a planted bias, together with the truth about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr

from explaindistill.errors import InvalidInputError

__all__ = ["Lending", "LendingTruth", "lending"]

# Each effect is in standard deviations of the noise: P(approved | row) = Phi(sum of effects).
BASE = 1.2
SLOPES = {"income": 1.1, "debt_ratio": -0.9, "amount": -0.6, "years_employed": 0.45}
SEX_EFFECT = {"female": -0.60, "male": 0.0}
SECTOR_EFFECT = {"care": -0.80, "construction": 0.0, "industry": 0.05, "office": 0.10, "trade": -0.05}
EDUCATION_EFFECT = {"primary": -0.40, "secondary": 0.0, "bachelor": 0.20, "master": 0.35}
LATE_EFFECT = (0.0, -0.70, -1.30, -1.90, -2.20)

FEMALE_SHARE = 0.48
SECTOR_SHARE = {
    "female": {"care": 0.38, "construction": 0.02, "industry": 0.10, "office": 0.30, "trade": 0.20},
    "male": {"care": 0.06, "construction": 0.24, "industry": 0.28, "office": 0.24, "trade": 0.18},
}
EDUCATION_SHARE = {"primary": 0.15, "secondary": 0.45, "bachelor": 0.28, "master": 0.12}
LATE_SHARE = (0.62, 0.20, 0.10, 0.05, 0.03)
HOMEOWNER_SHARE = 0.35
FORGIVEN_SHARE = 0.6  # how much of a late payment's effect is taken back for somebody who owns a home
AGE_SHARE = {"18-29": 0.22, "30-44": 0.33, "45-59": 0.28, "60+": 0.17}
PURPOSES = {"car": 0.30, "furniture": 0.25, "renovation": 0.20, "education": 0.10, "holiday": 0.15}
TERMS = (12, 24, 36, 48, 60)
MISSING_SHARE = {
    "income": 0.05,
    "years_employed": 0.08,
    "sector": 0.03,
    "education": 0.02,
    "applied_on": 0.01,
}


@dataclass(frozen=True)
class LendingTruth:
    """What is true of the population that `lending` draws from, exact up to rounding of floats.

    Attributes
    ----------
    matters : tuple of str
        Columns that the decisions depend on.
    ignored : tuple of str
        Columns that they do not depend on: an importance above chance is a false alarm.
    interaction : tuple of str
        The one pair that interacts: owning a home takes back part of what late payments cost.
    proxy : mapping of str to str
        The column that gives a protected attribute away to a model that does not see it.
    proxy_shares : mapping of str to float
        Share of women in each level of the proxy.
    rates : mapping of attribute to (mapping of group to float)
        Share of approved applications, the labels as they are.
    ideal_rates : the same
        Share approved by the best possible model, which approves where approval is more likely than not
        and sees every value (in the data that `lending` returns some are missing).
    gap, ideal_gap : mapping of attribute to float
        Largest rate minus smallest rate.
    impact_ratio : mapping of attribute to float
        Smallest rate over largest rate of the labels.
    direct_gap, proxy_gap : float
        The gap between men and women in two parts: what women would gain if only the direct effect of sex
        were taken away, and the rest, which comes through the proxy. They sum to ``gap["sex"]``.

    Examples
    --------
    >>> truth = lending(10).truth
    >>> truth.proxy, truth.interaction
    ({'sex': 'sector'}, ('homeowner', 'late_payments'))
    >>> bool(np.isclose(truth.direct_gap + truth.proxy_gap, truth.gap["sex"]))
    True
    """

    matters: tuple[str, ...]
    ignored: tuple[str, ...]
    interaction: tuple[str, str]
    proxy: Mapping[str, str]
    proxy_shares: Mapping[str, float]
    rates: Mapping[str, Mapping[str, float]]
    ideal_rates: Mapping[str, Mapping[str, float]]
    gap: Mapping[str, float]
    ideal_gap: Mapping[str, float]
    impact_ratio: Mapping[str, float]
    direct_gap: float
    proxy_gap: float


@dataclass(frozen=True)
class Lending:
    """Applications, decisions, and the truth about both.

    Attributes
    ----------
    X : DataFrame of n rows and 14 columns
        Numbers, integers, booleans, dates, categories with and without order, and missing values.
    y : Series of str
        ``"approved"`` or ``"declined"``.
    sensitive : tuple of str
        ``("sex", "age_band")``. Women were treated worse, on purpose; age bands were not.
    favorable : str
        ``"approved"``.
    truth : LendingTruth

    Examples
    --------
    >>> data = lending(100)
    >>> data.X.shape, data.sensitive, data.frame.columns[-1]
    ((100, 14), ('sex', 'age_band'), 'decision')
    """

    X: pd.DataFrame
    y: pd.Series
    sensitive: tuple[str, ...]
    favorable: str
    truth: LendingTruth

    @property
    def frame(self) -> pd.DataFrame:
        """One frame with the decisions in the last column, ``decision``: what a CSV file would hold."""
        return self.X.assign(decision=self.y)


def lending(n: int = 20_000, random_state: int | np.random.Generator | None = 0) -> Lending:
    r"""Loan applications with a planted bias: :math:`P(\text{approved} \mid x) = \Phi(\sum_j e_j(x_j))`.

    The effects :math:`e_j` are linear in the logarithms of income, debt ratio, amount and years employed, and
    a step per level of education, late payments (softened for owners of a home), sector and sex. Everything
    but the sector is independent of sex, hence the whole gap between men and women is planted: once directly,
    once through the sector. Values go missing at random after the decision.

    Parameters
    ----------
    n : int, at least 1
        Number of rows.
    random_state : int, Generator or None
        The same integer gives the same rows.

    Returns
    -------
    Lending

    Raises
    ------
    InvalidInputError
        If ``n`` is below 1.

    Examples
    --------
    The sample agrees with the truth that comes with it:

    >>> from explaindistill.data.datasets import lending
    >>> data = lending(n=20_000)
    >>> seen = (data.y == data.favorable).groupby(data.X["sex"]).mean()
    >>> round(float(seen["male"] - seen["female"]), 1), round(data.truth.gap["sex"], 1)
    (0.2, 0.2)
    """
    if n < 1:
        raise InvalidInputError(f"n must be at least 1, got {n}")
    rng = np.random.default_rng(random_state)
    z = {name: rng.standard_normal(n) for name in SLOPES}
    X = _applications(n, z, rng)
    approved = rng.standard_normal(n) < _score(X, z)
    for name, share in MISSING_SHARE.items():
        X.loc[rng.random(n) < share, name] = None
    y = pd.Series(np.where(approved, "approved", "declined"), name="decision", dtype="str")
    return Lending(X, y, ("sex", "age_band"), "approved", _truth())


def _applications(n: int, z: Mapping[str, NDArray[np.float64]], rng: np.random.Generator) -> pd.DataFrame:
    """Draw the columns as an applicant would fill them in; sector depends on sex, the rest on nothing."""
    female = rng.random(n) < FEMALE_SHARE
    sectors = sorted(SECTOR_SHARE["female"])
    at_random = rng.random(n)
    bounds = {sex: np.cumsum([share[s] for s in sectors])[:-1] for sex, share in SECTOR_SHARE.items()}
    level = np.where(female, np.searchsorted(bounds["female"], at_random), np.searchsorted(bounds["male"], at_random))
    education = rng.choice(list(EDUCATION_SHARE), n, p=list(EDUCATION_SHARE.values()))
    days = rng.integers(0, 731, n)
    return pd.DataFrame(
        {
            "applied_on": pd.Timestamp("2023-01-01") + pd.to_timedelta(days, unit="D"),
            "income": np.round(np.exp(7.9 + 0.45 * z["income"]), -1),
            "debt_ratio": np.round(0.3 * np.exp(0.5 * z["debt_ratio"]), 3),
            "amount": np.maximum(np.round(np.exp(9.1 + 0.6 * z["amount"]), -2), 100).astype(np.int64),
            "term_months": rng.choice(TERMS, n),
            "years_employed": np.round(np.exp(1.5 + 0.8 * z["years_employed"]), 1),
            "late_payments": rng.choice(len(LATE_SHARE), n, p=LATE_SHARE),
            "homeowner": rng.random(n) < HOMEOWNER_SHARE,
            "newsletter": rng.random(n) < 0.4,
            "education": pd.Categorical(education, categories=list(EDUCATION_SHARE), ordered=True),
            "sector": pd.Categorical.from_codes(level, categories=sectors),
            "purpose": rng.choice(list(PURPOSES), n, p=list(PURPOSES.values())),
            "sex": np.where(female, "female", "male"),
            "age_band": rng.choice(list(AGE_SHARE), n, p=list(AGE_SHARE.values())),
        }
    )


def _score(X: pd.DataFrame, z: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Sum of all effects, one per row."""
    late = np.asarray(LATE_EFFECT)[X["late_payments"]]
    steps = late * np.where(X["homeowner"], 1 - FORGIVEN_SHARE, 1.0)
    for name, effect in (("sex", SEX_EFFECT), ("sector", SECTOR_EFFECT), ("education", EDUCATION_EFFECT)):
        steps += X[name].map(effect).to_numpy(dtype=float)
    return np.asarray(BASE + steps + sum(slope * z[name] for name, slope in SLOPES.items()))


def _steps(sex: str) -> Iterator[tuple[float, float]]:
    """Yield all combinations of the discrete columns but sex: their probability and their effect."""
    cells = product(SECTOR_EFFECT, EDUCATION_EFFECT, range(len(LATE_EFFECT)), (True, False))
    for sector, education, late, owner in cells:
        home = HOMEOWNER_SHARE if owner else 1 - HOMEOWNER_SHARE
        share = SECTOR_SHARE[sex][sector] * EDUCATION_SHARE[education] * LATE_SHARE[late] * home
        forgiven = 1 - FORGIVEN_SHARE if owner else 1.0
        yield share, BASE + SECTOR_EFFECT[sector] + EDUCATION_EFFECT[education] + LATE_EFFECT[late] * forgiven


def _rate(sex: str, sex_effect: float, noise: float) -> float:
    """Share approved: given the discrete columns the score is normal, so the rate is a finite sum of Phi."""
    share, effect = np.array(list(_steps(sex))).T
    spread = np.sqrt(noise**2 + sum(slope**2 for slope in SLOPES.values()))
    return float(share @ ndtr((effect + sex_effect) / spread))


def _by_attribute(noise: float) -> dict[str, dict[str, float]]:
    by_sex = {sex: _rate(sex, SEX_EFFECT[sex], noise) for sex in SEX_EFFECT}
    overall = FEMALE_SHARE * by_sex["female"] + (1 - FEMALE_SHARE) * by_sex["male"]
    return {"sex": by_sex, "age_band": dict.fromkeys(AGE_SHARE, overall)}


def _truth() -> LendingTruth:
    rates, ideal = _by_attribute(noise=1.0), _by_attribute(noise=0.0)
    forgiven = _rate("female", SEX_EFFECT["male"], noise=1.0)
    share = {s: FEMALE_SHARE * p for s, p in SECTOR_SHARE["female"].items()}
    women = {s: p / (p + (1 - FEMALE_SHARE) * SECTOR_SHARE["male"][s]) for s, p in share.items()}
    return LendingTruth(
        matters=(*SLOPES, "late_payments", "homeowner", "education", "sector", "sex"),
        ignored=("applied_on", "term_months", "newsletter", "purpose", "age_band"),
        interaction=("homeowner", "late_payments"),
        proxy={"sex": "sector"},
        proxy_shares=women,
        rates=rates,
        ideal_rates=ideal,
        gap=_spread(rates),
        ideal_gap=_spread(ideal),
        impact_ratio={a: min(r.values()) / max(r.values()) for a, r in rates.items()},
        direct_gap=forgiven - rates["sex"]["female"],
        proxy_gap=rates["sex"]["male"] - forgiven,
    )


def _spread(rates: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    return {a: max(r.values()) - min(r.values()) for a, r in rates.items()}
