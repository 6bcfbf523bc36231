"""The command line against a real local endpoint: rights first, secrets from the environment, every answer checked."""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("httpx")

from explaindistill.asking.store import LabelStore
from explaindistill.cli import main

RIGHTS = ["--owner", "us", "--terms", "contract of 2026-01-31", "--declaration", "our own endpoint"]


class Server:
    """Scores rows by column a; says what it was sent."""

    fault = None

    def __init__(self):
        self.rows, self.headers, self.wide = 0, [], True
        self.columns = set()

    def answer(self, body):
        self.rows += len(body["rows"])
        self.columns |= set(body["rows"][0])
        p = [1 / (1 + np.exp(-3 * r["a"])) for r in body["rows"]]
        return {"ids": body["ids"], "answers": [[1 - v, v] for v in p] if self.wide else p}


@pytest.fixture
def server():
    state, lock = Server(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args):
            pass

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                state.headers.append(dict(self.headers))
                page = b"{}" if state.fault else json.dumps(state.answer(body)).encode()
            self.send_response(state.fault or 200)
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, request, client_address):
            """A client that leaves early is no error, and stderr is looked at."""

    http = Quiet(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{http.server_port}/score"
    yield state
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Rows with the decision as words, as whole numbers, and a number."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=300), "b": rng.choice(["x", "y"], 300)})
    said = X["a"] + rng.normal(size=300) / 3 > 0
    frame = X.assign(word=np.where(said, "yes", "no"), code=said.astype(int), value=X["a"] * 2)
    path = tmp_path_factory.mktemp("data") / "rows.csv"
    frame.to_csv(path, index=False)
    return path


def words(command, server, table, out, *more, target="word", classes="no,yes"):
    others = [c for c in ("word", "code", "value") if c != target]
    given = [command, "--teacher-url", server.url, *RIGHTS, "--data", str(table), "--out", str(out), *more]
    given += ["--target", target, "--drop", ",".join(others)]
    return [*given, "--classes", classes] if classes else given


def test_distil_from_an_endpoint(server, table, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("SCORING_TOKEN", "sesame-77")
    asked = ["--n-queries", "300", "--token-env", "SCORING_TOKEN", "--batch-rows", "50", "--concurrency", "2"]
    assert main(words("distill", server, table, tmp_path / "s", *asked)) == 0
    said = capsys.readouterr()
    asked = re.search(r"^(\d+) rows asked: fit 2\d\d, held-out (\d+)$", said.out, re.M)
    assert int(asked[1]) == server.rows
    assert int(asked[2]) <= 90  # equal rows are asked once
    assert server.columns == {"a", "b"}
    assert {h["Authorization"] for h in server.headers} == {"Bearer sesame-77"}
    assert len(server.headers) >= 6  # 50 rows each, and those that fidelity is measured on
    written = "".join(p.read_text() for p in (tmp_path / "s").iterdir())
    assert "sesame-77" not in written + said.out + said.err
    assert json.loads((tmp_path / "s" / "student.json").read_text())["classes"] == ["no", "yes"]


def test_an_audit_says_whose_teacher_it_is_and_asks_nothing_twice(server, table, tmp_path):
    more = ["--student", "tree", "--sensitive", "b", "--n-queries", "300", "--price-per-row", "0.01"]
    more += ["--store", str(tmp_path / "labels.db"), "--teacher-version", "1"]
    assert main(words("audit", server, table, tmp_path / "a", *more, target="code", classes="0,1")) == 0
    audit = json.loads((tmp_path / "a" / "audit.json").read_text())
    told = {"owner": "us", "terms": "contract of 2026-01-31", "declaration": "our own endpoint"}
    assert audit["manifest"]["teacher"]["rights"] == told
    assert "contract of 2026-01-31" in (tmp_path / "a" / "audit.html").read_text()
    asked = server.rows
    with LabelStore(tmp_path / "labels.db") as kept:
        assert asked == kept.teachers()["n_rows"].sum()
    assert main(words("audit", server, table, tmp_path / "again", *more, target="code", classes="0,1")) == 0
    assert server.rows == asked
    again = json.loads((tmp_path / "again" / "audit.json").read_text())
    assert again["frames"]["fidelity"] == audit["frames"]["fidelity"]


@pytest.mark.parametrize("command", ["distill", "curve", "audit"])
def test_a_dry_run_tells_what_is_asked_then(server, table, tmp_path, capsys, command):
    more = {
        "distill": ["--n-queries", "300"],
        "curve": ["--sizes", "40,120", "--repeats", "2", "--student", "tree,linear"],
        "audit": ["--n-queries", "300", "--student", "tree,linear", "--sensitive", "b", "--favorable", "yes"],
    }
    store = ["--store", str(tmp_path / "labels.db"), "--teacher-version", "7.2", "--price-per-row", "0.5"]
    line = words(command, server, table, tmp_path / "out", *more[command], *store)
    assert main([*line, "--dry-run"]) == 0
    dry = capsys.readouterr().out
    assert "Nothing was asked, nothing was written." in dry
    assert (server.rows, list(tmp_path.iterdir())) == (0, [])
    assert main(line) == 0
    out = capsys.readouterr().out
    told = re.search(
        r"^(At most )?([\d,]+) rows would be sent to the teacher: .*price: (?:at most )?([\d,.]+)\.$", out, re.M
    )
    assert told[0] in dry  # told again, since there is a price
    forecast, printed = (int(n.replace(",", "")) for n in (told[2], re.search(r"^([\d,]+) rows asked: ", out, re.M)[1]))
    assert float(told[3].replace(",", "")) == forecast / 2
    assert printed == server.rows
    assert forecast == printed or (bool(told[1]) and command == "audit" and forecast > printed)
    assert f"; {printed / 2:,.2f} at the stated price" in out


def test_retries_are_said(server, table, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(Server, "fault", property(lambda self: 500 if len(self.headers) <= 3 else None))
    more = ["--n-queries", "300", "--concurrency", "1", "--batch-rows", "50"]
    assert main(words("distill", server, table, tmp_path / "s", *more)) == 0
    line = r"^(\d+) rows asked: fit (\d+), held-out (\d+); 150 of them sent again after a failure while fitting$"
    total, fit, held = map(int, re.search(line, capsys.readouterr().out, re.M).groups())
    assert fit + held == total == server.rows + 150


def test_a_store_asks_nothing_twice(server, table, tmp_path, capsys):
    store = ["--store", str(tmp_path / "labels.db"), "--teacher-version", "7.2", "--n-queries", "300"]
    assert main(words("distill", server, table, tmp_path / "one", *store)) == 0
    before = server.rows
    assert main(words("distill", server, table, tmp_path / "two", *store, "--student", "linear")) == 0
    assert re.search(r"^0 rows asked; 2\d\d known to the store while fitting$", capsys.readouterr().out, re.M)
    assert server.rows == before
    with LabelStore(tmp_path / "labels.db") as kept:
        assert kept.teachers()["name"].tolist() == [server.url]


def test_numbers(server, table, tmp_path):
    server.wide = False
    assert main(words("distill", server, table, tmp_path / "s", target="value", classes=None)) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--owner", None], "--owner"),
        (["--terms", None], "--terms, too"),
        (["--terms", " "], "terms must be 1 to"),
        (["--trust"], "trust is for files"),
        (["--store", "labels.db"], "give --teacher-version"),
        (["--max-cost", "3"], "give --price-per-row"),
        (["--classes", "no"], "at least 2 names"),
        (["--classes", "no,maybe"], "yes missing"),
        (["--classes", None], "give --classes in the order"),
        (["--token-env", "NOT_SET_77"], "NOT_SET_77 is not set"),
        (["--teacher-url", "ftp://there"], "http:// or https://"),
        (["--teacher-url", "http://me:secret@there/x"], "must not carry user or password"),
        (["--chat-model", "m", "--output", "value"], "output"),
    ],
)
def test_mistakes_ask_nothing(server, table, tmp_path, monkeypatch, capsys, change, message):
    monkeypatch.chdir(tmp_path)
    given = words("distill", server, table, tmp_path / "s")
    if len(change) > 1 and change[0] in given:
        at = given.index(change[0])
        del given[at : at + 2]
    given += [] if change[-1] is None else change
    assert main(given) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert "secret" not in said.err
    assert server.rows == 0
    assert list(tmp_path.iterdir()) == []


def test_classes_must_be_numbers_where_the_target_is(server, table, tmp_path, capsys):
    assert main(words("distill", server, table, tmp_path / "s", target="code", classes="0,1,maybe")) == 2
    assert "classes must be numbers" in capsys.readouterr().err


def test_an_endpoints_options_need_one(table, tmp_path, capsys):
    given = ["distill", "--teacher", "folder", "--data", str(table), "--out", str(tmp_path / "s"), "--owner", "us"]
    assert main(given) == 2
    assert "--owner is for an endpoint" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*given, "--teacher-url", "http://there"])
    assert "not allowed with argument" in capsys.readouterr().err


def test_limits_stop_with_a_message(server, table, tmp_path, capsys):
    spend = ["--price-per-row", "1", "--max-cost", "100", "--batch-rows", "50"]
    assert main(words("distill", server, table, tmp_path / "s", *spend)) == 2
    assert "max_cost: " in capsys.readouterr().err
    assert server.rows <= 100
    assert main(words("distill", server, table, tmp_path / "s", "--max-requests", "1", "--batch-rows", "50")) == 2
    assert "max_requests" in capsys.readouterr().err


def test_a_refusal_is_one_message(server, table, tmp_path, capsys):
    server.fault = 403
    assert main(words("distill", server, table, tmp_path / "s")) == 2
    said = capsys.readouterr().err
    assert "refused the question: 403" in said
    assert said.count("\n") == 1
    assert not (tmp_path / "s").exists()
