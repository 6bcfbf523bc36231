"""A reader's budget: how much of a student a person is ready to read."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from explaindistill.numerics.ranges import whole_in
from explaindistill.protocols import Complexity

__all__ = ["ReadingBudget"]


@dataclass(frozen=True)
class ReadingBudget:
    """Limits that may be combined; None is no limit.

    Attributes
    ----------
    max_lines, max_numbers, max_columns : int, at least 1, or None
        Of ``n_lines``, ``n_numbers`` and ``n_features``, as :class:`~explaindistill.protocols.Complexity` counts them.

    Raises
    ------
    InvalidInputError
        For a limit that is no whole number of at least 1.

    Examples
    --------
    >>> budget = ReadingBudget(max_lines=4)
    >>> budget.excess(Complexity("tree", 22, 3, 900, n_lines=8, n_numbers=15))
    2.0
    """

    max_lines: int | None = None
    max_numbers: int | None = None
    max_columns: int | None = None

    def __post_init__(self) -> None:
        for name, limit in asdict(self).items():
            whole_in(name, limit, 1, others=(None,))

    @property
    def is_open(self) -> bool:
        """Whether there is no limit at all."""
        return self == ReadingBudget()

    def excess(self, size: Complexity) -> float:
        """Largest ratio of a count to its limit: above 1 the budget is exceeded; 0 without limits.

        A student that does not count what a limit is about counts as infinite.
        """
        counts = ((size.n_lines, self.max_lines), (size.n_numbers, self.max_numbers),
                  (size.n_features, self.max_columns))  # fmt: skip
        return max((float("inf") if n is None else n / limit for n, limit in counts if limit is not None), default=0.0)

    def admits(self, size: Complexity) -> bool:
        """Whether a student of this size may be read."""
        return self.excess(size) <= 1

    def words(self) -> str:
        """The limits in words.

        Examples
        --------
        >>> ReadingBudget(max_lines=10, max_columns=5).words()
        'at most 10 lines, 5 columns'
        """
        named = ((self.max_lines, "lines"), (self.max_numbers, "numbers"), (self.max_columns, "columns"))
        limits = [f"{limit} {what}" for limit, what in named if limit is not None]
        return f"at most {', '.join(limits)}" if limits else "no limit"
