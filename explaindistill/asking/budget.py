"""The one counter of questions: distinct rows that need an answer, rows sent to the teacher, and its time."""

from __future__ import annotations

from explaindistill.errors import BudgetError, InvalidInputError

__all__ = ["Budget"]


class Budget:
    """How many rows a teacher may be asked about, how many it was, and how long its answers took.

    Two things are counted, both before a question is asked: distinct rows that need an answer, whether a store has it
    or not, and rows that are sent to the teacher. They stay counted when the teacher fails, since the other side may
    have counted them.

    Parameters
    ----------
    limit : int, at least 1, or None
        Most rows that may be sent; None counts without a limit.
    n_queries : int, at least 1, or None
        Most distinct rows that may need an answer; None counts without a limit.

    Attributes
    ----------
    spent : int
        Rows sent; a row that is sent again counts again.
    distinct, stored : int
        Distinct rows that needed an answer, and those of them that a store had.
    seconds : float
        Wall time of the teacher's answers.

    Examples
    --------
    >>> budget = Budget(10)
    >>> budget.spend(4)
    >>> budget.spent, budget.remaining
    (4, 6)
    """

    def __init__(self, limit: int | None = None, *, n_queries: int | None = None) -> None:
        for name, most in (("budget", limit), ("n_queries", n_queries)):
            if most is not None and most < 1:
                raise InvalidInputError(f"{name} must be at least 1 row, got {most}")
        self.limit, self.n_queries = limit, n_queries
        self.spent = self.distinct = self.stored = 0
        self.seconds = 0.0

    @property
    def remaining(self) -> int | None:
        """Rows that may still be sent, None without a limit."""
        return None if self.limit is None else self.limit - self.spent

    def check(self, n: int) -> None:
        """Raise BudgetError if ``n`` more rows would be too many to send."""
        if self.limit is not None and self.spent + n > self.limit:
            raise BudgetError(
                f"the next {n} rows would exceed the budget: {self.spent} of {self.limit} rows are spent; "
                f"ask for fewer rows or raise the budget"
            )

    def spend(self, n: int) -> None:
        """Count ``n`` rows that are about to be sent; a number below 0 takes back rows that never left."""
        self.check(n)
        self.spent += n

    def need(self, n: int) -> None:
        """Count ``n`` distinct rows that need an answer, from a store or from the teacher.

        Raises
        ------
        BudgetError
            If they would be more than ``n_queries``; none of them is counted then.

        Examples
        --------
        >>> budget = Budget(n_queries=10)
        >>> budget.need(7)
        >>> budget.distinct
        7
        """
        if self.n_queries is not None and self.distinct + n > self.n_queries:
            raise BudgetError(
                f"the next {n} rows would exceed n_queries: {self.distinct} of {self.n_queries} rows are asked; "
                f"raise n_queries"
            )
        self.distinct += n
