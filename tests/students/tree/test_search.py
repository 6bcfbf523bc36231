"""Trees of one size compete: what takes part, what counts, and that only what rows say decides."""

import numpy as np
import pandas as pd
import pytest

from explaindistill import TreeClassifier, TreeRegressor
from explaindistill.errors import InvalidInputError
from explaindistill.students.tree import search as tree_search


def rows(n, seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.random((n, 4)).round(4), columns=list("abcd"))
    z = 6 * ((X["a"] > 0.5) ^ (X["b"] > 0.5)) + 2 * X["c"] - 4
    p = 1 / (1 + np.exp(-z.to_numpy()))
    return X, np.column_stack([1 - p, p])


def ways(student):
    return student.candidates_[["search", "temperature"]].values.tolist()


def test_looking_ahead_takes_part_from_a_thousand_distinct_rows():
    X, P = rows(1000)
    assert len(X.drop_duplicates()) == 1000
    greedy = [["greedy", 0.5], ["greedy", 0.2], ["greedy", 0.0]]
    assert ways(TreeClassifier(8).fit(X, P))[3][0] == "lookahead"
    assert ways(TreeClassifier(8).fit(X[1:], P[1:])) == greedy
    twice = np.r_[np.arange(999), np.arange(999)]
    assert ways(TreeClassifier(8).fit(X.iloc[twice], P[twice])) == greedy
    assert ways(TreeClassifier(13).fit(X, P)) == greedy  # 1,000 rows are fewer than 80 for each of 13 leaves
    assert len(ways(TreeClassifier(None, max_depth=3).fit(X, P))) == 4
    assert len(ways(TreeClassifier(8, tie_tolerance=0.1).fit(X, P))) == 1


def test_the_best_on_the_rows_of_fitting_is_kept():
    X, _ = rows(3000)
    p = np.where((X["a"] > 0.5) ^ (X["b"] > 0.5), 0.9, 0.1)
    P = np.column_stack([1 - p, p])
    student = TreeClassifier(4, shrinkage=0).fit(X, P)
    table = student.candidates_
    assert table["chosen"].sum() == 1
    assert table.loc[table["chosen"], "agreement"].item() == table["agreement"].max()
    assert table["agreement"].max() == pytest.approx((student.predict(X) == P.argmax(axis=1)).mean())
    for way in table.to_dict("records"):
        alone = TreeClassifier(4, shrinkage=0, search=way["search"], structure_temperature=way["temperature"])
        assert way["agreement"] == pytest.approx((alone.fit(X, P).predict(X) == P.argmax(axis=1)).mean())


def test_each_tree_that_competes_grows_at_its_own_temperature():
    """Sharp labels find the line at which decisions turn, soft ones that at which probabilities do."""
    X, P = rows(600, 5)
    table = TreeClassifier(6, shrinkage=0).fit(X, P).candidates_
    assert table["temperature"].tolist() == [0.5, 0.2, 0.0]
    alone = [
        TreeClassifier(6, shrinkage=0, search="greedy", structure_temperature=t).fit(X, P) for t in table["temperature"]
    ]
    agreement = [(student.predict(X) == P.argmax(axis=1)).mean() for student in alone]
    assert agreement[0] != agreement[1]
    assert table["agreement"].tolist() == pytest.approx(agreement)


def test_looking_ahead_wins_where_it_is_better():
    chosen = []
    for seed in range(4):
        X, P = rows(2000, seed)
        table = TreeClassifier(7, shrinkage=0).fit(X, P).candidates_
        chosen.append(table.loc[table["chosen"], "search"].item())
        assert (chosen[-1] == "lookahead") == (table["agreement"].iloc[3] > table["agreement"].iloc[:3].max())
    assert "lookahead" in chosen


def test_probabilities_or_decisions():
    X, _ = rows(3000, seed=2)
    p = np.where(X["a"] > 0.5, 0.5 + 0.1 * (X["b"] - 0.5), X["c"] ** 2 * 0.45)  # what matters most never decides
    P = np.column_stack([1 - p, p])

    def cross_entropy(student):
        Q = np.clip(student.fit(X, P).predict_proba(X), 1e-4, 1)
        return -(P * np.log(Q)).sum(axis=1).mean()

    by_probability = TreeClassifier(6, shrinkage=0, optimize="probabilities")
    by_decision = TreeClassifier(6, shrinkage=0)
    assert cross_entropy(by_probability) < cross_entropy(by_decision)
    assert [t for _, t in ways(by_probability)][:2] == [1.0, 0.5]
    table = by_probability.candidates_
    assert table.loc[table["chosen"], "cross_entropy"].item() == pytest.approx(cross_entropy(by_probability))
    agreement = [(s.predict(X) == P.argmax(axis=1)).mean() for s in (by_decision, by_probability)]
    assert agreement[0] >= agreement[1]
    with pytest.raises(InvalidInputError, match="optimize must be one of 'decisions', 'probabilities', got 'speed'"):
        TreeClassifier(optimize="speed").fit(X, P)


def test_order_copies_and_weights_change_nothing():
    X, P = rows(1500)
    order = np.random.default_rng(1).permutation(len(X))
    first = TreeClassifier(8).fit(X, P)
    again = TreeClassifier(8).fit(X.iloc[order], P[order])
    weight = np.where(np.arange(len(X)) % 3 == 0, 2.0, 1.0)
    copies = np.repeat(np.arange(len(X)), weight.astype(int))
    assert first.describe() == again.describe()
    pd.testing.assert_frame_equal(first.candidates_, again.candidates_)
    weighted = TreeClassifier(8).fit(X, P, sample_weight=weight)
    repeated = TreeClassifier(8).fit(X.iloc[copies], P[copies])
    assert weighted.describe() == repeated.describe()
    assert weighted.candidates_["agreement"].tolist() == repeated.candidates_["agreement"].tolist()


@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_the_winner_is_grown_on_all_rows_beyond_the_limit(monkeypatch, kind):
    X, P = rows(2000)

    def fitted():
        if kind == "regressor":
            return TreeRegressor(8).fit(X, P[:, 1])
        return TreeClassifier(8).fit(X, P)

    whole = fitted()
    assert whole.candidates_["n"].unique().tolist() == [2000]
    monkeypatch.setattr(tree_search, "MOST", 1999)
    beyond = fitted()
    assert beyond.candidates_["n"].unique().tolist() == [1999]
    assert beyond.candidates_["chosen"].tolist() == whole.candidates_["chosen"].tolist()
    assert beyond.describe() == whole.describe()
    monkeypatch.setattr(tree_search, "MOST", 2000)
    assert fitted().describe() == whole.describe()


def test_a_regressor_goes_by_the_squared_error():
    X, P = rows(3000)
    y = P[:, 1]
    student = TreeRegressor(4, shrinkage=0).fit(X, y)
    table = student.candidates_
    assert ways(student)[0][0] == "greedy"
    assert ways(student)[1][0] == "lookahead"
    assert table["squared_error"].min() == pytest.approx(((student.predict(X) - y) ** 2).mean())
    assert table.loc[table["chosen"], "squared_error"].item() == table["squared_error"].min()
