"""A real local endpoint that fails in every way; what comes through is right."""

from __future__ import annotations

import contextlib
import gzip
import json
import pickle
import signal
import threading
import time
import tracemalloc
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from explaindistill.asking.budget import Budget
from explaindistill.asking.cost import price_of_a_row_sent
from explaindistill.asking.forecast import StandIn, any_answer
from explaindistill.asking.labelling import label
from explaindistill.asking.shelf import Shelf
from explaindistill.asking.store import LabelStore
from explaindistill.errors import BudgetError, InvalidInputError, TeacherError
from explaindistill.protocols import Teacher

pytest.importorskip("httpx")
import explaindistill.teachers.http as module
from explaindistill.teachers import Rights
from explaindistill.teachers._chat import ChatForm, label_shares, tokens_used
from explaindistill.teachers.http import HttpTeacher

RIGHTS = Rights("us", "internal", "our own endpoint")
FAST = {"rights": RIGHTS, "first_wait_seconds": 0.001, "read_seconds": 0.5, "connect_seconds": 0.5}


class Endpoint:
    """Answers 1 / (1 + exp(-a)); ``fault(i)`` says how the i-th request fails."""

    def __init__(self):
        self.fault = lambda i: None
        self.requests = []
        self.headers = []
        self.rows = 0
        self.retry_after = "0.01"
        self.lock = threading.Lock()

    def page(self, body, fault):
        if "messages" in body:
            yes = 0.7 if "good" in body["messages"][0]["content"] else 0.2
            tokens = [{"token": " Pos", "logprob": np.log(yes)}, {"token": "neg", "logprob": np.log(0.9 - yes)}]
            tokens += [{"token": "the", "logprob": -2.3}]
            return {"choices": [{"logprobs": {"content": [{"top_logprobs": tokens}]}}]}
        a = np.array([np.nan if r["a"] is None else r["a"] for r in body["rows"]], dtype=float)
        p = 1 / (1 + np.exp(-np.nan_to_num(a)))
        answers = np.column_stack([p, 1 - p]).tolist()
        page = {"ids": body["ids"], "answers": answers}
        if fault == "short":
            page["answers"] = answers[:-1]
        if fault == "swapped":
            page["ids"] = page["ids"][::-1]
        if fault == "nan":
            page["answers"][0] = [None, None]
        if fault == "odd":
            page = answers
        return page


@pytest.fixture
def endpoint():
    state = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args):
            pass

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with state.lock:
                state.requests.append(body)
                state.headers.append(dict(self.headers))
                fault = state.fault(len(state.requests) - 1)
                if fault is None:
                    state.rows += len(body.get("rows", [0]))
            if fault == "hang":
                time.sleep(1.0)
                return
            status = fault if isinstance(fault, int) else 200
            text = json.dumps(state.page(body, fault)).encode()
            self.send_response(status)
            if status in (429, 503) and state.retry_after:
                self.send_header("Retry-After", state.retry_after)
            if status == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            if fault == "drip":
                for i in range(len(text)):
                    time.sleep(0.02)
                    self.wfile.write(text[i : i + 1])
                    self.wfile.flush()
                return
            self.wfile.write(text[: len(text) // 2] if fault == "torn" else text)
            if fault == "torn":
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}/score?key=public"
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=200), "b": rng.choice(["x", "y"], 200)})
    frame["d"] = pd.Timestamp("2020-01-01")
    frame.loc[3, "a"] = np.nan
    frame.loc[4, "d"] = pd.NaT
    return frame


def truth(rows):
    return 1 / (1 + np.exp(-rows["a"].fillna(0).to_numpy()))


def test_answers(endpoint, rows):
    teacher = HttpTeacher(endpoint.url, classes=["yes", "no"], version="1", batch_rows=30, **FAST)
    assert isinstance(teacher, Teacher)
    assert clone(teacher) is teacher
    assert np.abs(teacher.predict_proba(rows)[:, 1] - truth(rows)).max() < 1e-15
    assert (teacher.predict(rows) == np.where(truth(rows) > 0.5, "yes", "no")).mean() > 0.99
    sent = sorted((i, r) for body in endpoint.requests[:7] for i, r in zip(body["ids"], body["rows"], strict=True))
    assert [r["a"] for _, r in sent[:3]] == rows["a"].iloc[:3].tolist()
    assert sent[3][1]["a"] is None
    assert sent[4][1]["d"] is None
    assert sent[0][1]["d"] == "2020-01-01T00:00:00"
    values = HttpTeacher(endpoint.url, **FAST)
    assert values.predict(rows[["a"]].fillna(0)).shape == (200, 2)
    with pytest.raises(TeacherError, match="no probabilities"):
        values.predict_proba(rows)


FAULTS = [500, 429, "torn", "short", "swapped", "nan", "odd", "hang"]


def test_every_fault_is_mended_and_none_is_stored(endpoint, rows, tmp_path):
    endpoint.fault = lambda i: FAULTS[i // 2] if i % 2 == 0 and i // 2 < len(FAULTS) else None
    teacher = HttpTeacher(endpoint.url, classes=["yes", "no"], version="1", batch_rows=10, concurrency=2, **FAST)
    P = label(teacher, rows, store=tmp_path / "l.db")
    assert np.abs(P[:, 1] - truth(rows)).max() < 1e-12
    assert teacher.n_failures_ == len(FAULTS)
    assert teacher.n_requests_ == 20 + len(FAULTS)
    asked = len(endpoint.requests)
    assert (label(teacher, rows, store=tmp_path / "l.db") == P).all()
    assert len(endpoint.requests) == asked


def test_the_budget_counts_what_is_sent_again(endpoint, rows):
    endpoint.fault = lambda i: 500 if i == 0 else None
    teacher = HttpTeacher(endpoint.url, classes=["yes", "no"], batch_rows=50, concurrency=1, **FAST)
    purse = Budget(1000)
    label(teacher, rows, budget=purse)
    assert purse.spent == 250
    endpoint.fault = lambda i: 500
    purse = Budget(200)
    with pytest.raises(BudgetError, match="next 50 rows would exceed"):
        label(teacher, rows, budget=purse)
    assert purse.spent <= 200


def test_what_arrived_before_a_failure_is_kept(endpoint, rows, tmp_path):
    endpoint.fault = lambda i: 403 if i == 5 else None
    teacher = HttpTeacher(endpoint.url, classes=["yes", "no"], version="1", batch_rows=10, concurrency=2, **FAST)
    with pytest.raises(TeacherError, match="refused the question: 403"):
        label(teacher, rows, store=tmp_path / "l.db")
    kept = endpoint.rows
    assert 50 <= kept < 200  # five requests before, and what was in flight
    endpoint.fault = lambda i: None
    purse = Budget()
    P = label(teacher, rows, store=tmp_path / "l.db", budget=purse)
    assert purse.spent == 200 - kept
    assert np.abs(P[:, 1] - truth(rows)).max() < 1e-12


def test_an_interrupted_run_keeps_what_arrived_and_stops_asking(endpoint, rows, tmp_path, monkeypatch):
    teacher = HttpTeacher(endpoint.url, classes=["yes", "no"], version="1", batch_rows=10, concurrency=2, **FAST)
    keep, kept = Shelf.keep, []

    def interrupted(self, keys, answers):
        kept.append(keep(self, keys, answers))
        if len(kept) == 3:
            raise KeyboardInterrupt
        return kept[-1]

    monkeypatch.setattr(Shelf, "keep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        label(teacher, rows, store=tmp_path / "l.db")
    monkeypatch.setattr(Shelf, "keep", keep)
    assert len(endpoint.requests) < 20
    purse = Budget()
    label(teacher, rows, store=tmp_path / "l.db", budget=purse)
    assert purse.spent == 200 - 30


def test_answers_to_questions_that_are_out_when_somebody_interrupts_are_kept(endpoint, rows, tmp_path):
    out, released = threading.Event(), threading.Event()

    def fault(i):
        if i == 3:  # the fourth question is out, and nothing has come of it
            out.set()
            endpoint.lock.release()
            released.wait(10)
            endpoint.lock.acquire()

    def interrupt():
        out.wait(10)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        time.sleep(0.2)  # the main thread wakes up
        released.set()

    endpoint.fault = fault
    teacher = HttpTeacher(
        endpoint.url, classes=["yes", "no"], version="1", batch_rows=10, concurrency=1, **FAST | {"read_seconds": 20}
    )
    thread = threading.Thread(target=interrupt)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # processes of a parallel run do not listen to it
    try:
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            label(teacher, rows, store=tmp_path / "l.db")
        thread.join()
    finally:
        signal.signal(signal.SIGINT, before)
    answered = endpoint.rows
    assert 40 <= answered < 200
    purse = Budget()
    label(teacher, rows, store=tmp_path / "l.db", budget=purse)
    assert purse.spent == 200 - answered


def test_retry_after_as_a_date_or_as_seconds(endpoint, rows):
    endpoint.retry_after = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    endpoint.fault = lambda i: 503 if i == 0 else None
    begin = time.monotonic()
    HttpTeacher(endpoint.url, classes=["yes", "no"], **FAST).predict(rows)
    assert time.monotonic() - begin >= 0.9  # a date has whole seconds
    endpoint.retry_after, endpoint.fault = "900", lambda i: 429
    with pytest.raises(TeacherError, match="the last failed: 429"):
        HttpTeacher(endpoint.url, classes=["yes", "no"], total_seconds=5, **FAST).predict(rows)
    endpoint.retry_after, seen = "soon", len(endpoint.requests)
    endpoint.fault = lambda i: 429 if i == seen else None
    HttpTeacher(endpoint.url, classes=["yes", "no"], **FAST).predict(rows)


def test_an_answer_that_drips_in_is_given_up(endpoint, rows):
    endpoint.fault = lambda i: "drip"
    teacher = HttpTeacher(endpoint.url, classes=["yes", "no"], total_seconds=0.3, **FAST)
    begin = time.monotonic()
    with pytest.raises(TeacherError, match="the answer came too slowly"):
        teacher.predict(rows)
    assert time.monotonic() - begin < 5
    assert teacher.n_requests_ == 1


def test_an_endless_answer_is_given_up(endpoint, rows, monkeypatch):
    monkeypatch.setattr(module, "MAX_ANSWER_BYTES", 100)
    with pytest.raises(TeacherError, match="the answer is longer than 100 bytes"):
        HttpTeacher(endpoint.url, classes=["yes", "no"], max_retries=0, **FAST).predict(rows)


def test_redirects_are_refused(endpoint, rows):
    endpoint.fault = lambda i: 302
    with pytest.raises(TeacherError, match="refused the question: 302"):
        HttpTeacher(endpoint.url, classes=["yes", "no"], **FAST).predict(rows)
    assert len(endpoint.requests) == 1


def test_the_cost_is_counted_and_limited(endpoint, rows):
    options = {"batch_rows": 50, "concurrency": 1, "price_per_row": 0.01, **FAST}
    endpoint.fault = lambda i: 500 if i == 0 else None
    teacher = HttpTeacher(endpoint.url, classes=["yes", "no"], max_cost=3.0, **options)
    teacher.predict(rows)
    assert teacher.cost_ == pytest.approx(2.5)
    with pytest.raises(TeacherError, match=r"max_cost: 3 of 3 are spent at .*, 50 rows are too dear"):
        teacher.predict(rows)
    assert endpoint.rows == 250
    nan, infinite = {"price_per_row": float("nan")}, {"price_per_row": float("inf")}
    for bad in ({"price_per_row": -1.0}, nan, infinite, {"max_cost": 2.0}, {"price_per_row": 1.0, "max_cost": 0.0}):
        with pytest.raises(InvalidInputError, match="price_per_row must be at least 0"):
            HttpTeacher(endpoint.url, **(FAST | bad))


def test_it_does_not_start_without_rights(endpoint):
    for nothing in (None, "ours"):
        with pytest.raises(
            InvalidInputError, match=r"rights must be given: the terms of many services forbid.*Rights\("
        ):
            HttpTeacher(endpoint.url, classes=["yes", "no"], rights=nothing)
    assert HttpTeacher(endpoint.url, rights=RIGHTS).rights.owner == "us"


def test_a_cell_that_looks_like_a_name_is_left_as_it_is():
    body = ChatForm("m", "{a} and {b}: {c}\n{row}").body({"a": "{b}", "b": None})
    assert body["messages"][0]["content"] == "{b} and missing: {c}\na: {b}\nb: missing"


def test_the_circuit_opens(endpoint, rows):
    endpoint.fault = lambda i: 503
    teacher = HttpTeacher(endpoint.url, classes=["yes", "no"], batch_rows=10, concurrency=1, max_failures=4, **FAST)
    with pytest.raises(TeacherError, match="failed 4 times in a row and is not asked any more; the last failure: 503"):
        teacher.predict(rows)
    with pytest.raises(TeacherError, match="not asked any more"):
        teacher.predict(rows)
    assert len(endpoint.requests) == 4


def test_patience_ends(endpoint, rows):
    endpoint.fault = lambda i: 500
    few = HttpTeacher(endpoint.url, classes=["yes", "no"], max_retries=2, **FAST)
    with pytest.raises(TeacherError, match="no answer for 200 rows after several attempts; the last failed: 500"):
        few.predict(rows)
    assert len(endpoint.requests) == 3
    short = HttpTeacher(endpoint.url, classes=["yes", "no"], total_seconds=0.0, **FAST)
    with pytest.raises(TeacherError, match="no answer"):
        short.predict(rows)


def test_refusals_and_limits(endpoint, rows):
    endpoint.fault = lambda i: 403
    with pytest.raises(TeacherError, match="refused the question: 403"):
        HttpTeacher(endpoint.url, classes=["yes", "no"], **FAST).predict(rows)
    endpoint.fault = lambda i: None
    teacher = HttpTeacher(endpoint.url, classes=["yes", "no"], batch_rows=50, max_requests=2, **FAST)
    with pytest.raises(TeacherError, match="max_requests: 2 requests were sent"):
        teacher.predict(rows)
    slow = HttpTeacher(endpoint.url, classes=["yes", "no"], batch_rows=50, requests_per_second=50, **FAST)
    begin = time.monotonic()
    slow.predict(rows)
    assert time.monotonic() - begin >= 3 / 50


def test_secrets_stay_in_the_environment(endpoint, rows, monkeypatch, tmp_path, caplog):
    caplog.set_level(0)
    teacher = HttpTeacher(endpoint.url, classes=["yes", "no"], version="1", token_env="SCORING_TOKEN", **FAST)
    with pytest.raises(InvalidInputError, match="environment variable SCORING_TOKEN is not set"):
        teacher.predict(rows)
    monkeypatch.setenv("SCORING_TOKEN", "s3cret")
    teacher.predict(rows)
    assert endpoint.headers[-1]["Authorization"] == "Bearer s3cret"
    again = pickle.loads(pickle.dumps(teacher))
    assert (again.predict(rows) == teacher.predict(rows)).all()
    shown = (
        repr(teacher) + str(teacher.__dict__) + teacher.name + str(teacher.fingerprint()) + repr(pickle.dumps(teacher))
    )
    assert "s3cret" not in shown
    assert "public" not in repr(teacher)
    endpoint.fault = lambda i: 500
    with pytest.raises(TeacherError) as error:
        HttpTeacher(endpoint.url, classes=["yes", "no"], token_env="SCORING_TOKEN", max_retries=0, **FAST).predict(rows)
    with LabelStore(tmp_path / "l.db") as store:
        endpoint.fault = lambda i: None
        label(teacher, rows, store=store)
    for file in tmp_path.iterdir():
        assert b"s3cret" not in file.read_bytes()
        assert b"public" not in file.read_bytes()
    assert "s3cret" not in caplog.text
    assert "s3cret" not in str(error.value)
    assert "public" not in str(error.value)


def test_chat(endpoint):
    texts = pd.DataFrame({"text": ["a good film", "a dull film"]})
    options = {"form": "chat", "model": "m", "prompt": "Is this pos or neg? {text}\n{row}", "version": "1"}
    teacher = HttpTeacher(endpoint.url, classes=["pos", "neg"], **options, **FAST)
    P = teacher.predict_proba(texts)
    assert teacher.predict(texts).tolist() == ["pos", "neg"]
    assert P[:, 1] == pytest.approx([0.7 / 0.9, 0.2 / 0.9])
    body = next(b for b in endpoint.requests if "good" in b["messages"][0]["content"])
    assert body["messages"][0]["content"] == "Is this pos or neg? a good film\ntext: a good film"
    assert body["logprobs"] is True
    logits = HttpTeacher(endpoint.url, classes=["pos", "neg"], output="logits", **options, **FAST)
    assert logits.predict_proba(texts) == pytest.approx(P)
    endpoint.page = lambda body, fault: {"choices": []}
    with pytest.raises(TeacherError, match="no log-probabilities"):
        HttpTeacher(endpoint.url, classes=["pos", "neg"], max_retries=0, **options, **FAST).predict(texts)


LOANS = pd.DataFrame({"debt_ratio": [0.25, 0.5, 0.75], "note": ["good", "dull", "good"]})
LOAN_CHAT = {"classes": ["pos", "neg"], "form": "chat", "model": "m", "prompt": "pos or neg?\n{row}"}


def test_a_chat_reads_display_names(endpoint):
    teacher = HttpTeacher(endpoint.url, display_names={"debt_ratio": "debt / income"}, **LOAN_CHAT, **FAST)
    teacher.predict(LOANS)
    said = {body["messages"][0]["content"] for body in endpoint.requests}
    assert "pos or neg?\ndebt / income: 0.25\nnote: good" in said
    names = [None, {"note": "remark"}, {"note": "text"}]
    assert len({HttpTeacher(endpoint.url, version="1", display_names=n, **LOAN_CHAT, **FAST).fingerprint()
                for n in names}) == 3  # fmt: skip


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"display_names": {"debts": "debt"}}, "names 'debts', which is no column; there are: debt_ratio, note"),
        ({"display_names": {"debt_ratio": "note"}}, "gives two columns the name 'note'"),
    ],
)
def test_display_names_are_of_columns_and_differ(endpoint, options, words):
    with pytest.raises(InvalidInputError, match=words):
        HttpTeacher(endpoint.url, **options, **LOAN_CHAT, **FAST).predict(LOANS)
    assert endpoint.requests == []


@pytest.mark.parametrize("options", [{"display_names": {"a": "b"}}, {"price_per_million_tokens": 1.0}])
def test_scores_have_neither_prompt_nor_tokens(options):
    with pytest.raises(InvalidInputError, match="are for form='chat'"):
        HttpTeacher("http://x/", **options, **FAST)


def test_a_chat_tells_its_tokens_before_it_asks(endpoint):
    """The forecast and the counter count alike, since both estimate; a repeated row costs its tokens once."""
    teacher = HttpTeacher(endpoint.url, version="1", price_per_million_tokens=2.0, **LOAN_CHAT, **FAST)
    stand_in = StandIn(teacher, any_answer(teacher.classes_))
    label(stand_in, LOANS)
    forecast = stand_in.forecast()
    assert endpoint.requests == []
    assert forecast.tokens == int(teacher.tokens(LOANS).sum())
    assert forecast.money == pytest.approx(forecast.tokens * 2.0 / 1e6)
    assert f"about {forecast.tokens} tokens, estimated" in str(forecast)
    label(teacher, LOANS)
    assert teacher.tokens_ == forecast.tokens
    assert teacher.cost_ == pytest.approx(forecast.money)
    assert price_of_a_row_sent(teacher) == pytest.approx(forecast.money / 3)
    assert stand_in.forecast(price_per_row=0.5).money == 1.5  # what somebody says counts, as everywhere


def test_tokens_are_those_that_the_answer_tells(endpoint):
    plain = endpoint.page
    endpoint.page = lambda body, fault: plain(body, fault) | {"usage": {"total_tokens": 50}}
    teacher = HttpTeacher(endpoint.url, price_per_million_tokens=1e6, price_per_row=1.0, **LOAN_CHAT, **FAST)
    teacher.predict(LOANS)
    assert (teacher.tokens_, teacher.cost_) == (150, 153.0)


def test_max_cost_stops_a_chat_before_it_is_passed(endpoint):
    most = {"price_per_million_tokens": 1e6, "max_cost": 60.0, "concurrency": 1}
    teacher = HttpTeacher(endpoint.url, **most, **LOAN_CHAT, **FAST)
    with pytest.raises(TeacherError, match=r"max_cost: .* of 60 are spent"):
        teacher.predict(pd.concat([LOANS] * 4, ignore_index=True))
    assert 0 < teacher.cost_ <= 60
    assert HttpTeacher(endpoint.url, classes=["pos", "neg"], **FAST).tokens(LOANS) is None


def test_label_shares():
    assert label_shares(["spam", "ham"], [("sp", 0.6), ("ham", 0.2), ("", 0.1)], "probabilities") == pytest.approx(
        [0.75, 0.25]
    )
    assert label_shares(["aa", "ab"], [("a", 0.6), ("ab", 0.2)], "probabilities")[1] > 0.99
    with pytest.raises(TeacherError, match="none of the likeliest tokens"):
        label_shares(["aa", "ab"], [("c", 0.6)], "probabilities")


def test_fingerprint():
    base = {"classes": ["a", "b"], "version": "1", "rights": RIGHTS}
    assert HttpTeacher("http://x/", classes=["a", "b"], rights=RIGHTS).fingerprint() is None
    prints = {
        HttpTeacher(url, **(base | more)).fingerprint()
        for url, more in [
            ("http://x/", {}),
            ("http://y/", {}),
            ("http://x/", {"version": "2"}),
            ("http://x/", {"classes": ["b", "a"]}),
            ("http://x/", {"form": "chat", "model": "m"}),
            ("http://x/", {"form": "chat", "model": "m", "prompt": "?"}),
        ]
    }
    assert len(prints) == 6
    assert HttpTeacher("http://x/", **base, token_env="T").fingerprint() in prints


@pytest.mark.parametrize(
    ("url", "options", "message"),
    [
        ("ftp://x/", {}, "must begin with http"),
        (3, {}, "url must be an address"),
        ("http://user:pass@x/", {}, "must not carry user or password"),
        ("http://x/", {"form": "chat"}, "'chat' with model and classes"),
        ("http://x/", {"form": "xml"}, "got 'xml'"),
        ("http://x/", {"batch_rows": 0}, "at least 1"),
    ],
)
def test_wrong_arguments(url, options, message):
    with pytest.raises(InvalidInputError, match=message) as error:
        HttpTeacher(url, **({"rights": RIGHTS} | options))
    assert "pass@" not in str(error.value)


def test_nobody_there():
    teacher = HttpTeacher("http://127.0.0.1:9/", classes=[0, 1], max_retries=1, **FAST)
    with pytest.raises(TeacherError, match="gave no answer for 1 rows"):
        teacher.predict(np.zeros((1, 2)))


def test_requests_are_spread_over_time(monkeypatch):
    monkeypatch.setattr(module.time, "monotonic", lambda: 100.0)
    teacher = HttpTeacher("http://there", classes=["yes", "no"], requests_per_second=10, **FAST)
    pauses = [teacher._turn() for _ in range(3)]
    assert pauses == pytest.approx([0.0, 0.1, 0.2])


@pytest.mark.parametrize("token", ["s3cret\n", " s3cret\r\n"])
def test_a_newline_at_the_end_of_a_token_is_no_part_of_it(endpoint, rows, monkeypatch, token):
    monkeypatch.setenv("SCORING_TOKEN", token)
    HttpTeacher(endpoint.url, classes=["yes", "no"], token_env="SCORING_TOKEN", **FAST).predict(rows)
    assert endpoint.headers[-1]["Authorization"] == "Bearer s3cret"


@pytest.mark.parametrize("token", ["s3\ncret", "s3\x00cret", "s3crèt", "s3cret\x7f"])
def test_a_token_that_no_header_can_hold_is_not_printed(endpoint, rows, monkeypatch, token):
    monkeypatch.setattr(module.os, "environ", {"SCORING_TOKEN": token})
    teacher = HttpTeacher(endpoint.url, classes=["yes", "no"], token_env="SCORING_TOKEN", **FAST)
    with pytest.raises(InvalidInputError, match="value of SCORING_TOKEN has characters that no header") as error:
        teacher.predict(rows)
    assert "s3" not in str(error.value)


@pytest.mark.parametrize("url", ["http://me:s3cret@host:port/", "ftp://me:s3cret@host/", "http://me:s3cret@host/"])
def test_a_password_in_an_address_is_not_printed(url):
    with pytest.raises(InvalidInputError, match="url must") as error:
        HttpTeacher(url, rights=RIGHTS)
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize("rate", [0, -1.0, float("nan"), float("inf")])
def test_a_rate_of_nothing_is_refused(rate):
    with pytest.raises(InvalidInputError, match="requests_per_second must be above 0"):
        HttpTeacher("http://host/", rights=RIGHTS, requests_per_second=rate)


def packed_answer(how):
    """Bytes of an answer for two rows, and its Content-Encoding."""
    text = b'{"ids": [0, 1], "answers": [0.25, 0.5]}'
    bomb = gzip.compress(b"0" * 200_000_000)
    return {
        "gzip": (gzip.compress(text), "gzip"),
        "bomb": (bomb, "gzip"),
        "twice": (gzip.compress(bomb), "gzip, gzip"),
        "other": (text, "br"),
        "torn": (gzip.compress(text)[:-12], "gzip"),
        "noise": (text, "gzip"),
        "deep": (b"[" * 500_000, ""),
        "digits": (b"9" * 100_000, ""),
    }[how]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("gzip", None),
        ("bomb", "longer than"),
        ("twice", "packed as 'gzip, gzip'"),
        ("other", "packed as 'br'"),
        ("torn", "no whole gzip stream"),
        ("noise", "no whole gzip stream"),
        ("deep", "is no JSON"),
        ("digits", "is no JSON"),
    ],
)
def test_answers_are_unpacked_with_a_bound(how, message):
    body, packing = packed_answer(how)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args):
            pass

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            if packing:
                self.send_header("Content-Encoding", packing)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    teacher = HttpTeacher(f"http://127.0.0.1:{server.server_port}", max_retries=0, **FAST | {"read_seconds": 5.0})
    rows = pd.DataFrame({"a": [1.0, 2.0]})
    tracemalloc.start()
    try:
        if message is None:
            assert teacher.predict(rows).tolist() == [0.25, 0.5]
        else:
            with pytest.raises(TeacherError, match=message):
                teacher.predict(rows)
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("total", [-1, True, 3.5, "81", None, [81]])
def test_tokens_that_are_no_count_are_not_believed(total):
    assert tokens_used({"usage": {"total_tokens": total}}) is None
    assert tokens_used({"usage": total}) is None
    assert tokens_used([total]) is None
