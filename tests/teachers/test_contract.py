"""Every teacher in the folder keeps the contract; its own docstring says how one is made, and which rows it answers."""

from __future__ import annotations

import copy
import doctest
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from explaindistill import plugins
from explaindistill.asking.labelling import label
from explaindistill.errors import TeacherError
from explaindistill.protocols import Teacher, can_be_asked

TEACHERS = [
    kind
    for name in plugins.names("teachers")
    for kind in plugins.public("teachers", name).values()
    if isinstance(kind, type)
]
TOLERANCE = 1e-6  # a network in single precision answers a row a little otherwise in another place of its batch


@contextmanager
def example(kind: type) -> Iterator[tuple[Teacher, object]]:
    """The names ``teacher`` and ``X`` of the docstring's example, which is run on to its end afterwards."""
    names: dict = dict(vars(sys.modules[kind.__module__]))
    lines = iter(doctest.DocTestParser().get_examples(kind.__doc__))
    for line in lines:
        exec(compile(line.source, kind.__name__, "exec"), names)
        if isinstance(names.get("teacher"), kind) and "X" in names:
            break
    else:
        pytest.fail(f"the example of {kind.__name__} must make a teacher, and rows X that it answers")
    try:
        yield names["teacher"], names["X"]
    finally:
        for line in lines:
            exec(compile(line.source, kind.__name__, "exec"), names)


def backwards(X):
    return X.iloc[::-1] if isinstance(X, pd.DataFrame) else X[::-1].copy()


@pytest.mark.parametrize("kind", TEACHERS)
def test_answers_have_the_form_of_the_task(kind):
    with example(kind) as (teacher, X):
        assert isinstance(teacher, Teacher)
        decided = teacher.predict(X)
        assert len(decided) == len(X) > 1
        if teacher.classes_ is None:
            assert decided.dtype == np.float64
            assert np.isfinite(decided).all()
            with pytest.raises(TeacherError, match="no probabilities"):
                teacher.predict_proba(X)
            return
        assert teacher.classes_.tolist() == sorted(teacher.classes_.tolist())
        P = teacher.predict_proba(X)
        assert P.dtype == np.float64
        assert P.shape == (len(X), len(teacher.classes_))
        assert (P >= 0).all()
        np.testing.assert_allclose(P.sum(axis=1), 1.0, atol=1e-9)
        assert decided.tolist() == teacher.classes_[P.argmax(axis=1)].tolist()


@pytest.mark.parametrize("kind", TEACHERS)
def test_asking_changes_nothing(kind):
    """Neither rows nor teacher; and a row's answer depends on that row alone."""
    with example(kind) as (teacher, X):
        before = copy.deepcopy(X)
        weights = teacher.weights() if hasattr(teacher, "weights") else None
        ask = teacher.predict if teacher.classes_ is None else teacher.predict_proba
        answers = ask(X)
        assert np.array_equal(ask(X), answers)
        np.testing.assert_allclose(ask(backwards(X))[::-1], answers, atol=TOLERANCE)
        assert X.equals(before) if isinstance(X, pd.DataFrame) else np.array_equal(X, before)
        assert weights == (teacher.weights() if hasattr(teacher, "weights") else None)


@pytest.mark.parametrize("kind", TEACHERS)
def test_it_is_named_and_never_copied(kind):
    with example(kind) as (teacher, _):
        assert clone(teacher) is teacher
        assert isinstance(getattr(teacher, "name", ""), str)
        fingerprint = teacher.fingerprint()
        assert fingerprint is None or (isinstance(fingerprint, str) and fingerprint)
        assert teacher.fingerprint() == fingerprint


@pytest.mark.parametrize("kind", TEACHERS)
def test_optional_members_are_what_the_protocol_says(kind):
    with example(kind) as (teacher, X):
        for name in ("few_rows", "batch_size", "label_rows"):
            assert int(getattr(teacher, name, 1)) >= 1
        assert float(getattr(teacher, "price_per_row", 0.0)) >= 0
        if not can_be_asked(teacher):
            assert teacher.knows(X).all()
        if hasattr(teacher, "disagreement"):
            assert teacher.disagreement(X).shape == teacher.abstains(X).shape == (len(X),)
        if hasattr(teacher, "stream"):
            sent: list[int] = []
            places = [place for place, _ in teacher.stream(X, sent.append)]
            assert sum(sent) == sum(len(range(*place.indices(len(X)))) for place in places) == len(X)


@pytest.mark.parametrize("kind", TEACHERS)
def test_labels_are_its_answers(kind):
    with example(kind) as (teacher, X):
        ask = teacher.predict if teacher.classes_ is None else teacher.predict_proba
        np.testing.assert_allclose(label(teacher, X), ask(X), atol=TOLERANCE)
