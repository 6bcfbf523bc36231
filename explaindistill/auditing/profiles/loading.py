"""Rule sets by name: each is a file of this folder, and says what it is, from when, and where it was read."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from explaindistill.errors import InvalidInputError, did_you_mean

__all__ = ["Profile", "load_profile", "profile_names"]

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Profile:
    """A dated rule set.

    Attributes
    ----------
    id, title : str
    source, url, dated, retrieved, retrieved_as, status : str
        The text that it follows, its date, when and in which form it was read, and what was known of it then.
    arithmetic : mapping
        ``rates`` (metrics), ``reference`` ("highest" or ""), ``smallest_share``, ``bound`` (NaN where the text has
        none), ``crossed``: what `explaindistill.measures.profile.profile_rates` computes.
    tables : mapping of frame to words
        Frames of an audit that the text asks for.
    statements : mapping of key to words
        What only people can say: see ``statements=`` of `audit`.

    Examples
    --------
    >>> profile = load_profile("nyc-ll144")
    >>> profile.id, list(profile.arithmetic["rates"])
    ('nyc-ll144@2023-07', ['selection_rate', 'scoring_rate'])
    >>> sorted(profile.provenance())[:3]
    ['dated', 'id', 'retrieved']
    """

    id: str
    title: str
    source: str
    url: str
    dated: str
    retrieved: str
    retrieved_as: str
    status: str
    arithmetic: Mapping[str, Any]
    tables: Mapping[str, str] = field(default_factory=dict)
    statements: Mapping[str, str] = field(default_factory=dict)

    def provenance(self) -> dict[str, str]:
        """Where the rule set comes from, for a manifest."""
        keys = ("id", "title", "source", "url", "dated", "retrieved", "retrieved_as", "status")
        return {key: str(getattr(self, key)) for key in keys}


def profile_names() -> list[str]:
    """Names of the rule sets that there are.

    Examples
    --------
    >>> "nyc-ll144@2023-07" in profile_names()
    True
    """
    return sorted(_read(path)["id"] for path in FOLDER.glob("*.toml"))


def load_profile(name: str) -> Profile:
    """One rule set by its name, such as ``"nyc-ll144@2023-07"``; without the date where only one has that name.

    Raises
    ------
    InvalidInputError
        If there is none; the message lists those that there are.

    Examples
    --------
    >>> load_profile("four-fifths").arithmetic["bound"]
    0.8
    """
    matches = [data for path in sorted(FOLDER.glob("*.toml")) if name in {(data := _read(path))["id"], _stem(data)}]
    if len(matches) != 1:
        near = did_you_mean(name, profile_names())
        raise InvalidInputError(f"profile must be one of {', '.join(profile_names())}, got {name!r}{near}")
    return Profile(**matches[0])


def _stem(data: Mapping[str, Any]) -> str:
    return str(data["id"]).partition("@")[0]


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))
