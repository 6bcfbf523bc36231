"""Has the rate of an event risen lately? Exact tests over windows of a stream, with a stated rate of false alarms."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom

from explaindistill.errors import InvalidInputError

__all__ = ["Alarm", "ChangeTest"]

SCALES = (1, 2, 4, 8)
"""Blocks of a window: of a rise that began up to eight blocks ago the longest window inside it holds more than half."""


@dataclass(frozen=True)
class Alarm:
    """The window that gave the alarm: so many of the last blocks, and its p-value."""

    n_blocks: int
    p_value: float


class ChangeTest:
    r"""Compares the last 1, 2, 4 and 8 blocks of a stream with all that came before them.

    Where rows are exchangeable, the number of events in a window of :math:`n` of :math:`N` rows, given :math:`K` events
    in all, is hypergeometric (Fisher's exact test). Each of 4 windows and m kinds of event is tested at the level
    :math:`\alpha = r n_\text{block} / 4m`, so that by the union bound the expected number of false alarms in :math:`t`
    rows is at most :math:`r t`, however often an event happens.

    Parameters
    ----------
    false_alarms : float, above 0 and below 1
        r above: expected false alarms per row, at most.

    Examples
    --------
    >>> test = ChangeTest(false_alarms=1e-6)
    >>> [test.add(np.array([events]), 1000) is not None for events in (50, 48, 55, 51, 140)]
    [False, False, False, False, True]
    """

    def __init__(self, false_alarms: float) -> None:
        if not 0 < false_alarms < 1:
            raise InvalidInputError(f"false_alarms must lie strictly between 0 and 1, got {false_alarms}")
        self.false_alarms = false_alarms
        self.reset()

    def reset(self) -> None:
        """Forget all blocks."""
        self._before: NDArray[np.int64] | None = None
        self._recent: deque[NDArray[np.int64]] = deque()

    def add(self, n_events: NDArray[np.int64], n: int) -> Alarm | None:
        """Add a block of ``n`` rows with so many events of each kind ``(m,)``; an alarm if a window has too many."""
        block = np.append(n_events, n)
        self._recent.append(block)
        if self._before is None:
            self._before = np.zeros_like(block)
        if len(self._recent) > SCALES[-1]:
            self._before += self._recent.popleft()
        recent = np.array(self._recent)
        total = self._before + recent.sum(axis=0)
        windows = [(s, recent[-s:].sum(axis=0)) for s in SCALES if s <= len(recent)]
        alarms = [Alarm(s, _lowest_p(window, total)) for s, window in windows]
        lowest = min(alarms, key=lambda alarm: alarm.p_value)
        # the level of a large block may pass 1: a window that says nothing, such as the first, is no alarm even then
        return lowest if lowest.p_value <= self.false_alarms * n / len(SCALES) and lowest.p_value < 1 else None


def _lowest_p(window: NDArray[np.int64], total: NDArray[np.int64]) -> float:
    """Smallest p-value of the kinds of event, times their number (Bonferroni).

    Of kind j: the chance of at least ``window[j]`` of the ``total[j]`` events in ``window[-1]`` of the ``total[-1]``
    rows.
    """
    if window[-1] == total[-1]:
        return 1.0
    p = hypergeom.sf(window[:-1] - 1, total[-1], total[:-1], window[-1])
    return min(1.0, float(p.min()) * len(p))
