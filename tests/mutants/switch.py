"""The switch that a broken module carries: which broken version of a function answers, and which functions were called.

``making.py`` writes the import of this module into each broken module; ``judge.py`` turns the switch.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from functools import wraps
from typing import Any

MutantDict = dict[str, Callable[..., Any]]

# A program that a test starts has a switch of its own, which the environment sets.
ACTIVE: list[str] = os.environ.get("ACTIVE_MUTANT", "").rsplit(".", 1)
CALLED: set[str] = set()


def turn_on(name: str) -> None:
    """Let the broken version ``module.x_function__mutmut_3`` answer, here and in the programs that tests start."""
    os.environ["ACTIVE_MUTANT"] = name
    ACTIVE[:] = name.rsplit(".", 1)


def broken(versions: MutantDict, is_classmethod: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate the place of a function: the active version is looked up at each call."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        module = function.__module__

        def chosen(args: tuple[Any, ...]) -> tuple[Callable[..., Any], tuple[Any, ...]]:
            original = versions["_mutmut_orig"]
            CALLED.add(f"{module}.{original.__name__.removesuffix('__mutmut_orig')}")
            version = versions.get(ACTIVE[-1], original) if ACTIVE[0] == module else original
            # Of a class method the version comes from the class that was asked, which may be a subclass.
            return (getattr(args[0], version.__name__), args[1:]) if is_classmethod else (version, args)

        if inspect.isgeneratorfunction(function):

            @wraps(function)
            def stand_in(*args: Any, **kwargs: Any) -> Any:
                version, rest = chosen(args)
                return (yield from version(*rest, **kwargs))
        else:

            @wraps(function)
            def stand_in(*args: Any, **kwargs: Any) -> Any:
                version, rest = chosen(args)
                return version(*rest, **kwargs)

        return stand_in

    return decorate
