"""Cells of rows in partitions: they add up in any order, and rows that stand for all withhold the same groups."""

import numpy as np
import pandas as pd
import pytest

from explaindistill.auditing.partitions import people
from explaindistill.auditing.partitions.cells import Cells, Levels
from explaindistill.errors import InvalidInputError
from explaindistill.measures.suppression import hidden_groups

COLUMNS = {
    "text": ["b", None, "a", "b", "c", "a"],
    "numbers": [3, 1, 2, 2, 3, 1],
    "gaps": [0.5, np.nan, 2.0, 2.0, 0.5, np.nan],
    "flags": [True, False, True, True, False, False],
    "order": pd.Categorical(["b", "a", None, "b", "a", "a"], ["b", "a"], ordered=True),
    "dates": pd.to_datetime(["2020-01-01", None, "2021-01-01", "2020-01-01", None, "2021-01-01"]),
}


def cells(column, codes, weight=None):
    return Cells.of({"who": Levels.of(column)}, {"decision": codes}, weight)


@pytest.mark.parametrize("kind", COLUMNS)
@pytest.mark.parametrize("weight", [None, np.array([1.0, 0.0, 0.5, 2.0, 1.0, 1.0])])
def test_cells_of_parts_are_those_of_all_rows(kind, weight):
    column, codes = pd.Series(COLUMNS[kind], name="who"), np.array([0, 1, 1, 1, 0, -1])
    whole = cells(column, codes, weight)
    for cuts in ([[0, 1], [2, 3, 4, 5]], [[4, 5], [0], [3, 2], [1]]):
        first, *others = (
            cells(column.iloc[at].reset_index(drop=True), codes[at], None if weight is None else weight[at])
            for at in cuts
        )
        for other in others:
            first += other
        assert counts(first) == counts(whole)
        assert first.attributes()["who"].dtype == column.dtype


def counts(of):
    who, counted = of.attributes()["who"].astype(object), of.counted
    keys = zip(who.where(who.notna(), None), of.codes["decision"].tolist(), strict=True)
    return dict(zip(keys, zip(counted.count.tolist(), counted.weight, counted.square, strict=True), strict=True))


def test_cells_of_many_columns_do_not_run_out_of_numbers():
    rng = np.random.default_rng(0)
    codes = {f"code {i}": rng.integers(-1, 5000, 300) for i in range(8)}
    both = Cells.of({}, {name: np.concatenate([values, values]) for name, values in codes.items()}, None)
    assert (len(both), both.counted.count.tolist()) == (300, [2] * 300)


def test_a_column_of_too_many_values_is_refused():
    with pytest.raises(InvalidInputError, match="'id' has more; cut it into bands"):
        Levels.of(pd.Series(np.arange(70_000), name="id"))


@pytest.mark.parametrize("sizes", [[700, 400, 5], [900, 60, 9, 8], [500, 500]])
def test_fewer_rows_that_stand_for_all_withhold_the_same_groups(monkeypatch, sizes):
    who = pd.Series(np.repeat(list("abcd")[: len(sizes)], sizes), name="who")
    monkeypatch.setattr(people, "STAND_INS", 150)
    of = cells(who, np.arange(len(who)) % 2)
    some = people.stand_ins(of, 10)
    assert len(some) < len(who)
    assert hidden_groups(some, 10) == hidden_groups(pd.DataFrame({"who": who}), 10)


def test_values_of_few_people_are_named_other():
    who = pd.Series(["a"] * 9 + ["only me"] * 2 + ["b"] * 7)
    shown = people.nameless(cells(who, np.zeros(18, dtype=np.int64)), 5, [])
    assert dict(zip(shown.attributes()["who"], shown.counted.count.tolist(), strict=True)) == {
        "a": 9, "(other)": 2, "b": 7,
    }  # fmt: skip
