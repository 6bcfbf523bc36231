"""Rows in memory as partitions of one part: what is written for many parts serves them, too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["OnePart"]


@dataclass(frozen=True, eq=False)
class OnePart:
    """A single part, see :class:`~explaindistill.protocols.Partitions`.

    Examples
    --------
    >>> OnePart([1, 2]).step(sum).ask(abs, reduce=max), len(OnePart([1, 2]))
    (3, 1)
    """

    part: Any

    def ask(self, function: Callable[..., Any], *arguments: Any, reduce: Callable[[Any, Any], Any]) -> Any:
        """``function(part, *arguments)``."""
        return function(self.part, *arguments)

    def step(self, function: Callable[..., Any], *arguments: Any) -> OnePart:
        """``function(part, *arguments)`` as the only part."""
        return OnePart(function(self.part, *arguments))

    def __len__(self) -> int:
        """Return 1."""
        return 1
