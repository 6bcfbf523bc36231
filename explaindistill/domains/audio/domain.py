"""Sounds as what a Distiller takes: arrays of samples, read by bands over parts, spectral shape, voice and length."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from explaindistill.domains.audio.columns import AudioColumns
from explaindistill.domains.audio.edits import audio_edits
from explaindistill.domains.audio.showing import ShownSound, show_sound
from explaindistill.domains.audio.waves import as_waves

__all__ = ["AudioDomain"]


class AudioDomain(BaseEstimator):
    """Sounds in one channel: a list of arrays ``(t,)`` whose lengths may differ, or an array ``(n, t)``.

    The teacher is asked with sounds in the type that ``fit`` was given them in; it gets copies.

    Parameters
    ----------
    rate : float
        Samples per second, of all sounds.
    kinds : sequence of str, default=("bands",)
        What a student reads: ``"bands"`` (energy of each band in each part of the sound, over the sound's mean, in
        dB), ``"variation"`` (standard deviation of the level along the sound, of each two neighbouring bands, in dB),
        ``"shape"`` (middle of the spectrum, and share of high energy, in each third), ``"voice"`` (pitch, and how
        much is voiced) and ``"length"`` (duration in seconds).
    bands : int, or sequence of Hz, default=10
        How many bands, evenly apart as heard up to half the rate, or their edges.
    n_parts : int, default=3
        Parts of a sound. Thirty columns in all: of spoken digits ten bands in thirds say more than six in fifths.
    parts : {"heard", "time"}, default="heard"
        What the parts have in equal shares: what is heard, where loud moments count up to about twice and pauses
        little, or time alone. Of spoken digits the first says more, since people pause before and after a word.
    player : bool, default=False
        Whether ``show`` has a player with what is left of the sound when all is removed but what counted. A voice is
        a person: it is in no page unless this says so.
    column : str, optional
        Column of a frame that holds the sounds, beside ordinary columns.

    Notes
    -----
    No sounds are made up: none of the ways that were measured (noise, stretched, cut, masked or joined words) raised
    the agreement of a tree on held-out sounds.

    See Also
    --------
    explaindistill.Distiller : takes it as ``domain=``.

    Examples
    --------
    >>> t = np.arange(2000) / 8000
    >>> tones = [np.sin(2 * np.pi * hertz * t) for hertz in (300, 900, 2500)]
    >>> columns = AudioDomain(8000, ["bands"], bands=3, n_parts=1).columns().fit(tones)
    >>> columns.transform(tones).idxmax(axis=1).tolist()
    ['50–680 Hz', '680–1,800 Hz', '1,800–4,000 Hz']
    """

    def __init__(
        self,
        rate: float,
        kinds: Sequence[str] = ("bands",),
        *,
        bands: int | Sequence[float] = 10,
        n_parts: int = 3,
        parts: str = "heard",
        player: bool = False,
        column: str | None = None,
    ) -> None:
        self.rate = rate
        self.kinds = kinds
        self.bands = bands
        self.n_parts = n_parts
        self.parts = parts
        self.player = player
        self.column = column

    def objects(self, X: Any) -> NDArray[np.object_]:
        """The sounds ``(n,)``; raises ``InvalidInputError`` for what is none, is empty, in stereo, or NaN."""
        return as_waves(X)

    def restore(self, objects: NDArray[np.object_], like: Any) -> Any:
        """Copies of sounds in a list; in an array ``(n, t)`` where ``like`` is one, cut or filled with silence to t."""
        if not (isinstance(like, np.ndarray) and like.dtype != object and like.ndim == 2):
            return [wave.copy() for wave in objects]
        quiet = 128 if like.dtype == np.uint8 else 0
        stack = np.full((len(objects), like.shape[1]), quiet, dtype=like.dtype)
        for row, wave in zip(stack, objects, strict=True):
            n = min(len(wave), len(row))
            row[:n] = wave[:n]
        return stack

    def key(self, value: Any) -> bytes:
        """Type and samples of one sound; 0 and -0 are equal."""
        wave = np.asarray(value)
        content = wave + wave.dtype.type(0) if wave.dtype.kind == "f" else wave
        return wave.dtype.str.encode() + b":" + np.ascontiguousarray(content).tobytes()

    def columns(self) -> AudioColumns:
        """A new transformer from sounds to columns."""
        return AudioColumns(self.rate, self.kinds, self.bands, self.n_parts, self.parts)

    def sampler(self) -> None:
        """None: no sounds are made up."""
        return

    def silenced(
        self, objects: NDArray[np.object_], columns: AudioColumns, name: str, rng: np.random.Generator
    ) -> NDArray[np.object_]:
        """The same sounds, in which what one column reads says nothing.

        A band is stopped in its part; a third gets the usual share of energy in each band; length and pitch are as
        usual; a voice whispers.
        """
        return columns.silenced(objects, name, rng)

    def edits(self) -> Mapping[str, Callable[..., NDArray[np.object_]]]:
        """Sounds in noise, louder, quieter, slower and through a telephone, and a control with noise nobody hears."""
        return audio_edits(float(self.rate))

    def show(self, value: Any, columns: AudioColumns, reasons: pd.DataFrame) -> ShownSound:
        """Spectrogram with the bands that counted; ``.heard`` is the sound with everything else removed."""
        return show_sound(value, columns, reasons, self.player)
