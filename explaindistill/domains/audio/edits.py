"""Named changes of sounds that should not change what is heard, and a control."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.domains.audio.spectrum import spectrum, waveform
from explaindistill.domains.audio.stretching import stretched
from explaindistill.domains.audio.waves import as_waves, like_samples, samples

__all__ = ["audio_edits"]

LOUDER = 2.0
"""6 dB."""
SLOWER = 1.1
TELEPHONE = (300.0, 3400.0)
"""Hz that a telephone line carries (ITU-T G.712)."""
Edit = Callable[[Any, np.random.Generator], NDArray[np.object_]]
Change = Callable[[NDArray[np.float64], np.random.Generator], NDArray[np.float64]]


def audio_edits(rate: float) -> Mapping[str, Edit]:
    """Edits ``edit(objects, rng) -> objects`` by name; sounds keep their type of numbers.

    Silence stays silence. What becomes too loud for whole numbers is clipped, as in a recorder.

    Examples
    --------
    >>> edits = audio_edits(8000)
    >>> list(edits)
    ['20 dB noise', 'louder', 'quieter', 'slower', 'telephone band', '20 dB noise, control']
    >>> edits["louder"]([np.array([0.1, -0.2])], np.random.default_rng(0))[0].tolist()
    [0.2, -0.4]
    """
    ways: dict[str, Change] = {
        "20 dB noise": partial(_noisy, decibels=20.0),
        "louder": lambda wave, rng: wave * LOUDER,
        "quieter": lambda wave, rng: wave / LOUDER,
        "slower": lambda wave, rng: stretched(wave, rate, SLOWER),
        "telephone band": lambda wave, rng: _passed(wave, rate, *TELEPHONE),
        "20 dB noise, control": partial(_noisy, decibels=60.0),
    }

    def edit(way: Change, objects: Any, rng: np.random.Generator) -> NDArray[np.object_]:
        waves = as_waves(objects)
        changed = np.empty(len(waves), dtype=object)
        for i, wave in enumerate(waves):
            changed[i] = like_samples(way(samples(wave), rng), wave)
        return changed

    return MappingProxyType({name: partial(edit, way) for name, way in ways.items()})


def _noisy(wave: NDArray[np.float64], rng: np.random.Generator, decibels: float) -> NDArray[np.float64]:
    """White noise so many dB below the sound."""
    spread = np.sqrt((wave**2).mean()) * 10 ** (-decibels / 20)
    return wave + rng.normal(0.0, 1.0, len(wave)) * spread


def _passed(wave: NDArray[np.float64], rate: float, low: float, high: float) -> NDArray[np.float64]:
    stft = spectrum(wave, rate)
    hertz = np.linspace(0, rate / 2, stft.values.shape[1])
    return waveform(stft, stft.values * ((hertz >= low) & (hertz <= high)))
