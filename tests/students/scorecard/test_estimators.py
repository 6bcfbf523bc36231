"""Truths, laws and messages of the scorecard; the contract itself is asked in tests/test_contract.py."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from explaindistill.errors import InvalidInputError
from explaindistill.students.scorecard.estimators import ScorecardClassifier


def rows(n: int = 900, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": rng.integers(20, 70, n),
            "city": rng.choice(["Bern", "Chur", "Genf"], n),
            "noise": rng.normal(size=n),
            "member": rng.random(n) < 0.4,
        }
    )


def risk(X: pd.DataFrame) -> np.ndarray:
    points = 2 * (X["city"] == "Chur") - 3 * X["member"] + (X["age"] > 44)
    return expit(0.6 * points.to_numpy() - 0.2)


def both(p: np.ndarray) -> np.ndarray:
    return np.column_stack([1 - p, p])


def test_finds_the_card_of_a_teacher_that_is_a_card() -> None:
    X = rows()
    card = ScorecardClassifier(max_terms=3, max_points=3, n_thresholds=60).fit(X, both(risk(X)))
    table = card.table().set_index("term")["points"].to_dict()
    assert table == {"age <= 44.5": -1, 'city = "Chur"': 2, "member = yes": -3}
    np.testing.assert_allclose(card.predict_proba(X)[:, 1], risk(X), atol=6e-4)
    assert card.slope_ == pytest.approx(0.6, abs=1e-3)
    importance = card.importance().set_index("feature")["estimate"]
    assert importance["noise"] == 0
    assert importance["member"] > importance["age"] > 0


def test_the_table_on_paper_gives_the_probabilities() -> None:
    X = rows()
    card = ScorecardClassifier(max_terms=4).fit(X, both(risk(X)))
    text = card.describe().splitlines()
    start = next(i for i, line in enumerate(text) if line.startswith("Total"))
    paper = {int(line.split()[0]): float(line.split()[1]) / 100 for line in text[start + 1 :]}
    total = card.points(X)
    np.testing.assert_allclose(card.predict_proba(X)[:, 1], [paper[t] for t in total], atol=1e-12)
    assert card.risks()["share"].sum() == pytest.approx(1)
    np.testing.assert_allclose(card.explain(X, as_frame=True).groupby("row")["contribution"].sum(), total)
    assert np.abs(card.table()["points"]).max() <= 5


def test_hard_labels_are_learnt_in_order() -> None:
    X, fresh = rows(3000), rows(3000, 1)
    y = np.where(np.random.default_rng(0).random(3000) < risk(X), "yes", "no")
    card = ScorecardClassifier(max_terms=3).fit(X, y)
    assert np.corrcoef(card.predict_proba(fresh)[:, 1], risk(fresh))[0, 1] > 0.95
    assert card.score(X, y) > 0.6
    assert set(card.predict(X)) == {"no", "yes"}


def test_missing_values_can_have_points_and_unseen_levels_have_none() -> None:
    X = rows()
    X.loc[::3, "noise"] = np.nan
    p = np.where(X["noise"].isna(), 0.9, 0.1)
    card = ScorecardClassifier(max_terms=1).fit(X, both(p))
    assert card.table()["feature"].tolist() == ["noise"]
    np.testing.assert_allclose(card.predict_proba(X)[:, 1], p, atol=2e-3)
    new = X.head(2).assign(city="castle")
    assert np.isfinite(card.predict_proba(new)).all()


def test_separable_and_one_sided_labels_stay_inside_zero_and_one() -> None:
    X = rows()
    card = ScorecardClassifier(max_terms=1).fit(X, X["member"].to_numpy())
    assert card.score(X, X["member"].to_numpy()) == 1
    assert card.predict_proba(X).min() == pytest.approx(0.001)
    flat = ScorecardClassifier().fit(X, both(np.full(len(X), 0.25)))
    np.testing.assert_allclose(flat.predict_proba(X)[:, 1], 0.25)
    assert flat.importance()["estimate"].sum() in (0.0, pytest.approx(1))


def test_constant_columns_give_a_card_without_conditions() -> None:
    X = pd.DataFrame({"a": np.ones(40)})
    card = ScorecardClassifier().fit(X, np.arange(40) % 4 == 0)
    assert card.complexity().n_terms == 0
    assert card.predict_proba(X)[0, 1] == pytest.approx(0.25)
    assert card.importance()["estimate"].tolist() == [0.0]


def test_json_there_and_back_for_frames_and_arrays() -> None:
    X = rows(300)
    for data in (X, X[["age", "noise"]].to_numpy()):
        card = ScorecardClassifier(max_terms=3).fit(data, both(risk(X)))
        again = ScorecardClassifier.from_dict(card.to_dict())
        np.testing.assert_array_equal(again.predict_proba(data), card.predict_proba(data))
        assert again.describe() == card.describe()
    with pytest.raises(InvalidInputError, match=r"format 'explaindistill.scorecard', version 1"):
        ScorecardClassifier.from_dict(card.to_dict() | {"format": "other"})


def test_three_classes_and_bad_parameters_are_refused() -> None:
    X = rows(60)
    with pytest.raises(InvalidInputError, match="Only binary classification is supported"):
        ScorecardClassifier().fit(X, np.arange(60) % 3)
    with pytest.raises(InvalidInputError, match="max_terms must be a whole number of at least 1, got 0"):
        ScorecardClassifier(max_terms=0).fit(X, np.arange(60) % 2)
