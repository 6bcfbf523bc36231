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
from explaindistill.domains.audio.columns import AudioColumns
from explaindistill.domains.audio.silencing import only
from explaindistill.domains.audio.spectrum import FLOOR_DB, spectrum
from explaindistill.domains.audio.waves import samples

__all__ = ["ShownSound", "draw_sound", "show_sound"]

COUNTED = 0.8
"""The strongest cells that count for the answer are heard, until they hold this share of all that counts for it."""
FOR, AGAINST = "#0072b2", "#d55e00"
MOST_WORDS = 5
"""Columns that the picture's text names."""
FULL = 32767
"""Largest sample of 16 bits."""


class ShownSound(str):
    """HTML of a sound with what counted, which a notebook shows.

    Attributes
    ----------
    heard : ndarray of shape (t,)
        The sound in which only the bands are left that counted for the answer.
    kept : list of str
        Their columns; empty where none counted, and ``heard`` is the whole sound.
    rate : float

    Examples
    --------
    >>> ShownSound("<p>a sound</p>", np.zeros(3), [], 8000)._repr_html_()
    '<p>a sound</p>'
    """

    heard: NDArray[np.float64]
    kept: list[str]
    rate: float

    def __new__(cls, html: str, heard: NDArray[np.float64], kept: list[str], rate: float) -> ShownSound:
        """HTML with the sound beside it."""
        shown = super().__new__(cls, html)
        shown.heard, shown.kept, shown.rate = heard, kept, rate
        return shown

    def __getnewargs__(self) -> tuple[Any, ...]:
        return str(self), self.heard, self.kept, self.rate

    def __repr__(self) -> str:
        return f"ShownSound({len(self.heard) / self.rate:.2f} s, {len(self.kept)} bands heard)"

    def _repr_html_(self) -> str:
        return str(self)


def show_sound(wave: Any, columns: AudioColumns, reasons: pd.DataFrame, player: bool = False) -> ShownSound:
    """Spectrogram with the bands that counted; with ``player`` the sound that is left of them, too."""
    counted = Contributions.of(reasons)
    kept = _kept(counted.by_column, columns)
    heard = only(samples(np.asarray(wave)), columns, kept)
    picture = _png(draw_sound(wave, columns, reasons).figure)
    words = "; ".join(f"{name} {value:+.2f}" for name, value in counted.by_column.iloc[:MOST_WORDS].items())
    title = f"answer: {counted.answer}; {words or 'no column counted'}"
    html = (
        f'<figure style="margin:0"><img style="max-width:100%" alt="Spectrogram, {escape(title)}" '
        f'src="data:image/png;base64,{picture}"><figcaption>{escape(title)}</figcaption>'
    )
    if player:
        source = f"data:audio/wav;base64,{_wav(heard, float(columns.rate))}"
        what = "What is heard when all is removed but " + (", ".join(kept) or "nothing")
        html += f'<audio controls aria-label="{escape(what)}" src="{source}"></audio>'
    return ShownSound(html + "</figure>", heard, kept, float(columns.rate))


def draw_sound(wave: Any, columns: AudioColumns, reasons: pd.DataFrame) -> Any:
    """Axes with the spectrogram and a box around each band that counted, + for the answer and − against it.

    Returns
    -------
    matplotlib.axes.Axes
    """
    plots = plugins.door("plots")
    rate, values = float(columns.rate), samples(np.asarray(wave))
    seen = spectrum(values, rate)
    most = float(seen.power.max())
    decibels = 10 * np.log10(np.maximum(seen.power, most * 10 ** (-FLOOR_DB / 10))) if most > 0 else seen.power
    counted = Contributions.of(reasons)
    ax = plots.figure(6.4, 3.2).subplots()
    seconds = len(values) / rate
    half = seen.hop / rate / 2
    extent = (-half, (len(decibels) - 1) * seen.hop / rate + half, 0, rate / 2)
    ax.imshow(decibels.T, origin="lower", aspect="auto", cmap="gray_r", extent=extent, interpolation="nearest")
    _boxes(ax, columns, counted.by_column, seconds)
    ax.set_xlim(0, seconds)
    ax.set_ylim(columns.layout_.edges[0], columns.layout_.edges[-1])
    ax.set_xlabel("time, s")
    ax.set_ylabel("frequency, Hz")
    ax.set_title(f"answer: {plots.label(counted.answer)} (+ for it, − against it)", fontsize=10)
    return ax


def _boxes(ax: Any, columns: AudioColumns, by_column: pd.Series, seconds: float) -> None:
    from matplotlib.patches import Rectangle

    cells = {name: cell for name in by_column.index if (cell := columns.cell(str(name))) is not None}
    most = max((abs(by_column[name]) for name in cells), default=0.0)
    wide = seconds / columns.n_parts
    edges = columns.layout_.edges
    for name, (band, part) in cells.items():
        value = float(by_column[name])
        corner = (part * wide, edges[band])
        colour = FOR if value > 0 else AGAINST
        strength = 0.15 + 0.55 * abs(value) / most
        ax.add_patch(
            Rectangle(corner, wide, edges[band + 1] - edges[band], facecolor=colour, alpha=strength, edgecolor="none")
        )
        ax.text(
            corner[0] + wide / 2,
            (edges[band] + edges[band + 1]) / 2,
            f"{value:+.2f}".replace("-", "−"),
            ha="center",
            va="center",
            fontsize=7,
            bbox={"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 1},
        )


def _kept(by_column: pd.Series, columns: AudioColumns) -> list[str]:
    """The strongest cells that count for the answer."""
    cells = [name for name in by_column.index if by_column[name] > 0 and columns.cell(str(name)) is not None]
    if not cells:
        return []
    share = by_column[cells].cumsum() / by_column[cells].sum()
    n = int(np.searchsorted(share.to_numpy(), COUNTED - 1e-9)) + 1
    return [str(name) for name in cells[:n]]


def _png(figure: Any) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, facecolor="white", metadata={"Software": None})
    return base64.b64encode(buffer.getvalue()).decode()


def _wav(heard: NDArray[np.float64], rate: float) -> str:
    """16 bits, as loud as they can hold."""
    most = float(np.abs(heard).max())
    scaled = np.rint(heard * (FULL / most if most > 0 else 0.0)).astype("<i2")
    buffer = io.BytesIO()
    with wav.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(round(rate))
        file.writeframes(scaled.tobytes())
    return base64.b64encode(buffer.getvalue()).decode()
