"""Leaf by group: a share that tells of few people is withheld, and cannot be worked out from what is left."""

import numpy as np
import pandas as pd
import pytest

from explaindistill.measures import suppression
from explaindistill.measures.sensitivity import leaf_audit
from explaindistill.measures.suppression import suppress
from explaindistill.numerics.statistics.suppression import derivable


def people(table: list[list[int]]) -> tuple[np.ndarray, pd.DataFrame]:
    """Rows of leaves and groups with the counts of a table."""
    cells = [(i, f"g{j}", n) for i, row in enumerate(table) for j, n in enumerate(row)]
    leaf = np.repeat([c[0] for c in cells], [c[2] for c in cells])
    group = np.repeat([c[1] for c in cells], [c[2] for c in cells])
    return leaf, pd.DataFrame({"group": group})


def shown(table: list[list[int]]) -> tuple[np.ndarray, pd.DataFrame]:
    """Whether each cell is shown, and the frame."""
    leaf, groups = people(table)
    frame = suppress({"leaf_audit": leaf_audit(leaf, groups)}, groups, 10)["leaf_audit"]
    status = frame.pivot(index="subset", columns="group", values="status")
    return (status != "suppressed").to_numpy(), frame


def told(visible: np.ndarray) -> np.ndarray:
    """Which withheld cells follow from the shown ones and from the totals of leaves and groups."""
    n, m = visible.shape
    totals = np.vstack([np.repeat(np.eye(n), m, axis=1), np.tile(np.eye(m), (1, n))])
    hidden = np.concatenate([np.zeros(n + m, dtype=bool), ~visible.ravel()])
    return derivable(np.vstack([totals, np.eye(n * m)]), hidden)


@pytest.mark.parametrize(
    "table",
    [
        [[8, 700], [300, 200]],
        [[8, 700, 40], [300, 200, 90], [100, 50, 60]],
        [[8, 700, 40], [300, 3, 90], [100, 50, 60]],
        [[8, 700, 0], [300, 200, 90], [0, 50, 60]],
    ],
)
def test_a_small_share_is_withheld_and_does_not_follow_from_the_rest(table):
    visible, frame = shown(table)
    counts = np.array(table)
    assert not visible[(counts > 0) & (counts < 10)].any()
    assert not told(visible).any()
    gone = frame["status"] == "suppressed"
    assert frame.loc[gone, ["n", "k", "estimate", "low", "high", "overall"]].isna().all(axis=None)
    assert (frame.loc[gone, "reason"] == "withheld: min_group_size=10").all()


def test_nothing_is_withheld_where_no_share_is_small_and_zeros_stay():
    visible, frame = shown([[0, 700], [300, 200]])
    assert visible.all()
    assert (frame["k"] == 0).sum() == 1


def test_more_is_not_withheld_than_protects():
    visible, _ = shown([[8, 700, 40], [300, 200, 90], [100, 50, 60]])
    assert (~visible).sum() == 4


def test_tables_too_large_to_solve_lose_two_whole_leaves(monkeypatch):
    monkeypatch.setattr(suppression, "_MOST_SHARES", 4)
    visible, _ = shown([[8, 700, 40], [300, 200, 90], [100, 50, 60]])
    assert visible.tolist() == [[False] * 3, [True] * 3, [False] * 3]
    assert not told(visible)[:].any()
