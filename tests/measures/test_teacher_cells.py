"""Cells of audited rows and the teacher's mean answer in them; the columns in aggregates."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from explaindistill.data.schema import Schema
from explaindistill.errors import InvalidInputError
from explaindistill.measures.columns import describe_columns
from explaindistill.measures.teacher_cells import teacher_cells
from explaindistill.students.tree.estimators import TreeRegressor


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return pd.DataFrame({"x": rng.normal(size=300), "c": rng.choice(["a", "b"], 300)})


def test_means_and_intervals_are_those_of_the_rows_in_the_cell(rows):
    p = 1 / (1 + np.exp(-rows["x"].to_numpy()))
    P = np.column_stack([1 - p, p])
    tree = TreeRegressor(max_leaf_nodes=4, min_samples_leaf=20).fit(rows, P)
    found = teacher_cells(rows, P, tree, classes=["no", "yes"], subject="s")
    leaves = tree.apply(rows)
    assert set(found["cell"]) == set(leaves)
    for line in found[found["output"] == "yes"].to_dict("records"):
        inside = p[leaves == line["cell"]]
        low, high = stats.t.interval(0.95, len(inside) - 1, inside.mean(), stats.sem(inside))
        assert line["n"] == len(inside)
        np.testing.assert_allclose(
            [line[c] for c in ("estimate", "low", "high")], [inside.mean(), max(low, 0), min(high, 1)], atol=1e-12
        )
    assert found.groupby("cell")["estimate"].sum().round(9).eq(1).all()
    assert found[found["output"] == "yes"]["n"].sum() == 300


def test_a_cell_of_too_few_rows_has_no_number(rows):
    tree = TreeRegressor(max_leaf_nodes=4, min_samples_leaf=5).fit(rows, rows["x"])
    few = rows.iloc[:12]
    found = teacher_cells(few, rows["x"][:12], tree, minimum=10)
    small = found[found["status"] == "suppressed"]
    assert len(small)
    assert small[["estimate", "low", "high"]].isna().all(axis=None)


def test_answers_must_fit_the_rows(rows):
    tree = TreeRegressor(max_leaf_nodes=2).fit(rows, rows["x"])
    with pytest.raises(InvalidInputError, match="P must have one row per row of X, 300, got 3"):
        teacher_cells(rows, np.ones(3), tree)


def test_columns_in_aggregates():
    frame = pd.DataFrame(
        {
            "age": [20.0, 30.0, np.nan, 40.0],
            "city": ["b", "a", "a", "b"],
            "owner": [True, True, False, True],
            "empty": [np.nan] * 4,
            "since": pd.to_datetime(["2020-01-01", "2020-01-03", "2020-01-02", None]),
        }
    )
    schema = Schema.infer(frame.assign(empty=[1.0, 2.5, 3.0, 4.0]))
    found = describe_columns(frame, schema, minimum=1).set_index("feature")
    assert found["n_missing"].tolist() == [1, 0, 0, 4, 1]
    assert found.loc["age", ["median", "low", "high", "n_values"]].tolist() == [30.0, 20.0, 40.0, 3]
    assert found.loc["city", "mode"] == "a", "of equals the first"
    assert found.loc["owner", "mode"] == "yes"
    assert np.isnan(found.loc["empty", "median"])
    assert pd.Timestamp(found.loc["since", "median"], unit="s") == pd.Timestamp("2020-01-02")


@pytest.mark.parametrize(("n_missing", "shown"), [(0, 0), (1, None), (4, None), (5, 5), (45, 45), (46, None), (50, 50)])
def test_few_people_without_a_value_or_with_one_are_not_counted(n_missing, shown):
    pay = np.linspace(1000.0, 1900.0, 50)
    schema = Schema.infer(pd.DataFrame({"pay": pay}))
    rows = pd.DataFrame({"pay": np.where(np.arange(50) < n_missing, np.nan, pay)})
    number = describe_columns(rows, schema)["n_missing"].iloc[0]
    assert np.isnan(number) if shown is None else number == shown


def test_no_limit_of_a_column_is_one_person():
    rows = pd.DataFrame({"pay": [*np.linspace(1000.0, 1900.0, 49), 987654.25], "few": [1.0, 2.0, 4.0] + [np.nan] * 47})
    columns = describe_columns(rows, Schema.infer(rows)).set_index("feature")
    assert 1700 <= columns.loc["pay", "high"] <= 1900
    assert 1000 <= columns.loc["pay", "low"] <= 1200
    assert columns.loc["few", ["median", "low", "high"]].isna().all(), "three people are not described"
    assert describe_columns(rows, Schema.infer(rows), 1).set_index("feature").loc["pay", "high"] == 987654.25


def test_a_small_cell_does_not_follow_from_the_others(rows):
    tree = TreeRegressor(max_leaf_nodes=4, min_samples_leaf=5).fit(rows, rows["x"])
    sizes = pd.Series(tree.apply(rows)).value_counts()
    one = np.flatnonzero(tree.apply(rows) == sizes.index[-1])[:1]
    kept = np.append(np.flatnonzero(tree.apply(rows) != sizes.index[-1]), one)
    found = teacher_cells(rows.iloc[kept], rows["x"].to_numpy()[kept], tree, minimum=10)
    assert (found["status"] == "suppressed").sum() == 2, (
        "the cell of one person, and the one that keeps it from being told"
    )
