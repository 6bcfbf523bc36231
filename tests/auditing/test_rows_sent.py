"""Rows that an endpoint receives are the rows that the manifest, the store and the forecasts speak of."""

from __future__ import annotations

import json
import random
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("httpx")

import explaindistill as xd
from explaindistill.asking.labelling import label
from explaindistill.asking.store import LabelStore
from explaindistill.data import datasets
from explaindistill.errors import PrivacyLossWarning, TeacherError
from explaindistill.teachers import Rights
from explaindistill.teachers.callable import CallableTeacher
from explaindistill.teachers.ensemble import EnsembleTeacher
from explaindistill.teachers.http import HttpTeacher
from explaindistill.teachers.pate import PateTeacher

FAULTS = ("500", "429", "torn", "swapped")


class Counting(ThreadingHTTPServer):
    """Counts each row of each question that it reads, those included whose answer it spoils."""

    daemon_threads = True

    def __init__(self):
        self.received, self.spoilt, self.dead_after = 0, 0.0, float("inf")
        self.lock, self.rng = threading.Lock(), random.Random(0)
        super().__init__(("127.0.0.1", 0), Question)

    def handle_error(self, request, client_address):
        """A client that leaves early is no error of these tests."""


class Question(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server = self.server
        with server.lock:
            server.received += len(body["rows"])
            fault = server.rng.choice(FAULTS) if server.rng.random() < server.spoilt else ""
            if server.received > server.dead_after:
                fault = "500"
        p = 1 / (1 + np.exp(-np.array([3 * r["a"] + (r["sex"] == "m") for r in body["rows"]])))
        page = {"ids": body["ids"][::-1] if fault == "swapped" else body["ids"], "answers": np.c_[1 - p, p].tolist()}
        text = json.dumps(page).encode()
        self.send_response(int(fault) if fault.isdigit() else 200)
        if fault == "429":
            self.send_header("Retry-After", "0.001")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text[: len(text) // 2] if fault == "torn" else text)
        self.close_connection = fault == "torn"


@pytest.fixture
def endpoint():
    server = Counting()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{server.server_port}/"
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def teacher_at(url, **more):
    rights = Rights("us", "internal", "our own endpoint")
    options = {"batch_rows": 20, "concurrency": 3, "first_wait_seconds": 0.001, "read_seconds": 2.0, "version": "1"}
    return HttpTeacher(url, classes=["no", "yes"], rights=rights, **options | more)


def table(n, seed):
    rng = np.random.default_rng(seed)
    columns = {"a": rng.normal(size=n), "b": rng.integers(0, 3, n), "sex": rng.choice(["f", "m"], n)}
    return pd.DataFrame(columns, index=[f"{seed}-{i}" for i in range(n)])


def outcome(X):
    return np.where(X["a"] + np.random.default_rng(9).normal(size=len(X)) > 0, "yes", "no")


TRAIN, TEST = table(120, 1), table(80, 2)
AUDIT = {"train": (TRAIN, outcome(TRAIN)), "sensitive": ["sex"], "favorable": "yes", "n_explained": 20}


def tree(teacher, store=None, n_queries=240):
    student = xd.TreeClassifier(max_leaf_nodes=4)
    return xd.Distiller(teacher, student, n_queries=n_queries, store=store, random_state=0)


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("spoilt", [0.0, 0.4])
def test_all_that_leaves_is_in_the_manifest(endpoint, tmp_path, spoilt, stored):
    endpoint.spoilt = spoilt
    store = tmp_path / "l.db" if stored else None
    teacher = teacher_at(endpoint.url)
    received = {}

    def step(purpose, work):
        before = endpoint.received
        result = work()
        received[purpose] = endpoint.received - before
        return result

    student = tree(teacher, store)
    forecast = student.dry_run(TRAIN)
    step("fit", lambda: student.fit(TRAIN))
    assert forecast.total == received["fit"] - student.cost_.n_again
    assert (student.cost_.n_again > 0) == (spoilt > 0)
    step("score", lambda: student.score(TEST))
    sizes = {"n_queries": [30, 150], "n_repeats": 2, "X_test": TEST, "store": store, "random_state": 3}
    told = xd.query_curve(teacher, TRAIN, xd.TreeClassifier(), dry_run=True, **sizes)
    step("curve", lambda: xd.query_curve(teacher, TRAIN, xd.TreeClassifier(), **sizes))
    told_of_audit = xd.audit(teacher, {"tree": student}, TEST, outcome(TEST), store=store, dry_run=True, **AUDIT)
    assert sum(received.values()) == endpoint.received
    report = step("audit", lambda: xd.audit(teacher, {"tree": student}, TEST, outcome(TEST), store=store, **AUDIT))
    if not spoilt:
        assert told.total == received["curve"]
        assert told_of_audit.total >= received["audit"] > 0
    record = report.manifest["rows_sent"]
    counted = {}
    for purpose, n in record["by_purpose"].items():
        counted[purpose.partition(":")[0]] = counted.get(purpose.partition(":")[0], 0) + n
    assert counted == {purpose: n for purpose, n in received.items() if n}
    assert record["total"] == endpoint.received
    assert report.frames["cost"]["n_asked"].tolist() == [received["fit"]]
    if stored:
        assert sum(record["in_all_runs"].values()) == endpoint.received
        student.score(TEST)
        xd.audit(teacher, {"tree": student}, TEST, outcome(TEST), store=store, **AUDIT)
        assert endpoint.received == record["total"]


def test_a_resumed_fit_counts_nothing_twice(endpoint, tmp_path):
    store = tmp_path / "l.db"
    endpoint.dead_after = 100
    first = teacher_at(endpoint.url, max_retries=1)
    with pytest.raises(TeacherError):
        tree(first, store).fit(TRAIN)
    assert first.rows_sent_.total == endpoint.received
    endpoint.dead_after, cut = float("inf"), endpoint.received
    second = teacher_at(endpoint.url)
    student = tree(second, store)
    forecast = student.dry_run(TRAIN)
    cost = student.fit(TRAIN).cost_
    assert forecast.total == cost.n_asked == second.rows_sent_.total == endpoint.received - cut
    assert cost.n_stored == cost.n_queries - cost.n_asked >= 60
    with LabelStore(store) as opened:
        assert opened.known_shelf(second).rows_sent == {"fit": endpoint.received}


def test_rows_that_no_connection_took_are_not_counted(tmp_path):
    teacher = teacher_at("http://127.0.0.1:9/", max_retries=1, price_per_row=1.0, max_cost=10_000.0)
    with pytest.raises(TeacherError):
        label(teacher, TEST, store=tmp_path / "l.db")
    assert teacher.n_failures_ > 0
    assert (teacher.rows_sent_.total, teacher.cost_) == (0, 0.0)
    with LabelStore(tmp_path / "l.db") as store:
        assert store.known_shelf(teacher).rows_sent == {}


def test_scores_in_a_search_ask_the_store_first(endpoint, tmp_path):
    from sklearn.model_selection import cross_val_score

    teacher, store = teacher_at(endpoint.url), tmp_path / "l.db"
    scores = [
        cross_val_score(tree(teacher, store, 60), TRAIN, cv=3, scoring=xd.make_fidelity_scorer(teacher, store=store)),
        cross_val_score(tree(teacher, store, 60), TRAIN, cv=3, scoring=xd.fidelity_scorer),
    ]
    assert endpoint.received == teacher.rows_sent_.total
    assert scores[0].tolist() == scores[1].tolist()
    assert teacher.rows_sent_.total <= len(TRAIN)


def test_an_ensemble_and_its_members_are_counted_and_forecast(endpoint):
    both = EnsembleTeacher([teacher_at(endpoint.url), teacher_at(endpoint.url)], abstain_above=0.5)
    student = tree(both)
    assert student.dry_run(TRAIN).total == 2 * student.fit(TRAIN).cost_.n_asked == endpoint.received
    before = endpoint.received
    options = {"favorable": "yes", "n_explained": 0, "price_per_row": 0.5}
    forecast = xd.audit(both, {"tree": student}, TEST, dry_run=True, **options)
    record = xd.audit(both, {"tree": student}, TEST, **options).manifest["rows_sent"]
    assert forecast.total == endpoint.received - before
    assert record["total"] == endpoint.received
    assert record["money"] == endpoint.received * 0.25


def vote():
    yes = CallableTeacher(lambda X: (X["a"] > 0).to_numpy(float), classes=["no", "yes"])
    return PateTeacher([yes] * 50, noise_scale=40.0, seed=0)


def test_no_privacy_is_spent_without_a_word():
    teacher = vote()
    student = tree(teacher)
    forecast = student.dry_run(TRAIN)
    student.fit(TRAIN)
    assert teacher.epsilon == forecast.epsilon[1] > forecast.epsilon[0] == 0
    student.score(TRAIN)  # every row was asked in fitting
    assert teacher.epsilon == forecast.epsilon[1]
    with pytest.warns(PrivacyLossWarning, match=r"epsilon rises from .* to .* at delta=1e-05"):
        student.score(TEST)
    assert teacher.epsilon > forecast.epsilon[1]
    before = teacher.epsilon
    told = xd.audit(teacher, {"tree": student}, TEST, favorable="yes", n_explained=0, dry_run=True)
    assert teacher.epsilon == before
    report = xd.audit(teacher, {"tree": student}, TEST, favorable="yes", n_explained=0)
    assert told.epsilon == (before, teacher.epsilon)
    assert any(f"from {before:.3g} to {teacher.epsilon:.3g} at delta=1e-05" in note for note in report.notes)
    assert report.manifest["rows_sent"]["epsilon"] == teacher.epsilon


def test_the_forecast_of_refits_is_a_bound():
    teacher = CallableTeacher(lambda X: (X["a"] > 0).to_numpy(float), classes=["no", "yes"])
    student = tree(teacher).fit(TRAIN)
    options = AUDIT | {"n_explained": 0, "n_refits": 3}
    forecast = xd.audit(teacher, {"tree": student}, TEST, outcome(TEST), dry_run=True, **options)
    before = dict(teacher.rows_sent_.by_purpose)
    xd.audit(teacher, {"tree": student}, TEST, outcome(TEST), **options)
    sent = {p: n - before.get(p, 0) for p, n in teacher.rows_sent_.by_purpose.items() if n > before.get(p, 0)}
    assert sent.keys() == forecast.rows.keys()
    assert forecast.at_most == {"audit: stability"}
    for purpose, n in forecast.rows.items():
        assert sent[purpose] == n or (purpose in forecast.at_most and 0 < sent[purpose] <= n)


def test_an_audit_asks_about_no_row_twice():
    rows = []

    def answer(X):
        rows.extend(map(tuple, X.to_numpy().tolist()))
        return (X["a"] > 0).to_numpy(float)

    teacher = CallableTeacher(answer, classes=["no", "yes"])
    P = teacher.predict_proba(TRAIN)
    student = xd.TreeClassifier(max_leaf_nodes=4).fit(TRAIN, pd.DataFrame(P, columns=["no", "yes"]))
    rows.clear()
    xd.audit(teacher, {"tree": student}, TEST, outcome(TEST), sensitive=["sex"], favorable="yes", n_explained=20)
    assert len(rows) == len(set(rows)) > 300


def test_times_are_those_of_the_teacher_and_not_of_a_memory():
    data = datasets.lending(400, random_state=0)
    teacher = CallableTeacher(lambda X: (X["debt_ratio"].fillna(0) < 0.3).to_numpy(float), classes=["no", "yes"])
    student = tree(teacher).fit(data.X[:200])
    options = {"n_explained": 0, "favorable": "yes", "time_models": True}
    forecast = xd.audit(teacher, {"tree": student}, data.X[200:], dry_run=True, **options)
    xd.audit(teacher, {"tree": student}, data.X[200:], **options)
    assert teacher.rows_sent_.by_purpose["audit: deployment"] == 22 * 201 == forecast.rows["audit: deployment"]
