"""The one shape of a measured frame: columns, types, and what stands where nothing was given."""

import numpy as np
import pytest
from scipy import stats

from explaindistill.measures.table import COLUMNS, few_clusters, frame, positions, row, shares
from explaindistill.numerics.statistics.tallies import tally


def test_what_is_not_given():
    table = frame([row("a", 0.5, 0.4, 0.6, n=7), {"metric": "b"}], extra=["unit"])
    assert table.columns.tolist() == [*COLUMNS, "unit"]
    first, second = table.iloc[0], table.iloc[1]
    assert first["n_effective"] == 7  # rows without weights are worth themselves
    assert np.isnan(first["k"])
    assert (first["status"], first["reason"], first["group"], first["method"]) == ("ok", "", "", "")
    assert second["n"] == 0
    assert np.isnan(second[["k", "n_effective", "estimate", "low", "high"]].astype(float)).all()
    assert table["n"].dtype == np.int64
    assert {table[c].dtype for c in ("k", "n_effective", "estimate", "low", "high")} == {np.dtype(float)}
    assert {str(table[c].dtype) for c in ("metric", "subject", "status")} == {"str"}
    assert table["unit"].isna().all()


def test_an_empty_frame_has_all_columns():
    table = frame([], extra=["unit"])
    assert table.columns.tolist() == [*COLUMNS, "unit"]
    assert len(table) == 0


def test_undefined_lines_say_why():
    assert row("a", np.nan, 0, 1, n=3)["reason"] == "not defined for these rows"
    assert row("a", np.nan, 0, 1)["reason"] == row("a", np.nan, 0, 1, n=0)["reason"] == "no rows"
    kept = row("a", np.nan, 0, 1, status="small", reason="why")
    assert (kept["status"], kept["reason"]) == ("small", "why")
    assert "status" not in row("a", 0.5, 0, 1)


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_shares_of_groups(level):
    counted = tally([True, False, True, True], [0, 0, 1, 1], 3)
    lines = shares("rate", counted, [{"group": g} for g in "abc"], level=level, minimum=2, empty="nobody")
    z2 = stats.norm.ppf(0.5 + level / 2) ** 2
    half = np.sqrt(z2 * (0.25 / 2 + z2 / 16)) / (1 + z2 / 2)
    assert (lines[0]["low"], lines[0]["high"]) == pytest.approx((0.5 - half, 0.5 + half))
    assert [line["k"] for line in lines[:2]] == [1, 2]
    assert [line["weight"] for line in lines] == [2, 2, 0]
    assert lines[0]["method"] == "wilson"
    assert "status" not in lines[0]
    assert "member" not in lines[0]
    last = lines[2]
    assert (last["n"], last["status"], last["reason"]) == (0, "undefined", "nobody")
    assert np.isnan([last["k"], last["low"], last["high"], last["estimate"]]).all()
    small = shares("rate", counted, [{}], level=level, minimum=3)[0]
    assert (small["status"], small["reason"]) == ("small", "2 rows, fewer than 3")
    assert shares("rate", counted, [{}, {}, {}], level=level)[2]["reason"] == "no rows"


def test_shares_of_clustered_groups():
    counted = tally(
        np.arange(40) % 3 == 0,
        np.arange(40) % 2,
        3,
        clusters=np.arange(40) // 2 % 4 + 10 * (np.arange(40) % 2) * (np.arange(40) > 20),
    )
    lines = shares("rate", counted, [{}, {}, {}], level=0.95)
    assert lines[0]["reason"] == "cannot say: 4 clusters, fewer than 5"
    assert lines[0]["status"] == "small"
    assert np.isnan([lines[0]["low"], lines[0]["high"]]).all()
    assert "status" not in lines[1]
    assert lines[1]["member"] is counted.members[1]
    assert "member" not in lines[2]
    assert few_clusters(5) == {}


def test_positions_of_values():
    assert positions([2, 1, 7, 2], [1, 2]).tolist() == [1, 0, -1, 1]
    assert positions([], ["a"]).tolist() == []
