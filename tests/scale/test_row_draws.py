"""Rows drawn from partitions: the same however they are cut, as many as asked for, common contents in proportion."""

import numpy as np
import pandas as pd
import pytest

from explaindistill.data import row_draws
from explaindistill.data.row_draws import draw_rows
from explaindistill.scale.frames import partitions_of_frames
from scale.rows import cut, mixed_rows


def drawn(rows, n, n_parts, seed=0):
    return draw_rows(partitions_of_frames(cut(rows, n_parts, n_parts)), rows.columns.tolist(), n, seed)


def doubled(n=600):
    return pd.concat([mixed_rows(n // 2), mixed_rows(n // 2)], ignore_index=True)


def few_contents(n=600):
    return pd.DataFrame({"sex": np.arange(n) % 2, "city": np.array(list("aaab"))[np.arange(n) % 4]})


def one_common(n=600):
    rows = mixed_rows(n)
    return rows.iloc[[0] * (n // 2) + list(range(n // 2, n))].reset_index(drop=True)


@pytest.fixture(params=[1000, 5])
def common(request, monkeypatch):
    """With so few rows every content is common; a lower number leaves most of them to the hash."""
    monkeypatch.setattr(row_draws, "COMMON", request.param)


@pytest.mark.parametrize("make", [mixed_rows, doubled, few_contents, one_common])
@pytest.mark.parametrize("n", [1, 150, 599, 600, 5000])
def test_any_cut_gives_the_same_rows(common, make, n):
    rows = make(600)
    one = drawn(rows, n, 1)
    assert len(one) == min(n, 600)
    for n_parts in (2, 7, 60):
        pd.testing.assert_frame_equal(one, drawn(rows, n, n_parts))
    times = rows.astype(str).value_counts()
    assert (one.astype(str).value_counts() <= times.reindex(one.astype(str).value_counts().index)).all()


def test_another_seed_draws_others():
    rows = mixed_rows(600)
    assert not drawn(rows, 150, 3, seed=1).equals(drawn(rows, 150, 3))


def test_every_row_has_the_same_chance_however_often_it_comes(common):
    """Half of the rows are one content: it is in every draw with about half of its rows, not in some with all."""
    rows = pd.DataFrame({"x": np.r_[np.zeros(500), np.arange(1, 501)]})
    draws = [drawn(rows, 200, 4, seed)["x"] for seed in range(60)]
    assert {len(draw) for draw in draws} == {200}
    zeros = np.array([int((draw == 0).sum()) for draw in draws])
    assert abs(zeros.mean() - 100) < 4
    assert zeros.std() < 12  # hypergeometric: 6.3
    others = pd.concat(draws)
    assert others[others > 0].nunique() > 490


def test_draws_of_more_rows_than_numpy_counts():
    counts = np.array([3 * 10**9, 10**9, 0, 5])
    times = sum(row_draws._drawn(np.random.default_rng(seed), counts, 4000) for seed in range(20)) / 20
    assert abs(times[0] - 3000) < 30
    assert times.sum() == 4000
    assert times[2] == 0
    assert row_draws._drawn(np.random.default_rng(0), np.array([2, 0, 3]), 9).tolist() == [2, 0, 3]
