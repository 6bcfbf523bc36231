"""A scoring endpoint as a teacher: retried with patience, checked, and never trusted with a secret in a log."""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explaindistill.data.rows_sent import RowsSent, current_purpose
from explaindistill.errors import InvalidInputError, MissingExtraError, TeacherError
from explaindistill.teachers._chat import chat_scores, tokens_used
from explaindistill.teachers._checks import Output, check_output, checked_answer, class_order, no_probabilities
from explaindistill.teachers._fingerprint import digest
from explaindistill.teachers._http_answers import TryAgainError, arriving, read_answer, retry_after
from explaindistill.teachers._http_arguments import chat_form, check_limits, check_prices, check_rights, check_url
from explaindistill.teachers._json_rows import json_rows
from explaindistill.teachers._rights import Rights

try:
    import httpx
except ImportError as error:  # pragma: no cover - the test environment has it
    raise MissingExtraError.of("httpx", "http") from error

__all__ = ["HttpTeacher"]

MAX_ANSWER_BYTES = 2**26
"""64 MiB: an answer that is longer is none to a batch of rows, and would fill the memory; it is given up."""
BASE_BYTES, ROW_BYTES, NUMBER_BYTES = 2**20, 2**14, 64
"""Most bytes of an answer: what goes around it (a chat answer has a few hundred kB), each row, each class of a row."""
NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Failures before a byte of the question was sent: nobody can have counted its rows."""
WINDOW = 16
"""Requests per connection that ``label`` hands over at once: the pool never runs dry, and a kill loses no more."""
Spend = Callable[[int], None]


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
    rights : Rights
        Whose teacher it is, its licence or terms, and why a student may be fitted to its answers.
    version : str, optional
        Declared version of what answers there; without it nothing is stored.
    token_env : str, optional
        Name of the environment variable with the bearer token. Its value appears in no log, store, report or pickle.
    form : {"scores", "chat"}, default="scores"
    model : str, optional
        Model of the chat form.
    prompt : str, default="{row}"
        Question of the chat form; ``{row}`` is the whole row, ``{column}`` one of its cells.
    display_names : mapping of str to str, optional
        What ``{row}`` calls a column in place of its name in the data; chat form only.
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
    price_per_row, max_cost : float, optional
        Price of a row each time it is sent, and the most that may be spent in the life of this teacher; any currency.
    price_per_million_tokens : float, optional
        Price of the chat form, of questions and answers alike; comes on top of ``price_per_row``. What a question has
        is estimated (:meth:`tokens`) until the answer says what it had.

    Attributes
    ----------
    classes_ : ndarray of shape (k,), sorted, or None in regression
    n_requests_, n_failures_ : int
    rows_sent_ : RowsSent
        Rows that were sent, each time they were sent, by purpose.
    tokens_ : int
        Tokens of the chat form so far, as its answers said; where they did not, as estimated.

    Raises
    ------
    InvalidInputError
        If a parameter breaks its rule, or without ``rights``: the terms of many services forbid learning from them.

    Notes
    -----
    A budget given to ``label`` counts a row again each time it is sent again, since the other side may have counted it.
    ``label`` keeps each answer as it arrives, so that a run that is killed loses only what was in flight.

    Examples
    --------
    >>> import json, threading
    >>> from http.server import BaseHTTPRequestHandler, HTTPServer
    >>> class Scores(BaseHTTPRequestHandler):
    ...     def do_POST(self):
    ...         asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
    ...         answers = [[1 - row["x"], row["x"]] for row in asked["rows"]]
    ...         content = json.dumps({"ids": asked["ids"], "answers": answers}).encode()
    ...         self.send_response(200)
    ...         self.send_header("Content-Length", str(len(content)))
    ...         self.end_headers()
    ...         _ = self.wfile.write(content)
    ...
    ...     def log_message(self, *words):
    ...         pass
    >>> server = HTTPServer(("127.0.0.1", 0), Scores)
    >>> threading.Thread(target=server.serve_forever, daemon=True).start()
    >>> teacher = HttpTeacher(f"http://127.0.0.1:{server.server_port}", classes=["no", "yes"],
    ...                       rights=Rights("mine", "own model", "I trained it"))
    >>> import pandas as pd
    >>> X = pd.DataFrame({"x": [0.25, 0.5]})
    >>> teacher.predict_proba(X).tolist(), teacher.n_requests_
    ([[0.75, 0.25], [0.5, 0.5]], 1)
    >>> server.shutdown(); server.server_close()
    """

    def __init__(
        self,
        url: str,
        classes: ArrayLike | None = None,
        output: Output | None = None,
        version: str | None = None,
        *,
        rights: Rights | None = None,
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
        price_per_row: float = 0.0,
        max_cost: float | None = None,
        display_names: Mapping[str, str] | None = None,
        price_per_million_tokens: float = 0.0,
        first_wait_seconds: float = 0.2,
    ) -> None:
        check_url(url)
        check_rights(rights)
        check_prices(price_per_row, max_cost, price_per_million_tokens)
        self.chat = chat_form(form, model, prompt, classes, display_names, price_per_million_tokens)
        check_limits(batch_rows, concurrency, max_retries, max_failures, requests_per_second)
        self.url, self.rights = url, rights
        self.output: Output = check_output(output or ("value" if classes is None else "probabilities"), classes)
        self.classes_, self._order = class_order(classes)
        self._columns = None if classes is None else [str(c) for c in np.asarray(classes).tolist()]
        self.version, self.token_env, self.form, self.model, self.prompt = version, token_env, form, model, prompt
        self.batch_rows = 1 if form == "chat" else int(batch_rows)
        self.concurrency = int(concurrency)
        self.connect_seconds, self.read_seconds, self.total_seconds = connect_seconds, read_seconds, total_seconds
        self.max_retries, self.max_failures, self.max_requests = max_retries, max_failures, max_requests
        self.requests_per_second, self.first_wait_seconds = requests_per_second, first_wait_seconds
        self.price_per_row, self.price_per_million_tokens = price_per_row, price_per_million_tokens
        self.max_cost = max_cost
        self.n_requests_ = self.n_failures_ = self.tokens_ = 0
        self.rows_sent_ = RowsSent()
        self._in_a_row, self._next_at = 0, 0.0
        self._lock = threading.Lock()

    one_process = "its limits, costs and counts of requests are those of one process"

    @property
    def name(self) -> str:
        """What messages call this teacher: the address without its query."""
        return str(httpx.URL(self.url).copy_with(query=None))

    @property
    def label_rows(self) -> int:
        """Rows that ``label`` hands over at a time."""
        return self.batch_rows * self.concurrency * WINDOW

    @property
    def cost_(self) -> float:
        """What was spent so far, in the currency of the prices."""
        return self.rows_sent_.total * self.price_per_row + self.tokens_ * self.price_per_million_tokens / 1e6

    @property
    def mean_price_per_row(self) -> float:
        """What a row that was sent has cost on the mean; before any was sent, ``price_per_row``."""
        n = self.rows_sent_.total
        return self.cost_ / n if n and self.tokens_ else self.price_per_row

    def tokens(self, X: Any) -> NDArray[np.int64] | None:
        """About how many tokens each row's question and answer take, ``(n,)``; None where scores are asked.

        Estimated by the length of the text, rather too many: the vocabulary of the model is not known here. Nothing is
        asked.
        """
        return None if self.chat is None else np.array([self.chat.tokens(r) for r in json_rows(X)], dtype=np.int64)

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

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
        answers: NDArray[np.float64] | None = None
        for at, batch in self.stream(X):
            if answers is None:
                answers = np.empty((len(X), *batch.shape[1:]))
            answers[at] = batch
        return np.empty((0, 1)) if answers is None else answers

    def stream(self, X: Any, spend: Spend = lambda n: None) -> Iterator[tuple[slice, NDArray[np.float64]]]:
        """Places in X and their answers, as they arrive.

        Parameters
        ----------
        X : DataFrame or array of shape (n, d)
        spend : callable
            Is told how many rows are about to be sent, each time they are sent; it may raise. A number below 0 takes
            back rows that never left, since no connection came about.

        Raises
        ------
        TeacherError
            After every answer that did arrive was handed out.
        """
        records, purpose = json_rows(X), current_purpose()  # threads of the pool know no purpose
        if self.chat is not None and records:
            self.chat.check_columns(list(records[0]))

        def count(n: int) -> None:
            spend(n)
            self.rows_sent_.add(n, purpose)

        starts = range(0, len(records), self.batch_rows)
        timeout = httpx.Timeout(self.read_seconds, connect=self.connect_seconds)
        stop = threading.Event()
        client = httpx.Client(timeout=timeout, headers=self._headers())
        with client, ThreadPoolExecutor(self.concurrency) as pool:
            places = [slice(i, min(i + self.batch_rows, len(records))) for i in starts]
            waiting = {pool.submit(self._or_stop, client, records[p], p.start, count, stop): p for p in places}
            try:
                yield from arriving(waiting, stop)
            finally:
                stop.set()

    def _headers(self) -> dict[str, str]:
        # only what is unpacked here with a bound may come
        headers = {"Accept-Encoding": "gzip"}
        if self.token_env is None:
            return headers
        token = os.environ.get(self.token_env, "").strip()  # files end in a newline, and so do variables read from them
        if not token:
            raise InvalidInputError(f"token_env: the environment variable {self.token_env} is not set")
        if not (token.isascii() and token.isprintable()):  # what refuses it later would print it
            raise InvalidInputError(
                f"token_env: the value of {self.token_env} has characters that no header can hold; set it anew"
            )
        return headers | {"Authorization": f"Bearer {token}"}

    def _or_stop(
        self, client: httpx.Client, records: list[dict[str, Any]], start: int, spend: Spend, stop: threading.Event
    ) -> NDArray[np.float64] | None:
        """Answers of a few rows; where there are none for good, nothing new is sent."""
        try:
            return self._batch(client, records, start, spend, stop)
        except BaseException:
            stop.set()
            raise

    def _batch(
        self,
        client: httpx.Client,
        records: list[dict[str, Any]],
        start: int,
        spend: Spend,
        stop: threading.Event,
    ) -> NDArray[np.float64] | None:
        """Answers of a few rows, asked until there are some, patience ends or the circuit opens; None if stopped."""
        until = time.monotonic() + self.total_seconds
        reason = ""
        for attempt in range(self.max_retries + 1):
            if stop.wait(self._turn()) or not self._counted(records, reason, spend, stop):
                return None
            try:
                answer = self._once(client, records, list(range(start, start + len(records))), until)
            except (TryAgainError, httpx.TransportError) as error:
                if isinstance(error, NEVER_LEFT):
                    self._take_back(records, spend)
                # a protocol error may quote a header, and with it the token
                quotes = isinstance(error, httpx.ProtocolError)
                reason = type(error).__name__ if quotes else str(error) or type(error).__name__
                wait = self._after_failure(error, attempt)
                if time.monotonic() + wait > until:
                    break
                if stop.wait(wait):
                    return None
                continue
            with self._lock:
                self._in_a_row = 0
            return answer
        raise TeacherError(
            f"{self.name} gave no answer for {len(records)} rows after several attempts; the last failed: {reason}"
        )

    def _take_back(self, records: list[dict[str, Any]], spend: Spend) -> None:
        with self._lock:
            spend(-len(records))
            self.tokens_ -= self._tokens(records)

    def _tokens(self, records: list[dict[str, Any]]) -> int:
        return 0 if self.chat is None else sum(map(self.chat.tokens, records))

    def _turn(self) -> float:
        """Seconds to wait so as to keep the rate."""
        if self.requests_per_second is None:
            return 0.0
        with self._lock:
            now = time.monotonic()
            pause = max(self._next_at - now, 0.0)
            self._next_at = max(now, self._next_at) + 1.0 / self.requests_per_second
        return pause

    def _counted(self, records: list[dict[str, Any]], reason: str, spend: Spend, stop: threading.Event) -> bool:
        """Count a request just before it is sent; False where all was stopped meanwhile. Limits raise."""
        n, tokens = len(records), self._tokens(records)
        price = n * self.price_per_row + tokens * self.price_per_million_tokens / 1e6
        with self._lock:
            if stop.is_set():
                return False
            if self._in_a_row >= self.max_failures:
                raise TeacherError(
                    f"{self.name} failed {self._in_a_row} times in a row and is not asked any more"
                    + (f"; the last failure: {reason}" if reason else "")
                )
            if self.max_requests is not None and self.n_requests_ >= self.max_requests:
                raise TeacherError(
                    f"max_requests: {self.n_requests_} requests were sent to {self.name}, no more are allowed"
                )
            if self.max_cost is not None and self.cost_ + price > self.max_cost:
                raise TeacherError(
                    f"max_cost: {self.cost_:g} of {self.max_cost:g} are spent at {self.name}, {n} rows are too dear"
                )
            spend(n)
            self.tokens_ += tokens
            self.n_requests_ += 1
        return True

    def _after_failure(self, error: Exception, attempt: int) -> float:
        """Seconds to wait: what the server asks for, else doubling with full jitter."""
        with self._lock:
            self.n_failures_ += 1
            self._in_a_row += 1
        demanded = getattr(error, "wait", None)
        if demanded is not None:
            return float(demanded)
        # jitter only spreads requests over time and decides no answer, so it needs no seed
        return random.uniform(0.5, 1.0) * self.first_wait_seconds * 2.0**attempt

    def _once(
        self, client: httpx.Client, records: list[dict[str, Any]], ids: list[int], until: float
    ) -> NDArray[np.float64]:
        body = {"ids": ids, "rows": records} if self.chat is None else self.chat.body(records[0])
        with client.stream("POST", self.url, json=body) as response:
            if response.status_code == 429:
                raise TryAgainError("429 too many requests", retry_after(response))
            if response.status_code >= 500:
                raise TryAgainError(f"{response.status_code} of the server", retry_after(response))
            if response.status_code >= 300:
                raise TeacherError(f"{self.name} refused the question: {response.status_code} {response.reason_phrase}")
            text = read_answer(response, until, self._most_bytes(len(ids)))
        try:
            page = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise TryAgainError(f"the answer is no JSON ({error.__class__.__name__})") from error
        if self.chat is not None and (used := tokens_used(page)) is not None:
            with self._lock:  # the estimate was counted before the question was sent
                self.tokens_ += used - self._tokens(records)
        try:
            chat = self.chat is not None
            raw = chat_scores(page, self._columns or [], self.output, self.name) if chat else self._scores(page, ids)
            return checked_answer(raw, len(ids), self.output, self.classes_, self._order, self.name)
        except TeacherError as error:
            raise TryAgainError(str(error)) from error

    def _most_bytes(self, n: int) -> int:
        n_classes = 0 if self.classes_ is None else len(self.classes_)
        return min(MAX_ANSWER_BYTES, BASE_BYTES + n * (ROW_BYTES + NUMBER_BYTES * n_classes))

    def _scores(self, page: Any, ids: list[int]) -> Any:
        if not isinstance(page, dict) or "answers" not in page or "ids" not in page:
            raise TeacherError(f'{self.name} must answer {{"ids": [...], "answers": [...]}}')
        if page["ids"] != ids:
            raise TeacherError(f"{self.name} answered other rows than it was asked, or in another order")
        return page["answers"]

    def fingerprint(self) -> str | None:
        """Digest of address, declared version, form, prompt, classes and output; None without a version."""
        if self.version is None:
            return None
        order = None if self._order is None else self._order.tolist()
        form: list[Any] = [self.form, self.model, self.prompt] if self.form == "chat" else [self.form]
        if self.chat is not None and self.chat.names:  # without any, digests of stored answers stay as they were
            form.append(dict(self.chat.names))
        return digest("http", self.url, self.version, form, self._columns, order, self.output)

    def __repr__(self) -> str:
        return f"HttpTeacher({self.name!r})"

    def __sklearn_clone__(self) -> HttpTeacher:
        return self
