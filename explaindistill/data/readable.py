"""A frame that prints itself for a reader: the columns that matter, in 80 columns, with nothing cut in the middle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

__all__ = ["ReadableFrame"]


class ReadableFrame(pd.DataFrame):
    """A DataFrame whose text is written for people; in all else, and in whatever is taken out of it, a plain one.

    Parameters
    ----------
    data : DataFrame
        What it holds; its ``attrs`` go with it.
    written : callable
        From the frame to its text; a function of a module, so that the frame can be pickled.

    Notes
    -----
    ``pd.DataFrame(frame)`` is the plain frame, and prints as one.

    Examples
    --------
    >>> def counted(frame):
    ...     return f"{len(frame)} verdicts"
    >>> verdicts = ReadableFrame(pd.DataFrame({"verdict": ["pass", "fail"]}), counted)
    >>> verdicts
    2 verdicts
    >>> type(verdicts[verdicts["verdict"] == "fail"]).__name__, verdicts["verdict"].tolist()
    ('DataFrame', ['pass', 'fail'])
    """

    _metadata = ["_written"]  # noqa: RUF012  # pandas reads it under this name, and as a list

    def __init__(self, data: Any, written: Callable[[pd.DataFrame], str] | None = None) -> None:
        super().__init__(data)
        self.attrs = dict(getattr(data, "attrs", {}))
        self._written = written

    @property
    def _constructor(self) -> Callable[..., pd.DataFrame]:
        return pd.DataFrame

    def __repr__(self) -> str:
        """The text; that of a plain frame where columns that it speaks of were taken away."""
        if self._written is None:
            return str(super().__repr__())
        try:
            return self._written(self)
        except KeyError:
            return str(super().__repr__())

    def __str__(self) -> str:
        """The same text."""
        return repr(self)

    def _repr_html_(self) -> str:
        """All columns, with whole cells: pandas would cut them at fifty characters."""
        with pd.option_context("display.max_colwidth", None):
            return str(pd.DataFrame(self).to_html(index=False, na_rep="", border=0, max_rows=MOST_ROWS))


MOST_ROWS = 60
"""Rows that a notebook shows, as many as pandas itself."""
