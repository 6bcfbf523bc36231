"""A small domain: short series of readings, such as those of a meter, read by level, slope and last value."""

from __future__ import annotations

import html

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from explaindistill.errors import InvalidInputError

__all__ = ["SeriesColumns", "SeriesDomain", "SeriesSampler"]


class SeriesDomain(BaseEstimator):
    """Short series of numbers, each of its own length."""

    def __init__(self, column=None):
        self.column = column  # of a frame, where the series stand beside ordinary columns

    def objects(self, X):
        values = np.empty(len(X), dtype=object)
        for i, series in enumerate(X):
            values[i] = np.asarray(series, dtype=float)
            if values[i].ndim != 1 or len(values[i]) < 3:
                raise InvalidInputError(f"X must hold series of at least 3 numbers, got shape {values[i].shape}")
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
            "read in reverse": lambda objects, rng: self.objects([series[::-1] for series in objects]),
            "read in reverse, control": lambda objects, rng: self.objects(
                [np.append(rng.permutation(series[:-1]), series[-1]) for series in objects]
            ),
        }

    def show(self, value, columns, reasons):
        readings = " ".join(f"{reading:.2f}" for reading in value)
        counted = reasons[reasons["term"] != "(base)"].sort_values("contribution", key=abs, ascending=False)
        strongest = html.escape(str(counted["term"].iloc[0])) if len(counted) else "nothing"
        return f"<p>{readings}</p><p>What counted most: <b>{strongest}</b></p>"


class SeriesColumns(BaseEstimator):
    """Level and slope of all readings but the last, and the last one."""

    def fit(self, objects, P=None):
        return self

    def transform(self, objects):
        rows = [(s[:-1].mean(), np.polyfit(np.arange(len(s) - 1), s[:-1], 1)[0], s[-1]) for s in objects]
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
        drawn = np.empty(n, dtype=object)
        for i, (a, b) in enumerate(parents):
            first, second = self.objects_[a], self.objects_[b]
            drawn[i] = np.concatenate([first[: len(first) // 2 + 1], second[len(second) // 2 :]])
        return drawn, parents


def _flat(series):
    steps = np.arange(len(series) - 1) - (len(series) - 2) / 2
    return np.append(series[:-1] - np.polyfit(steps, series[:-1], 1)[0] * steps, series[-1])


SILENCED = {  # each takes away what one column reads, and leaves to the others what they read
    "level": lambda series: np.append(series[:-1] - series[:-1].mean(), series[-1]),
    "slope": _flat,
    "last value": lambda series: np.append(series[:-1], 0.0),
}
