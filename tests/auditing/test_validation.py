"""What an audit refuses, in words."""

import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier

import explaindistill as xd
from explaindistill.errors import InvalidInputError


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"students": {}}, "students must hold at least 1 fitted student"),
        ({"students": {"teacher": None}}, "must not be called teacher"),
        ({"students": {"a": object()}}, "student 'a' must be a fitted estimator, got object"),
        ({"students": {"a": xd.TreeClassifier()}}, "not fitted"),
        ({"sensitive": ["sexx"]}, "sensitive names sexx, the columns are: .*; for attributes outside"),
        ({"sensitive": pd.DataFrame({"a": [1]})}, "sensitive must have one row per row of X, 3000, got 1"),
        ({"favorable": "granted"}, r"favorable must be one of the classes \['approved', 'declined'\], got 'granted'"),
        ({"threshold": 1.5}, "threshold must lie between 0 and 1"),
        ({"y": ["approved"]}, "y must have one value per row of X, 3000, got 1"),
        ({"y": ["granted"] * 3000}, "label 'granted', which is not among classes"),
        ({"train": (pd.DataFrame({"a": [1]}), ["approved"])}, "train must have the columns of X"),
        ({"min_group_size": 0}, "min_group_size must be a whole number of at least 1, got 0; 1 shows everything"),
    ],
)
def test_bad_arguments(pair, changes, message, Rule):
    tree, _, _, (test, y) = pair
    given = {"students": {"tree": tree}, "X": test, "y": y} | changes
    with pytest.raises(ValueError, match=message):
        xd.audit(Rule(), **given)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strata": "office"}, "strata names 'office', the columns are"),
        ({"strata": [1, 2]}, "strata must have one entry per row of X, 3000"),
        ({"stress": pd.DataFrame({"a": [1]})}, "stress must have the columns of X"),
        ({"second_teacher": RandomForestClassifier().fit([[0], [1]], [0, 1])}, "second_teacher must have the teacher"),
    ],
)
def test_bad_extra_arguments(pair, changes, message, Rule):
    tree, _, _, (test, y) = pair
    with pytest.raises(InvalidInputError, match=message):
        xd.audit(Rule(), tree, test, y, **changes)
