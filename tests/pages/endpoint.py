"""A scoring endpoint on this machine that stands in for the one that pages name."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["endpoint"]


@contextmanager
def endpoint(chance: Callable[[pd.DataFrame], Any], labels: tuple[str, str] = ("no", "yes")) -> Iterator[str]:
    """Address of a server that answers rows, and chat questions whose last word is the number to answer by."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            page = _chat(asked, labels) if "messages" in asked else _scores(asked, chance)
            content = json.dumps(page).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _scores(asked: dict[str, Any], chance: Callable[[pd.DataFrame], Any]) -> dict[str, Any]:
    p = np.asarray(chance(pd.DataFrame(asked["rows"])), dtype=float)
    return {"ids": asked["ids"], "answers": np.column_stack([1 - p, p]).tolist()}


def _chat(asked: dict[str, Any], labels: tuple[str, str]) -> dict[str, Any]:
    """Longer questions are likelier to be answered by the second label: as good a chat model as any for a test."""
    p = min(0.05 + len(asked["messages"][-1]["content"]) % 97 / 100, 0.95)
    tokens = [{"token": name, "logprob": float(np.log(q))} for name, q in zip(labels, (1 - p, p), strict=True)]
    return {"choices": [{"logprobs": {"content": [{"top_logprobs": tokens}]}}]}
