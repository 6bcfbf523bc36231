"""A scoring endpoint as a teacher: retried with patience, checked, and never trusted with a secret in a log."""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from explaindistill.errors import InvalidInputError, MissingExtraError, TeacherError
from explaindistill.teachers._checks import Output, check_output, checked_answer, class_order, no_probabilities
from explaindistill.teachers._fingerprint import digest

try:
    import httpx
except ImportError as error:  # pragma: no cover - the test environment has it
    raise MissingExtraError.of("httpx", "http") from error

__all__ = ["HttpTeacher"]

LOG_FLOOR = 1e-6
"""Probability of a label that the chat form does not mention."""


class _TryAgainError(Exception):
    """A question failed in a way that asking again may mend."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class HttpTeacher:
    """A JSON scoring endpoint, or the OpenAI-compatible chat form, as a teacher.

    The scoring form posts ``{"ids": [...], "rows": [{column: value, ...}, ...]}`` and expects
    ``{"ids": [...], "answers": [[...], ...]}``: the ids must come back as they were sent, so that
    swapped, missing and added rows are noticed. The chat form posts one question per row and reads the
    log-probabilities of the labels from the first token.

    Parameters
    ----------
    url : str
        Without user and password: secrets come from the environment only.
    classes : array of shape (k,), optional
        Classes in the order of the endpoint's columns; None is regression.
    output : {"probabilities", "logits", "labels", "value"}, optional
        When None: probabilities if there are classes, else values.
    version : str, optional
        Declared version of what answers there; without it nothing is stored.
    token_env : str, optional
        Name of the environment variable with the bearer token. Its value appears in no log, store, report or pickle.
    form : {"scores", "chat"}, default="scores"
    model : str, optional
        Model of the chat form.
    prompt : str, default="{row}"
        Question of the chat form; ``{row}`` is the whole row, ``{column}`` one of its cells.
    batch_rows : int, default=256
        Rows per request of the scoring form.
    concurrency : int, default=4
        Requests in flight at once.
    connect_seconds, read_seconds, total_seconds : float
        Time-outs of one request, and of one row batch with all its retries.
    max_retries : int, default=8
        Per request: on 429 (waits as long as Retry-After says), 5xx, broken connections, time-outs and answers that are
        none.
    max_failures : int, default=20
        After so many failures in a row, over all requests, no further one is sent.
    max_requests : int, optional
        Most requests in the life of this teacher, retries included.
    requests_per_second : float, optional

    Attributes
    ----------
    classes_ : ndarray of shape (k,), sorted, or None in regression
    n_requests_, n_failures_ : int

    Notes
    -----
    A budget given to ``label`` counts a row again each time it is sent again, since the other side may have counted it.
    """

    def __init__(
        self,
        url: str,
        classes: ArrayLike | None = None,
        output: Output | None = None,
        version: str | None = None,
        *,
        token_env: str | None = None,
        form: Literal["scores", "chat"] = "scores",
        model: str | None = None,
        prompt: str = "{row}",
        batch_rows: int = 256,
        concurrency: int = 4,
        connect_seconds: float = 5.0,
        read_seconds: float = 30.0,
        total_seconds: float = 300.0,
        max_retries: int = 8,
        max_failures: int = 20,
        max_requests: int | None = None,
        requests_per_second: float | None = None,
        first_wait_seconds: float = 0.2,
    ) -> None:
        _check_url(url)
        if form not in ("scores", "chat") or (form == "chat" and (model is None or classes is None)):
            raise InvalidInputError(f"form must be 'scores', or 'chat' with model and classes, got {form!r}")
        if min(batch_rows, concurrency) < 1 or max_retries < 0 or max_failures < 1:
            raise InvalidInputError(
                "batch_rows, concurrency and max_failures must be at least 1, max_retries at least 0"
            )
        self.url = url
        self.output: Output = check_output(output or ("value" if classes is None else "probabilities"), classes)
        self.classes_, self._order = class_order(classes)
        self._columns = None if classes is None else [str(c) for c in np.asarray(classes).tolist()]
        self.version, self.token_env, self.form, self.model, self.prompt = version, token_env, form, model, prompt
        self.batch_rows = 1 if form == "chat" else int(batch_rows)
        self.concurrency = int(concurrency)
        self.connect_seconds, self.read_seconds, self.total_seconds = connect_seconds, read_seconds, total_seconds
        self.max_retries, self.max_failures, self.max_requests = max_retries, max_failures, max_requests
        self.requests_per_second, self.first_wait_seconds = requests_per_second, first_wait_seconds
        self.n_requests_ = self.n_failures_ = 0
        self._in_a_row, self._next_at = 0, 0.0
        self._spend: Callable[[int], None] | None = None
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """What messages call this teacher: the address without its query."""
        return str(httpx.URL(self.url).copy_with(query=None))

    @property
    def label_rows(self) -> int:
        """Rows that ``label`` asks and stores at a time."""
        return self.batch_rows * self.concurrency

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k not in ("_lock", "_spend")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._spend, self._lock = None, threading.Lock()

    @contextmanager
    def counting(self, spend: Callable[[int], None]) -> Iterator[None]:
        """Tell ``spend`` about rows that are sent again, for the time of the question."""
        self._spend = spend
        try:
            yield
        finally:
            self._spend = None

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Probabilities ``(n, k)`` in the order of ``classes_``."""
        if self.classes_ is None:
            raise no_probabilities(self.name)
        return self._ask(X)

    def predict(self, X: Any) -> NDArray[Any]:
        """Most probable class ``(n,)``, or values ``(n,)`` or ``(n, m)``."""
        answer = self._ask(X)
        return answer if self.classes_ is None else self.classes_[answer.argmax(axis=1)]

    def _ask(self, X: Any) -> NDArray[np.float64]:
        records = _records(X)
        parts = [range(i, min(i + self.batch_rows, len(records))) for i in range(0, len(records), self.batch_rows)]
        timeout = httpx.Timeout(self.read_seconds, connect=self.connect_seconds)
        client = httpx.Client(timeout=timeout, headers=self._headers())
        with client, ThreadPoolExecutor(self.concurrency) as pool:
            waiting = [pool.submit(self._part, client, records, part) for part in parts]
            try:
                return np.concatenate([w.result() for w in waiting])
            except BaseException:
                for w in waiting:
                    w.cancel()
                raise

    def _headers(self) -> dict[str, str]:
        if self.token_env is None:
            return {}
        token = os.environ.get(self.token_env)
        if not token:
            raise InvalidInputError(f"token_env: the environment variable {self.token_env} is not set")
        return {"Authorization": f"Bearer {token}"}

    def _part(self, client: httpx.Client, records: list[dict[str, Any]], part: range) -> NDArray[np.float64]:
        """Answers of a few rows, asked until they are answered, patience ends, or the circuit opens."""
        until = time.monotonic() + self.total_seconds
        reason = ""
        for attempt in range(self.max_retries + 1):
            self._before(attempt, len(part), reason)
            try:
                answer = self._once(client, [records[i] for i in part], list(part))
            except (_TryAgainError, httpx.TransportError) as error:
                reason = str(error) or type(error).__name__
                wait = self._after_failure(error, attempt)
                if time.monotonic() + wait > until:
                    break
                time.sleep(wait)
                continue
            with self._lock:
                self._in_a_row = 0
            return answer
        raise TeacherError(
            f"{self.name} gave no answer for {len(part)} rows after several attempts; the last failed: {reason}"
        )

    def _before(self, attempt: int, n: int, reason: str) -> None:
        """Count a request before it is sent; keep to rate, cost and circuit."""
        with self._lock:
            if self._in_a_row >= self.max_failures:
                raise TeacherError(
                    f"{self.name} failed {self._in_a_row} times in a row and is not asked any more"
                    + (f"; the last failure: {reason}" if reason else "")
                )
            if self.max_requests is not None and self.n_requests_ >= self.max_requests:
                raise TeacherError(
                    f"max_requests: {self.n_requests_} requests were sent to {self.name}, no more are allowed"
                )
            if attempt > 0 and self._spend is not None:
                self._spend(n)
            self.n_requests_ += 1
            pause = 0.0
            if self.requests_per_second is not None:
                now = time.monotonic()
                pause = max(self._next_at - now, 0.0)
                self._next_at = max(now, self._next_at) + 1.0 / self.requests_per_second
        time.sleep(pause)

    def _after_failure(self, error: Exception, attempt: int) -> float:
        """Seconds to wait: what the server asks for, else doubling with full jitter."""
        with self._lock:
            self.n_failures_ += 1
            self._in_a_row += 1
        asked = getattr(error, "wait", None)
        # jitter only spreads requests over time and decides no answer, so it needs no seed
        return float(asked) if asked is not None else random.uniform(0.5, 1.0) * self.first_wait_seconds * 2.0**attempt

    def _once(self, client: httpx.Client, records: list[dict[str, Any]], ids: list[int]) -> NDArray[np.float64]:
        body = {"ids": ids, "rows": records} if self.form == "scores" else self._chat_body(records[0])
        response = client.post(self.url, json=body)
        if response.status_code == 429:
            raise _TryAgainError("429 too many requests", _retry_after(response))
        if response.status_code >= 500:
            raise _TryAgainError(f"{response.status_code} of the server", _retry_after(response))
        if response.status_code >= 400:
            raise TeacherError(f"{self.name} refused the question: {response.status_code} {response.reason_phrase}")
        try:
            page = response.json()
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise _TryAgainError(f"the answer is no JSON ({error.__class__.__name__})") from error
        try:
            raw = self._scores(page, ids) if self.form == "scores" else self._chat_scores(page)
            return checked_answer(raw, len(ids), self.output, self.classes_, self._order, self.name)
        except TeacherError as error:
            raise _TryAgainError(str(error)) from error

    def _scores(self, page: Any, ids: list[int]) -> Any:
        if not isinstance(page, dict) or "answers" not in page or "ids" not in page:
            raise TeacherError(f'{self.name} must answer {{"ids": [...], "answers": [...]}}')
        if page["ids"] != ids:
            raise TeacherError(f"{self.name} answered other rows than it was asked, or in another order")
        return page["answers"]

    def _chat_body(self, record: dict[str, Any]) -> dict[str, Any]:
        shown = "\n".join(f"{k}: {'missing' if v is None else v}" for k, v in record.items())
        text = self.prompt.replace("{row}", shown)
        for key, value in record.items():
            text = text.replace("{" + key + "}", str(value))
        message = [{"role": "user", "content": text}]
        limits = {"max_tokens": 1, "temperature": 0, "logprobs": True, "top_logprobs": 20}
        return {"model": self.model, "messages": message, **limits}

    def _chat_scores(self, page: Any) -> list[list[float]]:
        try:
            tokens = page["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
            mass = [(str(t["token"]).strip().lower(), float(np.exp(float(t["logprob"])))) for t in tokens]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise TeacherError(
                f"{self.name} gave no log-probabilities of tokens; the model must support logprobs"
            ) from error
        return [_label_shares(self._columns or [], mass, self.output)]

    def fingerprint(self) -> str | None:
        """Digest of address, declared version, form, prompt, classes and output; None without a version."""
        if self.version is None:
            return None
        order = None if self._order is None else self._order.tolist()
        asked = [self.form, self.model, self.prompt] if self.form == "chat" else [self.form]
        return digest("http", self.url, self.version, asked, self._columns, order, self.output)

    def __repr__(self) -> str:
        return f"HttpTeacher({self.name!r})"

    def __sklearn_clone__(self) -> HttpTeacher:
        return self


def _check_url(url: str) -> None:
    try:
        parts = httpx.URL(url)
    except (httpx.InvalidURL, TypeError) as error:
        raise InvalidInputError(f"url must be an address, got {url!r}") from error
    if parts.scheme not in ("http", "https") or not parts.host:
        raise InvalidInputError(f"url must begin with http:// or https://, got {url!r}")
    if parts.userinfo:
        raise InvalidInputError(
            "url must not carry user or password; put the token in the environment and name it in token_env"
        )


def _records(X: Any) -> list[dict[str, Any]]:
    """Rows as JSON objects with every digit: missing is null, dates are ISO texts."""
    frame = X if isinstance(X, pd.DataFrame) else pd.DataFrame(np.asarray(X)).add_prefix("x")
    columns = [[_plain(v) for v in frame.iloc[:, i].tolist()] for i in range(frame.shape[1])]
    names = [str(c) for c in frame.columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _plain(value: Any) -> Any:
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None
    return value.isoformat() if hasattr(value, "isoformat") else value


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds that the server asks to wait, if it does so in seconds."""
    try:
        return max(float(response.headers["Retry-After"]), 0.0)
    except (KeyError, ValueError):
        return None


def _label_shares(labels: Sequence[str], mass: list[tuple[str, float]], output: Output) -> list[float]:
    """Share of each label: the tokens that begin it and no other one."""
    totals = np.zeros(len(labels))
    lower = [label.lower() for label in labels]
    for token, weight in mass:
        fits = [i for i, label in enumerate(lower) if token and label.startswith(token)]
        if len(fits) == 1:
            totals[fits[0]] += weight
    if totals.sum() == 0:
        raise TeacherError("none of the likeliest tokens begins a label; ask for one of the labels in the prompt")
    shares = np.maximum(totals, LOG_FLOOR)
    shares = shares / shares.sum()
    return [float(v) for v in (np.log(shares) if output == "logits" else shares)]
