"""An endpoint whose answers are damaged at random: what comes through is right, or the teacher says what is wrong."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

from explaindistill.errors import TeacherError
from explaindistill.teachers import Rights
from explaindistill.teachers.http import HttpTeacher
from fuzz.damage import damaged, flipped
from fuzz.playing import WrongAnswerError

__all__ = ["Endpoint", "answer", "serving"]

N_ROWS = 5
RIGHTS = Rights("us", "internal", "our own endpoint")
ROUNDED = 2e-6
"""Shares of six decimals sum to 1 but for two of their last digits, by which they are divided."""
LABELS = ("no", "yes")
HEADERS = {
    "Content-Encoding": ("gzip", "identity", "br", "GZIP", "x" * 300, "gzip, gzip"),
    "Content-Length": ("0", "1", "99999999", "-1", "x"),
    "Retry-After": ("0", "-3", "nan", "1e9", "Wed, 21 Oct 2015 07:28:00 GMT", "soon"),
    "Location": ("/elsewhere", "http://127.0.0.1:1/", "file:///etc/passwd"),
    "Content-Type": ("text/html", "application/json; charset=utf-16", ""),
    "Transfer-Encoding": ("chunked", "x"),
}
STATUSES = (200,) * 30 + (201, 204, 301, 302, 304, 400, 401, 404, 429, 500, 503, 999)
DEEP = b"[" * 100_000
LONG = b"[" + b"1" * 6_000 + b"]"
BODIES = (b"", b"null", b"NaN", b"{}", b"[]", b"\xff\xfe{\x00}", DEEP, LONG, b'{"ids": 1, "ids": 2}', b" " * 2_000_000)


class Endpoint:
    """What the next request is answered with: a status, headers, a body."""

    def __init__(self) -> None:
        self.status, self.headers, self.body = 200, dict[str, str](), b""
        self.url = ""


@contextmanager
def serving() -> Iterator[Endpoint]:
    """A server on a free port of this machine, for as long as the block lasts."""
    endpoint = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        timeout = 5

        def log_message(self, *args: Any) -> None:
            pass

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(endpoint.status)
            for name, value in {"Content-Length": str(len(endpoint.body))}.items() | endpoint.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(endpoint.body)
            self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # a client that hangs up early is what is wanted
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    endpoint.url = f"http://127.0.0.1:{server.server_port}/score"
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()


def answer(draw: Any, endpoint: Endpoint) -> str:
    """Ask an endpoint whose answer is damaged; the sentence of the refusal, or "" where a sound answer came through."""
    chat, kind = draw.random() < 0.3, draw.choice(["probabilities", "logits", "labels", "value"])
    kind = "probabilities" if chat else kind
    P = np.round(np.random.default_rng(draw.randrange(2**32)).dirichlet([1.0, 1.0], 1 if chat else N_ROWS), 6)
    page = _page(P, chat, kind)
    endpoint.status, endpoint.headers, endpoint.body = _damaged(draw, page)
    whole = (endpoint.status, endpoint.headers, endpoint.body) == (200, {}, json.dumps(page).encode())
    classes = None if kind == "value" else list(LABELS)
    form, model = ("chat", "m") if chat else ("scores", None)
    patience = {"max_retries": 1, "first_wait_seconds": 0.001, "total_seconds": 1.0}
    waits = {"read_seconds": 0.3, "connect_seconds": 0.5}
    teacher = HttpTeacher(endpoint.url, classes, kind, rights=RIGHTS, form=form, model=model, **patience, **waits)
    X = np.arange(len(P), dtype=float)[:, None]
    try:
        got = teacher.predict(X) if kind == "value" else teacher.predict_proba(X)
    except TeacherError as error:
        if whole:
            raise WrongAnswerError(f"refused a whole answer: {error}") from error
        return str(error)
    _check(got, len(P), kind)
    if (
        whole
        and kind in ("probabilities", "value")
        and np.abs(got - (P if kind == "probabilities" else P[:, 0])).max() > 2e-6
    ):
        raise WrongAnswerError(f"answered {got.tolist()} where {P.tolist()} were sent")
    return ""


def _page(P: np.ndarray, chat: bool, kind: str) -> Any:
    if chat:
        tokens = [{"token": word, "logprob": float(np.log(p))} for word, p in zip(LABELS, P[0], strict=True)]
        return {"choices": [{"logprobs": {"content": [{"top_logprobs": tokens}]}}]}
    answers = {"labels": [LABELS[i] for i in P.argmax(axis=1)], "value": P[:, 0].tolist()}.get(kind, P.tolist())
    return {"ids": list(range(len(P))), "answers": answers}


def _damaged(draw: Any, page: Any) -> tuple[int, dict[str, str], bytes]:
    """A status, headers and a body: the form damaged, or the bytes, or packed, or none of ours."""
    body = json.dumps(damaged(page, draw) if draw.random() < 0.5 else page).encode()
    body = draw.choice(BODIES) if draw.random() < 0.1 else flipped(body, draw) if draw.random() < 0.2 else body
    headers = {}
    if draw.random() < 0.3:
        headers["Content-Encoding"], body = "gzip", gzip.compress(body if draw.random() < 0.8 else bytes(30_000_000), 1)
        body = flipped(body, draw) if draw.random() < 0.3 else body
    for name in draw.sample(list(HEADERS), draw.choice([0, 0, 0, 1, 2])):
        headers[name] = draw.choice(HEADERS[name])
    return draw.choice(STATUSES), headers, body


def _check(got: Any, n: int, kind: str) -> None:
    """Whatever came through has the form that a teacher promises."""
    got = np.asarray(got)
    if len(got) != n or not np.isfinite(got).all():
        raise WrongAnswerError(f"answered {got.shape} with {(~np.isfinite(got)).sum()} that are not finite")
    if kind != "value" and (got.shape != (n, 2) or (got < 0).any() or np.abs(got.sum(axis=1) - 1).max() > 1e-6):
        raise WrongAnswerError(f"answered probabilities that are none: {got.tolist()}")
