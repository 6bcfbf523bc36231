"""What is told about work under way: a small value, the same for a bar, a line of text and a caller's function."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Progress"]

MINUTE, HOUR = 60, 3600


@dataclass(frozen=True)
class Progress:
    """How far work has come.

    Attributes
    ----------
    stage : str
        What is being done, in words.
    share : float, from 0 to 1
        Of the time that the whole is expected to take. A rough guess, which never falls.
    n_asked : int
        Rows sent to the teacher so far; those that a store answered are not among them.
    seconds : float
        Since the work began.
    seconds_remaining : float
        At the pace so far; NaN where nothing can be said yet.

    Examples
    --------
    >>> Progress("fitting the student", 0.25, 12_000, 30.0, 90.0).words()
    'fitting the student, 25 %, 12,000 rows asked, about 90 s left'
    """

    stage: str
    share: float
    n_asked: int
    seconds: float
    seconds_remaining: float

    def words(self) -> str:
        """One line of text."""
        parts = [self.stage, f"{self.share:.0%}".replace("%", " %")]
        if self.n_asked:
            parts.append(f"{self.n_asked:,} rows asked")
        if left := self.left():
            parts.append(left)
        return ", ".join(parts)

    def left(self) -> str:
        """Rough time that is left; no words where nothing can be said.

        Examples
        --------
        >>> Progress("", 0.1, 0, 9.0, 81.0 * 60).left(), Progress("", 0.0, 0, 0.0, float("nan")).left()
        ('about 81 min left', '')
        """
        seconds = self.seconds_remaining
        if not seconds < float("inf"):
            return ""
        if seconds < 2 * MINUTE:
            return f"about {seconds:.0f} s left"
        return f"about {seconds / MINUTE:.0f} min left" if seconds < 2 * HOUR else f"about {seconds / HOUR:.0f} h left"
