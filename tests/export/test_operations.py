"""Operations are counted on the longest way, as one would by hand."""

import numpy as np
import pandas as pd
import pytest

from explaindistill.errors import InvalidInputError
from explaindistill.export._operations import operations
from explaindistill.students.gam.estimators import GAMClassifier, GAMRegressor
from explaindistill.students.linear.estimators import LinearClassifier, LinearRegressor
from explaindistill.students.tree.estimators import TreeRegressor


def test_a_tree_costs_its_longest_path():
    x = pd.DataFrame({"x": np.arange(16.0)})
    tree = TreeRegressor(min_samples_leaf=1, max_leaf_nodes=4).fit(x, np.repeat([0.0, 4.0, 10.0, 14.0], 4))
    assert tree.complexity().depth == 2
    missing = sum(node["missing_left"] for node in tree.to_dict()["nodes"][:2] if "feature" in node)
    assert missing == 2  # the longest way has two questions, each also asks whether there is a value
    assert operations(tree) == 4


def test_a_sum_costs_its_terms():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(200, 3)))
    line = LinearRegressor(tolerance=0).fit(X, X @ [1.0, 2.0, 3.0])
    assert operations(line) == 3 * 3 + np.count_nonzero(line.model_.centre)  # what numbers count from is taken off
    y = X.sum(axis=1) > 0
    student = LinearClassifier(max_terms=1).fit(X, y)
    assert student.complexity().n_terms == 1, "paths of folds that end early must not leave a sum without a term"
    assert operations(student) == 3 + np.count_nonzero(student.model_.centre) + 3


def test_a_pair_costs_more_than_a_curve():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(400, 2)), columns=["a", "b"])
    plain = GAMRegressor(n_pairs=0).fit(X, X["a"] * X["b"])
    paired = GAMRegressor(n_pairs=1).fit(X, X["a"] * X["b"])
    assert 0 < operations(plain) < operations(paired)


def test_every_output_of_a_curve_is_blended_and_added():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": np.tile(np.arange(9.0), 60)})
    two, three = (
        GAMClassifier(n_jobs=1).fit(X, rng.dirichlet(np.ones(k), 540) * 0.2 + 0.8 * np.eye(k)[np.arange(540) % k])
        for k in (2, 3)
    )
    links = 4 * 3 - 3  # a softmax of three against a logistic
    assert operations(three) - operations(two) == links + 2 * (3 + 1)


def test_every_family_can_be_counted(fitted, family, k):
    assert operations(fitted(family, k)) > 0


def test_other_models_cannot():
    with pytest.raises(InvalidInputError, match="dict has no program"):
        operations({})
