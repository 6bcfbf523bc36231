"""Students without their teacher."""

import pytest

import explaindistill as xd
from explaindistill.errors import InvalidInputError


def test_students_without_teacher_stand_beside(report):
    subjects = set(report.frames["performance"]["subject"])
    assert {"teacher", "tree", "tree without teacher", "linear", "linear without teacher"} <= subjects


def test_without_train_the_baseline_cannot_be_told(pair, Rule, pick):
    tree, _, _, (test, y) = pair
    record = xd.audit(Rule(), tree, test, y)
    assert "student without teacher" in set(record.frames["performance"]["subject"])
    row = pick(record.frames["performance"], subject="student without teacher").iloc[0]
    assert row["status"] == "undefined"
    assert "train" in row["reason"]


def test_train_with_another_number_of_labels(pair, Rule):
    tree, _, train, (test, y) = pair
    with pytest.raises(InvalidInputError, match="train must hold as many labels as rows"):
        xd.audit(Rule(), tree, test, y, train=(train[0], train[1].head(3)))
