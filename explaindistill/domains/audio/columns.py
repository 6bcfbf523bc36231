"""Columns of sounds under names that a person reads: bands over parts, spectral shape, voice and length."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from explaindistill.domains._scales import ScaleLimits, ValueScale
from explaindistill.domains.audio.silencing import at_pitch, of_shares, of_variation, without_cell
from explaindistill.domains.audio.spectrum import PARTS, Layout, Spectrum, band_edges, part_names, spectrum
from explaindistill.domains.audio.stretching import stretched, whispered
from explaindistill.domains.audio.voice import voice
from explaindistill.domains.audio.waves import as_waves, centred, like_samples, same_scale, samples
from explaindistill.errors import InvalidInputError, did_you_mean
from explaindistill.numerics.ranges import whole_in

__all__ = ["KINDS", "AudioColumns"]

KINDS = ("bands", "variation", "shape", "voice", "length")
DURATION, PITCH, VOICED = "duration, in seconds", "pitch, in Hz", "voiced share"
VARIES = "how much {} varies, in dB"
SCALES = ScaleLimits(times=4.0, share=0.05, whole=32.0)
"""Shares of full scale go to 4 where many are added up, no further; 16-bit samples as floats go to hundreds, and a
recording of 32 at most, 60 dB below full scale, has nothing on it."""
THIRDS, FINE_BANDS = 3, 24
"""Parts whose spectral shape is read, and the bands that it is set to usual in: a third of an octave or less each."""


class AudioColumns(TransformerMixin, BaseEstimator):
    """What a student reads of sounds; made by :meth:`~explaindistill.domains.audio.AudioDomain.columns`.

    Parameters
    ----------
    rate : float > 0
        Samples per second.
    kinds : sequence of str
        Of ``"bands"``, ``"variation"``, ``"shape"``, ``"voice"`` and ``"length"``.
    bands : int >= 1, or sequence of Hz
        How many bands, evenly apart as heard, or their edges.
    n_parts : int >= 1
        Parts that a sound has.
    parts : {"heard", "time"}
        Whether parts hold equally much of what is heard, or last equally long.

    Attributes
    ----------
    layout_ : Layout
        Bands and parts.
    usual_ : Series
        Mean of each column.

    Notes
    -----
    Levels are in dB over the mean of the sound's own cells, so that loudness does not count; nothing is fainter than
    70 dB below the loudest moment of a band. Columns that are the same for all sounds of fitting are left out. Pitch
    of a sound that has none, and the spectral shape of a silent third, are NaN.

    Examples
    --------
    >>> t = np.arange(4000) / 8000
    >>> low, high = np.sin(2 * np.pi * 400 * t), np.sin(2 * np.pi * 3000 * t)
    >>> columns = AudioColumns(8000, ["bands"], bands=2, n_parts=1).fit([low, high])
    >>> columns.transform([low]).round().to_dict("records")
    [{'50–1,200 Hz': 34.0, '1,200–4,000 Hz': -34.0}]
    """

    def __init__(
        self,
        rate: float,
        kinds: Sequence[str] = ("bands",),
        bands: int | Sequence[float] = 10,
        n_parts: int = 3,
        parts: str = "heard",
    ) -> None:
        self.rate = rate
        self.kinds = kinds
        self.bands = bands
        self.n_parts = n_parts
        self.parts = parts

    def fit(self, objects: Any, P: Any = None) -> AudioColumns:
        """Learn what is usual; the columns are the same whatever the teacher answers.

        Parameters
        ----------
        objects : sounds (n,), or what :class:`~explaindistill.domains.audio.AudioDomain` takes
        P : ignored
        """
        self._check_parameters()
        waves = as_waves(objects)
        if len(waves) < 2:
            raise InvalidInputError(f"columns need at least 2 sounds that differ, got {len(waves)}")
        self._dtype = waves[0].dtype
        self._scale = ValueScale.of(centred(waves), SCALES)
        edges = self._edges()
        self.layout_ = Layout(float(self.rate), edges, self.n_parts, self.parts)
        # what varies is read in pairs of neighbouring bands
        pairs = Layout(float(self.rate), (*edges[:-1:2], edges[-1]), 1)
        self._pairs = dict(zip((VARIES.format(name) for name in pairs.names), range(len(pairs.names)), strict=True))
        self._pair_layout = pairs
        self._thirds = Layout(float(self.rate), band_edges(self.rate, FINE_BANDS), THIRDS, self.parts)
        values = pd.DataFrame([self._values(samples(wave)) for wave in waves])
        varying = [name for name in values if values[name].nunique() > 1 or 0 < values[name].isna().mean() < 1]
        if not varying:
            raise InvalidInputError(
                f"nothing that {', '.join(self.kinds)} read differs between the {len(waves):,} sounds; give sounds "
                "that differ, or other kinds"
            )
        self.usual_ = values[varying].mean()
        # what silencing the shape of a third sets it to: the usual share of its energy in each band
        self._usual_shares = np.mean([self._band_shares(samples(wave)) for wave in waves], axis=0)
        return self

    def transform(self, objects: Any) -> pd.DataFrame:
        """Columns of each sound ``(n, columns)``."""
        check_is_fitted(self, "usual_")
        names = self.get_feature_names_out()
        waves = as_waves(objects)
        self._check_like_fit(waves)
        rows = [self._values(samples(wave)) for wave in waves]
        return pd.DataFrame(rows, columns=names, dtype=float)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the columns, in order."""
        check_is_fitted(self, "usual_")
        return np.array(self.usual_.index, dtype=object)

    def silenced(self, objects: Any, name: str, rng: np.random.Generator) -> NDArray[np.object_]:
        """The same sounds, in which what one column reads says nothing."""
        names = self.get_feature_names_out()
        if name not in names:
            raise InvalidInputError(f"there is no column {name!r}{did_you_mean(name, list(names))}")
        waves = as_waves(objects)
        self._check_like_fit(waves)
        changed = np.empty(len(waves), dtype=object)
        for i, wave in enumerate(waves):
            changed[i] = like_samples(self._silenced(samples(wave), name, rng), wave)
        return changed

    def _check_like_fit(self, waves: NDArray[np.object_]) -> None:
        """Refuse sounds of another full scale: columns are the same at any loudness, and a teacher's answer is not."""
        same_scale(waves, self._dtype)
        if (mismatch := self._scale.mismatch(centred(waves), "sound")) is not None:
            raise InvalidInputError(
                f"sounds must have the scale of those of fit, whose samples go up to {self._scale.largest:,.6g}; "
                f"{mismatch}: bring them to that scale first, as with wave / 32768"
            )

    def cell(self, name: str) -> tuple[int, int] | None:
        """Band and part that a column is about; None of columns that are about more."""
        names = self.layout_.names
        return divmod(names.index(name), self.n_parts) if name in names and "bands" in self.kinds else None

    def cells(self, name: str) -> list[tuple[int, int]]:
        """Bands and parts that a column is about: one, or all of a pair of bands; none of columns of the whole."""
        if (cell := self.cell(name)) is not None:
            return [cell]
        if name not in self._pairs or "variation" not in self.kinds:
            return []
        first, n_bands = 2 * self._pairs[name], len(self.layout_.edges) - 1
        return [(band, place) for band in range(first, min(first + 2, n_bands)) for place in range(self.n_parts)]

    def _silenced(self, wave: NDArray[np.float64], name: str, rng: np.random.Generator) -> NDArray[np.float64]:
        if (cell := self.cell(name)) is not None:
            return without_cell(wave, self.layout_, cell)
        for third, end in enumerate(part_names(THIRDS)):
            if name in self._shape_names(end):
                return of_shares(wave, self._thirds, third, self._usual_shares[:, third])
        if name in self._pairs:
            return of_variation(wave, self._pair_layout, self._pairs[name], float(self.usual_[name]))
        if name == VOICED:
            return whispered(wave, self.rate, rng)
        usual = float(self.usual_[name])
        return (
            at_pitch(wave, self.rate, usual)
            if name == PITCH
            else stretched(wave, self.rate, usual * self.rate / len(wave))
        )

    def _values(self, wave: NDArray[np.float64]) -> dict[str, float]:
        stft = spectrum(wave, self.rate)
        values: dict[str, float] = {}
        for kind in dict.fromkeys(self.kinds):
            if kind == "bands":
                values |= dict(zip(self.layout_.names, self.layout_.levels(stft).ravel().tolist(), strict=True))
            elif kind == "variation":
                spread = self._pair_layout.tracks(stft).std(axis=0)
                values |= dict(zip(self._pairs, spread.tolist(), strict=True))
            elif kind == "shape":
                values |= self._shape(stft)
            elif kind == "voice":
                heard = voice(wave, self.rate)
                values |= {PITCH: heard.pitch, VOICED: heard.voiced}
            else:
                values[DURATION] = len(wave) / self.rate
        return values

    def _shape(self, stft: Spectrum) -> dict[str, float]:
        """Middle of the spectrum, and share of energy above a quarter of the rate, in each third."""
        power = self._thirds.frames(stft) @ stft.power
        hertz = np.linspace(0, self.rate / 2, power.shape[1])
        total = power.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            middle = power @ hertz / total
            high = power[:, hertz > self.rate / 4].sum(axis=1) / total
        values: dict[str, float] = {}
        for i, end in enumerate(part_names(THIRDS)):
            names = self._shape_names(end)
            values |= dict(zip(names, (float(middle[i]), float(high[i])), strict=True))
        return values

    def _shape_names(self, end: str) -> tuple[str, str]:
        return f"middle of the spectrum in Hz{end}", f"share of energy above {self.rate / 4:,.6g} Hz{end}"

    def _band_shares(self, wave: NDArray[np.float64]) -> NDArray[np.float64]:
        """Share of each third's energy in each band ``(bands, 3)``; even in silence."""
        cells = self._thirds.energies(spectrum(wave, self.rate))
        total = cells.sum(axis=0)
        return np.where(total > 0, cells / np.where(total > 0, total, 1.0), 1.0 / len(cells))

    def _check_parameters(self) -> None:
        _check_rate(self.rate)
        if isinstance(self.kinds, str) or not isinstance(self.kinds, Sequence) or not list(self.kinds):
            raise InvalidInputError(f"kinds must be a list of {', '.join(KINDS)}, got {self.kinds!r}")
        for kind in self.kinds:
            if kind not in KINDS:
                raise InvalidInputError(
                    f"kinds must be of {', '.join(KINDS)}, got {kind!r}{did_you_mean(str(kind), KINDS)}"
                )
        whole_in("n_parts", self.n_parts, 1)
        if self.parts not in PARTS:
            raise InvalidInputError(
                f"parts must be of {', '.join(PARTS)}, got {self.parts!r}{did_you_mean(str(self.parts), PARTS)}"
            )
        self._check_bands()

    def _check_bands(self) -> None:
        if not isinstance(self.bands, Sequence | np.ndarray) or isinstance(self.bands, str):
            whole_in("bands", self.bands, 1)
            if (np.diff(self._edges()) <= 0).any():
                raise InvalidInputError(
                    f"bands must be so few that their edges, in Hz of two figures, differ, got {self.bands}; give edges"
                )
            return
        edges = np.asarray([edge if isinstance(edge, Real) else np.nan for edge in self.bands], dtype=float)
        if not (len(edges) >= 2 and edges[0] >= 0 and edges[-1] <= self.rate / 2 and (np.diff(edges) > 0).all()):
            raise InvalidInputError(
                f"bands must be a number, or edges that rise from at least 0 to at most {self.rate / 2:,.6g} Hz, "
                f"half the rate, got {self.bands!r}"
            )

    def _edges(self) -> tuple[float, ...]:
        """Edges of the bands, in Hz."""
        if isinstance(self.bands, Sequence | np.ndarray):
            return tuple(float(edge) for edge in self.bands)
        return band_edges(float(self.rate), int(self.bands))


def _check_rate(rate: Any) -> None:
    if isinstance(rate, bool) or not isinstance(rate, int | float | np.number) or not 0 < float(rate) < np.inf:
        raise InvalidInputError(f"rate must be a number above 0, the samples per second, got {rate!r}")
