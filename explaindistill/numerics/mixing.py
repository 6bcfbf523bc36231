"""Words mixed into keys, by which rows are drawn: the same key wherever a row lies."""

from __future__ import annotations

from typing import Any

import numpy as np

from explaindistill.numerics._jit import kernel

__all__ = ["mix"]


@kernel
def mix(words: Any, keys: Any) -> None:
    """Mix a word ``(n,)`` of each row, int64, into its key ``(n,)``, uint64, in place.

    References
    ----------
    Steele, Lea and Flood (2014), doi:10.1145/2660193.2660195.

    Examples
    --------
    >>> keys = np.zeros(3, dtype=np.uint64)
    >>> mix(np.array([5, 6, 5]), keys)
    >>> bool(keys[0] == keys[2]), bool(keys[0] == keys[1])
    (True, False)
    """
    for i in range(len(words)):
        x = keys[i] * np.uint64(0x9E3779B97F4A7C15) + np.uint64(words[i])
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        keys[i] = x ^ (x >> np.uint64(31))
