"""Noisy votes: the accountant against the closed form, the budget, and answers that do not change."""

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.errors import InvalidInputError, TeacherError
from explaindistill.numerics.statistics.privacy import epsilon_of_votes, most_questions
from explaindistill.teachers.callable import CallableTeacher
from explaindistill.teachers.pate import PateTeacher


def voter(cut):
    return CallableTeacher(lambda X: (X["a"].to_numpy() > cut).astype(float), classes=["no", "yes"])


@pytest.fixture
def voters():
    return [voter(c) for c in np.linspace(-0.3, 0.3, 60)]


@pytest.fixture
def rows():
    return pd.DataFrame({"a": np.random.default_rng(0).normal(size=200), "b": np.arange(200) % 5})


def test_votes_are_counts(voters, rows):
    counts = PateTeacher(voters, 1.0, seed=0).votes(rows)
    assert (counts.sum(axis=1) == 60).all()
    slow = [sum(a > c for c in np.linspace(-0.3, 0.3, 60)) for a in rows["a"]]
    assert counts[:, 1].tolist() == slow


def test_little_noise_gives_the_majority_and_much_noise_does_not(voters, rows):
    majority = np.where(rows["a"] > 0, "yes", "no")
    sure = rows["a"].abs() > 0.3
    assert (PateTeacher(voters, 1.0, seed=0).predict(rows)[sure] == majority[sure]).all()
    assert (PateTeacher(voters, 500.0, seed=0).predict(rows) == majority).mean() < 0.75


def test_noise_has_the_scale_that_the_accountant_counts():
    """A tie of two votes falls either way; a lead of d votes falls with probability Phi(d / (sigma sqrt 2))."""
    from scipy import stats

    yes = CallableTeacher(lambda X: np.full(len(X), 0.9), classes=["no", "yes"])
    rows = pd.DataFrame({"a": np.arange(4000)})
    share = (PateTeacher([yes] * 10, 8.0, seed=1).predict(rows) == "yes").mean()
    wanted = stats.norm.cdf(10 / (8 * np.sqrt(2)))
    assert abs(share - wanted) < 4 * np.sqrt(wanted * (1 - wanted) / 4000)


def test_a_row_asked_again_gets_its_first_answer_and_costs_nothing(voters, rows):
    teacher = PateTeacher(voters, 40.0, seed=0)
    first = teacher.predict(rows)
    spent = teacher.epsilon
    assert teacher.predict(rows.iloc[::-1]).tolist() == first[::-1].tolist()
    assert teacher.epsilon == spent
    assert teacher.n_answered == 200
    assert set(np.unique(teacher.predict_proba(rows))) == {0.0, 1.0}


def test_the_limit_holds_and_nothing_is_answered_beyond_it(voters, rows):
    teacher = PateTeacher(voters, 40.0, max_epsilon=2.0, seed=0)
    n = most_questions(2.0, 40.0, 1e-5)
    assert n < 200
    with pytest.raises(
        TeacherError, match=rf"200 new rows would cost more than max_epsilon=2.0 .* {n} of {n} questions"
    ):
        teacher.predict(rows)
    assert teacher.n_answered == 0
    teacher.predict(rows.iloc[:n])
    assert teacher.epsilon <= 2.0
    teacher.predict(rows.iloc[:n])
    with pytest.raises(TeacherError, match="1 new rows would cost more"):
        teacher.predict(rows.iloc[n : n + 1])


def test_epsilon_is_the_minimum_over_orders_found_on_a_fine_grid():
    n, sigma, delta = 300, 50.0, 1e-6
    a = np.linspace(1.01, 400, 400_000)
    slow = (n * a / sigma**2 + np.log((a - 1) / a) - (np.log(delta) + np.log(a)) / (a - 1)).min()
    assert slow <= epsilon_of_votes(n, sigma, delta) <= slow * 1.01


def test_epsilon_grows_with_questions_and_falls_with_noise():
    assert epsilon_of_votes(0, 10.0, 1e-5) == 0
    found = [epsilon_of_votes(n, 40.0, 1e-5) for n in (1, 10, 100, 1000)]
    assert found == sorted(found)
    assert epsilon_of_votes(100, 80.0, 1e-5) < epsilon_of_votes(100, 40.0, 1e-5)


def test_a_student_learns_from_the_vote(voters, rows):
    teacher = PateTeacher(voters, 5.0, seed=0)
    student = xd.Distiller(teacher, xd.TreeClassifier(max_leaf_nodes=2), n_queries=400, random_state=0).fit(rows)
    assert teacher.n_answered == student.n_queries_
    assert (student.predict(rows) == np.where(rows["a"] > 0, "yes", "no")).mean() > 0.9


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"teachers": []}, "teachers must be at least 2, got 0"),
        ({"noise_scale": 0.0}, "noise_scale must be above 0, got 0.0"),
        ({"delta": 1.0}, "delta must lie between 0 and 1, got 1.0"),
        ({"max_epsilon": -1.0}, "epsilon must be above 0, got -1.0"),
    ],
)
def test_bad_arguments(voters, given, message):
    with pytest.raises(InvalidInputError, match=message):
        PateTeacher(**({"teachers": voters, "noise_scale": 40.0} | given))


def test_values_have_no_vote():
    value = CallableTeacher(lambda X: np.zeros(len(X)))
    with pytest.raises(InvalidInputError, match="there is no vote over values"):
        PateTeacher([value, value], 40.0)
