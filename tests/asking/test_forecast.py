"""What will be asked is told before, nothing is asked, and nothing is written."""

from __future__ import annotations

import numpy as np
import pytest

from explaindistill.asking.cost import price_of_a_row_sent
from explaindistill.asking.forecast import Forecast, StandIn, any_answer
from explaindistill.asking.labelling import label
from explaindistill.asking.store import LabelStore
from explaindistill.data.rows_sent import asking_for
from explaindistill.teachers.callable import CallableTeacher
from explaindistill.teachers.ensemble import EnsembleTeacher
from explaindistill.teachers.pate import PateTeacher
from explaindistill.teachers.recorded import RecordedTeacher

ROWS = np.arange(8.0).reshape(-1, 1)


def teacher(version="1"):
    return CallableTeacher(lambda X: X[:, 0] % 2, classes=["no", "yes"], version=version)


def test_what_a_store_has_is_not_counted_and_the_store_stays_as_it_is(tmp_path):
    path = tmp_path / "l.db"
    asked = teacher()
    label(asked, ROWS[:3], store=path)
    before = path.read_bytes()
    stand_in = StandIn(asked, any_answer(asked.classes_), path)
    label(stand_in, ROWS)
    label(stand_in, ROWS)  # a store would have them by now
    assert stand_in.rows_sent_.total == 5
    assert asked.rows_sent_.total == 3
    with LabelStore(path) as store:
        assert len(store.known_shelf(asked)) == 3
    assert path.read_bytes() == before


def test_a_store_that_is_not_there_is_not_made(tmp_path):
    stand_in = StandIn(teacher(), any_answer(np.array(["no", "yes"])), tmp_path / "l.db")
    label(stand_in, ROWS)
    assert stand_in.rows_sent_.total == 8
    assert list(tmp_path.iterdir()) == []


def test_another_teacher_of_the_store_answers_nothing(tmp_path):
    label(teacher("1"), ROWS, store=tmp_path / "l.db")
    stand_in = StandIn(teacher("2"), any_answer(np.array(["no", "yes"])), tmp_path / "l.db")
    label(stand_in, ROWS)
    assert stand_in.rows_sent_.total == 8
    with LabelStore(tmp_path / "l.db") as store:
        assert len(store.teachers()) == 1


def test_a_stand_in_offers_nothing_that_would_ask():
    ensemble = EnsembleTeacher([teacher(), teacher()])
    stand_in = StandIn(ensemble, any_answer(ensemble.classes_))
    for member in ("disagreement", "teachers", "abstains", "hidden", "bare", "stream", "votes"):
        assert not hasattr(stand_in, member)
    label(stand_in, ROWS)
    assert stand_in.forecast().total == 16
    assert ensemble.rows_sent_.total == 0
    record = RecordedTeacher(ROWS, ROWS[:, 0])
    assert StandIn(record, any_answer(None)).knows(ROWS).all()


def test_an_open_number_makes_all_after_it_a_bound():
    stand_in = StandIn(teacher(), any_answer(np.array(["no", "yes"])), open_purposes=frozenset({"b"}))
    for purpose in ("a", "b", "c"):
        with asking_for(purpose):
            stand_in.predict(ROWS)
    stand_in.allow(5, "d")
    forecast = stand_in.forecast(price_per_row=0.5)
    assert dict(forecast.rows) == {"a": 8, "b": 8, "c": 8, "d": 5}
    assert forecast.at_most == {"b", "c", "d"}
    assert (forecast.total, forecast.money) == (29, 14.5)
    assert forecast.to_frame()["at_most"].tolist() == [False, True, True, True]
    assert str(forecast).startswith("at most 29 rows would be sent to the teacher: a 8, b at most 8")


def test_privacy_is_told_before_it_is_spent():
    vote = PateTeacher([teacher(None)] * 2, noise_scale=20.0, seed=0, max_epsilon=0.6)
    vote.predict(ROWS[:2])
    spent = vote.epsilon
    stand_in = StandIn(vote, any_answer(vote.classes_))
    label(stand_in, ROWS)
    label(stand_in, ROWS)
    forecast = stand_in.forecast()
    assert vote.epsilon == spent
    assert forecast.total == 2 * 6
    assert forecast.epsilon == (spent, vote.epsilon_after(6))
    assert "the teacher refuses what goes beyond 0.6" in str(forecast)
    assert vote.answered(ROWS).tolist() == [True] * 2 + [False] * 6


@pytest.mark.parametrize("k", [2, 3, 7])
def test_any_answer_is_one_and_follows_from_the_row(k):
    answer = any_answer(np.arange(k))
    P = answer(ROWS)
    assert np.allclose(P.sum(axis=1), 1)
    assert (P >= 0).all()
    assert len(set(answer(np.arange(300.0).reshape(-1, 1)).argmax(axis=1).tolist())) == k
    assert answer(ROWS[::-1])[::-1].tolist() == P.tolist()


def test_prices_of_an_ensemble_are_per_row_sent():
    class Priced(CallableTeacher):
        price_per_row = 0.3

    one, dear = teacher(), Priced(lambda X: X[:, 0], classes=["no", "yes"])
    assert price_of_a_row_sent(one) is None
    assert price_of_a_row_sent(EnsembleTeacher([one, dear])) == pytest.approx(0.15)
    assert price_of_a_row_sent(EnsembleTeacher([one, dear]), 1.0) == 0.5


def test_nothing_to_ask_is_said_in_words():
    assert str(Forecast({})) == "0 rows would be sent to the teacher"
