"""The OpenAI-compatible chat form: one question per row, the shares of the labels read from the first token."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from explaindistill.errors import InvalidInputError, TeacherError
from explaindistill.teachers._checks import Output

__all__ = ["ChatForm", "chat_scores", "label_shares", "tokens_used"]

BYTES_PER_TOKEN = 3.0
"""A cautious rule: vocabularies take some four bytes of English prose a token, and fewer of names and digits."""
TOKENS_AROUND = 12
"""What a chat template puts around one question, and the one token of the answer."""

LOG_FLOOR = 1e-6
"""Probability of a label that the answer does not mention: a 0 would be minus infinity as a logit."""


@dataclass(frozen=True)
class ChatForm:
    r"""One question per row, and about how many tokens it takes.

    Attributes
    ----------
    model : str
        What the other side calls the model.
    prompt : str
        ``{row}`` is the whole row, ``{column}`` one of its cells.
    names : mapping of str to str
        What the row calls a column in place of its name in the data.

    Examples
    --------
    >>> chat = ChatForm("m", "Good or bad? {row}", {"debt_ratio": "debt / income"})
    >>> chat.body({"debt_ratio": 0.4, "age": None})["messages"]
    [{'role': 'user', 'content': 'Good or bad? debt / income: 0.4\nage: missing'}]
    >>> chat.tokens({"debt_ratio": 0.4, "age": None})
    27
    """

    model: str
    prompt: str
    names: Mapping[str, str] = field(default_factory=dict)

    def text(self, record: Mapping[str, Any]) -> str:
        """The question about one row."""
        row = "\n".join(f"{self.names.get(name, name)}: {_shown(value)}" for name, value in record.items())
        parts = {"row": row} | {name: _shown(value) for name, value in record.items()}
        # one pass, so that a cell that holds a name in braces stays what it is
        pattern = re.compile("|".join(re.escape("{" + name + "}") for name in parts))
        return pattern.sub(lambda match: parts[match.group()[1:-1]], self.prompt)

    def body(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """What is posted about one row."""
        limits = {"max_tokens": 1, "temperature": 0, "logprobs": True, "top_logprobs": 20}
        return {"model": self.model, "messages": [{"role": "user", "content": self.text(record)}], **limits}

    def tokens(self, record: Mapping[str, Any]) -> int:
        """About how many tokens the question and its answer take; rather too many, without the model's vocabulary."""
        return TOKENS_AROUND + int(np.ceil(len(self.text(record).encode()) / BYTES_PER_TOKEN))

    def check_columns(self, columns: Sequence[Any]) -> None:
        """Refuse display names of columns that are not there, and two columns of one name.

        Raises
        ------
        InvalidInputError
        """
        if unknown := [name for name in self.names if name not in columns]:
            listed = ", ".join(map(str, columns))
            raise InvalidInputError(f"display_names names {unknown[0]!r}, which is no column; there are: {listed}")
        shown = [self.names.get(name, str(name)) for name in columns]
        if twice := sorted({name for name in shown if shown.count(name) > 1}):
            raise InvalidInputError(f"display_names gives two columns the name {twice[0]!r}; each needs its own")


def tokens_used(page: Any) -> int | None:
    """Tokens of one question and its answer as the other side counted them; None where it does not say.

    Examples
    --------
    >>> tokens_used({"usage": {"prompt_tokens": 80, "completion_tokens": 1, "total_tokens": 81}}), tokens_used({})
    (81, None)
    """
    usage = page.get("usage") if isinstance(page, dict) else None
    total = usage.get("total_tokens") if isinstance(usage, dict) else None
    return total if isinstance(total, int) and not isinstance(total, bool) and total >= 0 else None


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
