"""What an endpoint's address and prices must be, checked before anything is sent."""

from __future__ import annotations

from explaindistill.errors import InvalidInputError

__all__ = ["check_prices", "check_url"]


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


def check_prices(price_per_row: float, max_cost: float | None) -> None:
    """Refuse prices below 0, and a most that no price could reach."""
    if price_per_row < 0 or (max_cost is not None and not (max_cost > 0 and price_per_row > 0)):
        raise InvalidInputError(
            "price_per_row must be at least 0, and max_cost above 0 where there is a price, "
            f"got {price_per_row} and {max_cost}"
        )
