"""What an endpoint's address and prices must be, checked before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from explaindistill.errors import InvalidInputError
from explaindistill.teachers._chat import ChatForm
from explaindistill.teachers._rights import Rights

__all__ = ["chat_form", "check_limits", "check_prices", "check_rights", "check_url"]

NO_RIGHTS = (
    "rights must be given: the terms of many services forbid fitting a model to their answers, and the audit must be "
    "able to say whose teacher this is; pass rights=Rights(owner=..., terms=..., declaration=...), "
    "which is in explaindistill.teachers"
)


def check_url(url: str) -> None:
    """Refuse what is no address, and one that carries a secret, which would come into logs and manifests."""
    import httpx  # whose absence the teacher's module has told of

    try:
        parts = httpx.URL(url)
    except (httpx.InvalidURL, TypeError) as error:
        raise InvalidInputError("url must be an address such as https://scores.example.com/v7") from error
    if parts.userinfo:
        raise InvalidInputError(
            "url must not carry user or password; put the token in the environment and name it in token_env"
        )
    if parts.scheme not in ("http", "https") or not parts.host:
        raise InvalidInputError(f"url must begin with http:// or https://, got {url!r}")


def check_prices(price_per_row: float, max_cost: float | None, price_per_million_tokens: float = 0.0) -> None:
    """Refuse prices below 0, and a most that no price could reach."""
    if not (0 <= price_per_million_tokens < float("inf")):
        raise InvalidInputError(f"price_per_million_tokens must be at least 0, got {price_per_million_tokens}")
    price = price_per_row + price_per_million_tokens
    if not (0 <= price_per_row < float("inf")) or (max_cost is not None and not (max_cost > 0 and price > 0)):
        raise InvalidInputError(
            "price_per_row must be at least 0, and max_cost above 0 where there is a price, "
            f"got {price_per_row} and {max_cost}"
        )


def chat_form(
    form: str,
    model: str | None,
    prompt: str,
    classes: Any,
    names: Mapping[str, str] | None,
    price_per_million_tokens: float,
) -> ChatForm | None:
    """The chat form, or None for scores, which have neither prompt nor tokens."""
    if form not in ("scores", "chat") or (form == "chat" and (model is None or classes is None)):
        raise InvalidInputError(f"form must be 'scores', or 'chat' with model and classes, got {form!r}")
    if form == "chat":
        return ChatForm(str(model), prompt, dict(names or {}))
    if names is not None or price_per_million_tokens:
        raise InvalidInputError(
            "display_names and price_per_million_tokens are for form='chat'; scores are asked by the names of the data"
        )
    return None


def check_rights(rights: Any) -> None:
    """Refuse a teacher that nobody says the rights of."""
    if not isinstance(rights, Rights):
        raise InvalidInputError(NO_RIGHTS)


def check_limits(
    batch_rows: int, concurrency: int, max_retries: int, max_failures: int, requests_per_second: float | None
) -> None:
    """Refuse sizes, patience and a rate that no request could keep."""
    if min(batch_rows, concurrency) < 1 or max_retries < 0 or max_failures < 1:
        raise InvalidInputError("batch_rows, concurrency and max_failures must be at least 1, max_retries at least 0")
    if requests_per_second is not None and not 0 < requests_per_second < float("inf"):
        raise InvalidInputError(
            f"requests_per_second must be above 0, got {requests_per_second:g}; leave it out for no limit"
        )
