"""Smaller copies of a sum of curves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from explaindistill.data.json_digits import fewer_digits
from explaindistill.students._changed import DIGITS, Step, changed, on_grid

__all__ = ["on_value_grid", "smaller"]


def smaller(self: Any, *, keep_values: bool = False) -> Iterator[Step]:
    """Copies without the weakest term or with fewer digits, each with what was done, in words.

    Parameters
    ----------
    keep_values : bool
        Without effect: digits of values on a grid are cut like all others.
    """
    if self.shapes_:
        weakest = int(np.argmin([np.sum(shape.spread) for shape in self.shapes_]))
        others = [shape for i, shape in enumerate(self.shapes_) if i != weakest]
        yield f"term {self.shapes_[weakest].name} dropped", changed(self, shapes_=others)
    form = self.to_dict()
    for digits in DIGITS:
        yield f"numbers with {digits} digits", type(self).from_dict(fewer_digits(form, digits))


def on_value_grid(self: Any, bits: int) -> Any:
    """Copy in which the values of each curve lie on ``2**bits`` levels between its lowest and its highest."""
    return changed(self, shapes_=[shape.with_values(on_grid(shape.values, bits)) for shape in self.shapes_])
