"""Answers of one teacher while one piece of work lasts: remembered, looked up in a store, or asked now."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.asking.forecast import StandIn
from explaindistill.asking.labelling import ask, label_keyed
from explaindistill.asking.sorted_runs import Answers, Keys, merged, positions
from explaindistill.asking.store import LabelStore
from explaindistill.data.row_keys import KeyedRows
from explaindistill.data.rows_sent import current_purpose

__all__ = ["Memory"]

MOST_ROWS = 1_000_000
"""Answers that are remembered: 32 MB of two classes. Beyond, further rows are asked as often as they come."""
MOST_RUNS = 8
"""Runs that are searched one by one; as many become one."""


class Memory:
    """Ask a teacher, without a second question about a row that came before.

    Parameters
    ----------
    teacher : Teacher
    store : LabelStore or path, optional
        Where answers are looked up and kept beyond this piece of work.
    shown : callable, optional
        From rows to the form in which the teacher is shown them, where that is another.

    Examples
    --------
    >>> from explaindistill.teachers.callable import CallableTeacher
    >>> teacher = CallableTeacher(lambda X: X[:, 0] ** 2)
    >>> ask = Memory(teacher)
    >>> ask(np.array([[1.0], [2.0]])).tolist(), ask(np.array([[2.0], [3.0]])).tolist(), teacher.rows_sent_.total
    ([1.0, 4.0], [4.0, 9.0], 3)
    """

    def __init__(
        self,
        teacher: Any,
        store: LabelStore | str | Path | None = None,
        shown: Callable[[Any], Any] | None = None,
    ) -> None:
        self.teacher, self.store, self.shown = teacher, store, shown
        self._runs: list[tuple[Keys, Answers]] = []

    def __call__(self, rows: Any) -> NDArray[np.float64]:
        """Answers ``(n, k)``, ``(n,)`` or ``(n, m)``, as those of :func:`explaindistill.asking.labelling.label`."""
        if isinstance(self.teacher, StandIn) and current_purpose() in self.teacher.open_purposes:
            return ask(
                self.teacher, self._shown(rows)
            )  # a rehearsal: which of these rows come is not known yet, so all count
        keyed = KeyedRows.of(rows)
        keys = keyed.keys[keyed.first]
        run, at = self._places(keys)
        new = np.flatnonzero(at < 0)
        fresh = self._asked(keyed.distinct(new)) if len(new) else None
        shape = (self._runs[0][1] if fresh is None else fresh).shape[1:]
        answers = np.empty((len(keys), *shape))
        for i, (_, values) in enumerate(self._runs):
            stored = (run == i) & (at >= 0)
            answers[stored] = values[at[stored]]
        if fresh is not None:
            answers[new] = fresh
            self._remember(keys[new], fresh)
        return answers[keyed.number]

    def _shown(self, rows: Any) -> Any:
        return rows if self.shown is None or not isinstance(rows, pd.DataFrame) else self.shown(rows)

    def _asked(self, keyed: KeyedRows) -> Answers:
        return label_keyed(self.teacher, keyed.with_rows(self._shown(keyed.rows)), store=self.store)

    def _places(self, keys: Keys) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Run of each key and its place there, -1 where no run has it."""
        run, at = np.zeros(len(keys), dtype=np.intp), np.full(len(keys), -1, dtype=np.intp)
        for i, (stored, _) in enumerate(self._runs):
            hit = positions(stored, keys)
            run[hit >= 0], at[hit >= 0] = i, hit[hit >= 0]
        return run, at

    def _remember(self, keys: Keys, answers: Answers) -> None:
        if sum(len(stored) for stored, _ in self._runs) + len(keys) > MOST_ROWS:
            return
        self._runs.append(merged([(keys, answers)]))
        if len(self._runs) >= MOST_RUNS:
            self._runs = [merged(self._runs)]
