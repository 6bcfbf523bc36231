"""What columns leave unexplained, worked by hand: errors out of fold, their bootstrap, and rows that are equal."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from explaindistill.errors import InvalidInputError
from explaindistill.measures.missing_inputs import (
    LearningOptions,
    duplicate_scores,
    missing_inputs,
    missing_inputs_statement,
)

RNG = np.random.default_rng(0)
X = pd.DataFrame({"a": RNG.normal(size=90), "b": RNG.normal(size=90)})
SCORE = (X["a"] + RNG.normal(size=90)).to_numpy()
OUTCOME = (SCORE + X["b"] + RNG.normal(size=90)).to_numpy()


def line(rows, targets):
    """Least squares on the columns, by hand."""
    solve = np.linalg.lstsq(np.c_[np.ones(len(rows)), rows], targets, rcond=None)[0]
    return lambda other: np.c_[np.ones(len(other)), other] @ solve


def mean(rows, targets):
    return lambda other: np.full(len(other), targets.mean())


def errors(y, learner, fold):
    out = np.empty(len(y))
    for k in range(fold.max() + 1):
        out[fold == k] = y[fold == k] - learner(X[fold != k].to_numpy(), y[fold != k])(X[fold == k].to_numpy())
    return out


def measure(**options):
    level = options.pop("level", 0.95)
    found = missing_inputs(
        X, SCORE, OUTCOME, {"mean": mean, "line": line}, level=level, rng=3, options=LearningOptions(**options)
    )
    return found.set_index(["metric", "subject", "subset"])


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_explained_share_and_correlation_of_errors(level):
    found = measure(shares=[1.0], n_folds=6, n_draws=400, level=level)
    fold = np.random.default_rng(3).permutation(90) % 6
    for name, learner in (("mean", mean), ("line", line)):
        error, other = errors(SCORE, learner, fold), errors(OUTCOME, learner, fold)
        explained = found.loc[("score_explained", name, "all rows")]
        assert explained["estimate"] == pytest.approx(1 - (error**2).sum() / ((SCORE - SCORE.mean()) ** 2).sum())
        assert explained["n"] == 90
        linked = found.loc[("residual_correlation", name, "")]
        r = np.corrcoef(error, other)[0, 1]
        half = stats.norm.ppf(0.5 + level / 2) * np.sqrt((1 + r**2 / 2) / 87)
        assert linked[["estimate", "low", "high"]].tolist() == pytest.approx(
            [r, np.tanh(np.arctanh(r) - half), np.tanh(np.arctanh(r) + half)]
        )
        rng, draws = np.random.default_rng(1), []
        for _ in range(4000):
            at = rng.integers(0, 90, 90)
            draws.append(1 - (error[at] ** 2).mean() / SCORE[at].var())
        ends = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
        assert explained[["low", "high"]].tolist() == pytest.approx(ends.tolist(), abs=0.04)
    assert found.loc[("score_explained", "line", "all rows"), "method"] == "bootstrap, out of fold"
    assert found.loc[("residual_correlation", "line", ""), "method"] == "fisher z"


def test_a_learner_of_fewer_rows_sees_so_many():
    seen = []

    def counting(rows, targets):
        assert len(rows) == len(targets)
        assert rows.index.tolist() == list(range(len(rows)))
        seen.append(len(rows))
        return mean(rows, targets)

    options = LearningOptions(shares=[0.5, 1.0, 0.01], n_folds=3)
    found = missing_inputs(X, SCORE, None, {"m": counting}, options=options)
    assert seen == [30] * 3 + [60] * 3 + [2] * 3
    assert found["subset"].tolist()[:3] == ["50% of the rows", "all rows", "1% of the rows"]
    assert "residual_correlation" not in set(found["metric"])


def test_many_rows_are_drawn_from_all_and_equal_rows_counted_in_all():
    found = measure(shares=[1.0], max_rows=40)
    assert found.loc[("score_explained", "line", "all rows"), "n"] == 40
    assert found.loc[("duplicate_rows", "", ""), "n"].item() == 90
    whole = measure(shares=[1.0], max_rows=90)
    assert whole.loc[("score_explained", "line", "all rows"), "n"] == 90


def test_constant_scores_and_errors_are_undefined():
    found = missing_inputs(X, np.full(90, 2.0), OUTCOME, {"m": mean}, options=LearningOptions(shares=[1.0]))
    explained, linked = found.iloc[0], found.iloc[1]
    assert (explained["status"], explained["reason"], explained["n"]) == ("undefined", "score is constant", 90)
    assert (linked["status"], linked["reason"], linked["n"], linked["subject"]) == ("undefined", "no errors", 90, "m")


def test_messages():
    with pytest.raises(InvalidInputError, match=r"^score must have one value per row, 90, got 3$"):
        missing_inputs(X, [1, 2, 3], None, {})
    for n_folds in (1, 91):
        words = rf"^n_folds must lie between 2 and the number of rows, 90, got {n_folds}$"
        with pytest.raises(InvalidInputError, match=words):
            missing_inputs(X, SCORE, None, {}, options=LearningOptions(n_folds=n_folds))
    assert len(missing_inputs(X, SCORE, None, {"m": mean}, options=LearningOptions(n_folds=90, shares=[1.0])))


def test_equal_rows_by_hand():
    rows = pd.DataFrame({"a": [1, 1, 2, 2, 3, 4, 1], "b": list("xxyyxyx")})
    s = np.array([0.0, 1.0, 5.0, 5.0, 2.0, 3.0, 2.0])
    found = duplicate_scores(rows, s, level=0.8).set_index("metric")
    share = found.loc["duplicate_rows"]
    assert (share["n"], share["k"], share["estimate"], share["method"]) == (7, 5, pytest.approx(5 / 7), "wilson")
    z2 = stats.norm.ppf(0.9) ** 2
    centre, half = (5 / 7 + z2 / 14) / (1 + z2 / 7), np.sqrt(z2 * (10 / 49 / 7 + z2 / 196)) / (1 + z2 / 7)
    assert share[["low", "high"]].tolist() == pytest.approx([centre - half, centre + half])
    differ = found.loc["duplicates_differ"]
    assert (differ["n"], differ["k"], differ["estimate"]) == (2, 1, 0.5)
    assert 0 < differ["low"] < 0.5 < differ["high"] < 1
    within = found.loc["duplicate_variance"]
    assert within["estimate"] == pytest.approx((1 + 0 + 1) / 5 / s.var())
    assert within["n"] == 5


def test_scores_within_the_tolerance_are_equal():
    rows = pd.DataFrame({"a": [1, 1]})
    for gap, differ in ((0.5, 0), (0.6, 1)):
        found = duplicate_scores(rows, [0.0, gap], tolerance=0.5).set_index("metric")
        assert found.loc["duplicates_differ", "k"] == differ
    same = duplicate_scores(rows, [1.0, 1.0]).set_index("metric")
    assert np.isnan(same.loc["duplicate_variance", "estimate"])


def test_without_equal_rows_nothing_is_said_of_them():
    found = duplicate_scores(pd.DataFrame({"a": [1, 2]}), [0.0, 1.0]).set_index("metric")
    assert found.loc["duplicate_rows", "estimate"] == 0
    for metric in ("duplicates_differ", "duplicate_variance"):
        line = found.loc[metric]
        assert (line["n"], line["status"]) == (0, "undefined")
        assert line["reason"] == "no two rows are equal in every column"


def test_the_three_statements():
    alike = missing_inputs(
        X, 3 * X["a"] - X["b"], None, {"m": mean, "line": line}, options=LearningOptions(shares=[1.0])
    )
    statement, sentence = missing_inputs_statement(alike)
    assert statement == "nothing missing"
    assert sentence == (
        "line explains 100.0% of the score (100.0% to 100.0%) on rows that it did not see: no input that matters is "
        "missing."
    )
    open_one = measure(shares=[1.0]).reset_index()
    statement, sentence = missing_inputs_statement(open_one)
    whole = open_one.set_index(["metric", "subject"])
    left = [1 - whole.loc[("score_explained", name), "estimate"].item() for name in ("mean", "line")]
    linked = [whole.loc[("residual_correlation", name)] for name in ("mean", "line")]
    words = "; ".join(
        f"r = {found['estimate']:.2f} ({found['low']:.2f} to {found['high']:.2f}) for {name}"
        for name, found in zip(("mean", "line"), linked, strict=True)
    )
    assert statement == "cannot tell"
    assert sentence == (
        f"Part of the score is not explained (mean leaves {left[0]:.1%}; line leaves {left[1]:.1%}), correlated with "
        f"the outcome's errors: {words}. Inputs are missing, or the learners are too simple: these data cannot tell "
        "which."
    )
    equal = duplicate_scores(pd.DataFrame({"a": [1, 1, 2, 2]}), [0.0, 1.0, 3.0, 3.0])
    assert missing_inputs_statement(equal) == (
        "missing or noisy",
        "Of 2 groups of equal rows, 1 have unequal scores: an input of the score is not in these data, or the score is "
        "noisy. This assumes nothing.",
    )
    some = measure(shares=[0.5]).reset_index()
    assert missing_inputs_statement(some)[0] == "cannot tell"
