"""Pitch and voicing of a sound."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Voice", "voice"]

LOWEST, HIGHEST = 70.0, 400.0
"""Hz between which pitch is looked for: voices of adults and children."""
WINDOW_SECONDS, STEP_SECONDS = 0.045, 0.01
"""Three periods of the lowest pitch fit into the window."""
VOICED = 0.5
"""Autocorrelation from which a frame has a pitch."""
FAINT = 1e-4
"""Frames of less energy than this share of the loudest frame's (40 dB below) count as pauses."""
FINER = 4
"""Lags per sample: between two samples the top of a high voice's period would be missed, and twice the period taken."""
OCTAVE = 0.02
"""What one octave of a lower candidate costs: a period of twice the length fits as well, and is the wrong one."""


class Voice:
    """Pitch and voicing.

    Attributes
    ----------
    pitch : float
        Median over voiced frames, in Hz; NaN where there are none.
    voiced : float
        Share of frames that are voiced, of those that are no pause; NaN in silence.
    """

    def __init__(self, pitch: float, voiced: float) -> None:
        self.pitch, self.voiced = pitch, voiced


def voice(samples: NDArray[np.float64], rate: float) -> Voice:
    """Pitch and voicing by autocorrelation, corrected for the window.

    References
    ----------
    Boersma (1993), Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a
    sampled sound. Proceedings of the Institute of Phonetic Sciences 17, 97-110.

    Examples
    --------
    >>> t = np.arange(8000) / 8000
    >>> buzz = sum(np.sin(2 * np.pi * 120 * k * t) / k for k in range(1, 9))
    >>> heard = voice(buzz, 8000)
    >>> round(heard.pitch), round(heard.voiced, 1)
    (120, 1.0)
    """
    size, step = max(8, round(WINDOW_SECONDS * rate)), max(1, round(STEP_SECONDS * rate))
    padded = np.pad(samples, (0, max(0, size - len(samples))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::step]
    frames = frames - frames.mean(axis=1, keepdims=True)
    energy = (frames**2).sum(axis=1)
    loud = energy > FAINT * energy.max() if energy.max() > 0 else np.zeros(len(energy), dtype=bool)
    # a constant is not silence in floating point: what rounding leaves of it has no pitch
    loud &= energy > size * (1e-9 * np.abs(padded).max()) ** 2
    if not loud.any():
        return Voice(np.nan, np.nan)
    window = np.hanning(size + 2)[1:-1]
    shortest, longest = max(2, int(FINER * rate / HIGHEST)), min(int(FINER * rate / LOWEST), FINER * size // 2)
    if longest <= shortest:
        return Voice(np.nan, np.nan)
    of_window = _autocorrelation(window[None])[0]
    at = _autocorrelation(frames[loud] * window)[:, : longest + 2] / of_window[: longest + 2]
    lags = np.arange(shortest, longest + 1)
    strength = at[:, lags] - OCTAVE * np.log2(lags / shortest)
    best = lags[strength.argmax(axis=1)]
    height = at[np.arange(len(at)), best]
    voiced = height >= VOICED
    if not voiced.any():
        return Voice(np.nan, 0.0)
    periods = _peaks(at, best)[voiced] / FINER
    return Voice(float(rate / np.median(periods)), float(voiced.mean()))


def _autocorrelation(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each row at lags of a quarter of a sample, 1 at lag 0."""
    size = frames.shape[1]
    spectra = np.abs(np.fft.rfft(frames, 2 * size, axis=1)) ** 2
    at = np.fft.irfft(spectra, 2 * size * FINER, axis=1)[:, : size * FINER]
    return at / at[:, :1]


def _peaks(at: NDArray[np.float64], best: NDArray[np.intp]) -> NDArray[np.float64]:
    """Lag of the top of a parabola through the best lag and its neighbours."""
    rows = np.arange(len(at))
    before, top, after = (at[rows, best + k] for k in (-1, 0, 1))
    bend = before - 2 * top + after
    step = np.where(bend < 0, 0.5 * (before - after) / np.where(bend < 0, bend, 1.0), 0.0)
    return best + np.clip(step, -0.5, 0.5)
