"""The frames of one audit, and how models, columns and groups are called in its sentences."""

from __future__ import annotations

import copy
import re
from typing import Any

import pandas as pd

from opening.reading import ContradictionError, figure, need

OK = {"ok", "small"}


class Names:
    """The frames of one audit, and the grammar."""

    def __init__(self, audit: Any) -> None:
        self.audit, self.frames = audit, audit.frames
        self.students = [str(name) for name in audit.students]
        self.rows = re.escape(audit.about.row_name or "rows")
        self.requirement: tuple[str, str] | None = None
        self.attributes: list[str] = []
        self.gap: Any = None
        self.spoken: set[str] = set()

    def copied(self) -> Any:
        """One that has read as much, and goes on by itself."""
        other = copy.copy(self)
        other.attributes, other.spoken = list(self.attributes), set(self.spoken)
        return other

    def lines(self, frame: str, defined: bool = True, **where: Any) -> pd.DataFrame:
        table = self.frames.get(frame, pd.DataFrame())
        for column, wanted in where.items():
            if column not in table:
                return table.iloc[:0]
            table = table[table[column] == wanted]
        return table[table["status"].isin(OK) & table["estimate"].notna()] if defined and "status" in table else table

    def one(self, frame: str, **where: Any) -> Any:
        table = self.lines(frame, **where)
        need(len(table) > 0, f"{frame} has no line {where}")
        return table.iloc[0]

    def subject(self, text: str) -> str:
        name = {"the teacher": "teacher", "the true labels": "labels"}.get(text[:1].lower() + text[1:], text)
        need(name in {*self.students, "teacher", "labels"}, f"there is no model {text!r}")
        return name

    def column(self, text: str, names: list[str]) -> str:
        chosen = [name for name in names if self.shown_column(name) == text]
        need(len(chosen) == 1, f"there is no column {text!r}")
        return chosen[0]

    def shown_column(self, name: str) -> str:
        columns = self.audit.names.as_dict().get("columns", {})
        return " × ".join(columns.get(part, part) for part in name.split(" × "))

    def shown_group(self, attribute: str, name: str, bare: bool = False) -> str:
        groups = self.audit.names.as_dict().get("groups", {})
        parts = zip(attribute.split(" × "), name.split(" × "), strict=True)
        shown = " × ".join(groups.get(a, {}).get(n, n) for a, n in parts)
        plain = bare or " × " in attribute or shown != name
        return shown if plain else f"{self.shown_column(attribute)} = {name}"

    def singles(self) -> list[str]:
        for frame in ("rates", "group_fidelity", "transfer"):
            table = self.frames.get(frame, pd.DataFrame())
            names = [a for a in dict.fromkeys(table.get("attribute", [])) if a]
            if names:
                return [a for a in names if " × " not in a]
        return []

    def because(self, why: str | None, lines: pd.DataFrame) -> None:
        """A reason is one that the lines give."""
        need(len(lines) > 0, "it was measured")
        need(why is None or why in set(lines["reason"]), f"nobody gave the reason {why!r}")

    def named_attribute(self, text: str) -> str:
        every = [a for f in ("rates", "gaps", "group_fidelity") if f in self.frames
                 for a in dict.fromkeys(self.frames[f].get("attribute", [])) if a]  # fmt: skip
        return self.column(text, list(dict.fromkeys(every)))

    def any_figure(self, text: str, table: pd.DataFrame) -> Any:
        errors = []
        for line in table.to_dict("records"):
            try:
                figure(text, line, "figure")
            except ContradictionError as error:
                errors.append(str(error))
            else:
                return line
        raise ContradictionError("; ".join(errors) or "no line")

    def split_names(self, text: str) -> list[str]:
        return [self.subject(name) for name in re.split(r", | and ", text)]
