"""The short-time spectrum of a sound, the energy of bands in parts of it, and the way back to samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Layout", "Spectrum", "band_edges", "spectrum", "waveform"]

WINDOW_SECONDS = 0.032
"""Length of the window, near the next power of two: words and notes hardly change within it."""
STEPS = 4
"""Steps of the window within its own length."""
FLOOR_DB = 70.0
"""Nothing is fainter than so much below the loudest: what is there is the noise of the recording."""
HEARD_BANDS = 10
"""Bands over which loudness is the mean level: parts begin and end alike, whatever bands are read of them."""
PARTS = ("heard", "time")
LOWEST_HZ = 50.0
"""Below are rumble and the sound of the microphone itself."""
NAMES = {2: "half", 3: "third", 4: "quarter", 5: "fifth", 6: "sixth"}
ORDINALS = ("1st", "2nd", "3rd")


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Spectrum of a sound.

    Attributes
    ----------
    values : complex ndarray of shape (frames, bins)
    n_samples : int
    window : ndarray of shape (w,)
    hop : int
        Samples between frames; frame i stands around sample ``i * hop``.
    """

    values: NDArray[np.complex128]
    n_samples: int
    window: NDArray[np.float64]
    hop: int

    @property
    def power(self) -> NDArray[np.float64]:
        """Energy per frame and bin."""
        return np.abs(self.values) ** 2


def spectrum(samples: NDArray[np.float64], rate: float, steps: int = STEPS) -> Spectrum:
    """Short-time spectrum, also of sounds that are shorter than the window.

    Examples
    --------
    >>> tone = np.sin(2 * np.pi * 1000 * np.arange(8000) / 8000)
    >>> stft = spectrum(tone, 8000)
    >>> int(stft.power.sum(axis=0).argmax() * 8000 / len(stft.window))
    1000
    """
    size = max(16, 2 ** round(np.log2(max(rate * WINDOW_SECONDS, 16))))
    hop = size // steps
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    n_frames = 1 + -(-len(samples) // hop)
    padded = np.zeros((n_frames - 1) * hop + size)
    padded[size // 2 : size // 2 + len(samples)] = samples
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    return Spectrum(np.fft.rfft(frames * window, axis=1), len(samples), window, hop)


def waveform(stft: Spectrum, values: NDArray[np.complex128], n_samples: int | None = None) -> NDArray[np.float64]:
    """Samples of a changed spectrum: the nearest ones in squared error.

    References
    ----------
    Griffin and Lim (1984), doi:10.1109/TASSP.1984.1164317, equation 6.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(size=777)
    >>> stft = spectrum(noise, 8000)
    >>> bool(np.allclose(waveform(stft, stft.values), noise))
    True
    """
    size, n = len(stft.window), stft.n_samples if n_samples is None else n_samples
    frames = np.fft.irfft(values, size, axis=1) * stft.window
    total = np.zeros((len(frames) - 1) * stft.hop + size)
    weight = np.zeros_like(total)
    for i, frame in enumerate(frames):
        at = slice(i * stft.hop, i * stft.hop + size)
        total[at] += frame
        weight[at] += stft.window**2
    mended = total / np.where(weight > 1e-9, weight, 1.0)
    return np.pad(mended, (0, size))[size // 2 : size // 2 + n]


def band_edges(rate: float, n: int) -> tuple[float, ...]:
    """Edges of ``n`` bands from 50 Hz to half the rate, evenly apart on the mel scale, rounded to two figures.

    References
    ----------
    O'Shaughnessy (1987), Speech Communication: Human and Machine, page 150.

    Examples
    --------
    >>> band_edges(8000, 6)
    (50.0, 320.0, 680.0, 1200.0, 1800.0, 2800.0, 4000.0)
    """
    lowest = min(LOWEST_HZ, rate / 40)  # of slow signals, such as those of machines, a share
    low, top = (2595 * np.log10(1 + hertz / 700) for hertz in (lowest, rate / 2))
    edges = 700 * (10 ** (np.linspace(low, top, n + 1) / 2595) - 1)
    digits = 10.0 ** (np.floor(np.log10(edges)) - 1)
    rounded = (np.rint(edges / digits) * digits).tolist()
    return (lowest, *rounded[1:-1], rate / 2)


@dataclass(frozen=True)
class Layout:
    """Bands and parts of a sound: cells, part by part within each band.

    Attributes
    ----------
    rate : float
        Samples per second.
    edges : tuple of float
        Of the bands, in Hz.
    n_parts : int
    parts : {"heard", "time"}
        What the parts have in equal shares.

    Examples
    --------
    >>> Layout(8000, (0.0, 1000.0, 4000.0), 2).names
    ['0–1,000 Hz, 1st half', '0–1,000 Hz, 2nd half', '1,000–4,000 Hz, 1st half', '1,000–4,000 Hz, 2nd half']
    """

    rate: float
    edges: tuple[float, ...]
    n_parts: int
    parts: str = "time"

    @property
    def names(self) -> list[str]:
        """Names of the cells."""
        bands = [f"{a:,.6g}–{b:,.6g} Hz" for a, b in zip(self.edges[:-1], self.edges[1:], strict=True)]
        return [f"{band}{end}" for band in bands for end in part_names(self.n_parts)]

    def bins(self, n_bins: int) -> NDArray[np.float64]:
        """Share of each bin ``(bands, bins)`` that lies in each band."""
        width = self.rate / 2 / (n_bins - 1)
        edges = np.array(self.edges)
        lower, upper = edges[:-1].copy(), edges[1:].copy()
        # the bins at both ends stand half outside
        lower[0] = lower[0] if lower[0] > 0 else -width
        upper[-1] = upper[-1] if upper[-1] < self.rate / 2 else self.rate
        return _overlap(lower, upper, np.arange(n_bins, dtype=np.float64) * width, float(width))

    def ends(self, stft: Spectrum) -> NDArray[np.float64]:
        """Samples at which parts begin and end ``(n_parts + 1,)``.

        Of what is heard each part has as much: a moment weighs 1, and by its loudness over the sound's mean as much
        again. Loudness is in dB over the faintest moment, so that pauses weigh little and noise of a recording nothing.

        Examples
        --------
        >>> sound = np.concatenate([np.zeros(4000), np.sin(np.arange(4000))])
        >>> stft = spectrum(sound, 8000)
        >>> [Layout(8000, (0.0, 4000.0), 2, parts).ends(stft).round(-2).tolist() for parts in PARTS]
        [[0.0, 5100.0, 8000.0], [0.0, 4000.0, 8000.0]]
        """
        shares = np.linspace(0, 1, self.n_parts + 1)
        if self.parts == "time" or self.n_parts == 1:
            return shares * stft.n_samples
        borders = np.clip((np.arange(len(stft.values) + 1) - 0.5) * stft.hop, 0, stft.n_samples)
        loudness = self._loudness(stft)
        mean = loudness.mean()
        weight = np.diff(borders) * (1 + (loudness / mean if mean > 0 else 0.0))
        passed = np.concatenate([[0.0], np.cumsum(weight)])
        return np.interp(shares * passed[-1], passed, borders)

    def _loudness(self, stft: Spectrum) -> NDArray[np.float64]:
        """Level of each frame ``(frames,)`` in dB over the faintest, the mean of bands as the ear has them."""
        bands = Layout(self.rate, band_edges(self.rate, HEARD_BANDS), 1)
        level = _decibels(stft.power @ bands.bins(stft.values.shape[1]).T).mean(axis=1)
        return np.asarray(level - level.min())

    def frames(self, stft: Spectrum) -> NDArray[np.float64]:
        """Share of each frame ``(parts, frames)`` that lies in each part."""
        edges = self.ends(stft)
        lower, upper = edges[:-1].copy(), edges[1:].copy()
        lower[0], upper[-1] = -np.inf, np.inf  # what the window sees before and after the sound
        return _overlap(lower, upper, np.arange(len(stft.values), dtype=np.float64) * stft.hop, float(stft.hop))

    def levels(self, stft: Spectrum) -> NDArray[np.float64]:
        """Mean level of each cell ``(bands, parts)`` in dB over the mean of all cells; 0 everywhere in silence."""
        frames = self.frames(stft)
        cells = (frames / frames.sum(axis=1, keepdims=True) @ self.tracks(stft)).T
        return cells - cells.mean()

    def tracks(self, stft: Spectrum) -> NDArray[np.float64]:
        """Level of each band along the sound ``(frames, bands)`` in dB; 0 everywhere in silence."""
        return _decibels(stft.power @ self.bins(stft.values.shape[1]).T)

    def energies(self, stft: Spectrum) -> NDArray[np.float64]:
        """Mean energy per frame of each cell ``(bands, parts)``."""
        frames = self.frames(stft)
        weights = frames / frames.sum(axis=1, keepdims=True)
        return self.bins(stft.values.shape[1]) @ (weights @ stft.power).T

    def gains(self, stft: Spectrum, gain: NDArray[np.float64]) -> NDArray[np.float64]:
        """Factor of each frame and bin ``(frames, bins)`` for factors of the cells ``(bands, parts)``."""
        bins = self.bins(stft.values.shape[1])
        frames = self.frames(stft)
        share_frames = frames / frames.sum(axis=0, keepdims=True)
        total = bins.sum(axis=0, keepdims=True)
        share_bins = bins / np.where(total > 0, total, 1.0)
        # what lies in no band stays as it is
        return share_frames.T @ gain.T @ share_bins + (total <= 0)


def part_names(n: int) -> list[str]:
    """Ends of names for ``n`` parts of a sound.

    Examples
    --------
    >>> part_names(3), part_names(1), part_names(7)[3]
    ([', 1st third', ', 2nd third', ', 3rd third'], [''], ', part 4 of 7')
    """
    if n == 1:
        return [""]
    if n not in NAMES:
        return [f", part {i + 1} of {n}" for i in range(n)]
    return [f", {ORDINALS[i] if i < 3 else f'{i + 1}th'} {NAMES[n]}" for i in range(n)]


def _decibels(power: NDArray[np.float64]) -> NDArray[np.float64]:
    """Levels in dB, held at the floor; 0 everywhere in silence."""
    peak = float(power.max())
    return 10 * np.log10(np.maximum(power, peak * 10 ** (-FLOOR_DB / 10))) if peak > 0 else np.zeros(power.shape)


def _overlap(
    lower: NDArray[np.float64], upper: NDArray[np.float64], centre: NDArray[np.float64], width: float
) -> NDArray[np.float64]:
    """Shares ``(m, n)`` of n pieces of a width around their centres that lie in m intervals."""
    overlap = np.minimum(upper[:, None], centre + width / 2) - np.maximum(lower[:, None], centre - width / 2)
    return np.clip(overlap / width, 0.0, 1.0)
