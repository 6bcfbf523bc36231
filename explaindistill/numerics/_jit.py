"""The one way kernels are compiled: without the interpreter's lock, cached where the disk allows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

__all__ = ["kernel"]

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile a kernel; a home that cannot be written costs the cache, never the import."""
    try:
        return njit(nogil=True, cache=True)(function)
    except RuntimeError:  # numba: "no locator available", e.g. a read-only home
        return njit(nogil=True)(function)
