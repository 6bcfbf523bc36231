"""What the frames share: tables below each other, a line that says why there is no figure, rows by chance."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.measures.table import frame, row

if TYPE_CHECKING:
    from explaindistill.auditing.inputs import AuditInput

__all__ = ["RECORDED_ONLY", "Incomplete", "Measured", "attempt", "cannot_say", "drawn", "in_parts", "stack", "unasked"]

RECORDED_ONLY = "only recorded answers: it cannot be asked about {} rows"
"""Why a teacher that is a record has no figure for changed or new rows."""
OF_OBJECTS = "it answers objects, and no object can be made of {} columns: see what silencing and edits say"
"""Why a teacher of objects has no figure for changed or new values of their columns."""


class Incomplete(NamedTuple):
    """A frame, and by the name of each of its parts that could not be measured the error that it met."""

    table: pd.DataFrame
    errors: Mapping[str, Exception]


Measured = dict[str, pd.DataFrame | Incomplete | Exception]
"""Frames of a module by name; an error stands for a frame that it kept from being measured."""


def stack(tables: Iterable[pd.DataFrame], extra: Iterable[str] = ()) -> pd.DataFrame:
    """Tables of one kind below each other; where there are none, one without lines that has the ``extra`` columns."""
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else frame([], extra=extra)


def cannot_say(metric: str, subject: str, reason: str, **more: Any) -> pd.DataFrame:
    """One line that says why there is no figure."""
    line = row(metric, np.nan, np.nan, np.nan, n=0, subject=subject, status="undefined", reason=reason, **more)
    return frame([line])


def drawn(n_rows: int, most: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Positions of all rows, in order, or of ``most`` of them drawn without replacement."""
    return np.arange(n_rows) if n_rows <= most else np.sort(rng.choice(n_rows, most, replace=False))


def unasked(inputs: AuditInput, what: str) -> str:
    """Why the teacher is not asked about changed, new or made-up rows of the audited columns."""
    is_asked_elsewhere = inputs.objects is not None and inputs.objects.can_be_asked
    return (OF_OBJECTS if is_asked_elsewhere else RECORDED_ONLY).format(what)


def attempt(names: Iterable[str], make: Callable[[], Mapping[str, Any]]) -> Measured:
    """Frames that ``make`` gives, or for each of the ``names`` the error that it met: other frames are not lost by it.

    Memory that is out is no matter of one frame, and is passed on.

    Examples
    --------
    >>> attempt(["flips"], lambda: {"flips": 1 / 0})
    {'flips': ZeroDivisionError('division by zero')}
    """
    try:
        return dict(make())
    except MemoryError:
        raise
    except Exception as error:  # whatever a measure meets
        return dict.fromkeys(names, error)


def in_parts(
    parts: Iterable[tuple[str, Callable[[], Iterable[pd.DataFrame]]]], extra: Iterable[str] = ()
) -> Incomplete:
    """Tables of all parts below each other; a part that fails takes only its own lines with it.

    Examples
    --------
    >>> whole = in_parts([("good", lambda: [cannot_say("r2", "tree", "no rows")]), ("bad", lambda: 1 / 0)])
    >>> len(whole.table), whole.errors
    (1, {'bad': ZeroDivisionError('division by zero')})
    """
    tables: list[pd.DataFrame] = []
    errors: dict[str, Exception] = {}
    for name, make in parts:
        try:
            tables += list(make())
        except MemoryError:
            raise
        except Exception as error:  # whatever a measure meets
            errors[name] = error
    return Incomplete(stack(tables, extra), errors)
