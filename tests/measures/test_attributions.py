"""What Shapley values say of a whole: sizes, likeness, gaps that add up, interactions that are missed."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from explaindistill.errors import InvalidInputError
from explaindistill.measures.attributions import (
    Attributions,
    GapOptions,
    attribution_gaps,
    attribution_importance,
    compare_attributions,
)
from explaindistill.measures.importance import ComparisonOptions
from explaindistill.measures.interactions import missed_interactions

RNG = np.random.default_rng(0)


def test_importance_is_the_mean_size_and_weight_two_is_the_row_twice():
    phi = RNG.normal(size=(20, 3)) * [1, 2, 0]
    w = RNG.integers(1, 3, 20)
    found = attribution_importance(Attributions(phi, list("abc")), sample_weight=w)
    twice = attribution_importance(Attributions(np.repeat(phi, w, axis=0), list("abc")))
    np.testing.assert_allclose(found["estimate"], np.repeat(np.abs(phi), w, axis=0).mean(axis=0))
    np.testing.assert_allclose(
        found[["estimate", "share", "direction", "sd"]], twice[["estimate", "share", "direction", "sd"]]
    )
    assert found["share"].sum() == pytest.approx(1)
    assert (found["low"] <= found["estimate"]).all()


def test_noise_is_taken_off():
    truth = RNG.normal(size=(4000, 1))
    noisy = truth + RNG.normal(size=truth.shape) * 0.5
    plain = attribution_importance(Attributions(noisy, ["a"]))["estimate"].item()
    cleared = attribution_importance(Attributions(noisy, ["a"], error=np.full(truth.shape, 0.5)))["estimate"].item()
    target = np.abs(truth).mean()
    assert abs(cleared - target) < abs(plain - target)


def test_importance_intervals_hold_the_mean():
    held = 0
    for seed in range(200):
        phi = np.random.default_rng(seed).normal(size=(60, 1))
        line = attribution_importance(Attributions(phi, ["a"])).iloc[0]
        held += line["low"] <= np.sqrt(2 / np.pi) <= line["high"]
    assert held >= 180


@pytest.mark.parametrize("kind", ["exponential", "binary"])
def test_the_background_is_a_sample_too(kind):
    """Rows alone held the importance of a column of rare ones in 54 of 100 samples."""
    held, runs = 0, 120
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        x, other = (
            rng.exponential(size=n) if kind == "exponential" else (rng.random(n) < 0.05) * 1.0 for n in (200, 100)
        )
        found = attribution_importance(Attributions((x - other.mean())[:, None], ["a"], background=100)).iloc[0]
        held += found["low"] <= (2 / np.e if kind == "exponential" else 0.095) <= found["high"]
    assert held / runs > 0.9


def test_a_given_background_moves_nothing():
    phi = RNG.exponential(size=(100, 1)) - 0.3
    given, drawn = (attribution_importance(Attributions(phi, ["a"], background=m)).iloc[0] for m in (None, 50))
    assert drawn["high"] - drawn["low"] > given["high"] - given["low"]
    assert given["estimate"] == drawn["estimate"]


@pytest.mark.parametrize("kind", ["normal", "exponential", "binary"])
def test_gaps_of_small_groups_hold(kind):
    held, runs = 0, 120
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        laws = {
            "normal": rng.normal(size=215),
            "exponential": rng.exponential(size=215),
            "binary": rng.random(215) < 0.1,
        }
        phi = laws[kind][:, None].astype(float)
        line = attribution_gaps(Attributions(phi, ["a"]), ["a"] * 15 + ["b"] * 200).iloc[0]
        held += line["low"] <= 0 <= line["high"]
    assert held / runs > 0.92


def test_the_same_values_are_alike_and_intervals_hold_the_estimate():
    phi = RNG.normal(size=(80, 4)) * [4, 3, 2, 1]
    other = phi + RNG.normal(size=phi.shape)
    same = compare_attributions(Attributions(phi, list("abcd")), Attributions(phi, list("abcd")))
    np.testing.assert_allclose(same[["estimate", "low", "high"]], 1)
    found = compare_attributions(
        Attributions(phi, list("abcd"), scale="logit"),
        Attributions(other, list("abcd")),
        options=ComparisonOptions(top=2),
    ).set_index("metric")
    assert (found["low"] <= found["estimate"] + 1e-12).all()
    assert (found["high"] >= found["estimate"] - 1e-12).all()
    share = (np.abs(phi) * (np.sign(phi) == np.sign(other))).sum() / np.abs(phi).sum()
    assert found.loc["importance_sign", "estimate"] == pytest.approx(share)
    assert found.loc["importance_top_k", "subset"] == "Shapley, logit, top 2"


def test_likeness_does_not_hang_on_the_order_of_columns():
    phi, other = RNG.normal(size=(2, 50, 3))
    a = compare_attributions(Attributions(phi, ["x", "y", "z"]), Attributions(other, ["x", "y", "z"]))
    b = compare_attributions(Attributions(phi[:, ::-1], ["z", "y", "x"]), Attributions(other[:, ::-1], ["z", "y", "x"]))
    pd.testing.assert_frame_equal(a, b)


def test_parts_of_a_gap_sum_to_the_gap():
    phi = RNG.normal(size=(90, 3))
    group = RNG.choice(["a", "b", "c"], 90).astype(object)
    group[:5] = None
    found = attribution_gaps(Attributions(phi, ["x", "y", "z"]), group, reference="a")
    for name, part in found.groupby("group"):
        gap = phi.sum(axis=1)[group == name].mean() - phi.sum(axis=1)[group == "a"].mean()
        columns = part[part["metric"] == "attribution_gap"]
        assert columns["estimate"].sum() == pytest.approx(gap)
        assert part.loc[part["metric"] == "attribution_gap_total", "estimate"].item() == pytest.approx(gap)
    assert set(found["group"]) == {"b", "c"}


def test_shap_group_difference_bars_are_no_intervals_but_ours_are():
    """shap 0.51 draws the 5-95 % band of a permutation null around the estimate; ours holds the true difference."""
    held, width = 0, []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        phi = np.concatenate([rng.normal(1.0, 3.0, 30), rng.normal(0.0, 0.5, 300)])[:, None]
        line = attribution_gaps(
            Attributions(phi, ["a"]), ["m"] * 30 + ["w"] * 300, rng=seed, options=GapOptions(n_draws=200)
        ).iloc[0]
        held += line["low"] <= 1.0 <= line["high"]
        width.append(line["high"] - line["low"])
    assert held >= 88
    # the null mixes both groups and so takes the spread of the small one for far smaller than it is
    truth = 2 * 1.96 * np.sqrt(9 / 30 + 0.25 / 300)
    assert truth < np.mean(width) < 1.25 * truth  # Student's quantile of 29, and rows of an unseen kind


def test_small_and_unknown_groups_are_said():
    phi = RNG.normal(size=(30, 1))
    found = attribution_gaps(Attributions(phi, ["a"]), ["x"] * 27 + ["y"] * 3)
    assert (found["status"] == "small").all()
    assert (found["n"] == 3).all()
    assert found["metric"].tolist() == ["attribution_gap_total"], "three rows say nothing of single columns"
    assert found["estimate"].item() == pytest.approx(phi[27:].mean() - phi[:27].mean())
    with pytest.raises(InvalidInputError, match="reference must be one of the groups"):
        attribution_gaps(Attributions(phi, ["a"]), ["x"] * 30, reference="z")
    with pytest.raises(InvalidInputError, match="one value per row"):
        attribution_gaps(Attributions(phi, ["a"]), ["x"])
    with pytest.raises(InvalidInputError, match="n_draws must be at least 20"):
        attribution_gaps(Attributions(phi, ["a"]), ["x"] * 30, options=GapOptions(n_draws=3))
    with pytest.raises(InvalidInputError, match="one column per feature"):
        attribution_importance(Attributions(phi, ["a", "b"]))


def test_the_largest_group_is_the_reference_and_a_small_reference_is_said():
    phi = RNG.normal(size=(30, 1))
    group = ["z"] * 20 + ["a"] * 10
    found = attribution_gaps(Attributions(phi, ["a"]), group)
    assert set(found["reference"]) == {"z"}
    assert (found["status"] == "ok").all()
    few = attribution_gaps(Attributions(phi, ["a"]), ["z"] * 25 + ["a"] * 5, reference="a")
    assert (few["status"] == "small").all()


def test_rows_of_no_weight_do_not_move_a_gap_or_its_interval():
    phi = np.concatenate([RNG.normal(size=(60, 1)), np.full((30, 1), 1e6)])
    group, w = np.tile(["a", "b"], 45), np.r_[np.ones(60), np.zeros(30)]
    found = attribution_gaps(Attributions(phi, ["x"]), group, reference="a", sample_weight=w)
    assert found[["estimate", "low", "high"]].abs().to_numpy().max() < 10


def test_a_missed_interaction_is_found():
    X = pd.DataFrame(RNG.normal(size=(200, 4)), columns=list("abcd"))

    def teacher(rows):
        return (2 * rows["a"] * rows["b"] + rows["c"] * rows["d"] + rows["a"]).to_numpy()

    def student(rows):
        return (2 * rows["a"] * rows["b"] - rows["d"]).to_numpy()

    found = missed_interactions(teacher, {"s": student}, X, X)
    own = found[found["metric"] == "interaction"]
    assert own[["feature", "feature_2"]].iloc[:2].to_numpy().tolist() == [["a", "b"], ["c", "d"]]
    assert own["estimate"].iloc[2:].max() < 1e-9
    missed = found[found["metric"] == "interaction_missed"].set_index(["feature", "feature_2"])["estimate"]
    assert missed["a", "b"] < 1e-9
    # E[(c - c')²(d - d')²] = 4 for standard normals
    assert missed["c", "d"] == pytest.approx(2.0, rel=0.25)
    with pytest.raises(InvalidInputError, match="columns names 'z'"):
        missed_interactions(teacher, {}, X, X, columns=["a", "z"])
    with pytest.raises(InvalidInputError, match="columns of X"):
        missed_interactions(teacher, {}, X, X[list("dcba")])


def test_values_that_are_all_zero_share_nothing():
    found = attribution_importance(Attributions(np.zeros((4, 2)), ["a", "b"]))
    assert found["share"].tolist() == [0, 0]
    assert found["estimate"].tolist() == [0, 0]


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_importance_by_hand(level):
    phi, w = RNG.normal(size=(30, 2)), RNG.uniform(0, 2, 30)
    w[:5] = 0
    line = attribution_importance(Attributions(phi, ["a", "b"]), sample_weight=w, level=level).iloc[1]
    u, size = w / w.sum(), np.abs(phi[:, 1])
    mean = u @ size
    half = stats.t.ppf(0.5 + level / 2, 24) * np.sqrt(25 / 24 * (u**2 @ (size - mean) ** 2))
    assert line["estimate"] == pytest.approx(mean)
    # quantiles of draws, never nearer than Student's limits, and widened for rows that no sample has shown
    assert max(mean - 2 * half, 0) <= line["low"] <= max(mean - half, 0)
    assert mean + half <= line["high"] <= mean + 2 * half
    assert line["direction"] == pytest.approx(u @ phi[:, 1])
    assert line["sd"] == pytest.approx(np.sqrt(u @ (phi[:, 1] - u @ phi[:, 1]) ** 2))
    assert line["share"] == pytest.approx(mean / (u @ np.abs(phi)).sum())
    assert line[["n", "subset", "feature"]].tolist() == [25, "value", "b"]
    one = attribution_importance(Attributions(np.array([[1.0, -2.0]]), ["a", "b"]))
    assert np.isnan(one["high"]).all()
    assert one["estimate"].tolist() == [1, 2]
