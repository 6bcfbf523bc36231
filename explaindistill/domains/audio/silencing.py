"""A sound in which what one column reads says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from explaindistill.domains.audio.spectrum import spectrum, waveform
from explaindistill.domains.audio.stretching import resampled, stretched, whispered
from explaindistill.domains.audio.voice import voice

if TYPE_CHECKING:
    from explaindistill.domains.audio.columns import AudioColumns

__all__ = ["only", "silenced_wave"]


def silenced_wave(
    wave: NDArray[np.float64], columns: AudioColumns, name: str, rng: np.random.Generator
) -> NDArray[np.float64]:
    """A band is stopped in its part; a third gets the usual spectrum; pitch and length are as usual; a voice whispers.

    Parameters
    ----------
    wave : ndarray of shape (t,)
    columns : AudioColumns, fitted
    name : str
    rng : numpy.random.Generator
    """
    from explaindistill.domains.audio.columns import DURATION, PITCH

    rate = float(columns.rate)
    if (cell := columns.cell(name)) is not None:
        seen = spectrum(wave, rate)
        gain = np.ones((len(columns.layout_.edges) - 1, columns.n_parts))
        gain[cell] = 0.0
        return waveform(seen, seen.values * columns.layout_.gains(seen, gain))
    if (third := columns.third(name)) is not None:
        seen = spectrum(wave, rate)
        return waveform(seen, seen.values * columns.thirds.gains(seen, columns.usual_gains(seen, third)))
    usual = float(columns.usual_[name])
    if name == DURATION:
        return stretched(wave, rate, usual * rate / len(wave))
    if name == PITCH:
        pitch = voice(wave, rate).pitch
        return wave if np.isnan(pitch) else resampled(stretched(wave, rate, usual / pitch), len(wave))
    return whispered(wave, rate, rng)


def only(wave: NDArray[np.float64], columns: AudioColumns, names: list[str]) -> NDArray[np.float64]:
    """The sound with everything but the cells of some columns removed."""
    cells = [cell for name in names if (cell := columns.cell(name)) is not None]
    if not cells:
        return wave.copy()
    gain = np.zeros((len(columns.layout_.edges) - 1, columns.n_parts))
    for cell in cells:
        gain[cell] = 1.0
    seen = spectrum(wave, float(columns.rate))
    gains = columns.layout_.gains(seen, gain)
    bins = columns.layout_.bins(seen.values.shape[1])
    return waveform(seen, seen.values * np.where(bins.sum(axis=0) > 0, gains, 0.0))
