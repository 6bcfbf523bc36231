"""Sounds in which what one column reads says nothing, and sounds of which a few cells are left."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from explaindistill.domains.audio.spectrum import Layout, spectrum, waveform
from explaindistill.domains.audio.stretching import resampled, stretched
from explaindistill.domains.audio.voice import voice

__all__ = ["at_pitch", "of_cells", "of_shares", "of_variation", "without_cell"]

MOST_RAISED = 1e4
"""Factor of energy, 40 dB: hiss is not raised further to be as loud as what usually is there."""


def without_cell(wave: NDArray[np.float64], layout: Layout, cell: tuple[int, int]) -> NDArray[np.float64]:
    """The sound with one band stopped in one part.

    Examples
    --------
    >>> tone = np.sin(2 * np.pi * 500 * np.arange(8000) / 8000)
    >>> stopped = without_cell(tone, Layout(8000, (0.0, 1000.0, 4000.0), 2), (0, 0))
    >>> bool(np.abs(stopped[100:3500]).max() < 0.01), round(float(np.abs(stopped[5000:]).max()), 1)
    (True, 1.0)
    """
    gain = np.ones((len(layout.edges) - 1, layout.n_parts))
    gain[cell] = 0.0
    stft = spectrum(wave, layout.rate)
    return waveform(stft, stft.values * layout.gains(stft, gain))


def of_cells(wave: NDArray[np.float64], layout: Layout, cells: Sequence[tuple[int, int]]) -> NDArray[np.float64]:
    """The sound with everything but some cells removed.

    Examples
    --------
    >>> tone = np.sin(2 * np.pi * 500 * np.arange(8000) / 8000)
    >>> bool(np.abs(of_cells(tone, Layout(8000, (0.0, 1000.0, 4000.0), 1), [(1, 0)])[500:7500]).max() < 0.01)
    True
    """
    gain = np.zeros((len(layout.edges) - 1, layout.n_parts))
    for cell in cells:
        gain[cell] = 1.0
    stft = spectrum(wave, layout.rate)
    inside = layout.bins(stft.values.shape[1]).sum(axis=0) > 0
    return waveform(stft, stft.values * np.where(inside, layout.gains(stft, gain), 0.0))


def of_shares(
    wave: NDArray[np.float64], layout: Layout, place: int, shares: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The sound whose energy in one part, by its place, is shared among the bands as given ``(bands,)``.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(size=8000)
    >>> layout = Layout(8000, (0.0, 1000.0, 4000.0), 1)
    >>> even = layout.energies(spectrum(of_shares(noise, layout, 0, np.array([0.5, 0.5])), 8000))
    >>> (even / even.sum()).round(1).ravel().tolist()
    [0.5, 0.5]
    """
    stft = spectrum(wave, layout.rate)
    cells = layout.energies(stft)
    wanted = shares * cells[:, place].sum()
    if not wanted.any():
        return wave.copy()
    gain = np.ones(cells.shape)
    gain[:, place] = np.sqrt(wanted / np.maximum(cells[:, place], np.maximum(wanted / MOST_RAISED, 1e-300)))
    return waveform(stft, stft.values * layout.gains(stft, gain))


def of_variation(wave: NDArray[np.float64], layout: Layout, band: int, deviation: float) -> NDArray[np.float64]:
    """The sound in which the level of one band varies by so many dB about its mean; one that never varies stays.

    Examples
    --------
    >>> fading = np.exp(-np.arange(8000) / 2000) * np.sin(np.arange(8000))
    >>> layout = Layout(8000, (0.0, 4000.0), 1)
    >>> steady = of_variation(fading, layout, 0, 2.0)
    >>> [float(layout.tracks(spectrum(sound, 8000)).std().round()) for sound in (fading, steady)]
    [10.0, 2.0]
    """
    stft = spectrum(wave, layout.rate)
    level = layout.tracks(stft)[:, band]
    spread = float(level.std())
    if spread == 0:
        return wave.copy()
    change = (level - level.mean()) * (deviation / spread - 1.0)
    gain = np.minimum(10 ** (change / 20), np.sqrt(MOST_RAISED))
    share = layout.bins(stft.values.shape[1])[band]
    return waveform(stft, stft.values * (1.0 + share * (gain[:, None] - 1.0)))


def at_pitch(wave: NDArray[np.float64], rate: float, pitch: float) -> NDArray[np.float64]:
    """The sound at another pitch in Hz, as long as before; a sound without pitch stays as it is.

    Examples
    --------
    >>> tone = np.sin(2 * np.pi * 200 * np.arange(8000) / 8000)
    >>> round(voice(at_pitch(tone, 8000, 150.0), 8000).pitch)
    150
    """
    before = voice(wave, rate).pitch
    return wave.copy() if np.isnan(before) else resampled(stretched(wave, rate, pitch / before), len(wave))
