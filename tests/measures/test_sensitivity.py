"""Flips, proxies and leaves with known answers."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from explaindistill.errors import InvalidInputError
from explaindistill.measures import sensitivity
from explaindistill.measures.bias import GroupOptions
from explaindistill.measures.sensitivity import flips, leaf_audit, proxies

RNG = np.random.default_rng(0)
X = pd.DataFrame({"sex": RNG.choice(["f", "m"], 400), "x": RNG.normal(size=400)})
X["proxy"] = np.where(X["sex"] == "f", 1.0, 0.0) + RNG.normal(scale=0.3, size=400)


def test_a_model_that_uses_the_attribute_flips():
    found = flips(lambda r: (r["sex"] == "m").to_numpy(), X, "sex", score=lambda r: 0.2 * (r["sex"] == "m").to_numpy())
    rate = found[found["metric"] == "flip_rate"].set_index("group")
    assert rate["estimate"].tolist() == [1, 1]
    assert rate.loc["m", "n"] == (X["sex"] == "f").sum()
    moved = found[found["metric"] == "flip_score"].set_index("group")["estimate"]
    assert moved.round(9).to_dict() == {"f": -0.2, "m": 0.2}


def test_a_model_that_ignores_it_does_not_and_categories_stay():
    rows = X.assign(sex=pd.Categorical(X["sex"]))
    found = flips(lambda r: r["x"].to_numpy() > 0, rows, "sex")
    assert (found["estimate"] == 0).all()
    assert (found["high"] < 0.03).all()


def test_flip_messages():
    with pytest.raises(InvalidInputError, match="must be a column of X"):
        flips(lambda r: r, X, "race")
    with pytest.raises(InvalidInputError, match="at most 50 different values"):
        flips(lambda r: r, X, "x")


def test_the_planted_proxy_is_found():
    found = proxies(X, X[["sex"]], importance={"proxy": 0.5}).set_index("feature")
    assert found.loc["proxy", "low"] > 0.9
    assert found.loc["x", "low"] < 0.55
    assert found.loc["(all)", "estimate"] > 0.9
    assert found.loc["proxy", "proxy_use"] == pytest.approx(0.5 * (2 * found.loc["proxy", "estimate"] - 1))
    assert found.loc["x", "proxy_use"] == 0
    assert "sex" not in found.index


def test_groups_too_small_to_predict():
    found = proxies(X[["x"]], pd.DataFrame({"g": ["a"] * 5 + ["b"] * 395}))
    assert (found["status"] == "undefined").all()
    with pytest.raises(InvalidInputError, match="one row per row of X"):
        proxies(X, X[["sex"]][:3])


def test_many_groups_are_predicted_by_one_model_that_did_not_see_the_row():
    rng = np.random.default_rng(1)
    group = rng.integers(0, 12, 1500)
    rows = pd.DataFrame({"noise": rng.normal(size=1500), "tells": (group == 3) + rng.normal(scale=0.3, size=1500)})
    rows["noise"] = rows["noise"].where(rng.random(1500) > 0.1)
    found = proxies(rows, pd.DataFrame({"g": group.astype(str)})).set_index(["group", "feature"])
    assert found.loc[("3", "(all)"), "low"] > 0.85
    assert found.loc[("3", "tells"), "low"] > 0.85
    others = found.loc[[(str(g), "(all)") for g in range(12) if g != 3], "estimate"]
    assert others.between(0.35, 0.65).all()
    assert len(found) == 12 * 3


def test_leaves():
    found = leaf_audit((X["proxy"] > 0.5).to_numpy(), X[["sex"]], names={True: "proxy > 0.5"})
    women = found[(found["group"] == "f") & (found["subset"] == "proxy > 0.5")].iloc[0]
    assert women["low"] > women["overall"] == pytest.approx((X["sex"] == "f").mean())
    with pytest.raises(InvalidInputError, match="one row per leaf entry"):
        leaf_audit([1], X[["sex"]])


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_scores_that_move_have_the_wider_of_students_and_halls_limits(level):
    """Everybody of another group is moved by a different amount: mean and limits by hand."""
    rng = np.random.default_rng(1)
    shift = rng.normal(0.1, 0.2, 400)
    found = flips(
        lambda r: (r["x"] > 0).to_numpy(), X, "sex", score=lambda r: shift * (r["sex"] == "m").to_numpy(),
        options=GroupOptions(level=level),
    )  # fmt: skip
    line = found[(found["metric"] == "flip_score") & (found["group"] == "m")].iloc[0]
    moved = shift[X["sex"] == "f"]
    assert line["estimate"] == pytest.approx(moved.mean())
    n, error = len(moved), stats.sem(moved, ddof=0) * np.sqrt(len(moved) / (len(moved) - 1))
    q = stats.t.ppf((1 + level) / 2, n - 1)
    a = ((moved - moved.mean()) ** 3).sum() / ((moved - moved.mean()) ** 2).sum() ** 1.5 / 3
    turned = [(np.cbrt(1 + 3 * a * (side * q - a / 2)) - 1) / a for side in (1, -1)]
    low, high = moved.mean() - error * max(q, turned[0]), moved.mean() - error * min(-q, turned[1])
    assert line[["low", "high"]].tolist() == pytest.approx([low, high])
    method = "t and hall, paired"
    assert line[["n", "method", "subject", "attribute"]].tolist() == [len(moved), method, "student", "sex"]


def test_scores_that_nobody_s_column_moves_leave_no_interval_without_width():
    frame = flips(lambda r: (r["x"] > 0).to_numpy(), X, "sex", score=lambda r: np.full(len(r), 0.5))
    line = frame[frame["metric"] == "flip_score"].iloc[0]
    assert line["estimate"] == 0
    assert -0.1 < line["low"] < 0 < line["high"] < 0.1


def test_boosted_trees_learn_from_a_bounded_sample_of_either_side_whose_interval_holds_the_whole(monkeypatch):
    rng = np.random.default_rng(3)
    sex = rng.choice(["f", "m"], 3000, p=[0.3, 0.7])
    rows = pd.DataFrame({"a": rng.normal(size=3000) + (sex == "f"), "b": rng.normal(size=3000)})
    lines = []
    for most in (3000, 200):
        monkeypatch.setattr(sensitivity, "LEARNT_ROWS", most)
        table = proxies(rows, pd.DataFrame({"sex": sex})).set_index("feature")
        assert table.loc["a", ["n", "k"]].tolist() == [3000, (sex == "f").sum()], "single columns use all rows"
        lines.append(table.loc["(all)"])
    every, few = lines
    assert every[["n", "k"]].tolist() == [3000, (sex == "f").sum()]
    assert few[["n", "k"]].tolist() == [400, 200]
    assert few["low"] < every["estimate"] < few["high"]
    assert few["high"] - few["low"] > 1.5 * (every["high"] - every["low"])
