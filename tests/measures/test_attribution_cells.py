"""Shapley values in cells: counts that a slow twin finds, too, and that show nobody."""

import numpy as np
import pandas as pd
import pytest

from explaindistill.measures.attribution_cells import attribution_cells, grid_of, value_ranks

N, LEAST = 400, 10
COLUMNS = ["income", "sex", "debt"]


@pytest.fixture(scope="module")
def values() -> np.ndarray:
    rng = np.random.default_rng(0)
    phi = np.column_stack([rng.normal(size=N), rng.choice([-0.4, 0.5], N), rng.exponential(0.3, N)])
    phi[7] = [987.6, 0.5, -654.3]  # one person far from all others
    return phi


@pytest.fixture(scope="module")
def table(values) -> pd.DataFrame:
    ranks = np.column_stack([values[:, 0].argsort().argsort() / (N - 1), np.full(N, np.nan), np.zeros(N)])
    return attribution_cells(values, {name: j for j, name in enumerate(COLUMNS)}, ranks, minimum=LEAST)


def test_every_row_is_counted_once_and_no_cell_holds_few(table):
    assert (table["k"] >= LEAST).all()
    assert table.groupby("feature")["k"].sum().to_dict() == dict.fromkeys(COLUMNS, float(N))


def test_counts_are_those_of_a_slow_twin(table, values):
    for feature, lines in table.groupby("feature"):
        phi = values[:, COLUMNS.index(feature)]
        last = len(lines) - 1
        for i, line in enumerate(lines.to_dict("records")):
            low = -np.inf if i == 0 else line["value_from"]
            high = np.inf if i == last else line["value_to"]
            assert line["k"] == sum(low - 1e-12 <= x < high - 1e-12 for x in phi), (feature, i)
            assert line["estimate"] == pytest.approx(line["k"] / N)


def test_an_extreme_is_in_no_edge(table, values):
    edges = table[["value_from", "value_to"]].to_numpy()
    for j in range(3):
        ordered = np.sort(values[:, j])
        assert edges.max() <= np.sort(values.max(axis=0))[-1]
        assert not np.isclose(edges, ordered[0], atol=1e-9).any() or np.sum(values[:, j] == ordered[0]) >= LEAST
    assert np.abs(edges).max() < 10


def test_one_row_far_from_the_others_of_its_column_is_in_no_edge_of_a_wide_picture():
    rng = np.random.default_rng(0)
    narrow, wide = rng.uniform(-0.5, 0.5, N), rng.uniform(-10, 10, N)
    narrow[7], narrow[8] = 7.3, -6.2  # not beyond the picture, which the wide column needs
    table = attribution_cells(
        np.column_stack([narrow, wide]), {"narrow": 0, "wide": 1}, np.zeros((N, 2)), minimum=LEAST
    )
    lines = table[table["feature"] == "narrow"]
    assert lines[["value_from", "value_to"]].abs().to_numpy().max() <= 0.5
    assert lines["k"].sum() == N


def test_ranks_are_means_of_whole_cells(table):
    assert table.loc[table["feature"] == "sex", "mean_rank"].isna().all()
    income = table.loc[table["feature"] == "income", "mean_rank"].to_numpy()
    assert (np.diff(income) > 0).all()
    assert 0 < income[0] < income[-1] < 1


def test_a_mean_rank_of_few_rows_is_not_told():
    ranks = np.full((N, 1), np.nan)
    ranks[: LEAST - 1] = 0.5
    phi = np.repeat([[-1.0], [1.0]], N // 2, axis=0)
    assert attribution_cells(phi, {"pay": 0}, ranks, minimum=LEAST)["mean_rank"].isna().all()
    ranks[LEAST - 1] = 1.0
    assert attribution_cells(phi, {"pay": 0}, ranks, minimum=LEAST)["mean_rank"].iloc[0] == pytest.approx(0.55)


def test_two_spikes_stay_apart(table):
    sex = table[table["feature"] == "sex"]
    assert len(sex) == 2
    assert sex["value_to"].iloc[0] < sex["value_from"].iloc[1]


@pytest.mark.parametrize("phi", [np.zeros((50, 1)), np.ones((5, 1)), np.full((50, 1), np.nan)])
def test_where_nothing_can_be_counted_there_are_no_lines(phi):
    empty = attribution_cells(phi, {"a": 0}, np.zeros_like(phi), minimum=LEAST)
    assert empty.empty
    assert {"feature", "value_from", "value_to", "mean_rank"} <= set(empty)


def test_the_grid_has_round_steps():
    for scale in (1e-6, 1.0, 3e5):
        step, first, last = grid_of(scale * np.linspace(-1, 1, 300)[:, None], LEAST)
        assert f"{step:.0e}"[0] in "125"
        assert 20 <= last - first + 1 <= 60


def test_ranks_know_which_columns_have_an_order():
    X = pd.DataFrame(
        {
            "n": [3.0, None, 1.0],
            "flag": [True, False, True],
            "day": pd.to_datetime(["2026-01-03", "2026-01-01", "2026-01-02"]),
            "size": pd.Categorical(["s", "l", "m"], ["s", "m", "l"], ordered=True),
            "town": ["b", "a", "c"],
        }
    )
    ranks = value_ranks(X)
    assert ranks[:, 0].tolist()[::2] == [1.0, 0.0]
    assert np.isnan(ranks[1, 0])
    assert ranks[:, 1].tolist() == [1.0, 0.0, 1.0]
    assert ranks[:, 2].tolist() == [1.0, 0.0, 0.5]
    assert ranks[:, 3].tolist() == [0.0, 1.0, 0.5]
    assert np.isnan(ranks[:, 4]).all()
