"""Smaller copies of a sum of coefficients."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from explaindistill.students._changed import DIGITS, Step, changed, on_grid, significant
from explaindistill.students.linear.model import LinearModel

__all__ = ["on_value_grid", "smaller"]

CENTRE_DIGITS = 2
"""More digits for the intercept than for coefficients: it takes up what each of them loses, times its mean."""


def smaller(self: Any, *, keep_values: bool = False) -> Iterator[Step]:
    """Copies with fewer digits or without the weakest term, each with what was done, in words.

    The mean over the rows of fitting, ``b_k + sum_q (m_q - c_q) beta_qk``, stays where it was.

    Parameters
    ----------
    keep_values : bool
        Coefficients lie on a grid and are left alone.
    """
    model: LinearModel = self.model_
    mean, off = model.intercept + model.at_mean.sum(axis=0), model.mean - model.centre
    for digits in DIGITS[1:]:
        coef = significant(model.coef, digits)
        if not keep_values and (coef != model.coef).any():
            intercept = significant(mean - off @ coef, digits + CENTRE_DIGITS)
            coarse = replace(model, coef=coef, intercept=intercept)
            yield f"coefficients with {digits} digits", changed(self, model_=coarse)
        means, scale = significant(model.mean, digits), significant(model.scale, digits)
        if (means != model.mean).any() or (scale != model.scale).any():
            coarse = replace(model, mean=means, scale=scale)
            yield f"means and scales with {digits} digits", changed(self, model_=coarse)
    if len(model.columns):
        weakest = int(np.argmin((np.abs(model.coef) * model.scale[:, None]).sum(axis=1)))
        column = model.columns[weakest]
        shorter = _without(model, weakest)
        yield f"term {column.words(model.schema[column.feature])} dropped", changed(self, model_=shorter)


def _without(model: LinearModel, weakest: int) -> LinearModel:
    """The sum without one column; the intercept takes up its mean contribution."""
    others = [q for q in range(len(model.columns)) if q != weakest]
    return replace(
        model,
        columns=tuple(model.columns[q] for q in others),
        coef=model.coef[others],
        mean=model.mean[others],
        scale=model.scale[others],
        centre=model.centre[others],
        intercept=model.intercept + model.at_mean[weakest],
    )


def on_value_grid(self: Any, bits: int) -> Any:
    """Copy whose coefficients lie on ``2**bits`` levels, one of which is 0; the mean of the sum stays."""
    model: LinearModel = self.model_
    zero = np.zeros((1, model.coef.shape[1]))
    coef = on_grid(np.vstack([model.coef, zero]), bits)[:-1]
    mean, off = model.intercept + model.at_mean.sum(axis=0), model.mean - model.centre
    return changed(self, model_=replace(model, coef=coef, intercept=mean - off @ coef))
