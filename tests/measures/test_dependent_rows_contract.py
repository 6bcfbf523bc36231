"""Every frame of figures under dependence: copies do not narrow, a weight of two is the row twice, order is nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from explaindistill.errors import InvalidInputError
from explaindistill.measures.bias import GroupOptions, group_fidelity, group_means_frame, group_rates
from explaindistill.measures.calibration import calibration, reliability
from explaindistill.measures.comparisons import worst_pairs
from explaindistill.measures.decision import DecisionRule
from explaindistill.measures.fidelity import fidelity, regression_fidelity
from explaindistill.measures.gaps import group_gaps
from explaindistill.measures.interval_assumptions import without_intervals
from explaindistill.measures.performance import performance
from explaindistill.measures.sensitivity import flips, leaf_audit
from explaindistill.measures.strata import stratified_gaps
from explaindistill.measures.teacher_check import CheckOptions, teacher_check
from explaindistill.measures.transfer import Decisions, transfer
from explaindistill.measures.unknown_groups import missing_bounds

N = 240
KEYS = ["metric", "subject", "attribute", "group", "reference", "subset"]
OPTIONS = GroupOptions(reference={"sex": "m"}, min_group_size=0)


def rows(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    sex = rng.choice(["f", "m"], N)
    p = np.round(np.clip(rng.beta(2, 2, N) - 0.1 * (sex == "f"), 0.02, 0.98), 2)
    s = np.round(np.clip(p + rng.normal(0, 0.12, N), 0.02, 0.98), 2)
    return pd.DataFrame({"sex": sex, "p": p, "s": s, "y": rng.random(N) < p, "job": rng.choice(["a", "b"], N)})


def two(p: pd.Series) -> np.ndarray:
    return np.column_stack([1 - p, p])


def _rates(d, **shared):
    return group_rates(d["s"] > 0.5, attributes=d[["sex"]], favorable=True, y=d["y"], options=OPTIONS, **shared)


def _unknown(d, **shared):
    known = d[["sex"]].mask(np.abs(d["s"] - 0.3) < 0.1)
    rates = group_rates(d["s"] > 0.5, attributes=known, favorable=True, options=OPTIONS, **shared)
    return missing_bounds(rates, group_gaps(rates, OPTIONS.reference))


RULE = DecisionRule([False, True], favorable=True)
FRAMES = {
    "rates": _rates,
    "gaps": lambda d, **o: group_gaps(_rates(d, **o), OPTIONS.reference),
    "worst_pairs": lambda d, **o: worst_pairs(_rates(d, **o), min_group_size=0),
    "means": lambda d, **o: group_means_frame(d["s"], y=d["p"], attributes=d[["sex"]], options=OPTIONS, **o),
    "mean gaps": lambda d, **o: group_gaps(
        group_means_frame(d["s"], attributes=d[["sex"]], options=OPTIONS, **o), OPTIONS.reference
    ),
    "group_fidelity": lambda d, **o: group_fidelity(
        d["p"] > 0.5, d["s"] > 0.5, attributes=d[["sex"]], options=OPTIONS, **o
    ),
    "transfer": lambda d, **o: transfer(
        Decisions(None, d["p"] > 0.5, d["s"] > 0.5), attributes=d[["sex"]], favorable=True, options=OPTIONS, **o
    ),
    # Spiegelhalter's z is no figure but a test's statistic: it grows with the rows.
    "calibration": lambda d, **o: calibration(d["y"], d["s"], attributes=d[["sex"]], **o).query(
        "metric != 'spiegelhalter'"
    ),
    "reliability": lambda d, **o: reliability(d["y"], d["s"], n_bins=3, **o),
    "fidelity": lambda d, **o: fidelity(two(d["p"]), two(d["s"]), RULE, **o),
    "regression_fidelity": lambda d, **o: regression_fidelity(d["p"], d["s"], **o),
    "performance": lambda d, **o: performance(d["y"], two(d["s"]), RULE, **o),
    "flips": lambda d, **o: flips(
        lambda r: (r["s"] + 0.2 * (r["sex"] == "f") > 0.5).to_numpy(), d[["sex", "s"]], "sex",
        score=lambda r: (r["s"] + 0.2 * (r["sex"] == "f")).to_numpy(), **o,
    ),
    "leaf_audit": lambda d, **o: leaf_audit(d["s"] > 0.5, d[["sex"]], **o),
    "strata": lambda d, **o: stratified_gaps(
        d["s"] > 0.5, attributes=d[["sex"]], strata=d["job"], favorable=True, options=OPTIONS, **o
    ),
    "missing_bounds": _unknown,
    "teacher": lambda d, **o: teacher_check(
        d[["sex"]], two(d["p"]), d["y"], classes=[False, True], options=CheckOptions(**o)
    ).query("metric != 'single_feature_auc'"),
}  # fmt: skip


WITHOUT_BINS = [name for name in FRAMES if name != "reliability"]


def measured(name: str, d: pd.DataFrame, **shared) -> pd.DataFrame:
    return FRAMES[name](d.reset_index(drop=True), **shared).set_index(KEYS).sort_index()


def differing(a: pd.DataFrame, b: pd.DataFrame, columns: list[str]) -> list[tuple]:
    """Lines and columns that two tables do not have alike; two that say nothing are not alike, either."""
    assert a.index.equals(b.index)
    assert np.isfinite(a[columns].to_numpy(dtype=float)).any()
    at = ~np.isclose(a[columns].astype(float), b[columns].astype(float), rtol=1e-6, atol=1e-9, equal_nan=True)
    return [(a.index[i], columns[j]) for i, j in zip(*np.nonzero(at), strict=True)]


def tenths(table: pd.DataFrame) -> pd.Series:
    """Lines of parts that are cut at quantiles of rows: with copies other rows are in them."""
    subset = table.index.get_level_values("subset")
    return subset.str.contains("decile|bin ")


@pytest.mark.parametrize("name", WITHOUT_BINS)
def test_copies_of_a_row_in_its_cluster_do_not_narrow(name):
    d = rows()
    once, twice = measured(name, d), measured(name, pd.concat([d, d]), clusters=np.tile(np.arange(N), 2))
    parts = ~tenths(once)
    once, twice = once[parts], twice[~tenths(twice)]
    assert differing(once, twice, ["estimate"]) == []
    width = [(f["high"] - f["low"]).to_numpy() for f in (once, twice)]
    said = np.isfinite(width[0]) & np.isfinite(width[1])
    # Of independent labels the error is the likelihood's, of clusters the sandwich's: either may be wider by chance.
    said &= ~once.index.get_level_values("metric").isin(["calibration_slope", "calibration_intercept"])
    narrower = width[1][said] < width[0][said] * (1 - 1e-5) - 1e-9
    assert not narrower.any(), once.index[said][narrower]
    unsaid = np.isfinite(width[0]) & ~np.isfinite(width[1]) & np.isfinite(once["estimate"].to_numpy())
    assert twice["reason"][unsaid].str.contains("cannot say with clusters").all()


@pytest.mark.parametrize("name", WITHOUT_BINS)
def test_a_weight_of_two_is_the_row_twice(name):
    d = rows(1)
    heavy = np.arange(N) % 3 == 0
    twice = measured(name, pd.concat([d, d[heavy]]))
    weighted = measured(name, d, sample_weight=np.where(heavy, 2.0, 1.0))
    assert differing(twice[~tenths(twice)], weighted[~tenths(weighted)], ["estimate"]) == []


def test_bins_of_rows_that_weigh_alike_are_the_same():
    """All lines of this frame are parts cut at quantiles: with some copies other rows would be in them."""
    d = rows(1)
    once, heavy = (measured("reliability", d, sample_weight=np.full(N, weight)) for weight in (1.0, 2.0))
    assert differing(once, heavy, ["estimate", "predicted"]) == []
    assert len(once) == 3


@pytest.mark.parametrize("name", FRAMES)
def test_the_order_of_rows_changes_nothing(name):
    d = rows(2)
    cluster, weight = np.arange(N) // 8, 1 + np.arange(N) % 3
    order = np.random.default_rng(3).permutation(N)
    first = measured(name, d, clusters=cluster, sample_weight=weight)
    second = measured(name, d.iloc[order], clusters=cluster[order], sample_weight=weight[order])
    assert differing(first, second, ["estimate", "low", "high"]) == []


@pytest.mark.parametrize("name", FRAMES)
def test_of_four_clusters_nothing_can_be_said(name):
    found = measured(name, rows(4), clusters=np.arange(N) % 4)
    limits = ["sampling_low", "sampling_high"] if name == "missing_bounds" else ["low", "high"]
    assert found[limits].isna().all(axis=None)
    assert len(found)


def test_figures_that_do_not_know_clusters_say_so():
    rates = _rates(rows())
    lines = without_intervals(rates, "clusters")
    assert lines[["low", "high"]].isna().all(axis=None)
    assert lines["reason"].str.startswith("cannot say with clusters").all()
    assert rates["low"].notna().all()
    with pytest.raises(InvalidInputError, match="kind must be one of clusters, weights"):
        without_intervals(rates, "time")


AREA = "newcombe 2006 and logit"
METHODS = {  # how the limits of each frame came about, as its documentation says
    "rates": {"wilson"},
    "gaps": {"score"},
    "worst_pairs": {"score, all pairs"},
    "means": {"t and hall"},
    "mean gaps": {"mover"},
    "group_fidelity": {"score", "wilson"},
    "transfer": {"bonett-price, mover", "score"},
    "calibration": {AREA, "normal", "wald", "wilson over expected"},
    "reliability": {"wilson"},
    "fidelity": {"delta", "delta, probabilities clipped at 0.0001", "fisher z", "mover of wilson", AREA,
                 "wald, sandwich", "wilson", "wilson, all classes"},
    "regression_fidelity": {"delta", "fisher z"},
    "performance": {"delta", "mover of wilson", AREA, "wilson"},
    "flips": {"t and hall, paired", "wilson"},
    "leaf_audit": {"wilson"},
    "strata": {"mantel-haenszel, rbg", "mantel-haenszel, sato"},
    "missing_bounds": {"manski bounds"},
    "teacher": {"normal", "normal, paired", "wilson"},
}  # fmt: skip


@pytest.mark.parametrize("name", FRAMES)
def test_every_line_says_of_whom_of_how_many_and_by_which_method(name):
    found = FRAMES[name](rows(5))
    assert set(found["method"][found["estimate"].notna()]) == METHODS[name]
    assert set(found["subject"]) <= {"teacher", "student"}
    assert (set(found["subject"]) == {"student"}) == (name not in {"teacher", "transfer"})
    told = found[found["estimate"].notna()]
    assert (told["n"] > 0).all()
    assert told["status"].isin(["ok", "small"]).all()
    assert (told["low"] <= told["estimate"] + 1e-12).all()
    assert (told["estimate"] <= told["high"] + 1e-12).all()
    counted = told[told["k"].notna()]
    assert (counted["k"] <= counted["n"]).all()
    silent = found[found["estimate"].isna()]
    assert (silent["status"] == "undefined").all()
    assert (silent["reason"] != "").all()
    assert set(found["attribute"]) <= {"", "sex"}
    grouped = found[found["attribute"] == "sex"]
    assert set(grouped["group"]) <= {"f", "m"}
    assert set(grouped["reference"]) <= {"", "f", "m"}
