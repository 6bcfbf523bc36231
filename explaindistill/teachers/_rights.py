"""Rights: whose teacher it is, under what terms it answers, and what the user declares about learning from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from explaindistill.errors import InvalidInputError

__all__ = ["Rights"]

MAX_LENGTH = 2_000


@dataclass(frozen=True)
class Rights:
    """What a user declares about a teacher; it goes into the manifest of every audit, word for word.

    Any teacher may carry it (``teacher.rights = Rights(...)``); ``HttpTeacher`` does not start without it.

    Parameters
    ----------
    owner : str
        Whose teacher it is.
    terms : str
        Its licence, contract or terms of use, best with their date.
    declaration : str
        Why a student may be fitted to its answers.

    Raises
    ------
    InvalidInputError
        If one of them is empty or longer than 2,000 characters.

    Examples
    --------
    >>> Rights("Example Bank", "internal model 7.2", "we trained it; the model owner agreed on 2026-01-31").owner
    'Example Bank'
    """

    owner: str
    terms: str
    declaration: str

    def __post_init__(self) -> None:
        for name, text in asdict(self).items():
            if not isinstance(text, str) or not text.strip() or len(text) > MAX_LENGTH:
                raise InvalidInputError(f"{name} must be 1 to {MAX_LENGTH} characters, got {text!r:.60}")

    def as_dict(self) -> dict[str, Any]:
        """Return the fields by name."""
        return asdict(self)
