"""What every language has to say: a student's JSON form as questions, terms and a last step, in no language yet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from explaindistill.errors import InvalidInputError

__all__ = [
    "AnyOf",
    "AtMost",
    "Clipped",
    "Condition",
    "Curve",
    "Grid",
    "Input",
    "Leaf",
    "Missing",
    "Not",
    "OneOf",
    "Program",
    "Split",
    "Term",
    "Unseen",
    "program_of",
]

SECONDS_PER_DAY = 86400.0
LOG_LIMIT = 30.0
Link = Literal["probabilities", "identity", "logistic", "softmax", "exp", "risk"]


@dataclass(frozen=True)
class Input:
    """A column that the student asks for; ``variable`` is a name that every language accepts."""

    name: str
    kind: str
    categories: tuple[Any, ...]
    variable: str

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
    """Read a fitted student through its JSON form.

    Raises
    ------
    InvalidInputError
        If the form is of a family that is not known here.
    """
    form = student.to_dict() if hasattr(student, "to_dict") else {}
    readers = {"rules": _rules, "shapes": _additive, "points": _scorecard, "coefficients": _linear}
    kind = type(student).__name__
    for key, reader in readers.items():
        if key in form:
            return reader(form, kind)
    if isinstance(form.get("tree"), Mapping) and "terms" in form["tree"]:
        return _model_tree(form, kind)
    if "nodes" in form:
        return _tree(form, kind)
    raise InvalidInputError(f"{kind} has no form that can be exported; trees, rules, additive and linear students have")


def _inputs(schema: Mapping[str, Any], names: Iterable[str]) -> tuple[Input, ...]:
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
    return Input(feature["name"], feature["kind"], tuple(feature["categories"]), variable)


def _classes(form: Mapping[str, Any]) -> tuple[Any, ...] | None:
    return None if form.get("classes") is None else tuple(form["classes"])


def _tree(form: Mapping[str, Any], kind: str) -> Program:
    nodes = form["nodes"]
    inputs = _inputs(form["schema"], [n["feature"] for n in nodes if "feature" in n])
    by_name = {i.name: i for i in inputs}

    def grown(at: int) -> Split | Leaf:
        node = nodes[at]
        if "feature" not in node:
            return Leaf(tuple(node["value"]))
        column = by_name[node["feature"]]
        sides = node["missing_left"], node["unseen_left"]
        return Split(_goes_left(column, node, *sides), grown(node["left"]), grown(node["right"]))

    classes = _classes(form)
    n_outputs = len(nodes[0]["value"])
    return Program(kind, inputs, classes, n_outputs, "identity" if classes is None else "probabilities", grown(0))


def _goes_left(column: Input, node: Mapping[str, Any], missing_left: bool, unseen_left: bool) -> Condition:
    if "left_categories" in node:
        main: Condition = OneOf(column, tuple(column.categories[c] for c in node["left_categories"]))
    elif node["threshold"] == "known":
        return Not(Missing(column))
    else:
        main = _at_most(column, float(node["threshold"]))
    ways = [main]
    if missing_left:
        ways.append(Missing(column))
    if unseen_left and column.is_category:
        ways.append(Unseen(column))
    return ways[0] if len(ways) == 1 else AnyOf(tuple(ways))


def _at_most(column: Input, bound: float) -> Condition:
    """Compare numbers as they are; of an order, list the categories up to the bound."""
    if not column.is_category:
        return AtMost(column, bound)
    return OneOf(column, tuple(c for i, c in enumerate(column.categories) if i <= bound))


def _model_tree(form: Mapping[str, Any], kind: str) -> Program:
    tree = form["tree"]
    names = [f["name"] for f in tree["schema"]["features"]]
    asked = [names[n["feature"]] for n in tree["nodes"] if n.get("feature", -1) >= 0]
    added = [tree["terms"][t]["column"]["feature"] for n in tree["nodes"] for t, _, _ in n.get("terms", ())]
    inputs = _inputs(tree["schema"], asked + added)
    by_name = {i.name: i for i in inputs}
    K = int(tree["n_outputs"])

    def grown(at: int, carried: tuple[Term, ...]) -> Split | Leaf:
        node = tree["nodes"][at]
        for t, k, coefficient in node.get("terms", ()):
            factor = _factor(tree["terms"][t]["column"], by_name, tree["terms"][t])
            carried += (Term(factor, tuple(float(coefficient) if k == j else 0.0 for j in range(K))),)
        if node.get("feature", -1) < 0:
            return Leaf(tuple(node["intercept"]), carried)
        left, right = grown(node["left"], carried), grown(node["right"], carried)
        return Split(_asked(by_name[names[node["feature"]]], node), left, right)

    classes = _classes(form)
    link: Link = "identity" if classes is None else "logistic" if K == 1 else "softmax"
    return Program(kind, inputs, classes, K, link, grown(0, ()))


def _asked(column: Input, node: Mapping[str, Any]) -> Condition:
    """Question of a model tree; an unseen value of an order counts as missing."""
    missing: tuple[Condition, ...] = (
        (Missing(column), Unseen(column)) if column.kind == "ordered" else (Missing(column),)
    )
    if node.get("threshold") == "known":
        main: Condition = Not(AnyOf(missing))
    elif node.get("threshold") is not None:
        main = _at_most(column, float(node["threshold"]))
    else:
        listed = OneOf(column, tuple(column.categories[c] for c in node.get("listed", ())))
        main = listed if node.get("listed_left", True) else Not(AnyOf((listed, *missing)))
    return AnyOf((main, *missing)) if node.get("missing_left", False) else main


def _factor(column: Mapping[str, Any], by_name: Mapping[str, Input], held: Mapping[str, Any] | None = None) -> Any:
    """One column of a design as a number or a condition."""
    source = by_name[column["feature"]]
    if column["operation"] == "missing":
        return Missing(source)
    if column["operation"] == "level":
        return OneOf(source, (1.0,) if source.kind == "boolean" else (column["level"],))
    if column["operation"] in ("at_most", "above"):
        below = _at_most(source, float(column["threshold"]))
        return below if column["operation"] == "at_most" else Not(AnyOf((below, Missing(source))))
    unit = SECONDS_PER_DAY if source.kind == "datetime" else 1.0
    limits = {} if held is None else {k: float(held[k]) for k in ("low", "high", "centre")}
    return Clipped(source, unit, float(column["fill"]), **limits)


def _linear(form: Mapping[str, Any], kind: str) -> Program:
    inputs = _inputs(form["schema"], [c["feature"] for c in form["columns"]])
    by_name = {i.name: i for i in inputs}
    pairs = zip(form["columns"], form["coefficients"], strict=True)
    terms = tuple(Term(_factor(c, by_name), tuple(b)) for c, b in pairs)
    classes, K = _classes(form), len(form["intercept"])
    link: Link = "identity" if classes is None else "logistic" if K == 1 else "softmax"
    return Program(kind, inputs, classes, K, link, base=tuple(form["intercept"]), terms=terms)


def _scorecard(form: Mapping[str, Any], kind: str) -> Program:
    inputs = _inputs(form["schema"], [c["feature"] for c in form["columns"]])
    by_name = {i.name: i for i in inputs}
    pairs = zip(form["columns"], form["points"], strict=True)
    terms = tuple(Term(_factor(c, by_name), (float(z),)) for c, z in pairs)
    risk = tuple(form["risk"])
    return Program(kind, inputs, _classes(form), 1, "risk", base=(0.0,), terms=terms, lowest=form["lowest"], risk=risk)


def _additive(form: Mapping[str, Any], kind: str) -> Program:
    inputs = _inputs(form["schema"], [g["feature"] for s in form["shapes"] for g in s["grids"]])
    by_name = {i.name: i for i in inputs}
    curves = tuple(
        Curve(s["name"], tuple(_grid(g, by_name[g["feature"]]) for g in s["grids"]), _tuples(s["values"]))
        for s in form["shapes"]
    )
    classes, K = _classes(form), len(form["intercept"])
    link: Link = "logistic" if K == 1 else "softmax"
    if classes is None:
        link = "exp" if form["scale_"] == "log" else "identity"
    return Program(kind, inputs, classes, K, link, base=tuple(form["intercept"]), curves=curves)


def _grid(grid: Mapping[str, Any], column: Input) -> Grid:
    places = tuple((c, p) for c, p in zip(column.categories, grid["position"], strict=False) if p >= 0)
    n = len(grid["knots"]) or max(grid["position"], default=-1) + 1
    return Grid(column, tuple(grid["knots"]), places, n if grid["missing"] else None)


def _tuples(values: Any) -> Any:
    return tuple(_tuples(v) for v in values) if isinstance(values, list) else float(values)


def _rules(form: Mapping[str, Any], kind: str) -> Program:
    """Ordered rules as a chain of questions; what the last one leaves is the default."""
    found = form["rules"]
    rules, names = found["rules"], [f["name"] for f in found["schema"]["features"]]
    inputs = _inputs(found["schema"], [names[row["feature"]] for rule in rules for row in rule["literals"]])
    by_name = {i.name: i for i in inputs}
    chain: Split | Leaf = Leaf(tuple(rules[-1]["rest"] if rules else found["base"]))
    for rule in reversed(rules):
        broken = tuple(Not(_literal(by_name[names[row["feature"]]], row)) for row in rule["literals"])
        chain = Split(Not(AnyOf(broken)), Leaf(tuple(rule["value"])), chain)
    classes, n_outputs = _classes(form), len(found["base"])
    return Program(kind, inputs, classes, n_outputs, "identity" if classes is None else "probabilities", chain)


def _literal(column: Input, row: Mapping[str, Any]) -> Condition:
    """One condition of a rule: ``low < x <= high``, or some categories, or none; unseen in an order is missing."""
    missing: Condition = Missing(column)
    if column.kind == "ordered":
        missing = AnyOf((missing, Unseen(column)))
    if row.get("nothing"):
        main: Condition = OneOf(column, ())
    elif "codes" in row:
        listed = OneOf(column, tuple(column.categories[c] for c in row["codes"]))
        main = listed if row["inside"] else Not(AnyOf((listed, missing)))
    else:
        low = () if row["low"] is None else (_at_most(column, float(row["low"])),)
        high = () if row["high"] is None else (Not(_at_most(column, float(row["high"]))),)
        main = Not(AnyOf((*low, *high, missing)))
    return AnyOf((main, missing)) if row["missing"] else main
