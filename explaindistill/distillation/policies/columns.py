"""What a student sees of a state: its named numbers, and sums, differences and products that the user names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.errors import InvalidInputError

__all__ = ["OPERATIONS", "Combined", "StateColumns"]

Floats = NDArray[np.float64]
OPERATIONS = {"+": np.add, "-": np.subtract, "*": np.multiply}
Combined = tuple[tuple[str, str, str, str], ...]
"""Name, first column, ``+``, ``-`` or ``*``, second column; either may be a combined column that stands before."""


@dataclass(frozen=True)
class StateColumns:
    """The columns of a student, made from states ``(n, d)``.

    Attributes
    ----------
    state : tuple of str
        Names of the numbers of a state, in their order.
    combined : tuple of (name, first, operation, second)
    visible : tuple of str, or None
        What the student may see; all when None.

    Examples
    --------
    >>> columns = StateColumns.of(("angle", "target"), {"lag": ("angle", "-", "target")}, ["lag"])
    >>> columns.seen(np.array([[3.0, 1.0]])).to_dict("list"), columns.names
    ({'lag': [2.0]}, ('lag',))
    """

    state: tuple[str, ...]
    combined: Combined = ()
    visible: tuple[str, ...] | None = None

    @classmethod
    def of(
        cls,
        state: Sequence[str],
        combined: Mapping[str, Sequence[str]] | None = None,
        features: Sequence[str] | None = None,
    ) -> StateColumns:
        """Check what the user named.

        Raises
        ------
        InvalidInputError
            If a name is not there or stands twice, or an operation is none of the three.
        """
        names, lines = list(state), []
        for name, formula in (combined or {}).items():
            parts = formula.split() if isinstance(formula, str) else list(formula)
            if len(parts) != 3 or parts[1] not in OPERATIONS:
                raise InvalidInputError(
                    f"combined[{name!r}] must be a column, '+', '-' or '*', and a column, got {formula!r}"
                )
            if strange := [p for p in (parts[0], parts[2]) if p not in names]:
                raise InvalidInputError(f"combined[{name!r}] names {strange[0]!r}, there are: {', '.join(names)}")
            if name in names:
                raise InvalidInputError(f"combined names {name!r}, which is already there; give it another name")
            names.append(str(name))
            lines.append((str(name), parts[0], parts[1], parts[2]))
        if features is None:
            return cls(tuple(state), tuple(lines))
        selected = tuple(str(f) for f in features)
        if not selected or len(set(selected)) != len(selected) or set(selected) - set(names):
            raise InvalidInputError(
                f"features must name each column once, of {', '.join(names)}, got {', '.join(selected) or 'none'}"
            )
        return cls(tuple(state), tuple(lines), selected)

    @property
    def names(self) -> tuple[str, ...]:
        """Columns that the student sees."""
        if self.visible is not None:
            return self.visible
        return (*self.state, *(name for name, *_ in self.combined))

    def arrays(self, states: Floats) -> dict[str, Floats]:
        """Every column by its name, whether the student may see it or not."""
        columns = dict(zip(self.state, np.asarray(states, dtype=float).T, strict=True))
        for name, first, operation, second in self.combined:
            columns[name] = OPERATIONS[operation](columns[first], columns[second])
        return columns

    def seen(self, states: Floats) -> pd.DataFrame:
        """States as the student sees them."""
        columns = self.arrays(states)
        return pd.DataFrame({name: columns[name] for name in self.names})

    def all_of(self, states: Floats) -> pd.DataFrame:
        """States with all columns, whatever the student may see."""
        return pd.DataFrame(self.arrays(states))

    def matrix(self, states: Any) -> Floats:
        """States ``(n, d)`` from a frame with their names, an array, or one state.

        Raises
        ------
        InvalidInputError
            For other columns, or another number of them.
        """
        if isinstance(states, pd.DataFrame):
            if lost := [name for name in self.state if name not in states.columns]:
                wanted = ", ".join(self.state)
                raise InvalidInputError(f"states must have the columns {wanted}, got none called {lost[0]}")
            states = states[list(self.state)]
        rows = np.asarray(states, dtype=float)
        rows = rows[None] if rows.ndim == 1 else rows
        if rows.ndim != 2 or rows.shape[1] != len(self.state):
            raise InvalidInputError(f"states must have {len(self.state)} columns, got the shape {rows.shape}")
        return rows
