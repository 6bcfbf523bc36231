"""A drawing as HTML that stands by itself: a picture with its words for those who cannot see it."""

from __future__ import annotations

import base64
from html import escape
from io import BytesIO
from typing import Any

from explaindistill.domains._contributions import Contributions

__all__ = ["figure_html", "in_words"]

MOST_WORDS = 5
"""Columns that the words beside a picture name."""
DPI = 110


def in_words(counted: Contributions) -> str:
    """The answer and the columns that counted most.

    Examples
    --------
    >>> import pandas as pd
    >>> in_words(Contributions("seven", 1.5, pd.Series({"ink, top": 1.5}), {}))
    'answer: seven; ink, top +1.50'
    """
    words = "; ".join(f"{name} {value:+.2f}" for name, value in counted.by_column.iloc[:MOST_WORDS].items())
    return f"answer: {counted.answer}; {words or 'no column counted'}"


def figure_html(figure: Any, title: str, words: str, below: str = "") -> str:
    """A figure of matplotlib as a picture in HTML, with its words; ``below`` is HTML that follows them."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, facecolor="white", metadata={"Software": None})
    picture = base64.b64encode(buffer.getvalue()).decode()
    return (
        f'<figure style="margin:0"><img style="max-width:100%" alt="{escape(title)}, {escape(words)}" '
        f'src="data:image/png;base64,{picture}"><figcaption>{escape(words)}</figcaption>{below}</figure>'
    )
