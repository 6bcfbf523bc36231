"""A student as an ONNX model in double precision, for onnxruntime and every other engine that reads ONNX."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from explaindistill.data.program import LOG_LIMIT, Clipped, Curve, Grid, Input, Leaf, Program, Term, program_of
from explaindistill.export._circuit import Circuit, Fact, Literal
from explaindistill.export._graph import Graph
from explaindistill.export._texts import check_categories, check_names

__all__ = ["generate"]

MISSING = ""
NOTHING = "nothing"


def generate(student: Any) -> bytes:
    """ONNX model that answers as the student does, to about 1e-12.

    Parameters
    ----------
    student : fitted student of this package

    Returns
    -------
    bytes
        A model of opset 17 (and ``ai.onnx.ml`` 3 where a category is text). It has one input of shape ``(n, 1)`` per
        column that the student asks for, under the column's name: text categories are strings, all other columns
        doubles. NaN is missing; so is the empty string, or, where that is a category, the text in the metadata
        ``missing``. Dates are seconds since 1970 (UTC), flags 0 or 1. A student that asks for nothing has one input
        ``nothing``, whose values do not matter. Outputs are ``label`` ``(n,)`` and ``probabilities`` ``(n, k)`` in the
        order of the metadata ``classes``; in regression ``value`` ``(n, m)``. Where a column bears the name of an
        output, an underscore is added to the output's.

    Raises
    ------
    InvalidInputError
        If the student's form is of a family that cannot be exported.
    MissingExtraError
        Without the package ``onnx``.

    Examples
    --------
    >>> import onnxruntime, pandas as pd
    >>> from explaindistill.students.tree import TreeRegressor
    >>> X = pd.DataFrame({"floor": [1, 2, 8, 9]})
    >>> model = generate(TreeRegressor(min_samples_leaf=1).fit(X, [1.0, 1.0, 5.0, 5.0]))
    >>> session = onnxruntime.InferenceSession(model)
    >>> session.run(["value"], {"floor": np.array([[2.0], [9.0]])})[0].tolist()
    [[1.0], [5.0]]
    """
    program = program_of(student)
    return _Writer(program).model()


class _Writer:
    """Writes one program: facts, gates, numbers, sums and the last step."""

    def __init__(self, program: Program) -> None:
        check_names(program, "ONNX")
        check_categories(program, "ONNX")
        self.program = program
        names = [i.name for i in program.inputs] or [NOTHING]
        self.graph = Graph(names)
        self.circuit = Circuit()
        self.columns: dict[int, int] = {}
        self.truths = ""
        texts = {c for i in program.inputs if i.is_text for c in i.categories}
        self.missing = MISSING
        while self.missing in texts:
            self.missing = f"({self.missing or 'missing'})"
        numeric = [i for i in program.inputs if not i.is_category]
        self.number_place = {i.name: j for j, i in enumerate(numeric)}
        self.numbers = self._joined([i.name for i in numeric]) if numeric else ""
        self.codes = {i.name: self._code(i) for i in program.inputs if i.is_category}

    def model(self) -> bytes:
        program, graph = self.program, self.graph
        inputs = [(i.name, str if i.is_text else float, _meaning(i)) for i in program.inputs]
        metadata = {"kind": program.kind, "missing": self.missing}
        is_tree = program.tree is not None
        total = self._tree() if is_tree else self._sum(program.base, program.terms, program.curves)
        answer = self._linked(total)
        outputs: list[tuple[str, type, tuple[Any, ...]]]
        if program.classes is None:
            outputs = [(graph.finish(answer, "value"), float, ("n", program.n_outputs))]
        else:
            metadata["classes"] = json.dumps(program.classes)
            labels = np.array(program.classes)
            best = graph.add("ArgMax", answer, axis=1, keepdims=0)
            label = graph.add("Gather", graph.constant(labels, labels.dtype), best, axis=0)
            kind = {"U": str, "i": int, "b": bool}.get(labels.dtype.kind, float)
            probabilities = graph.finish(answer, "probabilities"), float, ("n", program.n_answers)
            outputs = [(graph.finish(label, "label"), kind, ("n",)), probabilities]
        return graph.model(inputs or [(NOTHING, float, "any number, one per row")], outputs, metadata)

    def _joined(self, parts: list[str]) -> str:
        return parts[0] if len(parts) == 1 else self.graph.add("Concat", *parts, axis=1)

    # ---- values of columns

    def _code(self, column: Input) -> str:
        """Place of the category ``(n,)``; then comes unseen, then missing."""
        graph, n = self.graph, len(column.categories)
        if column.is_text:
            keys = [*(str(c) for c in column.categories), self.missing]
            places = [*range(n), n + 1]
            code = graph.add("LabelEncoder", column.name, keys_strings=keys, values_int64s=places, default_int64=n)
        else:
            same = graph.add("Equal", column.name, graph.constant([[float(c) for c in column.categories]]))
            offset = graph.add("MatMul", graph.cast(same, float), graph.constant([[j - n] for j in range(n)]))
            lost = graph.cast(graph.add("IsNaN", column.name), float)
            code = graph.cast(graph.add("Sum", offset, lost, graph.constant([[float(n)]])), int)
        return graph.add("Squeeze", code, graph.constant([1], np.int64))

    def _prepare(self) -> None:
        """Truths of all facts and gates asked for so far, ``(n, q)`` of 0 and 1."""
        facts = self.circuit.facts()
        blocks, order = [], []
        for kind in ("at_most", "equal", "missing"):
            chosen = [i for i in facts if self._of(i).kind == kind and not self._of(i).input.is_category]
            if chosen:
                blocks.append(self._number_facts(kind, [self._of(i) for i in chosen]))
                order += chosen
        for name in self.codes:
            chosen = [i for i in facts if self._of(i).input.name == name]
            if chosen:
                blocks.append(self._category_facts([self._of(i) for i in chosen]))
                order += chosen
        if not blocks:
            return
        self.truths, self.columns = self._joined(blocks), {at: j for j, at in enumerate(order)}
        for gates in self.circuit.levels():
            W, b, t = self.circuit.weights(gates, self.columns)
            count = self._affine(self.truths, W, b)
            holds = self.graph.cast(self.graph.add("Greater", count, self.graph.constant(t)), float)
            self.truths = self.graph.add("Concat", self.truths, holds, axis=1)
            self.columns |= {at: len(self.columns) + j for j, at in enumerate(gates)}

    def _of(self, at: int) -> Fact:
        fact = self.circuit.parts[at]
        assert isinstance(fact, Fact)
        return fact

    def _number_facts(self, kind: str, facts: list[Fact]) -> str:
        graph = self.graph
        x = graph.picked(self.numbers, [self.number_place[f.input.name] for f in facts])
        if kind == "missing":
            return graph.cast(graph.add("IsNaN", x), float)
        bounds = graph.constant([[float(f.value) for f in facts]])  # type: ignore[arg-type]  # these hold numbers
        return graph.cast(graph.add("LessOrEqual" if kind == "at_most" else "Equal", x, bounds), float)

    def _category_facts(self, facts: list[Fact]) -> str:
        column = facts[0].input
        n = len(column.categories)
        truth = np.zeros((n + 2, len(facts)))
        for j, fact in enumerate(facts):
            at = {"unseen": n, "missing": n + 1}.get(fact.kind)
            truth[column.categories.index(fact.value) if at is None else at, j] = 1.0
        return self.graph.add("Gather", self.graph.constant(truth), self.codes[column.name], axis=0)

    def _affine(self, x: str, W: Any, b: Any) -> str:
        product = self.graph.add("MatMul", x, self.graph.constant(W))
        return self.graph.add("Add", product, self.graph.constant(b)) if np.any(b) else product

    def _held(self, literals: list[Literal]) -> str:
        """Truth of some literals, ``(n, q)`` of 0 and 1."""
        W, b = np.zeros((len(self.columns), len(literals))), np.zeros((1, len(literals)))
        for j, (at, holds) in enumerate(literals):
            W[self.columns[at], j] = 1.0 if holds else -1.0
            b[0, j] = 0.0 if holds else 1.0
        return self._affine(self.truths, W, b)

    def _clipped(self, factors: list[Clipped]) -> str:
        """Numbers as the student adds them up, ``(n, q)``."""
        graph = self.graph
        x = graph.picked(self.numbers, [self.number_place[f.input.name] for f in factors])
        value = graph.add("Div", x, graph.constant([[f.unit for f in factors]]))
        fill = graph.constant([[f.fill for f in factors]])
        value = graph.add("Where", graph.add("IsNaN", x), fill, value)
        if any(f.low is not None for f in factors):
            low = [-np.inf if f.low is None else f.low for f in factors]
            high = [np.inf if f.high is None else f.high for f in factors]
            value = graph.add("Min", graph.add("Max", value, graph.constant([low])), graph.constant([high]))
        return graph.add("Sub", value, graph.constant([[f.centre for f in factors]]))

    # ---- sums

    def _constant_rows(self, values: Any) -> str:
        """The same values in every row, ``(n, K)``; how many rows there are the first input says."""
        source = self.program.inputs[0].name if self.program.inputs else NOTHING
        n = self.graph.add("Slice", self.graph.add("Shape", source), *(self.graph.constant([v], int) for v in (0, 1)))
        shape = self.graph.add("Concat", n, self.graph.constant([len(values)], int), axis=0)
        return self.graph.add("Expand", self.graph.constant([values]), shape)

    def _factors(self, terms: list[Term]) -> tuple[str, dict[Any, int]]:
        """Values of the distinct factors of some terms ``(n, q)``, and the column of each."""
        numbers = list(dict.fromkeys(t.factor for t in terms if isinstance(t.factor, Clipped)))
        conditions = list(dict.fromkeys(t.factor for t in terms if not isinstance(t.factor, Clipped)))
        blocks = [self._clipped(numbers)] if numbers else []
        blocks += [self._held([self.circuit.literal(c) for c in conditions])] if conditions else []
        return self._joined(blocks), {f: j for j, f in enumerate([*numbers, *conditions])}

    def _sum(self, base: tuple[float, ...], summands: tuple[Term, ...], curves: tuple[Curve, ...] = ()) -> str:
        """Base, terms and curves, ``(n, K)``."""
        graph = self.graph
        for term in summands:
            if not isinstance(term.factor, Clipped):
                self.circuit.literal(term.factor)
        self._prepare()
        parts = [self._constant_rows(base)]
        if summands:
            values, place = self._factors(list(summands))
            B = np.zeros((len(place), self.program.n_outputs))
            for term in summands:
                B[place[term.factor]] += term.coefficients
            parts.append(graph.add("MatMul", values, graph.constant(B)))
        parts += [self._curve(curve) for curve in curves]
        return graph.add("Sum", *parts) if len(parts) > 1 else parts[0]

    def _tree(self) -> str:
        graph, tree = self.graph, self.program.tree
        assert tree is not None
        if isinstance(tree, Leaf):
            return self._sum(tree.values, tree.terms)
        leaves = self.circuit.leaves(tree)
        terms = [t for _, leaf in leaves for t in leaf.terms]
        for term in terms:
            if not isinstance(term.factor, Clipped):
                self.circuit.literal(term.factor)
        self._prepare()
        in_leaf = self._held([literal for literal, _ in leaves])
        out = graph.add("MatMul", in_leaf, graph.constant([leaf.values for _, leaf in leaves]))
        if not terms:
            return out
        values, place = self._factors(terms)
        B = np.zeros((len(leaves), len(place), self.program.n_outputs))
        for i, (_, leaf) in enumerate(leaves):
            for term in leaf.terms:
                B[i, place[term.factor]] += term.coefficients
        chosen = graph.add("MatMul", in_leaf, graph.constant(B.reshape(len(leaves), -1)))
        chosen = graph.add("Reshape", chosen, graph.constant([-1, *B.shape[1:]], int))
        row = graph.add("Unsqueeze", values, graph.constant([1], int))
        added = graph.add("Squeeze", graph.add("MatMul", row, chosen), graph.constant([1], int))
        return graph.add("Add", out, added)

    def _place(self, grid: Grid) -> tuple[str, str | None, int]:
        """Place of a value on a grid ``(n,)``, the share of the way to the next ``(n, 1)``, and the places there are.

        The last place is one more than the grid has: there the values are 0.
        """
        graph, column = self.graph, grid.input
        places_apart = (-1 if place is None else place for place in (grid.missing, grid.unseen))
        n = max(len(grid.knots), *(p + 1 for _, p in grid.places), *(place + 1 for place in places_apart))
        lost = n if grid.missing is None else grid.missing
        if not grid.knots:
            place = dict(grid.places)
            unseen = n if grid.unseen is None else grid.unseen
            table = [*(place.get(c, n) for c in column.categories), unseen, lost]
            return graph.add("Gather", graph.constant(table, int), self.codes[column.name]), None, n + 1
        x, missing = column.name, graph.add("IsNaN", column.name)
        inner = np.array([grid.knots[1:-1]]).reshape(1, -1)
        low = graph.constant([[0]], int)
        if inner.size:
            passed = graph.cast(graph.add("GreaterOrEqual", x, graph.constant(inner)), int)
            low = graph.add("ReduceSum", passed, graph.constant([1], int), keepdims=1)
        at = graph.add("Where", missing, graph.constant([[lost]], int), low)
        at = graph.add("Squeeze", at, graph.constant([1], int))
        if len(grid.knots) == 1:
            return at, None, n + 1
        start, width = np.zeros((n + 1, 1)), np.ones((n + 1, 1))
        start[: len(grid.knots) - 1, 0], width[: len(grid.knots) - 1, 0] = grid.knots[:-1], np.diff(grid.knots)
        way = graph.add("Sub", x, graph.add("Gather", graph.constant(start), at))
        way = graph.add("Div", way, graph.add("Gather", graph.constant(width), at))
        return at, graph.add("Where", missing, graph.constant([[0.0]]), way), n + 1

    def _curve(self, curve: Curve) -> str:
        """What one term adds, ``(n, K)``."""
        graph, places = self.graph, [self._place(grid) for grid in curve.grids]
        values = np.zeros((*(size for _, _, size in places), len(curve.values)))
        for k, numbers in enumerate(curve.values):
            array = np.array(numbers)
            inside: tuple[Any, ...] = (*(slice(m) for m in array.shape), k)
            values[inside] = array
        # what lies beyond the table is read with a share of 0 only
        width = places[-1][2] if len(places) == 2 else 1
        beyond = np.zeros((width + 1, len(curve.values)))
        table = graph.constant(np.vstack([values.reshape(-1, len(curve.values)), beyond]))
        at, share, _ = places[0]
        if len(places) == 1:
            return self._between(table, at, share)
        second, other, _ = places[1]
        step = graph.constant(width, int)
        at = graph.add("Add", graph.add("Mul", at, step), second)
        near = self._between(table, at, other)
        return (
            near if share is None else self._blend(near, self._between(table, graph.add("Add", at, step), other), share)
        )

    def _between(self, table: str, at: str, share: str | None) -> str:
        """Values at a place, blended with those at the next."""
        graph = self.graph
        low = graph.add("Gather", table, at)
        if share is None:
            return low
        return self._blend(low, graph.add("Gather", table, graph.add("Add", at, graph.constant(1, int))), share)

    def _blend(self, low: str, high: str, share: str) -> str:
        """``low + share * (high - low)``: exact where both are equal, however far out the share is."""
        graph = self.graph
        return graph.add("Add", low, graph.add("Mul", share, graph.add("Sub", high, low)))

    # ---- the last step

    def _linked(self, out: str) -> str:
        graph, program = self.graph, self.program
        if program.link == "logistic":
            return self._joined([graph.add("Sigmoid", graph.add("Neg", out)), graph.add("Sigmoid", out)])
        if program.link == "softmax":
            return graph.add("Softmax", out, axis=1)
        if program.link == "exp":
            limits = graph.constant(-LOG_LIMIT), graph.constant(LOG_LIMIT)
            return graph.add("Exp", graph.add("Clip", out, *limits))
        if program.link == "risk":
            total = graph.add("Sub", graph.add("Round", out), graph.constant([[float(program.lowest)]]))
            at = graph.add("Squeeze", graph.cast(total, int), graph.constant([1], int))
            risk = np.array(program.risk)
            return graph.add("Gather", graph.constant(np.column_stack([1.0 - risk, risk])), at)
        return out


def _meaning(column: Input) -> str:
    if column.is_category:
        return f"{column.kind}: {json.dumps(column.categories)}"
    return {"datetime": "seconds since 1970 (UTC)", "boolean": "0 or 1"}.get(column.kind, column.kind)
