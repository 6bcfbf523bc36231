"""What decides a competition: rows that were held out, a budget that is kept, and who drops out."""

from dataclasses import replace

import numpy as np
import pandas as pd

from explaindistill import LinearClassifier, TreeClassifier
from explaindistill.data.schema import Schema
from explaindistill.data.student_view import StudentView
from explaindistill.data.targets import SoftTargets
from explaindistill.distillation.choosing.competition import compete
from explaindistill.distillation.choosing.fitting import fit_within
from explaindistill.distillation.choosing.reading_budget import ReadingBudget
from explaindistill.distillation.choosing.rivals import Rival

TREE = Rival("tree", lambda size: TreeClassifier(max_leaf_nodes=size, min_samples_leaf=1), 64, 2)
LINE = Rival("linear", lambda size: LinearClassifier(max_terms=size), 2, 1)


def answered(decide, n=1200):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(n, 4)), columns=list("abcd"))
    yes = decide(X, rng)
    P = np.column_stack([~yes, yes]).astype(float)
    targets = SoftTargets(X, P, np.ones(n), np.full(n, "observed"), np.array(["no", "yes"]), n)
    return targets, StudentView(Schema.infer(X))


def test_a_fit_beyond_the_budget_is_repeated_smaller():
    targets, view = answered(lambda X, rng: np.sin(6 * X["a"]).to_numpy() * X["b"].to_numpy() > 0)
    for limit in (2, 5, 9):
        fitted = fit_within(TREE, targets, view, ReadingBudget(max_lines=limit))
        assert fitted.student.complexity().n_lines == limit
        assert fitted.size == limit
    slightly = fit_within(replace(TREE, start=4), targets, view, ReadingBudget(max_lines=3))
    assert slightly.student.complexity().n_lines == 3
    assert fit_within(TREE, targets, view, ReadingBudget(max_numbers=1)) is None


def test_rows_are_held_out_of_the_fit_that_they_judge():
    """Of coin tosses a tree of 64 leaves knows its own rows by heart, and of others nothing."""
    targets, view = answered(lambda X, rng: rng.random(len(X)) < 0.5)
    table = compete([TREE, replace(TREE, name="twin")], targets, view, ReadingBudget()).frame
    assert table["score"].between(0.44, 0.56).all()
    assert table["n"].tolist() == [1200, 1200]


def test_who_is_behind_by_more_than_chance_drops_out():
    targets, view = answered(lambda X, rng: (X["a"] * X["b"] > 0).to_numpy())
    twin = replace(TREE, name="twin")
    ranked = compete([LINE, TREE, twin], targets, view, ReadingBudget())
    assert [rival.name for rival in ranked.ranking] == ["tree", "twin", "linear"]
    assert ranked.frame["folds"].tolist() == [3, 3, 1]
    assert ranked.frame["behind_low"].iloc[2] > 0


def test_who_is_left_alone_is_fitted_no_further():
    targets, view = answered(lambda X, rng: (X["a"] * X["b"] > 0).to_numpy())
    frame = compete([LINE, TREE], targets, view, ReadingBudget()).frame
    assert frame["student"].tolist() == ["tree", "linear"]
    assert frame["folds"].tolist() == [1, 1]
    assert frame["n"].tolist() == [400, 400]


def test_between_equals_the_shorter_student_wins():
    targets, view = answered(lambda X, rng: (X["a"] > 0).to_numpy())
    longer = Rival("longer", lambda size: LinearClassifier(max_terms=size, penalty=0.0, relax=False), 4, 1)
    short = replace(TREE, start=2)
    targets = replace(targets, X=targets.X.assign(a=np.sign(targets.X["a"])))
    ranked = compete([longer, short], targets, view, ReadingBudget())
    assert ranked.frame["score"].tolist() == [1.0, 1.0]
    assert [rival.name for rival in ranked.ranking] == ["tree", "longer"]
    assert ranked.frame["n_numbers"].is_monotonic_increasing
