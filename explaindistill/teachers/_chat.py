"""The OpenAI-compatible chat form: one question per row, the shares of the labels read from the first token."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from explaindistill.errors import TeacherError
from explaindistill.teachers._checks import Output

__all__ = ["chat_body", "chat_scores", "label_shares"]

LOG_FLOOR = 1e-6
"""Probability of a label that the answer does not mention: a 0 would be minus infinity as a logit."""


def chat_body(record: dict[str, Any], prompt: str, model: str | None) -> dict[str, Any]:
    """Question about one row; ``{row}`` in the prompt is the whole row, ``{column}`` one of its cells.

    Examples
    --------
    >>> chat_body({"text": "fine"}, "Good or bad? {text}", "m")["messages"]
    [{'role': 'user', 'content': 'Good or bad? fine'}]
    """
    parts = {"row": "\n".join(f"{k}: {_shown(v)}" for k, v in record.items())} | {
        k: _shown(v) for k, v in record.items()
    }
    # one pass, so that a cell that holds a name in braces stays what it is
    pattern = re.compile("|".join(re.escape("{" + key + "}") for key in parts))
    text = pattern.sub(lambda match: parts[match.group()[1:-1]], prompt)
    limits = {"max_tokens": 1, "temperature": 0, "logprobs": True, "top_logprobs": 20}
    return {"model": model, "messages": [{"role": "user", "content": text}], **limits}


def chat_scores(page: Any, labels: Sequence[str], output: Output, who: str) -> list[list[float]]:
    """One row of shares (or their logarithms, for logits) from an answer."""
    try:
        tokens = page["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
        mass = [(str(t["token"]).strip().lower(), float(np.exp(float(t["logprob"])))) for t in tokens]
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise TeacherError(f"{who} gave no log-probabilities of tokens; the model must support logprobs") from error
    return [label_shares(labels, mass, output)]


def _shown(value: Any) -> str:
    return "missing" if value is None else str(value)


def label_shares(labels: Sequence[str], mass: list[tuple[str, float]], output: Output) -> list[float]:
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
