"""A scoring endpoint as the teacher of a command: ``--teacher-url`` and the options that go with it."""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.cli.rows import SplitRows, as_typed
from explaindistill.errors import InvalidInputError

__all__ = ["add_endpoint", "check_endpoint", "endpoint_teacher"]

RIGHTS = ("owner", "terms", "declaration")
OTHERS = ("classes", "output", "teacher_version", "token_env", "max_requests", "max_cost", "requests_per_second")
CHAT = ("chat_model", "prompt", "price_per_million_tokens")
SIZES = ("batch_rows", "concurrency")


def add_endpoint(parser: argparse.ArgumentParser, positive: Callable[[str], int]) -> None:
    """Add the options of an endpoint; each of them needs ``--teacher-url``."""
    group = parser.add_argument_group(
        "a scoring endpoint as teacher (--teacher-url)",
        "It is sent the rows as JSON and answers scores; the how-to on teachers says in which form. The terms of many "
        "services forbid fitting a model to their answers: --owner, --terms and --declaration are needed, and stand "
        "in the manifest of the audit.",
    )
    group.add_argument("--classes", metavar="A,B", help="classes in the order of the scores; left out for numbers")
    group.add_argument(
        "--owner", metavar="TEXT", help="whose teacher it is; of audit also without an endpoint: who answers for it"
    )
    group.add_argument("--terms", metavar="TEXT", help="its licence, contract or terms of use, best with their date")
    group.add_argument("--declaration", metavar="TEXT", help="why a student may be fitted to its answers")
    group.add_argument("--teacher-version", metavar="TEXT", help="version of what answers there; --store needs it")
    group.add_argument("--token-env", metavar="NAME", help="environment variable that holds the bearer token")
    group.add_argument(
        "--output",
        choices=("probabilities", "logits", "labels", "value"),
        help="what it answers (default: probabilities with --classes, else value)",
    )
    group.add_argument("--chat-model", metavar="NAME", help="speak the OpenAI-compatible chat form with this model")
    group.add_argument("--prompt", metavar="TEXT", help='question of the chat form, such as "yes or no? {row}"')
    group.add_argument("--batch-rows", type=positive, metavar="N", help="rows per request (default: 256)")
    group.add_argument("--concurrency", type=positive, metavar="N", help="requests in flight at once (default: 4)")
    group.add_argument("--requests-per-second", type=float, metavar="R", help="never more than so many")
    group.add_argument("--max-requests", type=positive, metavar="N", help="stop after so many, retries included")
    group.add_argument("--price-per-row", type=float, metavar="P", help="price of one answer of the teacher")
    group.add_argument("--price-per-million-tokens", type=float, metavar="P", help="price of a chat model's tokens")
    group.add_argument("--max-cost", type=float, metavar="C", help="stop before more is spent, at the stated price")


def check_endpoint(args: Namespace) -> None:
    """Refuse options that do not fit together, before anything is read or asked.

    Raises
    ------
    InvalidInputError
        If an endpoint comes without its rights, or with options of a file; or an endpoint's option without one.
    """
    options = {name for name in (*RIGHTS, *OTHERS, *CHAT, *SIZES) if getattr(args, name) is not None}
    if args.teacher_url is None:
        if options:
            raise InvalidInputError(f"{_as_typed(options)} is for an endpoint; give --teacher-url, or leave it out")
        return
    if missing := [name for name in RIGHTS if name not in options]:
        raise InvalidInputError(
            "teacher-url: the terms of many services forbid fitting a model to their answers, and the audit must be "
            f"able to say whose teacher this is; give {_as_typed(missing)}, too"
        )
    if args.trust:
        raise InvalidInputError("trust is for files that run code; an endpoint runs none here, leave it out")
    if getattr(args, "store", None) is not None and args.teacher_version is None:
        raise InvalidInputError(
            "store needs to know which teacher answers at the address: give --teacher-version, and change it whenever "
            "the model there changes"
        )
    if args.price_per_million_tokens is not None and args.chat_model is None:
        raise InvalidInputError("price-per-million-tokens is for a chat model; give --chat-model, or --price-per-row")
    if args.max_cost is not None and args.price_per_row is None and args.price_per_million_tokens is None:
        raise InvalidInputError(f"max-cost needs a price, got {args.max_cost:g}; give --price-per-row, too")


def endpoint_teacher(args: Namespace, rows: SplitRows) -> Any:
    """The teacher at ``--teacher-url``; classes typed as text become what they are in the target of the rows."""
    from explaindistill.teachers import Rights
    from explaindistill.teachers.http import HttpTeacher

    limits = {name: getattr(args, name) for name in (*SIZES, "max_requests", "max_cost", "requests_per_second")}
    limits |= {"prompt": args.prompt, "price_per_row": args.price_per_row}
    if args.chat_model is not None:
        limits |= {"form": "chat", "model": args.chat_model}
        limits["price_per_million_tokens"] = args.price_per_million_tokens
    return HttpTeacher(
        args.teacher_url,
        classes=_classes(args.classes, rows.y if rows.task == "classification" else None),
        output=args.output,
        version=args.teacher_version,
        rights=Rights(args.owner, args.terms, args.declaration),
        token_env=args.token_env,
        **{name: value for name, value in limits.items() if value is not None},
    )


def _classes(text: str | None, y: NDArray[Any] | None) -> list[Any] | None:
    """Classes as typed: values of the target by their names; without a target whole numbers where all are, or words."""
    values = {} if y is None else {as_typed(value): value for value in np.unique(y).tolist()}
    if text is None:
        if values:
            raise InvalidInputError(
                f"teacher-url: the target has the classes {', '.join(values)}; give --classes in the order of the "
                "endpoint's scores, or --task regression where it answers numbers"
            )
        return None
    words = [word.strip() for word in text.split(",")]
    if len(words) < 2 or "" in words:
        raise InvalidInputError(f"classes must be at least 2 names with commas between them, got {text!r}")
    if absent := [name for name in values if name not in words]:
        raise InvalidInputError(f"classes must name all values of the target, {', '.join(absent)} missing in {text!r}")
    numbers = y.dtype.kind in "iuf" if y is not None else all(word.lstrip("-").isdigit() for word in words)
    try:
        return [values[word] if word in values else int(word) if numbers else word for word in words]
    except ValueError as error:
        raise InvalidInputError(f"classes must be numbers as those of the target are, got {text!r}") from error


def _as_typed(names: Any) -> str:
    return ", ".join(f"--{name.replace('_', '-')}" for name in sorted(names))
