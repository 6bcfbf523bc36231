"""What only people can say about an audit: its title, the decision, what it is for, whose it is, which data, when."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from explaindistill.errors import InvalidInputError, did_you_mean

__all__ = ["About"]

LONGEST = 300
"""Characters of a text: what stands in a headline or in one sentence."""


@dataclass(frozen=True)
class About:
    """What an audit is about, in the words of who asks for it; nothing of it is guessed.

    Parameters
    ----------
    title : str
        Headline of the report, such as ``"Who gets a loan"``.
    decision : str
        What the model decides, such as ``"approved"``.
    purpose : str
        What the audit, or the model, is for.
    owner : str
        Who answers for the model.
    data_name : str
        Which rows were audited, such as ``"lending.csv, applications of 2025"``.
    row_name : str
        What one row is, in the plural, such as ``"applications"``; "rows" when empty.
    date : str
        Date of the audit as it shall stand in the report.

    Raises
    ------
    InvalidInputError
        For a text that is none, that has a line break, or is longer than 300 characters.

    Examples
    --------
    >>> About(title="Who gets a loan", row_name="applications").as_dict()
    {'title': 'Who gets a loan', 'row_name': 'applications'}
    """

    title: str = ""
    decision: str = ""
    purpose: str = ""
    owner: str = ""
    data_name: str = ""
    row_name: str = ""
    date: str = ""

    def __post_init__(self) -> None:
        for field, value in asdict(self).items():
            if not isinstance(value, str):
                raise InvalidInputError(f"about: {field} must be a text, got {value!r}")
            if len(value) > LONGEST or "\n" in value or "\r" in value:
                raise InvalidInputError(
                    f"about: {field} must be one line of at most {LONGEST} characters, got {len(value)} characters"
                )

    @classmethod
    def of(cls, value: About | Mapping[str, Any] | None, date: str | None = None) -> About:
        """An `About`, a mapping of its fields, or None for nothing; ``date`` is that of :func:`audit`.

        Raises
        ------
        InvalidInputError
            For a field that there is not, with the nearest one, or two dates that differ.

        Examples
        --------
        >>> About.of({"owner": "Example Bank"}, date="2026-01-31").date
        '2026-01-31'
        """
        if value is None:
            value = {}
        if isinstance(value, cls):
            value = asdict(value)
        if not isinstance(value, Mapping):
            raise InvalidInputError(f'about must be xd.About or a mapping such as {{"title": …}}, got {value!r}')
        names = [field.name for field in fields(cls)]
        for key in value:
            if key not in names:
                raise InvalidInputError(f"about has no {key!r}{did_you_mean(key, names)}; it has: {', '.join(names)}")
        about = cls(**value)
        if date and about.date and date != about.date:
            raise InvalidInputError(f"date must be that of about, {about.date!r}, or be given once, got {date!r}")
        return cls(**{**asdict(about), "date": about.date or date or ""})

    @classmethod
    def load(cls, path: str | Path) -> About:
        """Read a TOML file whose keys are the fields, such as ``title = "Who gets a loan"``.

        Raises
        ------
        InvalidInputError
            If it cannot be read, is not TOML, or has another key.
        """
        name = Path(path).name
        try:
            data = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise InvalidInputError(f"{name} could not be read: {error.strerror or error}") from error
        except (ValueError, RecursionError) as error:  # TOMLDecodeError, UnicodeDecodeError, and what they let through
            raise InvalidInputError(f"{name} is not TOML: {error}") from error
        return cls.of(data)

    def as_dict(self) -> dict[str, str]:
        """The fields that something was said in."""
        return {field: value for field, value in asdict(self).items() if value}
