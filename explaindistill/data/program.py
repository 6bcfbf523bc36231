"""What every language has to say of a student: questions, terms and a last step, in no language yet."""

from __future__ import annotations

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
    "program_of",
]

LOG_LIMIT = 30.0
"""Largest exponent of the link ``exp``: beyond it the additive students' own answers are cut too."""
Link = Literal["probabilities", "identity", "logistic", "softmax", "exp", "risk"]


@dataclass(frozen=True)
class Input:
    """A column that the student asks for; ``variable`` is a name that every language accepts.

    Where fitting put rare categories together, ``categories`` are those with a name and ``other`` is True: a value
    without one is "(other)", so :class:`Unseen` is a category that was learned; :func:`listed` says both.

    What fitting saw of it, ``nullable`` (missing values), ``minimum`` and ``maximum`` (None of categories), decides no
    answer; a panel that asks the student offers such values first.

    Examples
    --------
    >>> import pandas as pd
    >>> from explaindistill import TreeRegressor
    >>> X = pd.DataFrame({"home": ["own", "rent"] * 9})
    >>> tree = TreeRegressor(min_samples_leaf=1).fit(X, [1.0, 5.0] * 9)
    >>> column = tree.program().inputs[0]
    >>> column.name, column.variable, column.categories, column.is_text
    ('home', 'x_home', ('own', 'rent'), True)
    """

    name: str
    kind: str
    categories: tuple[Any, ...]
    variable: str
    other: bool = field(default=False, repr=False)
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
        # where no category has a name, only text can have been that rare
        return self.is_category and (any(isinstance(c, str) for c in self.categories) or not self.categories)


@dataclass(frozen=True)
class AtMost:
    """``x <= bound``; false where x is missing.

    Examples
    --------
    >>> from explaindistill import TreeRegressor
    >>> tree = TreeRegressor(min_samples_leaf=1).fit([[1.0], [3.0]] * 9, [0.0, 1.0] * 9)
    >>> tree.program().tree.condition.conditions[0].bound  # the other one of the two: the value is missing
    2.0
    """

    input: Input
    bound: float


@dataclass(frozen=True)
class Missing:
    """There is no value.

    Examples
    --------
    >>> from explaindistill import LinearRegressor
    >>> line = LinearRegressor(penalty=0).fit([[20.0], [40.0], [float("nan")]] * 9, [1.0, 5.0, 9.0] * 9)
    >>> gap = line.program().terms[1]
    >>> gap.factor == Missing(line.program().inputs[0]), gap.coefficients  # the line alone says 3 at its middle, 30
    (True, (6.0,))
    """

    input: Input


@dataclass(frozen=True)
class Unseen:
    """There is a value, and it is none of the categories.

    Examples
    --------
    >>> import pandas as pd
    >>> from explaindistill import TreeRegressor
    >>> X = pd.DataFrame({"home": ["own", "rent"] * 9})
    >>> tree = TreeRegressor(min_samples_leaf=1).fit(X, [1.0, 5.0] * 9)
    >>> own, missing, unseen = tree.program().tree.condition.conditions
    >>> unseen == Unseen(tree.program().inputs[0])
    True
    """

    input: Input


@dataclass(frozen=True)
class OneOf:
    """The value is one of some categories, or equals one of some numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> from explaindistill import TreeRegressor
    >>> X = pd.DataFrame({"home": ["own", "rent"] * 9})
    >>> tree = TreeRegressor(min_samples_leaf=1).fit(X, [1.0, 5.0] * 9)
    >>> tree.program().tree.condition.conditions[0].values
    ('own',)
    """

    input: Input
    values: tuple[Any, ...]


@dataclass(frozen=True)
class AnyOf:
    """One of two or more conditions holds.

    Examples
    --------
    >>> import pandas as pd
    >>> from explaindistill import TreeRegressor
    >>> X = pd.DataFrame({"home": ["own", "rent"] * 9})
    >>> tree = TreeRegressor(min_samples_leaf=1).fit(X, [1.0, 5.0] * 9)
    >>> [type(way).__name__ for way in tree.program().tree.condition.conditions]
    ['OneOf', 'Missing', 'Unseen']
    """

    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Not:
    """The condition does not hold; a missing value is no exception.

    Examples
    --------
    >>> from explaindistill import TreeRegressor
    >>> tree = TreeRegressor(min_samples_leaf=1).fit([[1.0], [float("nan")]] * 9, [0.0, 1.0] * 9)
    >>> tree.program().tree.condition == Not(Missing(tree.program().inputs[0]))
    True
    """

    condition: Condition


Condition = AtMost | Missing | Unseen | OneOf | AnyOf | Not


@dataclass(frozen=True)
class Clipped:
    """``clip(x / unit, low, high) - centre``, where a missing x counts as ``fill`` units; bounds may be None.

    Examples
    --------
    >>> from explaindistill import LinearRegressor
    >>> line = LinearRegressor(penalty=0).fit([[20.0], [40.0], [float("nan")]] * 9, [1.0, 5.0, 9.0] * 9)
    >>> age = line.program().terms[0].factor
    >>> age.unit, age.fill  # a missing value counts as the middle of those that are known
    (1.0, 30.0)
    """

    input: Input
    unit: float
    fill: float
    low: float | None = None
    high: float | None = None
    centre: float = 0.0


@dataclass(frozen=True)
class Term:
    """A number or a condition (1 where it holds), times one coefficient per output.

    Examples
    --------
    The number 2 for the young, as Python writes it:

    >>> from explaindistill.export.python import generate
    >>> age = Input("age", "numeric", (), "x_age")
    >>> class Young:
    ...     def program(self):
    ...         young = Term(AtMost(age, 30.0), (2.0,))
    ...         return Program("Young", (age,), None, 1, "identity", base=(1.0,), terms=(young,))
    >>> module = {}
    >>> exec(generate(Young()), module)
    >>> [module["predict"](row) for row in ({"age": 20}, {"age": 40}, {"age": None})]
    [3.0, 1.0, 1.0]
    """

    factor: Clipped | Condition
    coefficients: tuple[float, ...]


@dataclass(frozen=True)
class Grid:
    """Where a curve has its values.

    ``knots`` for numbers; ``places`` maps categories to places. ``missing`` is the place of missing values; without one
    they, and categories without a place, add nothing. ``unseen`` is the place of "(other)", where there is one.

    Examples
    --------
    >>> import pandas as pd
    >>> from explaindistill import GAMRegressor
    >>> X = pd.DataFrame({"home": ["own", "rent"] * 9})
    >>> curve = GAMRegressor(n_pairs=0).fit(X, [1.0, 5.0] * 9).program().curves[0]
    >>> curve.grids[0].places, curve.grids[0].missing
    ((('own', 0), ('rent', 1)), None)
    """

    input: Input
    knots: tuple[float, ...]
    places: tuple[tuple[Any, int], ...]
    missing: int | None
    unseen: int | None = None


@dataclass(frozen=True)
class Curve:
    """One value per place of one grid, or of the product of two, for each output: linear between knots, and beyond.

    Examples
    --------
    >>> import pandas as pd
    >>> from explaindistill import GAMRegressor
    >>> X = pd.DataFrame({"home": ["own", "rent"] * 9})
    >>> curve = GAMRegressor(n_pairs=0).fit(X, [1.0, 5.0] * 9).program().curves[0]
    >>> curve.name, [round(value, 3) for value in curve.values[0]]
    ('home', [-2.0, 2.0])
    """

    name: str
    grids: tuple[Grid, ...]
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Leaf:
    """Values of the outputs, and terms that are added to them.

    Examples
    --------
    >>> from explaindistill import TreeRegressor
    >>> tree = TreeRegressor(min_samples_leaf=1).fit([[1.0], [3.0]] * 9, [0.0, 1.0] * 9)
    >>> tree.program().tree.no
    Leaf(values=(1.0,), terms=())
    """

    values: tuple[float, ...]
    terms: tuple[Term, ...] = ()


@dataclass(frozen=True)
class Split:
    """A question with two answers.

    Examples
    --------
    >>> from explaindistill import TreeRegressor
    >>> tree = TreeRegressor(min_samples_leaf=1).fit([[1.0], [3.0]] * 9, [0.0, 1.0] * 9)
    >>> root = tree.program().tree
    >>> root.yes.values, root.no.values
    ((0.0,), (1.0,))
    """

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
    notes : tuple of str
        Sentences for the head of the code; they hold nothing that comes from outside, such as names of columns.

    Examples
    --------
    >>> from explaindistill import TreeRegressor
    >>> tree = TreeRegressor(min_samples_leaf=1).fit([[1.0], [3.0]] * 9, [0.0, 1.0] * 9)
    >>> program = tree.program()
    >>> program.kind, program.link, program.n_answers, [column.name for column in program.inputs]
    ('TreeRegressor', 'identity', 1, ['x0'])
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
    notes: tuple[str, ...] = ()

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
