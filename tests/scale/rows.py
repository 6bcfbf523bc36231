"""Teachers whose answers do not depend on the batch, and rows of every kind, cut by chance."""

import functools
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd


class Blend:
    """A teacher whose answer to a row depends on that row alone, to the last bit, whatever the batch."""

    def __init__(self, n_classes=2):
        self.classes_ = np.array([f"class {k}" for k in range(n_classes)])

    def scores(self, X):
        out = np.zeros((len(X), len(self.classes_)))
        for j, name in enumerate(X.columns):
            z = _numbers(X[name])
            for k in range(out.shape[1]):
                out[:, k] += z * np.sin(3 * k + 1.7 * j) + 0.3 * np.cos(z * (k + 1))
        return out

    def predict_proba(self, X):
        scores = self.scores(X)
        powers = np.exp(np.clip(scores - scores.max(axis=1, keepdims=True), -8, 0))
        return powers / powers.sum(axis=1, keepdims=True)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def fingerprint(self):
        return f"blend {len(self.classes_)}"

    def __sklearn_clone__(self):
        return self


def _numbers(column):
    if pd.api.types.is_datetime64_any_dtype(column):
        return column.to_numpy().astype("datetime64[s]").astype(np.int64) / 1e9
    if pd.api.types.is_numeric_dtype(column):
        z = column.to_numpy(dtype=float, na_value=np.nan)
        return np.where(np.isnan(z), 0.3, np.sign(z) * np.log1p(np.abs(z)))
    return np.array([len(str(v)) + ord(str(v)[0]) % 7 for v in column], dtype=float)


def value(X):
    """Answers of a regression teacher, of both signs."""
    return 9 * Blend().predict_proba(X)[:, 1] - 4


def two_values(X):
    P = Blend(3).predict_proba(X)
    return np.stack([7 * P[:, 0], -2 * P[:, 1] ** 2], axis=1)


def mixed_rows(n, seed=0):
    """Columns of every kind: skewed, whole, missing, categories, very many of them, order, flags, dates, a key."""
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(
        {
            "skewed": np.exp(2 * rng.normal(size=n)),
            "normal": rng.normal(size=n).round(3),
            "count": rng.integers(0, 40, n),
            "gaps": np.where(rng.random(n) < 0.2, np.nan, rng.random(n)),
            "city": rng.choice(["Bern", "Zug", "Aarau", "Chur"], n, p=[0.5, 0.3, 0.19, 0.01]),
            "code": [f"k{i}" for i in rng.integers(0, 300, n)],
            "grade": pd.Categorical(rng.choice(list("abcde"), n), categories=list("edcba"), ordered=True),
            "flag": rng.random(n) < 0.4,
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), unit="D"),
            "home_own": (u := rng.integers(0, 2, n)),
            "home_rent": 1 - u,
            "number": np.arange(n)[::-1] + 100_000,
        }
    )
    rows.loc[rng.random(n) < 0.1, "city"] = None
    return rows


def cut(rows, n_parts, seed):
    """Rows dealt out to parts by chance, in any order; some parts may stay empty."""
    rng = np.random.default_rng(seed)
    rows = rows.iloc[rng.permutation(len(rows))]
    part = rng.integers(0, n_parts, len(rows))
    return [rows[part == i] for i in range(n_parts)]


class Turns(Blend):
    """Says so where a second question comes before the first is answered."""

    busy = False

    def predict_proba(self, X):
        assert not self.busy, "two questions at once"
        self.busy = True
        time.sleep(0.02)
        answers = super().predict_proba(X)
        self.busy = False
        return answers


class InThreads:
    """Parts of which several are at work at once, as on a worker of a cluster with threads."""

    elsewhere = True

    def __init__(self, parts):
        self.parts = parts

    def step(self, function, *arguments):
        with ThreadPoolExecutor(4) as pool:
            return InThreads(list(pool.map(lambda part: function(part, *arguments), self.parts)))

    def ask(self, function, *arguments, reduce):
        return functools.reduce(reduce, self.step(function, *arguments).parts)

    def __len__(self):
        return len(self.parts)
