"""What could not be measured or written: taken down and said, so that one frame that fails never ends an audit."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import pandas as pd

from explaindistill.errors import ExplainDistillError

__all__ = ["STRICT", "Failures", "cause_of", "is_strict"]

STRICT = "EXPLAINDISTILL_STRICT"
"""Environment variable: set to 1, what fails inside an audit or a report is raised; for tests."""
_GOT = re.compile(r"""(\bgot )(?:'[^']*'|"[^"]*")""")
_QUOTED = re.compile(r"""(?<!\w)(?:'[^']*'|"[^"]*")|\[[^\]]*\]""")
_VALUE = re.compile(r"-?\d+\.\d+(?:e[-+]?\d+)?|-?\d{4,}")
WITHHELD = "its words may hold a part of an object and are left out; audit(strict=True) raises it"
LONGEST = 300
"""Characters of a cause: a message of another library may hold a whole table."""


@dataclass
class Failures:
    """What could not be measured, and why; in strict audits nothing is collected and the error is raised.

    Attributes
    ----------
    of_objects : bool
        Whether errors may speak of texts, images or sounds: then their kind is said, and none of their words.

    Examples
    --------
    >>> failures = Failures(strict=False)
    >>> failures.add("groups", ["flips"], ValueError("no such value"))
    >>> failures.to_frame().values.tolist()
    [['groups', 'flips', '', 'ValueError: no such value']]
    >>> failures.notes()
    ['Cannot say: “flips” could not be measured. ValueError: no such value']
    """

    strict: bool
    of_objects: bool = False
    lines: list[tuple[str, str, str, str]] = field(default_factory=list)

    def add(self, module: str, names: Iterable[str], error: Exception, part: str = "") -> None:
        """Take down that an error kept the named frames of a module, or a part of them, from being measured."""
        if self.strict:
            raise error
        cause = f"{type(error).__name__}: {WITHHELD}" if self.of_objects else cause_of(error)
        self.lines += [(module, name, part, cause) for name in names]

    def to_frame(self) -> pd.DataFrame:
        """Columns ``module``, ``frame``, ``part`` (empty for the whole frame) and ``cause``."""
        return pd.DataFrame(self.lines, columns=pd.Index(["module", "frame", "part", "cause"]), dtype="str")

    def names(self) -> list[str]:
        """Frames, or what else, that could not be measured."""
        return [name for _, name, _, _ in self.lines]

    def notes(self) -> list[str]:
        """One sentence per cause."""
        by_cause: dict[str, list[str]] = {}
        for _, name, frame_name, cause in self.lines:
            by_cause.setdefault(cause, []).append(f"“{name}”" + (f" ({frame_name})" if frame_name else ""))
        return [f"Cannot say: {', '.join(names)} could not be measured. {cause}" for cause, names in by_cause.items()]


def is_strict(strict: bool | None = None) -> bool:
    """What the caller says, else what the environment variable `STRICT` says.

    Examples
    --------
    >>> is_strict(True), is_strict(False)
    (True, False)
    """
    return os.environ.get(STRICT, "") not in {"", "0"} if strict is None else strict


def cause_of(error: Exception) -> str:
    """Type and message of an error on one line, without values of rows: it stands in the report.

    Our own messages hold a value after "got" only. Those of other libraries may hold one anywhere: what they quote,
    long or broken numbers, and all after the first colon go. ``strict`` raises the error itself.

    Examples
    --------
    >>> cause_of(ValueError("could not convert string to float: 'Ada Lovelace'"))
    'ValueError: could not convert string to float'
    >>> from explaindistill.errors import InvalidInputError
    >>> cause_of(InvalidInputError("column 'age' is numeric, got 'Ada Lovelace'; make it a number"))
    "InvalidInputError: column 'age' is numeric, got …; make it a number"
    """
    text = " ".join(str(error).split())
    if isinstance(error, ExplainDistillError):
        text = _GOT.sub(r"\1…", text)
    else:
        text = _QUOTED.sub("…", _VALUE.sub("…", text.partition(": ")[0]))
    words = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    return ": ".join(filter(None, (type(error).__name__, words)))
