"""What a piece of work would ask, told before it is asked: rows by purpose, money, and loss of privacy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.asking.cost import n_models, price_of_a_row_sent
from explaindistill.asking.shelf import Shelf
from explaindistill.asking.store import LabelStore
from explaindistill.data.row_keys import distinct, row_keys
from explaindistill.data.rows import as_frame
from explaindistill.data.rows_sent import RowsSent, current_purpose
from explaindistill.protocols import can_be_asked

__all__ = ["Forecast", "StandIn", "any_answer"]

HARMLESS = frozenset(
    {"encoder", "estimator", "feature_names_in_", "module", "name", "price_per_row", "rights", "tokens", "weights"}
)
"""Members of a teacher that answer without asking its model."""

COUNTED_ROWS = 1_000
"""So many rows of each question tell the mean number of tokens to a few parts in a hundred."""
Answer = Callable[[Any], NDArray[np.float64]]


@dataclass(frozen=True)
class Forecast:
    """Rows that would be sent, without those that are sent again after a failure.

    Attributes
    ----------
    rows : mapping of str to int
        By purpose, as the counter of the teacher's adapter names them.
    at_most : frozenset of str
        Purposes whose number is an upper bound, since what is asked then depends on answers that nobody has yet. The
        other numbers are those of the work itself.
    price_per_row : float, optional
        Price of a row that is sent; None where nobody stated one. Of a chat model: the mean price of its tokens.
    tokens : int, optional
        About how many tokens that is, of a chat model; estimated by the length of the questions.
    epsilon : pair of float, optional
        Loss of privacy at ``delta`` now and after the work, of a teacher whose answers cost privacy.
    delta, max_epsilon : float, optional
    failures : tuple of str
        What could not be rehearsed: its questions are not in the numbers.

    Examples
    --------
    >>> forecast = Forecast({"fit": 400, "score": 100}, frozenset({"fit"}), price_per_row=0.01)
    >>> forecast.total, forecast.money
    (500, 5.0)
    >>> print(forecast)
    at most 500 rows would be sent to the teacher: fit at most 400, score 100; money at the stated price: at most 5.00
    """

    rows: Mapping[str, int]
    at_most: frozenset[str] = field(default_factory=frozenset)
    price_per_row: float | None = None
    tokens: int | None = None
    epsilon: tuple[float, float] | None = None
    delta: float | None = None
    max_epsilon: float | None = None
    failures: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """Rows for all purposes."""
        return sum(self.rows.values())

    @property
    def money(self) -> float | None:
        """Rows times price, in its currency; None without a price."""
        return None if self.price_per_row is None else self.total * self.price_per_row

    def to_frame(self) -> pd.DataFrame:
        """One line per purpose: ``purpose``, ``n``, ``at_most``, ``money``."""
        lines = [
            {
                "purpose": purpose,
                "n": n,
                "at_most": purpose in self.at_most,
                "money": np.nan if self.price_per_row is None else n * self.price_per_row,
            }
            for purpose, n in self.rows.items()
        ]
        return pd.DataFrame(lines, columns=["purpose", "n", "at_most", "money"])

    def __str__(self) -> str:
        """One line for people."""
        bound = "at most " if self.at_most else ""
        each = ", ".join(f"{p} {'at most ' if p in self.at_most else ''}{n:,}" for p, n in self.rows.items())
        words = f"{bound}{self.total:,} rows would be sent to the teacher" + (f": {each}" if each else "")
        if self.tokens is not None:
            words += f"; {bound or 'about '}{self.tokens:,} tokens, estimated by the length of the questions"
        if self.money is not None:
            words += f"; money at the stated price: {bound}{self.money:,.2f}"
        if self.epsilon is not None:
            words += (
                f"; epsilon at delta={self.delta:g} would rise from {self.epsilon[0]:.3g} to {bound}"
                f"{self.epsilon[1]:.3g}"
            )
            if self.max_epsilon is not None and self.epsilon[1] > self.max_epsilon:
                words += f", and the teacher refuses what goes beyond {self.max_epsilon:g}"
        if self.failures:
            words += f"; without {', '.join(self.failures)}, which could not be rehearsed"
        return words


class StandIn:
    """A teacher that is not asked: another answers in its place, and what would have been sent is counted.

    Parameters
    ----------
    teacher : Teacher
        Whose classes, price and stored answers these are.
    answer : callable
        Rows to answers in the form of the teacher's.
    store : LabelStore or path, optional
        Rows whose answers it has are not counted; it is read, never written, and not made where it is not there.
    open_purposes : set of str
        Purposes for which rows are chosen by answers: all rows that come are counted then.

    Attributes
    ----------
    rows_sent_ : RowsSent

    Examples
    --------
    >>> from explaindistill.teachers.callable import CallableTeacher
    >>> teacher = CallableTeacher(lambda X: X[:, 0])
    >>> stand_in = StandIn(teacher, lambda X: np.zeros(len(X)))
    >>> stand_in.predict(np.ones((3, 1))).tolist(), stand_in.rows_sent_.total, teacher.rows_sent_.total
    ([0.0, 0.0, 0.0], 3, 0)
    """

    def __init__(
        self,
        teacher: Any,
        answer: Answer,
        store: LabelStore | str | Path | None = None,
        open_purposes: frozenset[str] = frozenset(),
    ) -> None:
        self.teacher, self.answer, self.open_purposes = teacher, answer, open_purposes
        self.classes_ = teacher.classes_
        self.rows_sent_ = RowsSent()
        self.n_models = n_models(teacher)
        self.is_stored = store is not None and teacher.fingerprint() is not None
        self._shelf = _shelf_to_read(store, teacher) if self.is_stored else None
        self._counted: set[bytes] = set()
        self._most: dict[str, int] = {}
        self._tokens = RunningMean()
        if not can_be_asked(teacher):
            self.knows = teacher.knows

    def __getattr__(self, member: str) -> Any:
        if member not in HARMLESS:
            raise AttributeError(member)
        return getattr(self.teacher, member)

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Answers of the one that stands in, shape (n, k)."""
        self._count(X)
        return self.answer(X)

    def predict(self, X: Any) -> NDArray[Any]:
        """Classes ``(n,)``, or values ``(n,)`` or ``(n, m)``."""
        self._count(X)
        answer = self.answer(X)
        return answer if self.classes_ is None else np.asarray(self.classes_)[answer.argmax(axis=1)]

    def _count(self, X: Any) -> None:
        self._tokens.add(_tokens(self.teacher, X))
        if current_purpose() in self.open_purposes:
            self.rows_sent_.add(len(X) * self.n_models)
            return
        keys = row_keys(as_frame(X))
        keys = keys[distinct(keys)[0]] if self._remembers else keys
        new = np.ones(len(keys), dtype=bool)
        if self._shelf is not None:
            new &= ~self._shelf.find(keys)[0]
        if hasattr(self.teacher, "answered"):
            new &= ~self.teacher.answered(X)[distinct(row_keys(as_frame(X)))[0]]
        if self._remembers:
            names = [key.tobytes() for key in keys]
            new &= np.array([name not in self._counted for name in names], dtype=bool)
            self._counted.update(name for name, one in zip(names, new, strict=True) if one)
        self.rows_sent_.add(int(new.sum()) * self.n_models)

    @property
    def _remembers(self) -> bool:
        """Whether a row that was sent once is not sent again: a store would have it, or the teacher itself."""
        return self.is_stored or hasattr(self.teacher, "answered")

    def allow(self, n: int, purpose: str | None = None) -> None:
        """Count the most questions that there may be where they cannot be rehearsed."""
        key = current_purpose() if purpose is None else purpose
        self._most[key] = self._most.get(key, 0) + n * self.n_models

    def forecast(self, price_per_row: float | None = None) -> Forecast:
        """What was counted, and by purpose what was allowed."""
        further, rows = self._most, self.rows_sent_.by_purpose
        privacy: dict[str, Any] = {}
        names = list(rows)
        opened = [i for i, purpose in enumerate(names) if purpose in self.open_purposes]
        # what was asked before is not asked again, so that all that comes after an open number is open, too
        at_most = set(names[opened[0] :] if opened else []) | further.keys()
        rows |= {p: rows.get(p, 0) + n for p, n in further.items()}
        if hasattr(self.teacher, "epsilon_after"):
            teacher, n_new = self.teacher, sum(rows.values()) // self.n_models
            privacy = {
                "epsilon": (teacher.epsilon, teacher.epsilon_after(n_new)),
                "delta": teacher.delta,
                "max_epsilon": teacher.max_epsilon,
            }
        price = price_of_a_row_sent(self.teacher, price_per_row)
        per_million = getattr(self.teacher, "price_per_million_tokens", 0.0)
        if price_per_row is None and per_million and self._tokens.n:
            price = self.teacher.price_per_row + self._tokens.mean * per_million / 1e6
        tokens = round(self._tokens.mean * sum(rows.values())) if self._tokens.n else None
        return Forecast(rows, frozenset(at_most), price, tokens, **privacy)

    def fingerprint(self) -> None:
        """None: no store may keep these answers."""
        return

    def __sklearn_clone__(self) -> StandIn:
        return self


@dataclass
class RunningMean:
    """Mean of all numbers that were added."""

    n: int = 0
    mean: float = float("nan")

    def add(self, numbers: NDArray[Any]) -> None:
        """Take further numbers ``(m,)`` in."""
        if len(numbers):
            total = numbers.sum() + (self.mean * self.n if self.n else 0.0)
            self.n += len(numbers)
            self.mean = float(total / self.n)


def _tokens(teacher: Any, X: Any) -> NDArray[Any]:
    """About how many tokens rows would take, at most :data:`COUNTED_ROWS` of them; none where nobody counts tokens."""
    if not hasattr(teacher, "tokens") or not len(X):
        return np.zeros(0)
    rows = as_frame(X)
    counted = teacher.tokens(rows.iloc[:: max(len(rows) // COUNTED_ROWS, 1)])
    return np.zeros(0) if counted is None else counted


def any_answer(classes: NDArray[Any] | None) -> Answer:
    """Answers that follow from the rows' keys alone: the same for the same row, and as good as drawn by chance.

    Examples
    --------
    >>> P = any_answer(np.array(["no", "yes"]))(np.eye(2))
    >>> P.shape, P.sum(axis=1).round(9).tolist()
    ((2, 2), [1.0, 1.0])
    """

    def answer(X: Any) -> NDArray[np.float64]:
        share = (row_keys(as_frame(X))[:, 0] >> np.uint64(11)).astype(np.float64) / 2.0**53
        if classes is None:
            return share
        weights = np.stack([np.roll(np.linspace(1.0, 2.0, len(classes)), i) for i in range(len(classes))])
        mixed = weights[(share * len(classes)).astype(int)] + share[:, None]
        return np.asarray(mixed / mixed.sum(axis=1, keepdims=True))

    return answer


def _shelf_to_read(store: LabelStore | str | Path | None, teacher: Any) -> Shelf | None:
    """What a store has of a teacher; None where it has nothing, or is not there."""
    if isinstance(store, LabelStore):
        return store.known_shelf(teacher)
    return LabelStore(store).known_shelf(teacher) if store is not None and Path(store).exists() else None
