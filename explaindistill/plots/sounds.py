"""One sound: its spectrogram, and the bands that counted for an answer or against it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.plots.canvas import SERIES, figure, label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["sound_reasons"]

FAINTEST, STRONGEST = 0.15, 0.7
"""How opaque the boxes of the weakest and the strongest contribution are."""


def sound_reasons(
    levels: NDArray[np.float64],
    seconds: float,
    hertz: tuple[float, float],
    boxes: Sequence[tuple[tuple[float, float, float, float], float]],
    answer: Any,
    top: float | None = None,
) -> Axes:
    """Spectrogram with a box for each band that counted, and its contribution in figures.

    What counts for the answer is blue and positive, what counts against it orange and negative.

    Parameters
    ----------
    levels : ndarray of shape (bins, frames)
        In dB, or any unit that grows with loudness; bins from 0 Hz up.
    seconds : float
        Length of the sound.
    hertz : (float, float)
        What is shown.
    boxes : sequence of ((start, stop, low, high), contribution)
        In seconds and Hz.
    answer : object
    top : float, optional
        Frequency of the highest bin; the upper end of ``hertz`` when None.

    Returns
    -------
    Axes

    Examples
    --------
    >>> ax = sound_reasons(np.zeros((5, 9)), 0.5, (0.0, 4000.0), [((0.1, 0.2, 300.0, 700.0), -1.5)], "seven")
    >>> [text.get_text() for text in ax.texts], ax.get_xlabel(), ax.get_ylabel()
    (['−1.50'], 'time, s', 'frequency, Hz')
    """
    from matplotlib.patches import Rectangle

    ax = figure(6.4, 3.2).subplots()
    extent = (0.0, seconds, 0.0, hertz[1] if top is None else top)
    ax.imshow(levels, origin="lower", aspect="auto", cmap="gray_r", extent=extent, interpolation="nearest")
    most = max((abs(value) for _, value in boxes), default=0.0)
    for (start, stop, low, high), value in boxes:
        strength = FAINTEST + (STRONGEST - FAINTEST) * abs(value) / most if most > 0 else 0.0
        colour = SERIES[0] if value > 0 else SERIES[1]
        ax.add_patch(
            Rectangle((start, low), stop - start, high - low, facecolor=colour, alpha=strength, edgecolor="none")
        )
        ax.text(
            (start + stop) / 2, (low + high) / 2, f"{value:+.2f}".replace("-", "−"), ha="center", va="center",
            fontsize=7, bbox={"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 1},
        )  # fmt: skip
    ax.set_xlim(0, seconds)
    ax.set_ylim(*hertz)
    ax.set_xlabel("time, s")
    ax.set_ylabel("frequency, Hz")
    ax.set_title(f"answer: {label(answer)} (+ for it, − against it)", fontsize=10)
    return ax
