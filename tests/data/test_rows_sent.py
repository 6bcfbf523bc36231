"""Rows are counted where they leave: by purpose, over threads, copies and members."""

from __future__ import annotations

import copy
import gc
import pickle
import threading

import numpy as np

from explaindistill.asking.labelling import ask, label
from explaindistill.data import rows_sent
from explaindistill.data.rows_sent import RowsSent, asking_for, counters_of, current_purpose, rows_sent_to
from explaindistill.teachers.callable import CallableTeacher
from explaindistill.teachers.ensemble import EnsembleTeacher
from explaindistill.teachers.network import NetworkTeacher

ROWS = np.arange(6.0).reshape(-1, 1)


class Foreign:
    """A teacher that counts nothing itself."""

    __slots__ = ()
    classes_ = None

    def predict(self, X):
        return np.asarray(X)[:, 0]

    def predict_proba(self, X):
        raise NotImplementedError

    def fingerprint(self):
        return None

    def __sklearn_clone__(self):
        return self


class Remembered(Foreign):
    """The same with weak references."""


def test_the_outermost_purpose_stays_and_a_finer_one_refines_it():
    with asking_for("audit"):
        with asking_for("fit"):
            assert current_purpose() == "audit"
        with asking_for("audit: importance"):
            assert current_purpose() == "audit: importance"
        with asking_for("auditing"):
            assert current_purpose() == "audit"
    assert current_purpose() == "direct"


def test_a_purpose_ends_with_its_block_even_after_an_error():
    try:
        with asking_for("score"):
            raise KeyError
    except KeyError:
        pass
    finally:
        assert current_purpose() == "direct"


def test_threads_lose_no_row():
    sent = RowsSent()

    def send():
        for _ in range(2_000):
            sent.add(1, "fit")

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sent.by_purpose == {"fit": 8_000}


def test_what_never_left_is_taken_back():
    sent = RowsSent()
    sent.add(5, "fit")
    sent.add(-5, "fit")
    assert (sent.by_purpose, sent.total) == ({}, 0)


def test_copies_carry_the_counts_on_and_count_alone():
    sent = RowsSent()
    sent.add(3, "fit")
    for twin in (copy.deepcopy(sent), pickle.loads(pickle.dumps(sent))):
        twin.add(1, "score")
        assert twin.by_purpose == {"fit": 3, "score": 1}
    assert sent.total == 3


def test_an_ensemble_counts_every_member_once():
    one, other = CallableTeacher(lambda X: X[:, 0]), Remembered()
    both = EnsembleTeacher([one, other, one])
    both.predict(ROWS)
    assert one.rows_sent_.total == 12
    assert rows_sent_to(other).total == 6
    assert both.rows_sent_.total == RowsSent.of_all(counters_of(both)).total == 18


def test_teachers_of_others_are_counted_by_who_asks():
    for teacher in (Remembered(), Foreign()):
        with asking_for("fit"):
            label(teacher, np.vstack([ROWS, ROWS]))
        assert rows_sent_to(teacher).by_purpose == {"fit": 6}


def test_a_counter_goes_with_its_teacher():
    teacher = Remembered()
    rows_sent_to(teacher).add(1)
    key = id(teacher)
    assert key in rows_sent._FOREIGN
    del teacher
    gc.collect()
    assert key not in rows_sent._FOREIGN


def test_what_fills_a_batch_up_is_no_question():
    network = NetworkTeacher([{"kind": "linear", "weight": [[2.0]], "bias": [1.0]}])
    assert network.few_rows > 6
    ask(network, ROWS)
    assert network.rows_sent_.by_purpose == {"direct": 6}
