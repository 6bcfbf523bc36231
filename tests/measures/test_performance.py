"""Performance against scikit-learn where it is right, and its edges."""

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from explaindistill.errors import InvalidInputError
from explaindistill.measures.decision import DecisionRule
from explaindistill.measures.performance import performance, regression_performance


def probabilities(n, k, seed=0):
    return np.random.default_rng(seed).dirichlet(np.ones(k), n)


@pytest.mark.parametrize("classes", [["a", "b"], [0, 1, 2], [False, True]])
def test_against_scikit_learn(classes):
    rng, known = np.random.default_rng(1), np.asarray(classes)
    P, y = probabilities(120, len(known)), known[rng.integers(0, len(known), 120)]
    found = performance(y, P, DecisionRule(known)).set_index("metric")["estimate"]
    decided = known[P.argmax(axis=1)]
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(y, decided), abs=1e-12)
    assert found["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(y, decided), abs=1e-12)
    assert found["log_loss"] == pytest.approx(metrics.log_loss(y, P, labels=known), abs=1e-9)
    if len(known) == 2:
        assert found["auc"] == pytest.approx(metrics.roc_auc_score(y == known[1], P[:, 1]), abs=1e-12)
        assert found["brier"] == pytest.approx(metrics.brier_score_loss(y == known[1], P[:, 1]), abs=1e-12)


def test_categories_in_any_order_and_missing_labels():
    y = pd.Series(pd.Categorical(["b", "a", None, "b"], categories=["b", "a"]))
    P = np.array([[0.2, 0.8], [0.9, 0.1], [0.5, 0.5], [0.6, 0.4]])
    found = performance(y, P, DecisionRule(["a", "b"])).set_index("metric")
    assert found.loc["accuracy", ["n", "k"]].tolist() == [3, 2]


def test_one_label_only():
    found = performance(["a"] * 5, probabilities(5, 2), DecisionRule(["a", "b"])).set_index(["metric", "subset"])
    assert found.loc[("auc", ""), ["status", "reason"]].tolist() == ["undefined", "all rows have one label"]
    assert found.loc[("recall", "class=b"), "status"] == "undefined"


def test_few_positives_are_small():
    y = np.array(["a"] * 50 + ["b"] * 10)
    found = performance(y, probabilities(60, 2), DecisionRule(["a", "b"])).set_index("metric")
    assert found.loc["auc", "status"] == "small"


def test_no_labels_at_all():
    found = performance([None, None], probabilities(2, 2), DecisionRule(["a", "b"]))
    assert found.loc[0, ["n", "status"]].tolist() == [0, "undefined"]


@pytest.mark.parametrize(
    ("y", "message"), [(["a", "z"], "y has the label 'z'"), (["a"], "one label per row: 2 rows, got 1")]
)
def test_messages(y, message):
    with pytest.raises(InvalidInputError, match=message):
        performance(y, probabilities(2, 2), DecisionRule(["a", "b"]))


def test_weights_and_clusters():
    y, P, w = np.array(["a", "b"] * 10), probabilities(20, 2, 2), np.tile([1, 2], 10)
    there = performance(y, P, DecisionRule(["a", "b"]), sample_weight=w).set_index(["metric", "subset"])["estimate"]
    back = performance(np.repeat(y, w), np.repeat(P, w, 0), DecisionRule(["a", "b"])).set_index(["metric", "subset"])[
        "estimate"
    ]
    np.testing.assert_allclose(there, back)
    wide = performance(
        np.repeat(y, 3), np.repeat(P, 3, 0), DecisionRule(["a", "b"]), clusters=np.repeat(np.arange(20), 3)
    )
    assert wide.loc[0, "n_effective"] == pytest.approx(20, rel=0.1)


def test_regression_leaves_rows_without_truth_out():
    found = regression_performance([1.0, np.nan, 3.0], [1.0, 9.0, 2.0], sample_weight=[1, 1, 1], clusters=[0, 1, 2])
    assert found["n"].tolist() == [2] * 5
    assert found.set_index("metric").loc["mae", "estimate"] == 0.5
    with pytest.raises(InvalidInputError, match="one shape"):
        regression_performance([1.0], [1.0, 2.0])
