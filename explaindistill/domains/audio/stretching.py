"""Sounds of another length or pitch, and sounds that are whispered."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explaindistill.domains.audio.spectrum import spectrum, waveform

__all__ = ["resampled", "stretched", "whispered"]

FINE = 8
"""Steps of the window within its own length: phases are followed more closely than energies."""
LEAST, MOST = 0.25, 4.0
"""Factors beyond which a stretched sound is no longer the same sound."""
ENVELOPE_HZ = 300.0
"""Width over which the harmonics of a voice are smoothed to the shape of the mouth."""


def stretched(samples: NDArray[np.float64], rate: float, factor: float) -> NDArray[np.float64]:
    """The sound ``factor`` times as long, at its own pitch; factors are held between a quarter and four.

    References
    ----------
    Flanagan and Golden (1966), Phase vocoder, doi:10.1002/j.1538-7305.1966.tb01706.x.

    Examples
    --------
    >>> tone = np.sin(2 * np.pi * 500 * np.arange(8000) / 8000)
    >>> longer = stretched(tone, 8000, 1.5)
    >>> len(longer), int(np.abs(np.fft.rfft(longer)).argmax() * 8000 / len(longer))
    (12000, 500)
    """
    factor = float(np.clip(factor, LEAST, MOST))
    n = max(1, round(len(samples) * factor))
    if n == len(samples):
        return samples.copy()
    stft = spectrum(samples, rate, FINE)
    values = stft.values
    n_frames = 1 + -(-n // stft.hop)
    place = np.minimum(np.arange(n_frames) / factor, len(values) - 1)
    lower = np.minimum(place.astype(int), max(len(values) - 2, 0))
    upper = np.minimum(lower + 1, len(values) - 1)
    share = (place - lower)[:, None]
    size = (1 - share) * np.abs(values[lower]) + share * np.abs(values[upper])
    expected = 2 * np.pi * stft.hop * np.arange(values.shape[1]) / len(stft.window)
    turn = np.angle(values[upper]) - np.angle(values[lower]) - expected
    turn = expected + turn - 2 * np.pi * np.rint(turn / (2 * np.pi))
    phase = np.angle(values[0]) + np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(turn[:-1], axis=0)])
    return waveform(stft, size * np.exp(1j * phase), n)


def resampled(samples: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """``n`` samples of the same sound played faster or slower, its pitch with it."""
    if n < len(samples):
        # what would lie above half the new rate is taken out, or it would come back as other tones
        values = np.fft.rfft(samples)
        values[int(len(values) * n / len(samples)) :] = 0
        samples = np.fft.irfft(values, len(samples))
    return np.interp(np.linspace(0, len(samples) - 1, n), np.arange(len(samples)), samples)


def whispered(samples: NDArray[np.float64], rate: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """The sound with its loudness and the shape of its spectrum, and noise in place of its voice."""
    from scipy import ndimage

    stft = spectrum(samples, rate)
    width = max(1, round(ENVELOPE_HZ / (rate / 2) * (stft.values.shape[1] - 1)))
    envelope = np.sqrt(ndimage.uniform_filter1d(stft.power, width, axis=1, mode="nearest"))
    noise = spectrum(rng.normal(size=len(samples)), rate).values
    mean = np.sqrt((np.abs(noise) ** 2).mean())
    return waveform(stft, envelope * noise / (mean if mean > 0 else 1.0))
