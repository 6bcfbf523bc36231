"""What a part of the rows remembers: evidence of people for one size of category, rows beside a threshold."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from explaindistill.data.disclosure import disclosed
from explaindistill.data.parts import AnsweredPart, FramePart, disclosed_schema, evidence_of
from explaindistill.data.schema import Schema
from explaindistill.numerics.one_part import OnePart
from explaindistill.numerics.trees.far_rows import TreePart

X = pd.DataFrame({"city": ["a"] * 30 + ["b"] * 6 + ["c"] * 3, "x": np.arange(39.0)})
SCHEMA = Schema.infer(X)


class Ten:
    """A weight of 1 stands for ten people."""

    counts = True

    def whole(self, weight):
        return np.rint(10 * weight).astype(np.int64)


class Other(Ten):
    counts = False


def part_of(weight=None, used=None, size=None):
    evidence = None if size is None else (size, evidence_of(X, SCHEMA, size, None))
    n = len(X) if used is None else len(used)
    return AnsweredPart(FramePart(0, X), SCHEMA.names, np.zeros((n, 1)), weight, used, evidence)


def leaving(part, size, units):
    return disclosed_schema(OnePart(part), SCHEMA, size, units)


def cities(part, size, units):
    return leaving(part, size, units)["city"].categories


@pytest.mark.parametrize("size", [2, 5, 7])
def test_evidence_for_another_size_of_category_is_read_again(size):
    expected = disclosed(SCHEMA, X, size)
    for known in (None, 2, 5, 7):
        assert leaving(part_of(size=known), size, Other()) == expected
    assert ("b" in expected["city"].categories) == (size < 7)


def test_people_of_weight_zero_are_people_and_repetitions_count_where_all_rows_count():
    used = np.flatnonzero(~X["city"].eq("b") | (X.index % 3 == 0))  # two of the six in b
    ones = np.ones(len(used))
    for units in (Other(), Ten()):
        assert "b" in cities(part_of(ones, used), 5, units)
        assert "c" not in cities(part_of(ones, used), 5, units)
    assert "c" in cities(part_of(np.ones(len(X))), 5, Ten())
    assert "c" not in cities(part_of(np.ones(len(X))), 5, Other())


def test_rows_beside_a_threshold_are_those_of_the_node_the_column_and_the_two_bins():
    rng = np.random.default_rng(0)
    codes, values = rng.integers(0, 5, (2, 60)).astype(np.uint8), rng.normal(size=(2, 60))
    order, read = rng.permutation(60).astype(np.int32), []
    nodes = {(0, 25): order[:25], (25, 60): order[25:]}
    part = TreePart(codes, {}, None, nodes, lambda f: read.append(f) or values[f], np.zeros((60, 1)), None)
    questions = [(node, f, pair) for node in nodes for f in (0, 1) for pair in ((1, 2), (2, 4), (0, 3))]
    # the first order asks of one node for other bins, the second of another node for the same ones
    for node, f, pair in [*questions, *sorted(questions, key=lambda question: question[1:])]:
        index, near = part.between(node, f, pair)
        expected = [i for i in nodes[node] if codes[f, i] in pair]
        assert index.tolist() == expected
        assert near.tolist() == values[f, expected].tolist()
        assert part.between(node, f, pair)[0] is index
        assert len(part.nearby) == 1
    assert len(read) == 2 * len(questions)
    moved = replace(part, moved={0: codes[1]})
    assert moved.between((0, 25), 0, (1, 2))[0].tolist() == [i for i in nodes[0, 25] if codes[1, i] in (1, 2)]
