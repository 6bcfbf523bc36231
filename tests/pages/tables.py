"""Made tables that pages suppose a reader to have, with columns of the names that the pages use."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["adult", "applicants", "chances", "compas", "decided"]


def applicants(n: int, seed: int) -> pd.DataFrame:
    """People who ask for a loan; some incomes are missing."""
    rng = np.random.default_rng(seed)
    income = rng.lognormal(10.4, 0.4, n).round(-2)
    return pd.DataFrame(
        {
            "age": rng.integers(18, 80, n),
            "income": np.where(rng.random(n) < 0.03, np.nan, income),
            "debt": rng.gamma(2.0, 9_000.0, n).round(-2),
            "city": rng.choice(["Bern", "Chur", "Thun"], n),
            "postcode": rng.choice(["3000", "3600", "7000", "8000"], n),
            "home": rng.choice(["own", "rent", "other"], n, p=[0.4, 0.5, 0.1]),
            "sex": rng.choice(["female", "male"], n),
        }
    )


def chances(X: pd.DataFrame) -> np.ndarray:
    """Chance of being approved: income helps, debt and renting do not, and women are treated worse."""
    z = (X["income"].fillna(30_000) - 32_000) / 9_000 - (X["debt"] - 18_000) / 12_000 + (X["age"] - 45) / 40
    z = z - 0.6 * (X["home"] == "rent") - 0.5 * (X["sex"] == "female")
    return 1 / (1 + np.exp(-z.to_numpy(dtype=float)))


def decided(X: pd.DataFrame, seed: int) -> np.ndarray:
    """What was decided."""
    return np.where(np.random.default_rng(seed).random(len(X)) < chances(X), "approved", "declined")


def compas(n: int, seed: int) -> pd.DataFrame:
    """A recorded score and an outcome; the score minds age more than the outcome does."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "age": rng.integers(18, 70, n),
            "sex": rng.choice(["Female", "Male"], n),
            "race": rng.choice(["A", "B"], n),
            "priors_count": rng.poisson(2.0, n),
            "juv_fel_count": rng.poisson(0.2, n),
            "c_charge_degree": rng.choice(["F", "M"], n),
        }
    )
    outcome = 0.35 * table["priors_count"] - 0.02 * (table["age"] - 35) - 0.8
    score = 5 + 1.2 * (outcome - 0.04 * (table["age"] - 35)) + rng.normal(0, 0.7, n)
    happened = rng.random(n) < 1 / (1 + np.exp(-outcome))
    return table.assign(decile_score=score.round().clip(1, 10).astype(int), two_year_recid=happened.astype(int))


def adult(n: int, seed: int) -> pd.DataFrame:
    """Columns of the census table that README and the commands name, and its target."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "age": rng.integers(17, 90, n),
            "education": rng.choice(["HS-grad", "Bachelors", "Masters"], n, p=[0.6, 0.3, 0.1]),
            "hours-per-week": rng.integers(10, 70, n),
            "race": rng.choice(["White", "Black"], n, p=[0.8, 0.2]),
            "sex": rng.choice(["Female", "Male"], n),
        }
    )
    z = (table["age"] - 45) / 20 + (table["hours-per-week"] - 42) / 15 + (table["education"] != "HS-grad") - 0.5
    rich = rng.random(n) < 1 / (1 + np.exp(-z + (table["sex"] == "Female")))
    return table.assign(**{"income-per-year": np.where(rich, ">50K", "<=50K")})
