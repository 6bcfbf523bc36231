"""A real local HTTP teacher that fails in every way, and runs that are killed: every answer is kept, once, and right.

The endpoint is a process of its own. It counts every row that reaches it, and of those the ones whose answer it spoilt
on purpose. "Excess" are rows sent beyond needed + spoilt: answers that were in flight when a run was killed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import pandas as pd
from _bars import Bars, options

from explaindistill.asking.budget import Budget
from explaindistill.asking.labelling import label
from explaindistill.asking.store import LabelStore
from explaindistill.teachers import Rights
from explaindistill.teachers.http import HttpTeacher

SHARES = {"500": 0.05, "429": 0.02, "torn": 0.02, "hang": 0.01}
HANG_SECONDS, READ_SECONDS = 3.0, 1.0
BATCH_ROWS, CONCURRENCY = 20, 4
KILLS = 20


def endpoint(faulty: bool) -> None:
    """Serve until killed; the port is the first line printed."""
    counts = {"received": 0, "spoilt": 0, **dict.fromkeys(SHARES, 0)}
    lock, rng = threading.Lock(), random.Random(0)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            with lock:
                self.say(200, json.dumps(counts).encode())

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                fault = rng.choices([*SHARES, ""], [*SHARES.values(), 1 - sum(SHARES.values())])[0] if faulty else ""
                counts["received"] += len(body["rows"])
                counts["spoilt"] += len(body["rows"]) if fault else 0
                if fault:
                    counts[fault] += 1
            p = 1 / (1 + np.exp(-np.array([r["a"] - r["b"] for r in body["rows"]])))
            text = json.dumps({"ids": body["ids"], "answers": np.column_stack([1 - p, p]).tolist()}).encode()
            if fault == "hang":
                time.sleep(HANG_SECONDS)
            if fault == "torn":
                # every second one with an honest length, so that it is the JSON that ends too soon
                length = len(text) if rng.random() < 0.5 else len(text) // 2
                self.say(200, text[: len(text) // 2], length)
                self.close_connection = True
            else:
                self.say(int(fault) if fault.isdigit() else 200, text)

        def say(self, status: int, text: bytes, length: int | None = None) -> None:
            try:
                self.send_response(status)
                if status == 429:
                    self.send_header("Retry-After", "1")
                self.send_header("Content-Length", str(len(text) if length is None else length))
                self.end_headers()
                self.wfile.write(text)
            except OSError:
                self.close_connection = True  # the other side was killed, or would not wait

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, address: object) -> None:
            """Killed clients break connections; that is what is measured, and no news."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(server.server_port, flush=True)
    server.serve_forever(poll_interval=0.1)


class Served:
    """The endpoint in a process of its own."""

    def __init__(self, faulty: bool) -> None:
        command = [sys.executable, __file__, "--serve", "faulty" if faulty else "sound"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}/"

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()

    def counts(self) -> dict[str, int]:
        """Rows that were received and spoilt, and requests by fault."""
        with urlopen(self.url, timeout=60) as page:
            return dict(json.load(page))


def rows(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"a": rng.normal(size=n), "b": rng.integers(0, 3, n), "c": rng.choice(["x", "y"], n)})


def ask(url: str, store: Path, n: int) -> HttpTeacher:
    """One labelling run to its end; the fingerprint does not depend on the port."""
    teacher = HttpTeacher(
        url,
        classes=["no", "yes"],
        version="1",
        rights=Rights("this benchmark", "none", "it is our own endpoint"),
        batch_rows=BATCH_ROWS,
        concurrency=CONCURRENCY,
        read_seconds=READ_SECONDS,
    )
    label(teacher, rows(n), store=store, budget=Budget())
    return teacher


def killed(served: Served, store: Path, n: int) -> int:
    """Kill the run at random moments, then let one finish; how many kills met a run at work."""
    rng, met = random.Random(1), 0
    command = [sys.executable, __file__, "--ask", served.url, "--store", str(store), "--rows", str(n)]
    for _ in range(KILLS):
        run = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        until = served.counts()["received"] + rng.uniform(1, n / KILLS)
        while run.poll() is None and served.counts()["received"] < until:
            time.sleep(0.003)
        time.sleep(rng.uniform(0, 0.05))
        met += run.poll() is None
        run.send_signal(signal.SIGKILL)
        run.wait()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return met


def table(store: Path) -> pd.DataFrame:
    with LabelStore(store, must_exist=True) as opened:
        if faults := opened.verify():
            sys.exit(f"{store.name}: {'; '.join(faults)}")
        return opened.answers(opened.teachers()["fingerprint"][0])


def judge(bars: Bars, name: str, undisturbed: pd.DataFrame, store: Path, counts: dict[str, int], n: int) -> None:
    """Hold one store against the undisturbed one."""
    found = table(store)
    same = found["key"].tolist() == undisturbed["key"].tolist()
    bars.add(
        f"{name}: keys are those of an undisturbed run", "all", f"{len(found):,} of {n:,}", same and len(found) == n
    )
    bars.at_most(f"{name}: rows stored twice", 0, int(found["key"].duplicated().sum()))
    apart = (
        float(np.abs(found[["no", "yes"]].to_numpy() - undisturbed[["no", "yes"]].to_numpy()).max()) if same else np.nan
    )
    bars.at_most(f"{name}: largest difference of an answer", 1e-6, apart)
    note = f"(received {counts['received']:,}, spoilt {counts['spoilt']:,}: " + ", ".join(
        f"{counts[k]} {k}" for k in SHARES
    )
    bars.at_most(
        f"{name}: rows received over needed + spoilt",
        1.02,
        counts["received"] / (n + counts["spoilt"]),
        note=f"{note})",
    )


def main(argv: list[str] | None = None) -> int:
    parser = options(__doc__ or "")
    for hidden in ("--serve", "--ask", "--store", "--rows"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.serve:
        endpoint(args.serve == "faulty")
        return 0
    if args.ask:
        ask(args.ask, Path(args.store), int(args.rows))
        return 0
    global KILLS
    n, KILLS = (4_000, 3) if args.quick else (100_000, 20)
    bars = Bars(f"faults: {n:,} rows, {KILLS} kills, {CONCURRENCY} requests of {BATCH_ROWS} rows in flight")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with Served(faulty=False) as served:
            ask(served.url, home / "sound.db", n)
        undisturbed = table(home / "sound.db")
        with Served(faulty=True) as served:
            begin = time.perf_counter()
            ask(served.url, home / "faulty.db", n)
            bars.add("faulty endpoint: seconds", "reported", f"{time.perf_counter() - begin:.0f}", None)
            judge(bars, "faulty endpoint", undisturbed, home / "faulty.db", served.counts(), n)
        with Served(faulty=True) as served:
            met = killed(served, home / "killed.db", n)
            bars.add("killed runs: kills that met a run", "reported", f"{met} of {KILLS}", None)
            judge(bars, "killed runs, faulty endpoint", undisturbed, home / "killed.db", served.counts(), n)
    return bars.finish(args)


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"
    sys.exit(main())
