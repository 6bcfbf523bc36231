"""Rows that reach a counting endpoint against the rows that we say were sent: by purpose, with retries, after a resume.

The endpoint counts every row of every question that it reads, those included whose answer it spoils. Whoever fits,
scores, draws a curve and audits must find these very numbers in the manifest, in the label store and on the terminal,
and must have been told them, or a bound of them, before the first was sent.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _bars import Bars, options

import explaindistill as xd
from explaindistill.asking.store import LabelStore
from explaindistill.cli import main as command_line
from explaindistill.errors import PrivacyLossWarning, TeacherError
from explaindistill.teachers import Rights
from explaindistill.teachers.ensemble import EnsembleTeacher
from explaindistill.teachers.http import HttpTeacher
from explaindistill.teachers.pate import PateTeacher

BATCH_ROWS, CONCURRENCY = 50, 4
SPOILT = 0.15
"""Share of questions that fail where the endpoint is faulty: an audit asks some hundred of them."""
WORDS = ["--owner", "us", "--terms", "none", "--declaration", "our own endpoint"]


class Endpoint(ThreadingHTTPServer):
    """Scores rows by ``a`` and ``sex``, and counts them."""

    daemon_threads = True

    def __init__(self, spoilt: float = 0.0) -> None:
        self.received, self.spoilt, self.dead_after = 0, spoilt, float("inf")
        self.lock, self.rng = threading.Lock(), random.Random(0)
        super().__init__(("127.0.0.1", 0), Question)

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.server_port}/"

    def handle_error(self, request: object, address: object) -> None:
        """Clients that are killed break connections; that is what is measured."""


class Question(BaseHTTPRequestHandler):
    """One question: counted when it is read, whatever becomes of its answer."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Endpoint

    def log_message(self, *args: object) -> None:
        """Nothing is written for each question."""

    def do_POST(self) -> None:
        """Count the rows, then answer or spoil the answer."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.received += len(body["rows"])
            fault = self.server.rng.choice(["500", "429", "torn", "swapped"])
            if self.server.rng.random() >= self.server.spoilt:
                fault = ""
            if self.server.received > self.server.dead_after:
                fault = "500"
        z = np.array([3 * r["a"] + (r["sex"] == "m") for r in body["rows"]])
        p = 1 / (1 + np.exp(-z))
        page = {"ids": body["ids"], "answers": np.column_stack([1 - p, p]).tolist()}
        if fault == "swapped":
            page["ids"] = [*page["ids"][::-1], "?"]
        text = json.dumps(page).encode()
        self.send_response(int(fault) if fault.isdigit() else 200)
        if fault == "429":
            self.send_header("Retry-After", "0.01")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text[: len(text) // 2] if fault == "torn" else text)
        self.close_connection = fault == "torn"


@contextlib.contextmanager
def served(spoilt: float = 0.0) -> Iterator[Endpoint]:
    """An endpoint that serves while the block lasts."""
    endpoint = Endpoint(spoilt)
    thread = threading.Thread(target=endpoint.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        endpoint.shutdown()
        endpoint.server_close()


def teacher_at(url: str, **more: Any) -> HttpTeacher:
    return HttpTeacher(
        url,
        classes=["no", "yes"],
        version="1",
        rights=Rights("this benchmark", "none", "it is our own endpoint"),
        batch_rows=BATCH_ROWS,
        concurrency=CONCURRENCY,
        read_seconds=2.0,
        first_wait_seconds=0.001,
        **more,
    )


def table(n: int, seed: int) -> pd.DataFrame:
    """Rows with a binary column, so that shuffling often makes a row that was asked before."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {"a": rng.normal(size=n), "b": rng.integers(0, 3, n), "sex": rng.choice(["f", "m"], n)},
        index=[f"{seed}-{i}" for i in range(n)],
    )


def outcome(X: pd.DataFrame) -> np.ndarray:
    return np.where(X["a"] + np.random.default_rng(9).normal(size=len(X)) > 0, "yes", "no")


def equal(bars: Bars, bar: str, asked: int, measured: int) -> None:
    """A bar of two counts that must be the same."""
    bars.add(bar, f"= {asked:,}", f"{measured:,}", asked == measured)


def everything(bars: Bars, name: str, n: int, endpoint: Endpoint, store: Path | None) -> None:
    """Fit, score, curve and audit, each against the endpoint's count and against what was told beforehand."""
    teacher = teacher_at(endpoint.url)
    train, test = table(n, 1), table(n // 2, 2)
    distiller = xd.Distiller(teacher, xd.TreeClassifier(max_leaf_nodes=8), n_queries=3 * n, store=store, random_state=0)
    curve = {"n_queries": [n // 4, n], "n_repeats": 2, "X_test": test, "store": store, "random_state": 5}
    audited = {"train": (train, outcome(train)), "sensitive": ["sex"], "favorable": "yes", "n_explained": 60}

    def audit(**more: Any) -> Any:
        return xd.audit(teacher, {"tree": distiller}, test, outcome(test), store=store, **audited, **more)

    def step(purpose: str, work: Any) -> tuple[int, Any]:
        before = endpoint.received
        result = work()
        counted = sum(k for p, k in teacher.rows_sent_.by_purpose.items() if p.partition(":")[0] == purpose)
        equal(bars, f"{name}: {purpose}, rows received = rows counted", endpoint.received - before, counted)
        return endpoint.received - before, result

    told = distiller.dry_run(train)
    received, _ = step("fit", lambda: distiller.fit(train))
    again = distiller.cost_.n_again
    equal(bars, f"{name}: fit, dry run = rows sent, retries apart", told.total, received - again)
    step("score", lambda: distiller.score(test))
    told = xd.query_curve(teacher, train, xd.TreeClassifier(max_leaf_nodes=8), dry_run=True, **curve)
    received, _ = step("curve", lambda: xd.query_curve(teacher, train, xd.TreeClassifier(max_leaf_nodes=8), **curve))
    if not endpoint.spoilt:
        equal(bars, f"{name}: curve, dry run = rows sent", told.total, received)
    silent = endpoint.received
    told = audit(dry_run=True)
    equal(bars, f"{name}: dry runs, rows received", silent, endpoint.received)
    received, report = step("audit", audit)
    if not endpoint.spoilt:
        bars.at_most(f"{name}: audit, rows sent over the dry run's upper bound", 1.0, received / told.total)
        closed = [p for p in told.rows if p not in told.at_most]
        sent = report.manifest["rows_sent"]["by_purpose"]
        for purpose in closed:
            equal(bars, f"{name}: {purpose}, dry run = rows sent", told.rows[purpose], sent.get(purpose, 0))
    equal(bars, f"{name}: all rows received = manifest", endpoint.received, report.manifest["rows_sent"]["total"])
    if store is not None:
        in_all_runs = sum(report.manifest["rows_sent"]["in_all_runs"].values())
        equal(bars, f"{name}: all rows received = label store", endpoint.received, in_all_runs)
        before = endpoint.received
        audit()
        distiller.score(test)
        equal(bars, f"{name}: the audit and the score again, rows received", 0, endpoint.received - before)


def resumed(bars: Bars, n: int, folder: Path) -> None:
    """A fit whose endpoint dies half way, made again by a new process' teacher with the same store."""
    with served() as endpoint:
        store, X = folder / "resumed.db", table(n, 1)
        endpoint.dead_after = n
        first = teacher_at(endpoint.url, max_retries=1)
        with contextlib.suppress(TeacherError):
            xd.Distiller(first, xd.TreeClassifier(), n_queries=3 * n, store=store, random_state=0).fit(X)
            raise AssertionError("the endpoint was to die")
        endpoint.dead_after, cut = float("inf"), endpoint.received
        second = teacher_at(endpoint.url)
        distiller = xd.Distiller(second, xd.TreeClassifier(), n_queries=3 * n, store=store, random_state=0)
        told = distiller.dry_run(X)
        cost = distiller.fit(X).cost_
        equal(bars, "resume: rows received before the end = counted", cut, first.rows_sent_.total)
        equal(bars, "resume: rows received after it = counted", endpoint.received - cut, second.rows_sent_.total)
        equal(bars, "resume: dry run = rows sent after it", told.total, second.rows_sent_.total)
        equal(bars, "resume: needed = stored + sent", cost.n_queries, cost.n_stored + cost.n_asked)
        with LabelStore(store) as opened:
            in_all_runs = opened.known_shelf(second).rows_sent
        equal(bars, "resume: all rows received = label store", endpoint.received, sum(in_all_runs.values()))


def killed(bars: Bars, n: int, folder: Path) -> None:
    """A fit that is killed: what it had in flight may be counted and not sent, or sent and be the last."""
    with served() as endpoint:
        store = folder / "killed.db"
        command = [sys.executable, __file__, "--fit", endpoint.url, "--store", str(store), "--rows", str(n)]
        run = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        while run.poll() is None and endpoint.received < n:
            time.sleep(0.002)
        run.send_signal(signal.SIGKILL)
        run.wait()
        time.sleep(0.2)  # what was in flight is read
        teacher = teacher_at(endpoint.url)
        with LabelStore(store) as opened:
            counted = sum(opened.known_shelf(teacher).rows_sent.values())
        apart = counted - endpoint.received
        bars.at_least("kill: rows counted in the store less rows received", 0, apart)
        bars.at_most("kill: the same, and no more than was in flight", BATCH_ROWS * CONCURRENCY, apart)


def fit_once(url: str, store: Path, n: int) -> None:
    teacher = teacher_at(url, requests_per_second=40)
    xd.Distiller(teacher, xd.TreeClassifier(), n_queries=3 * n, store=store, random_state=0).fit(table(n, 1))


def several(bars: Bars, n: int) -> None:
    """Ensembles: every member is sent every row; a vote with privacy tells its loss before it is spent."""
    with served() as one, served() as other:
        X, test = table(n, 1), table(n // 2, 2)
        both = EnsembleTeacher([teacher_at(one.url), teacher_at(other.url)])
        distiller = xd.Distiller(both, xd.TreeClassifier(), n_queries=2 * n, random_state=0)
        told = distiller.dry_run(X)
        distiller.fit(X)
        equal(bars, "ensemble: fit, dry run = rows received by both", told.total, one.received + other.received)
        asked = {"favorable": "yes", "n_explained": 30}
        told = xd.audit(both, {"tree": distiller}, test, dry_run=True, **asked)
        before = one.received + other.received
        report = xd.audit(both, {"tree": distiller}, test, **asked)
        received = one.received + other.received
        bars.at_most("ensemble: audit, rows received over the dry run's bound", 1.0, (received - before) / told.total)
        equal(bars, "ensemble: all rows received = manifest", received, report.manifest["rows_sent"]["total"])
    with served() as one, served() as other:
        vote = PateTeacher([teacher_at(one.url), teacher_at(other.url)], noise_scale=40.0, seed=0)
        distiller = xd.Distiller(vote, xd.TreeClassifier(), n_queries=n, random_state=0)
        told = distiller.dry_run(X)
        distiller.fit(X)
        bars.add("privacy: epsilon after the fit = dry run", f"= {told.epsilon[1]:.6f}", f"{vote.epsilon:.6f}",
                 told.epsilon[1] == vote.epsilon)  # fmt: skip
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            distiller.score(test)
        words = [w for w in heard if issubclass(w.category, PrivacyLossWarning)]
        bars.add("privacy: score says what it costs", "a warning", str(words[0].message) if words else "none",
                 bool(words) and f"{vote.epsilon:.3g}" in str(words[0].message))  # fmt: skip
        told = xd.audit(vote, {"tree": distiller}, test, dry_run=True, favorable="yes", n_explained=30)
        report = xd.audit(vote, {"tree": distiller}, test, favorable="yes", n_explained=30)
        bars.at_most("privacy: epsilon after the audit over the dry run's bound", 1.0, vote.epsilon / told.epsilon[1])
        equal(bars, "privacy: all rows received = manifest", one.received + other.received,
              report.manifest["rows_sent"]["total"])  # fmt: skip


def commands(bars: Bars, n: int, folder: Path) -> None:
    """The command line: what it prints and writes against the endpoint's count."""
    X = table(n, 1)
    X.assign(target=outcome(X)).to_csv(folder / "rows.csv", index=False)
    for store in ([], ["--store", str(folder / "commands.db"), "--teacher-version", "1"]):
        name = "command line with a store" if store else "command line"
        for command, more in (
            ("distill", []),
            ("audit", ["--student", "tree,linear", "--sensitive", "sex", "--favorable", "yes"]),
        ):
            with served() as endpoint:
                words = [command, "--teacher-url", endpoint.url, "--classes", "no,yes", *WORDS, *store, *more,
                         "--data", str(folder / "rows.csv"), "--target", "target", "--n-queries", str(n),
                         "--price-per-row", "0.01", "--out", str(folder / f"{command}{bool(store)}")]  # fmt: skip
                printed = io.StringIO()
                with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
                    command_line([*words, "--dry-run"])
                    silent = endpoint.received
                    command_line(words)
                lines = printed.getvalue().splitlines()
                said = next(int(line.split()[0].replace(",", "")) for line in lines if " rows asked" in line)
                told = next(
                    int(line.split(" rows would")[0].split()[-1].replace(",", ""))
                    for line in lines
                    if " rows would" in line
                )
                equal(bars, f"{name}: {command} --dry-run, rows received", 0, silent)
                equal(bars, f"{name}: {command}, rows received = printed", endpoint.received, said)
                bars.at_most(
                    f"{name}: {command}, rows received over what was told before", 1.0, endpoint.received / told
                )


def main(argv: list[str] | None = None) -> int:
    parser = options(__doc__ or "")
    parser.add_argument("--fit", help=argparse.SUPPRESS)
    parser.add_argument("--store", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.fit:
        fit_once(args.fit, args.store, args.rows)
        return 0
    os.environ.setdefault("EXPLAINDISTILL_STRICT", "1")
    n = 200 if args.quick else 1_000
    bars = Bars(f"rows that leave, {n:,} rows of fitting")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for words, spoilt, store in (
            ("plain", 0.0, None),
            ("with a store", 0.0, folder / "plain.db"),
            ("retries", SPOILT, None),
            ("retries with a store", SPOILT, folder / "retries.db"),
        ):
            with served(spoilt) as endpoint:
                everything(bars, words, n, endpoint, store)
        resumed(bars, n, folder)
        killed(bars, n, folder)
        several(bars, n)
        commands(bars, n, folder)
    return bars.finish(args)


if __name__ == "__main__":
    sys.exit(main())
