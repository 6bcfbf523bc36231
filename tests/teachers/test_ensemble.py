"""Several teachers as one: copies are the teacher, weights follow the held-out loss."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone

from explaindistill.errors import InvalidInputError, TeacherError
from explaindistill.protocols import Teacher
from explaindistill.teachers.callable import CallableTeacher
from explaindistill.teachers.ensemble import EnsembleTeacher, held_out_weights


def logistic(slope, version="1", classes=(0, 1)):
    return CallableTeacher(lambda X: 1 / (1 + np.exp(-slope * X[:, 0])), classes=list(classes), version=version)


@pytest.fixture
def X():  # noqa: N802 - named like the argument it is
    return np.random.default_rng(0).normal(size=(500, 1))


@pytest.mark.parametrize("pool", ["mean", "log"])
def test_copies_are_the_teacher(X, pool):
    teacher = logistic(2.0)
    many = EnsembleTeacher([teacher] * 3, pool=pool)
    assert isinstance(many, Teacher)
    assert clone(many) is many
    assert np.abs(many.predict_proba(X) - teacher.predict_proba(X)).max() < 1e-14
    assert many.disagreement(X) == pytest.approx(np.zeros(500), abs=1e-12)
    assert not many.abstains(X).any()


def test_pools_are_the_slow_formulas(X):
    teachers = [logistic(1.0), logistic(-3.0)]
    P = [t.predict_proba(X) for t in teachers]
    w = np.array([0.75, 0.25])
    mean = EnsembleTeacher(teachers, weights=[3, 1]).predict_proba(X)
    assert mean == pytest.approx(w[0] * P[0] + w[1] * P[1])
    product = P[0] ** w[0] * P[1] ** w[1]
    log = EnsembleTeacher(teachers, "log", weights=[3, 1]).predict_proba(X)
    assert log == pytest.approx(product / product.sum(axis=1, keepdims=True))


def test_disagreement_and_abstention():
    yes = CallableTeacher(lambda X: np.ones(len(X)), classes=[0, 1])
    no = CallableTeacher(lambda X: (X[:, 0] > 0).astype(float), classes=[0, 1])
    both = EnsembleTeacher([yes, no], abstain_above=0.5)
    X = np.array([[1.0], [-1.0]])
    assert both.disagreement(X) == pytest.approx([0, 1], abs=1e-9)
    assert both.abstains(X).tolist() == [False, True]
    assert EnsembleTeacher([yes, no], weights=[1, 0]).disagreement(X).tolist() == [0, 0]


def test_weights_find_the_teacher_that_is_right(X):
    rng = np.random.default_rng(1)
    y = (rng.random(500) < logistic(2.0).predict_proba(X)[:, 1]).astype(int)
    w = held_out_weights([logistic(2.0), logistic(-2.0)], X, y)
    assert w[0] > 0.95
    assert w.sum() == pytest.approx(1)
    grid = np.linspace(0, 1, 401)
    p = [t.predict_proba(X)[np.arange(500), y] for t in (logistic(2.0), logistic(0.2))]
    slow = grid[np.argmax([np.log(g * p[0] + (1 - g) * p[1]).sum() for g in grid])]
    assert held_out_weights([logistic(2.0), logistic(0.2)], X, y)[0] == pytest.approx(slow, abs=0.02)


def test_compare(X):
    both = EnsembleTeacher([logistic(2.0), logistic(-1.0)])
    table = both.compare(X, student=logistic(-1.0))
    assert table.columns.tolist() == ["teacher", "weight", "n", "ensemble", "student"]
    assert table["ensemble"].tolist() == [1.0, 0.0]
    assert table["student"].tolist() == [0.0, 1.0]


def test_values():
    X = np.arange(4.0).reshape(-1, 1)
    one, two = CallableTeacher(lambda X: X[:, 0]), CallableTeacher(lambda X: X[:, 0] + 2)
    both = EnsembleTeacher([one, two])
    assert both.predict(X).tolist() == [1, 2, 3, 4]
    assert both.disagreement(X).tolist() == [1, 1, 1, 1]
    assert both.compare(X)["ensemble"].tolist() == pytest.approx([1, 1])
    assert np.isnan(EnsembleTeacher([CallableTeacher(lambda X: X[:, 0] * 0)]).compare(X)["ensemble"][0])
    wide = EnsembleTeacher(
        [CallableTeacher(lambda X: np.hstack([X, X])), CallableTeacher(lambda X: np.hstack([X, X + 2]))]
    )
    assert wide.disagreement(X).tolist() == [0.5] * 4
    with pytest.raises(TeacherError, match="no probabilities"):
        both.predict_proba(X)
    with pytest.raises(InvalidInputError, match="are for classifiers"):
        held_out_weights([one], X, [1])


def test_fingerprint():
    a, b = logistic(1.0, "a"), logistic(2.0, "b")
    prints = {
        EnsembleTeacher([a, b]).fingerprint(),
        EnsembleTeacher([b, a]).fingerprint(),
        EnsembleTeacher([a, b], "log").fingerprint(),
        EnsembleTeacher([a, b], weights=[1, 2]).fingerprint(),
    }
    assert len(prints) == 4
    assert EnsembleTeacher([a, logistic(1.0, None)]).fingerprint() is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EnsembleTeacher([]), "at least 1 teacher"),
        (lambda: EnsembleTeacher([3]), "got int"),
        (lambda: EnsembleTeacher([logistic(1), logistic(1, classes=(0, 2))]), "same classes"),
        (lambda: EnsembleTeacher([logistic(1), CallableTeacher(np.sum)]), "same classes"),
        (lambda: EnsembleTeacher([logistic(1)], weights=[1, 2]), "weights must be 1 non-negative"),
        (lambda: EnsembleTeacher([logistic(1)], pool="vote"), "pool must be"),
        (lambda: EnsembleTeacher([CallableTeacher(np.sum)], pool="log"), "pool must be"),
        (lambda: EnsembleTeacher([logistic(1)], abstain_above=2), "abstain_above must lie"),
        (lambda: held_out_weights([logistic(1)], np.zeros((1, 1)), [7]), "label .*7.*not among"),
    ],
)
def test_wrong_arguments(make, message):
    with pytest.raises(InvalidInputError, match=message):
        make()
