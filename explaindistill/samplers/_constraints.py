"""Rules that rows keep, such as ``loan <= income * 10``: parsed, never run as code."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.data.schema import Feature, Schema
from explaindistill.errors import InvalidInputError

__all__ = ["Constraint", "satisfied"]

_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.FloorDiv: np.floor_divide,
    ast.Mod: np.mod,
}
_COMPARISON: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}
_MAX_LENGTH = 1_000
_MAX_NODES = 200
"""Rules may come from a file: these limits keep parsing and its recursion short, whatever the text is."""


class Constraint:
    """One rule about the columns of a schema.

    Numbers, texts, columns, ``+ - * / // %``, comparisons (chained too), ``in`` with a list of texts or numbers,
    ``and``, ``or``, ``not``, boolean columns. A column whose name is not a word stands in backticks. A category is
    compared with its name,
    an ordered one also by ``<``, a date with an ISO text. A rule that meets a missing value counts as kept, as in SQL.

    Parameters
    ----------
    text : str
    schema : Schema

    Raises
    ------
    InvalidInputError
        If the rule is not such an expression, or names something that is no column.

    Examples
    --------
    >>> schema = Schema.infer(pd.DataFrame({"loan": [1, 2], "income": [3, 4], "home": ["own", "rent"]}))
    >>> rule = Constraint("loan <= income * 10 and home != 'rent'", schema)
    >>> rule(np.array([[1.0, 3.0, 0.0], [99.0, 3.0, 0.0], [1.0, 3.0, 1.0], [np.nan, 3.0, 0.0]])).tolist()
    [True, False, False, True]
    """

    def __init__(self, text: str, schema: Schema) -> None:
        self.text = text
        self._schema = schema
        self._names: dict[str, str] = {}
        self._tree = self._parse()
        self(np.zeros((1, len(schema))))

    def __call__(self, Z: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which encoded rows ``(n, d)`` keep the rule."""
        with np.errstate(all="ignore"):
            truth, unknown = self._truth(self._tree, Z)
        return np.broadcast_to(truth | unknown, (len(Z),)).copy()

    def _parse(self) -> ast.expr:
        def placeholder(match: re.Match[str]) -> str:
            name = f"_column_{len(self._names)}"
            self._names[name] = match.group(1)
            return name

        if not isinstance(self.text, str) or len(self.text) > _MAX_LENGTH:
            raise InvalidInputError(
                f"constraint must be a text of at most {_MAX_LENGTH} characters, got {self.text!r:.60}"
            )
        try:
            tree = ast.parse(re.sub("`([^`]+)`", placeholder, self.text).strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise InvalidInputError(f"constraint {self.text!r} cannot be read: {error}") from error
        if sum(1 for _ in ast.walk(tree)) > _MAX_NODES:
            raise InvalidInputError(f"constraint {self.text!r:.60} is too long; split it into several")
        return tree

    def _truth(self, node: ast.expr, Z: NDArray[np.float64]) -> tuple[Any, Any]:
        """Truth of a condition, and where it is unknown (three-valued, as in SQL)."""
        if isinstance(node, ast.BoolOp):
            parts = [self._truth(value, Z) for value in node.values]
            sure_true = [t & ~u for t, u in parts]
            sure_false = [~t & ~u for t, u in parts]
            if isinstance(node.op, ast.And):
                false = np.logical_or.reduce(np.broadcast_arrays(*sure_false))
                true = np.logical_and.reduce(np.broadcast_arrays(*sure_true))
            else:
                true = np.logical_or.reduce(np.broadcast_arrays(*sure_true))
                false = np.logical_and.reduce(np.broadcast_arrays(*sure_false))
            return true, ~(true | false)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            truth, unknown = self._truth(node.operand, Z)
            return ~truth, unknown
        if isinstance(node, ast.Compare):
            return self._comparison(node, Z)
        feature = self._feature(node)
        if feature is not None and feature.kind == "boolean":
            flag = Z[:, self._schema.names.index(feature.name)]
            return flag > 0.5, np.isnan(flag)
        raise self._wrong(node, "a condition (a comparison, and, or, not)")

    def _comparison(self, node: ast.Compare, Z: NDArray[np.float64]) -> tuple[Any, Any]:
        sides = [node.left, *node.comparators]
        truth, unknown = np.True_, np.False_
        for before, op, after in zip(sides, node.ops, sides[1:], strict=False):
            feature = self._feature(before) or self._feature(after)
            if isinstance(op, ast.In | ast.NotIn):
                t, u = self._among(before, after, feature, Z)
                t = t if isinstance(op, ast.In) else ~t
            else:
                if type(op) not in _COMPARISON:
                    raise self._wrong(node, "a comparison")
                if feature is not None and feature.kind == "categorical" and not isinstance(op, ast.Eq | ast.NotEq):
                    raise InvalidInputError(
                        f"constraint {self.text!r}: {feature.name} has no order, compare it with == or !="
                    )
                a, b = (self._value(side, Z, feature) for side in (before, after))
                t, u = _COMPARISON[type(op)](a, b), np.isnan(a) | np.isnan(b)
            truth, unknown = truth & t, unknown | u
        return truth, unknown

    def _among(
        self, left: ast.expr, right: ast.expr, feature: Feature | None, Z: NDArray[np.float64]
    ) -> tuple[Any, Any]:
        if not isinstance(right, ast.List | ast.Tuple | ast.Set):
            raise self._wrong(right, "a list of texts or numbers after in")
        a = self._value(left, Z, feature)
        options = [self._value(item, Z, feature) for item in right.elts]
        return np.logical_or.reduce([np.equal(a, option) for option in options] or [np.False_]), np.isnan(a)

    def _feature(self, node: ast.expr) -> Feature | None:
        """Column that this is, if it is one."""
        if not isinstance(node, ast.Name):
            return None
        name = self._names.get(node.id, node.id)
        if name not in self._schema.names:
            raise InvalidInputError(
                f"constraint {self.text!r} names {name!r}; the columns are: {', '.join(self._schema.names)}"
            )
        return self._schema[name]

    def _value(self, node: ast.expr, Z: NDArray[np.float64], partner: Feature | None) -> Any:
        feature = self._feature(node)
        if feature is not None:
            return Z[:, self._schema.names.index(feature.name)]
        if isinstance(node, ast.Constant):
            return self._constant(node.value, partner)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            value = self._value(node.operand, Z, None)
            return -value if isinstance(node.op, ast.USub) else value
        if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
            a, b = self._value(node.left, Z, None), self._value(node.right, Z, None)
            return _ARITHMETIC[type(node.op)](a, b)
        raise self._wrong(node, "a number, a text, a column or + - * / // %")

    def _constant(self, value: Any, partner: Feature | None) -> Any:
        """Number that a constant stands for beside a column."""
        if partner is not None and partner.is_category:
            if value not in partner.categories:
                names = ", ".join(map(str, partner.categories[:8]))
                raise InvalidInputError(
                    f"constraint {self.text!r}: {partner.name} has no category {value!r}; it has {names}"
                )
            return np.float64(partner.categories.index(value))
        if isinstance(value, bool | int | float):
            return np.float64(value)
        if isinstance(value, str) and partner is not None and partner.kind == "datetime":
            try:
                return np.float64(pd.Timestamp(value).timestamp())
            except ValueError as error:
                raise InvalidInputError(f"constraint {self.text!r}: {value!r} is no date") from error
        raise InvalidInputError(f"constraint {self.text!r}: {value!r} cannot be compared with a number")

    def _wrong(self, node: ast.AST, wanted: str) -> InvalidInputError:
        return InvalidInputError(f"constraint {self.text!r} must have {wanted}, got {ast.unparse(node)!r}")


def satisfied(constraints: Sequence[Constraint], Z: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which encoded rows keep every rule."""
    ok = np.ones(len(Z), dtype=bool)
    for constraint in constraints:
        ok &= constraint(Z)
    return ok
