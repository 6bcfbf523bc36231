"""A student as people read it: its columns, categories and classes bear the names, and its numbers the units, given."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any
from unicodedata import bidirectional

from explaindistill.auditing.display_names import DisplayNames
from explaindistill.data.drawing import BarsDrawing, Branch, CurvesDrawing, Drawing, RulesDrawing, TreeDrawing
from explaindistill.data.schema import Feature, Schema
from explaindistill.report.words import FIRST, LAST

__all__ = ["as_shown", "drawing_as_shown", "names_of", "rules_as_shown"]

OURS = "explaindistill."
NAMING = ("name", "feature", "column", "term")
"""Attributes in which parts of a student name a column, or a pair of columns."""
DEEPEST = 6
"""Objects inside objects that are looked into: a student holds a model, that holds parts, that hold columns."""


@dataclass(frozen=True)
class ShownFeature(Feature):
    """A column whose values are read with their unit."""

    unit: str = ""

    def words(self, value: float) -> str:
        """One of its numbers with its unit, where it is a number."""
        text = super().words(value)
        is_number = self.kind in ("numeric", "integer") and text[-1:].isdigit()
        return f"{text}\u00a0{self.unit}" if self.unit and is_number else text


def as_shown(student: Any, names: DisplayNames) -> Any:
    """A copy of a student that draws and describes itself with names and units; the student where none were given.

    The copy is for reading alone: it is asked about nothing. A student that cannot be copied, or that does not keep
    its columns as a :class:`~explaindistill.data.schema.Schema`, is returned as it is.

    Examples
    --------
    >>> import pandas as pd
    >>> import explaindistill as xd
    >>> X = pd.DataFrame({"debt_ratio": [i / 200 for i in range(200)]})
    >>> tree = xd.TreeClassifier(max_leaf_nodes=2).fit(X, X["debt_ratio"] > 0.5)
    >>> shown = as_shown(tree, DisplayNames({"debt_ratio": "debt / income"}, units={"debt_ratio": "of a year"}))
    >>> shown.drawing().root.text.replace("\u00a0", " ")
    'debt / income ≤ 0.5 of a year?'
    """
    if not (names.columns or names.groups or names.units) and not _turns(getattr(student, "schema_", None)):
        return student
    try:
        shown = copy.deepcopy(student)
    except Exception:  # a user's own student may hold what cannot be copied: it keeps its names
        return student
    seen: set[int] = set()
    _rename(shown, names, seen, 0)
    return shown


def _rename(thing: Any, names: DisplayNames, seen: set[int], depth: int) -> None:
    """Schemas, and the columns that parts of a student name, inside of it; arrays and frames stay."""
    if id(thing) in seen or depth > DEEPEST or not hasattr(thing, "__dict__"):
        return
    seen.add(id(thing))
    if not type(thing).__module__.startswith(OURS):
        return
    for key, value in list(vars(thing).items()):
        if isinstance(value, Schema):
            object.__setattr__(thing, key, _schema(value, names))
        elif key in NAMING and isinstance(value, str):
            object.__setattr__(thing, key, _isolated(names.column(value)))
        else:
            for child in _parts(value):
                _rename(child, names, seen, depth + 1)


def _parts(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        yield from value
    elif isinstance(value, dict):
        yield from value.values()
    else:
        yield value


def _schema(schema: Schema, names: DisplayNames) -> Schema:
    return replace(schema, features=tuple(_feature(f, names) for f in schema.features))


def _turns(schema: Any) -> bool:
    """Whether a column or a category is written from right to left: in a sentence it has to be isolated."""
    if not isinstance(schema, Schema):
        return False
    return any(_isolated(word) != word for f in schema.features for word in (f.name, *f.categories))


def _isolated(word: Any) -> Any:
    """A word that keeps its own direction, and leaves numbers and signs beside it theirs."""
    if isinstance(word, str) and FIRST not in word and any(bidirectional(c) in {"R", "AL"} for c in word):
        return f"{FIRST}{word}{LAST}"
    return word


def _feature(feature: Feature, names: DisplayNames) -> Feature:
    values = {f.name: getattr(feature, f.name) for f in fields(Feature)}
    groups = names.groups.get(feature.name, {})
    if feature.is_category:
        values["categories"] = tuple(_isolated(groups.get(str(c), c)) for c in feature.categories)
    unit = names.unit(feature.name)
    return ShownFeature(**values | {"name": _isolated(names.column(feature.name))}, unit=unit)


def names_of(audit: Any) -> DisplayNames:
    """The names of an audit; none for a record without them."""
    names = getattr(audit, "names", None)
    return names if isinstance(names, DisplayNames) else DisplayNames()


def rules_as_shown(student: Any, names: DisplayNames) -> dict[str, str]:
    """Texts of the rules of a student, and how they read with the names and units given; none where it has no rules.

    Examples
    --------
    >>> import pandas as pd
    >>> import explaindistill as xd
    >>> X = pd.DataFrame({"pay": [i / 200 for i in range(200)]})
    >>> tree = xd.TreeClassifier(max_leaf_nodes=2).fit(X, X["pay"] > 0.5)
    >>> rules_as_shown(tree, DisplayNames({"pay": "income"}))
    {'pay <= 0.5': 'income <= 0.5', 'pay > 0.5': 'income > 0.5'}
    """
    shown = as_shown(student, names)
    if shown is student or not hasattr(student, "rules"):
        return {}
    tables = student.rules(), shown.rules()
    if not all("rule" in table for table in tables):
        return {}
    raw, read = ([str(text) for text in table["rule"]] for table in tables)
    return dict(zip(raw, read, strict=True))


def drawing_as_shown(drawing: Drawing | None, names: DisplayNames) -> Drawing | None:
    """A drawing whose answers name classes as they are shown."""
    if drawing is None or not names.classes:
        return drawing
    if isinstance(drawing, TreeDrawing) and drawing.classes is not None:
        shown = tuple(map(names.of_class, drawing.classes))
        return replace(drawing, root=_branch(drawing.root, drawing.classes, shown), classes=shown)
    if isinstance(drawing, RulesDrawing) and drawing.classes is not None:
        shown = tuple(map(names.of_class, drawing.classes))
        answers = [_answer(str(text), drawing.classes, shown) for text in drawing.frame["answer"]]
        return replace(drawing, frame=drawing.frame.assign(answer=answers), classes=shown)
    if isinstance(drawing, CurvesDrawing | BarsDrawing):
        return replace(drawing, unit=_unit(drawing.unit, names))
    return drawing


def _branch(branch: Branch, classes: tuple[Any, ...], shown: tuple[str, ...]) -> Branch:
    children = tuple(_branch(child, classes, shown) for child in branch.children)
    text = branch.text if branch.children else _answer(branch.text, classes, shown)
    return replace(branch, text=text, children=children)


def _answer(text: str, classes: tuple[Any, ...], shown: tuple[str, ...]) -> str:
    """An answer begins with its class."""
    for label, name in sorted(zip(map(str, classes), shown, strict=True), key=lambda pair: -len(pair[0])):
        if text == label or text.startswith(f"{label} "):
            return name + text[len(label) :]
    return text


def _unit(unit: str, names: DisplayNames) -> str:
    """Such as "log-odds of yes": it ends with the class."""
    for label, name in names.classes.items():
        if unit.endswith(f" of {label}"):
            return unit[: -len(label)] + name
    return unit
