r"""Sums of doubles that are the same in any order, and whole sums of the sums of parts.

Two ways. :class:`ExactSum` adds numbers of any size without an error, as a number of 2,200 binary digits. Where a bound
on the sum of all sizes is known it is cheaper to round each number to a multiple of a power of two u so small that the
sum of all has at most 51 digits (:func:`rounded`): no addition then rounds, in any order. Adding :math:`1.5 \cdot
2^{52} u` and taking it off again is that rounding.

References
----------
Demmel and Nguyen (2015), Parallel Reproducible Summation, IEEE Transactions on Computers 64 (7),
doi:10.1109/TC.2014.2345391.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.numerics._jit import kernel

__all__ = ["ExactSum", "lifted", "rounded"]

Array = NDArray[np.float64]
LIMBS = 70
"""Of 32 binary digits each, in 64: all exponents of doubles, and room for 2**31 numbers."""
AT_ONCE = 1 << 20
"""Numbers whose digits are added up by exponent before they become digits of the sum."""
LOWEST = 1075  # the last digit of the smallest double is 2**-1074; the first limb starts one below
DIGITS = 51  # of a sum of rounded numbers; one less than what a double holds beside its sign and its first digit


@dataclass(frozen=True, eq=False)
class ExactSum:
    """The sum of a column of numbers, or of several; of parts of the rows it adds up to that of all.

    Attributes
    ----------
    limbs : int64 ndarray, shape (k, LIMBS)
    shape : shape of the sum
    strange : int
        Numbers that were not finite; the sum is then NaN.

    Examples
    --------
    >>> total = ExactSum.of(np.array([1e100, 1.0])) + ExactSum.of(np.array([-1e100]))
    >>> float(total.value())
    1.0
    """

    limbs: NDArray[np.int64]
    shape: tuple[int, ...]
    strange: int

    @classmethod
    def of(cls, values: Array) -> ExactSum:
        """Sum ``(n,)``, or each column of ``(n, k)``."""
        lines = np.ascontiguousarray(values.reshape(len(values), math.prod(values.shape[1:])).T)
        limbs = np.zeros((len(lines), LIMBS), dtype=np.int64)
        strange = int(_add(lines.view(np.int64), limbs))
        return cls(limbs, values.shape[1:], strange)

    def __add__(self, other: ExactSum) -> ExactSum:
        """Of the numbers of both."""
        return ExactSum(self.limbs + other.limbs, self.shape, self.strange + other.strange)

    def value(self) -> Any:
        """The sum, rounded once: a float, or an array ``(k,)``."""
        if self.strange:
            return np.full(self.shape, np.nan) if self.shape else float("nan")
        out = np.array([_rounded_whole(line) for line in self.limbs]).reshape(self.shape)
        return out if self.shape else float(out)


def _rounded_whole(limbs: NDArray[np.int64]) -> float:
    total = sum(int(limb) << (32 * i) for i, limb in enumerate(limbs.tolist()) if limb)
    try:
        return total / (1 << LOWEST)  # the division of whole numbers is correctly rounded
    except OverflowError:
        return float("inf") if total > 0 else float("-inf")


@kernel
def _add(lines: Any, limbs: Any) -> int:
    """Add doubles, given by their bits ``(k, n)``, to k numbers in limbs; returns how many are not finite."""
    strange = 0
    digits_of = np.zeros((2048, 2), dtype=np.int64)
    for k in range(lines.shape[0]):
        for start in range(0, lines.shape[1], AT_ONCE):
            strange += _add_block(lines[k, start : start + AT_ONCE], limbs[k], digits_of)
    return strange


@kernel
def _add_block(bits: Any, limbs: Any, digits_of: Any) -> int:
    """Add up the digits of numbers by exponent, then as digits of the sum; ``digits_of`` is 0 before and after."""
    strange, least, most = 0, 2047, 0
    low = np.int64(0xFFFFFFFF)
    for b in bits:
        exponent = (b >> 52) & 0x7FF
        digits = b & np.int64(0xFFFFFFFFFFFFF)
        if exponent == 0x7FF:
            strange += 1
            continue
        if exponent == 0:
            exponent = np.int64(1)
        else:
            digits |= np.int64(1) << 52
        least, most = min(least, exponent), max(most, exponent)
        sign = b >> 63  # 0, or -1: (x ^ -1) + 1 is -x, without a branch that is a guess half of the time
        digits_of[exponent, 0] += ((digits & low) ^ sign) - sign
        digits_of[exponent, 1] += ((digits >> 32) ^ sign) - sign
    for exponent in range(least, most + 1):
        for half in range(2):
            # the value is digits * 2**(exponent - 1075): its last digit is digit number `exponent`
            digits = digits_of[exponent, half]
            if digits == 0:
                continue
            limb, shift = (exponent >> 5) + half, exponent & 31
            factor = 1 if digits > 0 else -1
            digits *= factor
            first = (digits & low) << shift  # the sign bit may be set: taken apart by masks only
            second = (digits >> 32) << shift
            limbs[limb] += factor * (first & low)
            limbs[limb + 1] += factor * (((first >> 32) & low) + (second & low))
            limbs[limb + 2] += factor * (second >> 32)
            digits_of[exponent, half] = 0
    return strange


def lifted(bound: float) -> float:
    """What :func:`rounded` adds and takes off, where the sizes of all numbers add up to at most ``bound``.

    Examples
    --------
    >>> lifted(1.0) == 1.5 * 2.0**52 * 2.0**-51
    True
    """
    if not bound > 0:
        return 0.0
    share, exponent = math.frexp(bound)
    exponent -= share == 0.5  # the smallest power of two that is no less
    return math.ldexp(1.5, 52 + max(exponent, -900) - DIGITS)


def rounded(values: Array, lift: float) -> Array:
    """Numbers as multiples of a small power of two, so that no sum of them rounds; see :func:`lifted`.

    Examples
    --------
    >>> x = rounded(np.array([0.1, 0.2, 0.3]), lifted(0.6))
    >>> float(x[0] + x[1] + x[2]) == float(x[2] + x[1] + x[0])
    True
    """
    return (values + lift) - lift
