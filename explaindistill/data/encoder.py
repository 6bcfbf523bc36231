"""Raw rows to a network's numbers, described by data and not by code."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.disclosure import MIN_CATEGORY_SIZE, disclosed
from explaindistill.data.schema import Schema
from explaindistill.errors import InvalidInputError

__all__ = ["TableEncoder"]

ENCODER_VERSION = 1
"""Version of the JSON form; another one is refused."""


class TableEncoder:
    """Standardised numbers, one-hot categories, an indicator where values may be missing.

    A number becomes ``(x - mean) / scale``, 0 where it is missing; a category becomes one column per named level, all 0
    where it is unseen. A column with missing values gets one more column that says so. Categories of few rows are one
    level, "(other)", which unseen ones then are, too.

    Parameters
    ----------
    max_levels : int, at least 2, default=64
        The most frequent categories get a column each, the others none.
    dtype : {"float32", "float64"}, default="float32"
    min_category_size : int, at least 1, default=5
        Categories of fewer rows are "(other)"; see :func:`explaindistill.data.disclosure.disclosed`. A teacher that is
        saved with this encoder names no rarer one. 1 names all.

    Attributes
    ----------
    schema_ : Schema
    columns_ : list of dict
        Per column of the schema: ``mean`` and ``scale``, or ``levels`` (codes), and ``missing`` (bool).
    n_out_ : int

    Examples
    --------
    >>> X = pd.DataFrame({"age": [20.0, 40.0], "home": ["rent", "own"]})
    >>> encoder = TableEncoder(min_category_size=1).fit(X)
    >>> encoder.transform(pd.DataFrame({"age": [50.0], "home": ["tent"]})).tolist()
    [[2.0, 0.0, 0.0]]
    """

    def __init__(
        self, max_levels: int = 64, dtype: str = "float32", min_category_size: int = MIN_CATEGORY_SIZE
    ) -> None:
        self.max_levels = max_levels
        self.dtype = dtype
        self.min_category_size = min_category_size

    def fit(self, X: Any, schema: Schema | None = None) -> TableEncoder:
        """Learn means, scales and levels; ``schema`` is inferred when None."""
        if self.max_levels < 2:
            raise InvalidInputError(f"max_levels must be at least 2, got {self.max_levels}")
        _check_dtype(self.dtype)
        exact = Schema.infer(X) if schema is None else schema
        self.schema_ = disclosed(exact, X, self.min_category_size)
        Z = self.schema_.encode(X)
        self.columns_ = [
            _levels(z, self.max_levels) if f.is_category else _scale(z) for z, f in zip(Z.T, self.schema_, strict=True)
        ]
        return self

    @property
    def n_out_(self) -> int:
        """Width of the result."""
        return sum(len(c.get("levels", [0])) + c["missing"] for c in self.columns_)

    def transform(self, X: Any) -> NDArray[Any]:
        """Numbers ``(n, n_out_)`` of this encoder's dtype."""
        frame: pd.DataFrame = self.schema_.frame(X)
        out = np.zeros((len(frame), self.n_out_), dtype=self.dtype)
        at = 0
        for i, column in enumerate(self.columns_):
            z = self.schema_.column(frame, i)
            gone = np.isnan(z)
            if "levels" in column:
                for level in column["levels"]:
                    out[:, at] = z == level
                    at += 1
            else:
                out[:, at] = np.where(gone, 0.0, (z - column["mean"]) / column["scale"])
                at += 1
            if column["missing"]:
                out[:, at] = gone
                at += 1
        return out

    __call__ = transform

    def to_dict(self) -> dict[str, Any]:
        """Return a versioned JSON form."""
        return {
            "encoder_version": ENCODER_VERSION,
            "dtype": self.dtype,
            "max_levels": self.max_levels,
            "schema": self.schema_.to_dict(),
            "columns": self.columns_,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TableEncoder:
        """Inverse of :meth:`to_dict`; runs no code.

        Raises
        ------
        InvalidInputError
            If the form has another version, or its columns are not those of its schema.
        """
        if data.get("encoder_version") != ENCODER_VERSION:
            raise InvalidInputError(f"encoder_version must be {ENCODER_VERSION}, got {data.get('encoder_version')!r}")
        encoder = cls(int(data["max_levels"]), _check_dtype(str(data["dtype"])))
        encoder.schema_ = Schema.from_dict(data["schema"])
        columns = [_checked(c) for c in data["columns"]]
        if len(columns) != len(encoder.schema_):
            raise InvalidInputError(
                f"the encoder must have as many columns as its schema, {len(encoder.schema_)}, got {len(columns)}"
            )
        encoder.columns_ = columns
        return encoder


def _check_dtype(dtype: str) -> str:
    if dtype not in ("float32", "float64"):
        raise InvalidInputError(f"dtype must be 'float32' or 'float64', got {dtype!r}")
    return dtype


def _scale(z: NDArray[np.float64]) -> dict[str, Any]:
    gone = np.isnan(z)
    values = z[~gone]
    mean = float(values.mean()) if len(values) else 0.0
    spread = float(values.std()) if len(values) else 0.0
    return {"mean": mean, "scale": spread if spread > 1e-12 * max(abs(mean), 1.0) else 1.0, "missing": bool(gone.any())}


def _levels(z: NDArray[np.float64], most: int) -> dict[str, Any]:
    gone = np.isnan(z)
    codes, count = np.unique(z[~gone & (z >= 0)].astype(int), return_counts=True)
    frequent = codes[np.argsort(-count, kind="stable")[:most]]
    return {"levels": sorted(int(c) for c in frequent), "missing": bool(gone.any())}


def _checked(column: Mapping[str, Any]) -> dict[str, Any]:
    if "levels" in column:
        return {"levels": [int(c) for c in column["levels"]], "missing": bool(column["missing"])}
    mean, scale = float(column["mean"]), float(column["scale"])
    if not (math.isfinite(mean) and math.isfinite(scale) and scale > 0):
        raise InvalidInputError(f"mean and scale of a column must be finite and scale above 0, got {mean}, {scale}")
    return {"mean": mean, "scale": scale, "missing": bool(column["missing"])}
