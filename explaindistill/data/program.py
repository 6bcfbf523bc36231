"""What every language has to say of a student: questions, terms and a last step, in no language yet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from explaindistill.errors import InvalidInputError

__all__ = [
    "LOG_LIMIT",
    "AnyOf",
    "AtMost",
    "Clipped",
    "Condition",
    "Curve",
    "Grid",
    "Input",
    "Leaf",
    "Link",
    "Missing",
    "Not",
    "OneOf",
    "Program",
    "Split",
    "Term",
    "Unseen",
    "class_link",
    "classes_of",
    "column_factor",
    "inputs_of",
    "program_of",
    "up_to",
]

SECONDS_PER_DAY = 86400.0
LOG_LIMIT = 30.0
"""Largest exponent of the link ``exp``: beyond it the additive students' own answers are cut too."""
Link = Literal["probabilities", "identity", "logistic", "softmax", "exp", "risk"]


@dataclass(frozen=True)
class Input:
    """A column that the student asks for; ``variable`` is a name that every language accepts.

    What fitting saw of it, ``nullable`` (missing values), ``minimum`` and ``maximum`` (None of categories), decides no
    answer; a panel that asks the student offers such values first.
    """

    name: str
    kind: str
    categories: tuple[Any, ...]
    variable: str
    nullable: bool = field(default=False, compare=False, repr=False)
    minimum: float | None = field(default=None, compare=False, repr=False)
    maximum: float | None = field(default=None, compare=False, repr=False)

    @property
    def is_category(self) -> bool:
        """Whether its values are names and not numbers."""
        return self.kind in ("categorical", "ordered")

    @property
    def is_text(self) -> bool:
        """Whether its categories are text; others are numbers."""
        return self.is_category and any(isinstance(c, str) for c in self.categories)


@dataclass(frozen=True)
class AtMost:
    """``x <= bound``; false where x is missing."""

    input: Input
    bound: float


@dataclass(frozen=True)
class Missing:
    """There is no value."""

    input: Input


@dataclass(frozen=True)
class Unseen:
    """There is a value, and it is none of the categories."""

    input: Input


@dataclass(frozen=True)
class OneOf:
    """The value is one of some categories, or equals one of some numbers."""

    input: Input
    values: tuple[Any, ...]


@dataclass(frozen=True)
class AnyOf:
    """One of two or more conditions holds."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Not:
    """The condition does not hold; a missing value is no exception."""

    condition: Condition


Condition = AtMost | Missing | Unseen | OneOf | AnyOf | Not


@dataclass(frozen=True)
class Clipped:
    """``clip(x / unit, low, high) - centre``, where a missing x counts as ``fill`` units; bounds may be None."""

    input: Input
    unit: float
    fill: float
    low: float | None = None
    high: float | None = None
    centre: float = 0.0


@dataclass(frozen=True)
class Term:
    """A number or a condition (1 where it holds), times one coefficient per output."""

    factor: Clipped | Condition
    coefficients: tuple[float, ...]


@dataclass(frozen=True)
class Grid:
    """Where a curve has its values.

    ``knots`` for numbers; ``places`` maps categories to places. ``missing`` is the place of missing values; without one
    they, and categories without a place, add nothing.
    """

    input: Input
    knots: tuple[float, ...]
    places: tuple[tuple[Any, int], ...]
    missing: int | None


@dataclass(frozen=True)
class Curve:
    """One value per place of one grid, or of the product of two, for each output: linear between knots, and beyond."""

    name: str
    grids: tuple[Grid, ...]
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Leaf:
    """Values of the outputs, and terms that are added to them."""

    values: tuple[float, ...]
    terms: tuple[Term, ...] = ()


@dataclass(frozen=True)
class Split:
    """A question with two answers."""

    condition: Condition
    yes: Split | Leaf
    no: Split | Leaf


@dataclass(frozen=True)
class Program:
    """``outputs = link(base + sum of terms and curves)``, or the leaf of a tree through the link.

    Attributes
    ----------
    kind : str
        Class of the student.
    inputs : tuple of Input
        Those that are asked for, in the order of the schema.
    classes : tuple, or None in regression
    n_outputs : int
        Numbers before the link.
    link : "probabilities", "identity", "logistic", "softmax", "exp" or "risk"
        ``risk`` looks the total up in a table: ``risk[total - lowest]``.
    """

    kind: str
    inputs: tuple[Input, ...]
    classes: tuple[Any, ...] | None
    n_outputs: int
    link: Link
    tree: Split | Leaf | None = None
    base: tuple[float, ...] = ()
    terms: tuple[Term, ...] = ()
    curves: tuple[Curve, ...] = ()
    lowest: int = 0
    risk: tuple[float, ...] = ()

    @property
    def n_answers(self) -> int:
        """Numbers after the link."""
        return self.n_outputs if self.classes is None else len(self.classes)


def program_of(student: Any) -> Program:
    """The program that a fitted student says it is.

    Raises
    ------
    InvalidInputError
        If the student has no method ``program``.

    Examples
    --------
    >>> from explaindistill.students.tree import TreeRegressor
    >>> tree = TreeRegressor(min_samples_leaf=1).fit([[1.5], [2.5], [2.5]], [0.0, 1.0, 1.0])
    >>> program_of(tree).tree.condition
    AtMost(input=Input(name='x0', kind='numeric', categories=(), variable='x_x0'), bound=2.0)
    """
    if not hasattr(student, "program"):
        raise InvalidInputError(
            f"{type(student).__name__} has no program(), so that no language can be written; export it as .json, "
            "or give its class a method program() that returns an explaindistill.data.program.Program"
        )
    program = student.program()
    if not isinstance(program, Program):
        raise InvalidInputError(
            f"program() must return an explaindistill.data.program.Program, {type(student).__name__} returned "
            f"{type(program).__name__}"
        )
    return program


def inputs_of(schema: Mapping[str, Any], names: Iterable[str]) -> tuple[Input, ...]:
    """Inputs of some columns in the order of a schema's JSON form; each gets a name that every language accepts."""
    wanted, taken, out = set(names), set[str](), []
    for feature in schema["features"]:
        if feature["name"] in wanted:
            out.append(_input(feature, taken))
    return tuple(out)


def _input(feature: Mapping[str, Any], taken: set[str]) -> Input:
    word = re.sub(r"[^a-z0-9]+", "_", feature["name"].lower()).strip("_")[:40] or "column"
    variable = f"x_{word}"  # the prefix keeps it apart from every keyword and function
    while variable in taken:
        variable += "_"
    taken.add(variable)
    seen_in_fitting = {key: feature[key] for key in ("nullable", "minimum", "maximum")}
    return Input(feature["name"], feature["kind"], tuple(feature["categories"]), variable, **seen_in_fitting)


def classes_of(form: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """Classes of a student's JSON form, or None in regression."""
    return None if form.get("classes") is None else tuple(form["classes"])


def class_link(classes: tuple[Any, ...] | None, n_outputs: int) -> Link:
    """The last step of a sum: nothing in regression, a logistic curve for one log odds, softmax for several."""
    if classes is None:
        return "identity"
    return "logistic" if n_outputs == 1 else "softmax"


def up_to(column: Input, bound: float) -> Condition:
    """Compare numbers as they are; of an order, list the categories up to the bound."""
    if not column.is_category:
        return AtMost(column, bound)
    return OneOf(column, tuple(c for i, c in enumerate(column.categories) if i <= bound))


def column_factor(
    column: Mapping[str, Any], by_name: Mapping[str, Input], limits: Mapping[str, Any] | None = None
) -> Clipped | Condition:
    """One column of a design (JSON form of ``data.design.Column``) as a number or a condition.

    ``limits`` holds ``low``, ``high`` and ``centre`` of a number that is clipped and centred.
    """
    source = by_name[column["feature"]]
    if column["operation"] == "missing":
        return Missing(source)
    if column["operation"] == "level":
        return OneOf(source, (1.0,) if source.kind == "boolean" else (column["level"],))
    if column["operation"] in ("at_most", "above"):
        below = up_to(source, float(column["threshold"]))
        return below if column["operation"] == "at_most" else Not(AnyOf((below, Missing(source))))
    unit = SECONDS_PER_DAY if source.kind == "datetime" else 1.0
    bounds = {} if limits is None else {k: float(limits[k]) for k in ("low", "high", "centre")}
    return Clipped(source, unit, float(column["fill"]), **bounds)
