"""One sound with what counted for a student's answer: to be seen, and to be heard."""

from __future__ import annotations

import base64
import io
import wave as wav
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill import plugins
from explaindistill.domains._contributions import Contributions
from explaindistill.domains._pictures import figure_html, in_words
from explaindistill.domains.audio.columns import AudioColumns
from explaindistill.domains.audio.silencing import of_cells
from explaindistill.domains.audio.spectrum import FLOOR_DB, spectrum
from explaindistill.domains.audio.waves import samples

__all__ = ["ShownSound", "draw_sound", "show_sound"]

COUNTED = 0.8
"""The strongest cells that count for the answer are heard, until they hold this share of all that counts for it."""
FULL = 32767
"""Largest sample of 16 bits."""


class ShownSound(str):
    """HTML of a sound with what counted, which a notebook shows.

    Attributes
    ----------
    heard : ndarray of shape (t,)
        The sound in which only the bands are left that counted for the answer.
    audible : list of str
        Their columns; empty where none counted, and ``heard`` is the whole sound.
    rate : float

    Examples
    --------
    >>> ShownSound("<p>a sound</p>", np.zeros(3), [], 8000)._repr_html_()
    '<p>a sound</p>'
    """

    heard: NDArray[np.float64]
    audible: list[str]
    rate: float

    def __new__(cls, html: str, heard: NDArray[np.float64], audible: list[str], rate: float) -> ShownSound:
        """HTML with the sound beside it."""
        shown = super().__new__(cls, html)
        shown.heard, shown.audible, shown.rate = heard, audible, rate
        return shown

    def __getnewargs__(self) -> tuple[Any, ...]:
        return str(self), self.heard, self.audible, self.rate

    def __repr__(self) -> str:
        n = len(self.audible)
        return f"ShownSound({len(self.heard) / self.rate:.2f} s, {n} band{'s' * (n != 1)} heard)"

    def _repr_html_(self) -> str:
        return str(self)


def show_sound(wave: Any, columns: AudioColumns, reasons: pd.DataFrame, player: bool = False) -> ShownSound:
    """Spectrogram with the bands that counted; with ``player`` the sound that is left of them, too."""
    counted = Contributions.of(reasons)
    rate = float(columns.rate)
    audible = _audible(counted.by_column, columns)
    cells = list(dict.fromkeys(cell for name in audible for cell in columns.cells(name)))
    values = samples(np.asarray(wave))
    heard = of_cells(values, columns.layout_, cells) if cells else values
    below = ""
    if player:
        source = f"data:audio/wav;base64,{_wav(heard, rate)}"
        label = "What is heard when all is removed but " + (", ".join(audible) or "nothing")
        below = f'<audio controls aria-label="{escape(label)}" src="{source}"></audio>'
    figure = draw_sound(wave, columns, reasons).figure
    return ShownSound(figure_html(figure, "Spectrogram", in_words(counted), below), heard, audible, rate)


def draw_sound(wave: Any, columns: AudioColumns, reasons: pd.DataFrame) -> Any:
    """Axes with the spectrogram and a box for each band that counted, + for the answer and − against it.

    Returns
    -------
    matplotlib.axes.Axes
    """
    rate, values = float(columns.rate), samples(np.asarray(wave))
    stft = spectrum(values, rate)
    power = stft.power
    peak = float(power.max())
    decibels = 10 * np.log10(np.maximum(power, peak * 10 ** (-FLOOR_DB / 10))) if peak > 0 else power
    counted = Contributions.of(reasons)
    edges, seconds = columns.layout_.edges, len(values) / rate
    ends = columns.layout_.ends(stft) / rate
    boxes = []
    for name, value in counted.by_column.items():
        if cells := columns.cells(str(name)):
            (lowest, first), (highest, last) = min(cells), max(cells)
            boxes.append(((ends[first], ends[last + 1], edges[lowest], edges[highest + 1]), float(value)))
    return plugins.door("plots").sound_reasons(
        decibels.T, seconds, (edges[0], edges[-1]), boxes, counted.answer, top=rate / 2
    )


def _audible(by_column: pd.Series, columns: AudioColumns) -> list[str]:
    """The strongest cells that count for the answer."""
    names = [name for name in by_column.index if by_column[name] > 0 and columns.cells(str(name))]
    if not names:
        return []
    share = by_column[names].cumsum() / by_column[names].sum()
    n = int(np.searchsorted(share.to_numpy(), COUNTED - 1e-9)) + 1
    return [str(name) for name in names[:n]]


def _wav(heard: NDArray[np.float64], rate: float) -> str:
    """16 bits, as loud as they can hold."""
    peak = float(np.abs(heard).max())
    scaled = np.rint(heard * (FULL / peak if peak > 0 else 0.0)).astype("<i2")
    buffer = io.BytesIO()
    with wav.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(round(rate))
        file.writeframes(scaled.tobytes())
    return base64.b64encode(buffer.getvalue()).decode()
