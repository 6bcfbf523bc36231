"""What one column must be, in words that can be read back: the grammar of every printed rule and tree.

.. code-block:: text

    rule    = literal | part " and " part ...        part = literal, in brackets where it ends in ", or missing"
    literal = test | test ", or missing"
    test    = name "<=" bound | name ">" bound | bound "<" name "<=" bound
            | name "is" level | name "is not" level | name "in" {level, ...} | name "not in" {level, ...}
            | name "is known" | name "is missing" | name "is anything"

A missing value meets a test only where ``, or missing`` is said; a value that fitting has not seen meets ``not`` only.
Text levels always stand in quotation marks, names where they could be taken for something else.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.data.schema import Feature, Schema

__all__ = ["Literal", "bound_words", "conjunction", "counted_from", "level_words", "name_words"]

RESERVED = frozenset("if else and or not in is missing known anything always yes no".split())  # noqa: SIM905
"""Words of the grammar: a column name with one of them is quoted."""
_PLAIN = re.compile(r"[^\W\d][\w.%/-]*( [\w.%/-]+)*")
OR_MISSING = ", or missing"


def name_words(name: str) -> str:
    """Name of a column as a rule shows it: in quotation marks where it could be read as something else.

    Examples
    --------
    >>> name_words("hours per week"), name_words("in or out"), name_words("3")
    ('hours per week', '"in or out"', '"3"')
    """
    plain = _PLAIN.fullmatch(name) and RESERVED.isdisjoint(name.lower().split())
    return name if plain else _quoted(name)


def counted_from(name: str, centre: float) -> str:
    """A number in a formula, less its centre: every digit of the centre that is taken off.

    Examples
    --------
    >>> counted_from("income", 2900.0), counted_from("change", -0.5), counted_from("floor", 0.0)
    ('(income - 2900)', '(change + 0.5)', 'floor')
    """
    if not centre:
        return name
    size = abs(float(centre))
    digits = repr(int(size)) if size.is_integer() and size < 1e15 else repr(size)
    return f"({name} {'+' if centre < 0 else '-'} {digits})"


def level_words(level: Any) -> str:
    """One category as a rule shows it: numbers as they are, everything else in quotation marks.

    Examples
    --------
    >>> level_words("rent"), level_words(3)
    ('"rent"', '3')
    """
    if isinstance(level, int | float | np.number | np.bool_):
        return str(level)
    return _quoted(str(level))


def bound_words(feature: Feature, value: float) -> str:
    """Bound of a range as a rule shows it: a number or a date as it is, a level of an order in quotation marks.

    Examples
    --------
    >>> bound_words(Feature("size", "ordered", categories=("small", "large")), 0.0)
    '"small"'
    """
    return level_words(feature.categories[int(value)]) if feature.is_category else feature.words(value)


def _quoted(text: str) -> str:
    # what cannot be printed (a newline, a lone surrogate, a mark that turns the direction) is shown as its number
    return json.dumps(text, ensure_ascii=not text.isprintable())


@dataclass(frozen=True)
class Literal:
    """What one column must be.

    Attributes
    ----------
    feature : int
        Position of the column in the schema.
    low, high : float
        Numbers: ``low < x <= high``; both infinite: any known value; ``low`` positive infinity: none.
    codes : tuple of int, or None
        Categories that are listed; None for numbers.
    inside : bool
        Whether it must be one of those listed, or none of them (unseen ones then hold, too).
    missing : bool
        Whether a missing value satisfies it.
    """

    feature: int
    low: float = -math.inf
    high: float = math.inf
    codes: tuple[int, ...] | None = None
    inside: bool = True
    missing: bool = False

    def __call__(self, numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether each encoded value satisfies it ``(n,)``."""
        gone = np.isnan(numbers)
        if self.codes is not None:
            holds = np.isin(numbers, self.codes) == self.inside
        else:
            with np.errstate(invalid="ignore"):
                holds = (numbers > self.low) & (numbers <= self.high)
        return np.asarray(np.where(gone, self.missing, holds))

    @property
    def cost(self) -> int:
        """Numbers to write down: the column and each bound, or the column and each category."""
        if self.codes is not None:
            return 1 + len(self.codes)
        return 1 + max(1, int(math.isfinite(self.low)) + int(math.isfinite(self.high)))

    def words(self, feature: Feature) -> str:
        """Say it in the grammar of this module.

        Examples
        --------
        >>> Literal(0, high=2570.0, missing=True).words(Feature("income", "integer"))
        'income <= 2570, or missing'
        >>> Literal(0, codes=(1,), inside=False).words(Feature("home", "categorical", categories=("own", "rent")))
        'home is not "rent"'
        """
        name = name_words(feature.name)
        if self._is_empty:
            return f"{name} is missing"
        if self._is_whole:
            return f"{name} is {'anything' if self.missing else 'known'}"
        text = f"{name} {self._listed(feature)}" if self.codes is not None else self._between(name, feature)
        return text + OR_MISSING if self.missing else text

    @property
    def _is_empty(self) -> bool:
        """Whether no known value satisfies it."""
        return self.low == math.inf if self.codes is None else self.inside and not self.codes

    @property
    def _is_whole(self) -> bool:
        """Whether every known value satisfies it."""
        if self.codes is None:
            return self.low == -math.inf and self.high == math.inf
        return not self.inside and not self.codes

    def _listed(self, feature: Feature) -> str:
        assert self.codes is not None
        levels = [level_words(feature.categories[code]) for code in self.codes]
        if len(levels) == 1:
            return f"{'is' if self.inside else 'is not'} {levels[0]}"
        return f"{'in' if self.inside else 'not in'} {{{', '.join(levels)}}}"

    def _between(self, name: str, feature: Feature) -> str:
        if feature.kind == "boolean" and (self.low == -math.inf) != (self.high == math.inf):
            # "flag <= 0.5" would ask a reader to turn it round; a flag is 0 or 1, so one bound cuts it in two
            return f"{name} is {'no' if self.low == -math.inf else 'yes'}"
        above = bound_words(feature, self.low) if self.low > -math.inf else ""
        below = f" <= {bound_words(feature, self.high)}" if self.high < math.inf else ""
        return f"{above} < {name}{below}" if above and below else name + (below or f" > {above}")

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; infinite bounds as None."""
        out: dict[str, Any] = {"feature": self.feature, "missing": self.missing}
        if self.codes is not None:
            return out | {"codes": list(self.codes), "inside": self.inside}
        nothing = self.low == math.inf
        bounds = {k: None if math.isinf(v) else v for k, v in (("low", self.low), ("high", self.high))}
        return out | bounds | ({"nothing": True} if nothing else {})

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Literal:
        """Inverse of :meth:`to_dict`."""
        feature, missing = int(data["feature"]), bool(data["missing"])
        if "codes" in data:
            codes = tuple(int(c) for c in data["codes"])
            return cls(feature, codes=codes, inside=bool(data["inside"]), missing=missing)
        if data.get("nothing"):
            return cls(feature, math.inf, math.inf, missing=missing)
        low = -math.inf if data["low"] is None else float(data["low"])
        high = math.inf if data["high"] is None else float(data["high"])
        return cls(feature, low, high, missing=missing)


def conjunction(literals: Sequence[Literal], schema: Schema) -> str:
    """All that must hold, joined by "and"; ``always`` where nothing must.

    Examples
    --------
    >>> schema = Schema((Feature("income", "integer", nullable=True), Feature("age", "integer")))
    >>> conjunction([Literal(0, high=2570.0, missing=True), Literal(1, low=40.0)], schema)
    '(income <= 2570, or missing) and age > 40'
    """
    texts = [literal.words(schema[literal.feature]) for literal in literals]
    if len(texts) > 1:
        texts = [f"({text})" if text.endswith(OR_MISSING) else text for text in texts]
    return " and ".join(texts) or "always"
