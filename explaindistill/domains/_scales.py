"""Numbers of another scale than those of fit: 0 to 255 where 0 to 1 was, and the other way round."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ScaleLimits", "ValueScale"]

UNIT = 1.0
"""Largest number of objects that are written in shares of full scale."""
BLANK = 1e-3
"""An object whose numbers all lie nearer to 0 is blank, and has no scale: what is left of a tone that was filtered out,
or of rounding."""
BELOW = 0.1
"""Numbers below 0 by more than this share of the largest one are no noise about 0."""
NEGATIVE = 0.25
"""Share of such numbers in an object whose mean has been taken off; of fit no number was below 0."""


@dataclass(frozen=True)
class ScaleLimits:
    """From where on numbers are of another scale beyond doubt; between the limits nothing is said.

    Attributes
    ----------
    times : float
        Multiple of the largest number of fit, or of 1 where that is less.
    share : float in (0, 1)
        Share of an object's numbers other than 0 that lie beyond the multiple: a few may, as the sun in a photograph
        does.
    whole : float
        Every object of fit goes beyond this where none that is shown goes beyond 1.
    """

    times: float
    share: float
    whole: float


@dataclass(frozen=True)
class ValueScale:
    """How large the numbers of the objects of fit are.

    Attributes
    ----------
    largest : float
        Largest distance from 0 of any number.
    faintest : float
        Largest distance from 0 in the object where it is least; infinite where all objects are blank.
    is_signed : bool
        Whether any number is below 0.
    limits : ScaleLimits

    Examples
    --------
    >>> scale = ValueScale.of([np.array([0.0, 200.0]), np.array([0.0, 90.0])], ScaleLimits(2.0, 0.5, 2.0))
    >>> scale.mismatch([np.array([0.0, 0.8]), np.array([0.0, 0.3])], "image")
    'none of these 2 images goes beyond 0.8'
    >>> scale.mismatch([np.array([0.0, 51400.0])], "image")
    'image 0 goes up to 51,400'
    >>> scale.mismatch([np.array([0.0, 0.8]), np.array([0.0, 30.0])], "image") is None
    True
    """

    largest: float
    faintest: float
    is_signed: bool
    limits: ScaleLimits

    @classmethod
    def of(cls, objects: Iterable[NDArray[Any]], limits: ScaleLimits) -> ValueScale:
        """Read the scale off the objects of fit."""
        ends = [(float(values.min()), float(values.max())) for values in objects]
        peaks = [max(-low, high) for low, high in ends]
        drawn = [peak for peak in peaks if peak >= BLANK]
        return cls(max(peaks, default=0.0), min(drawn, default=np.inf), any(low < 0 for low, _ in ends), limits)

    def mismatch(self, objects: Iterable[NDArray[Any]], noun: str) -> str | None:
        """What shows that objects, each called ``noun``, are of another scale; None where nothing does."""
        peaks = []
        for i, values in enumerate(objects):
            low, high = float(values.min()), float(values.max())
            peaks.append(max(-low, high))
            if self._is_larger(values, peaks[-1]):
                return f"{noun} {i} goes up to {peaks[-1]:,.6g}"
            if self._is_centred(values, low):
                return f"{noun} {i} goes down to {low:,.6g}"
        peak = max(peaks, default=0.0)
        if np.isfinite(self.faintest) and self.faintest > self.limits.whole and BLANK <= peak <= UNIT:
            subject = f"none of these {len(peaks):,} {noun}s goes" if len(peaks) > 1 else f"{noun} 0 does not go"
            return f"{subject} beyond {peak:,.6g}"
        return None

    def _is_larger(self, values: NDArray[Any], peak: float) -> bool:
        """Whether many numbers but 0, the ground of drawings, lie beyond a multiple of the largest of fit."""
        bound = self.limits.times * max(self.largest, UNIT)
        if peak <= bound:
            return False
        sizes = np.abs(values[values != 0].astype(np.float64))
        return bool((sizes > bound).mean() >= self.limits.share)

    def _is_centred(self, values: NDArray[Any], low: float) -> bool:
        """Whether many numbers lie below 0 where none of fit did."""
        bound = -BELOW * max(self.largest, UNIT)
        return not self.is_signed and low < bound and bool((values < bound).mean() >= NEGATIVE)
