"""A small domain: short time series, such as the last readings of a meter."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from explaindistill.errors import InvalidInputError


class SeriesDomain(BaseEstimator):
    """Short time series of any length, read by their level, slope and last value."""

    def __init__(self, column=None):
        self.column = column

    def objects(self, X):
        values = np.empty(len(X), dtype=object)
        for i, series in enumerate(X):
            values[i] = np.asarray(series, dtype=float)
            if values[i].ndim != 1 or len(values[i]) < 2:
                raise InvalidInputError(f"X must hold series of at least 2 values, got shape {values[i].shape}")
        return values

    def restore(self, objects, like):
        return np.stack(list(objects)) if getattr(like, "ndim", 1) > 1 else list(objects)

    def key(self, value):
        return value.tobytes()

    def columns(self):
        return SeriesColumns()

    def sampler(self):
        return SeriesSampler()

    def silenced(self, objects, columns, name, rng):
        return self.objects([SILENCED[name](series) for series in objects])

    def edits(self):
        return {
            "read one later": lambda objects, rng: self.objects([np.roll(s, 1) for s in objects]),
            "control: a hundredth of noise": lambda objects, rng: self.objects(
                [s + 0.01 * s.std() * rng.standard_normal(len(s)) for s in objects]
            ),
        }

    def show(self, value, columns, reasons):
        return f"<pre>{' '.join(f'{v:.2f}' for v in value)}</pre>"


class SeriesColumns(BaseEstimator):
    """Mean, slope per step and last value of a series."""

    def fit(self, objects, P=None):
        return self

    def transform(self, objects):
        rows = [(s.mean(), np.polyfit(np.arange(len(s)), s, 1)[0], s[-1]) for s in objects]
        return pd.DataFrame(rows, columns=self.get_feature_names_out())

    def get_feature_names_out(self, input_features=None):
        return ["level", "slope", "last value"]


class SeriesSampler(BaseEstimator):
    """The beginning of one series and the end of another."""

    def fit(self, objects, P=None):
        self.objects_ = objects
        return self

    def draw(self, n, rng):
        parents = rng.integers(len(self.objects_), size=(n, 2))
        made = np.empty(n, dtype=object)
        for i, (a, b) in enumerate(parents):
            first, second = self.objects_[a], self.objects_[b]
            made[i] = np.concatenate([first[: len(first) // 2], second[len(second) // 2 :]])
        return made, parents


def _flat(series):
    steps = np.arange(len(series)) - (len(series) - 1) / 2
    return series - np.polyfit(steps, series, 1)[0] * steps


SILENCED = {
    "level": lambda series: series - series.mean(),
    "slope": _flat,
    "last value": lambda series: np.append(series[:-1], series[:-1].mean()),
}
