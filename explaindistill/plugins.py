"""The folder is the registry: a module or package without a leading underscore in a plug-in room is a plug-in."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from explaindistill.errors import InvalidInputError, did_you_mean

__all__ = ["DOORS", "ROOMS", "door", "lazy", "load", "names", "public"]

ROOMS = (
    "auditing.frames", "distillation.ways", "domains", "export", "report.sections", "samplers", "students", "teachers",
)  # fmt: skip
DOORS = {"plots": "explaindistill.plots", "report": "explaindistill.report.render"}


def names(room: str) -> list[str]:
    """Names of the plug-ins in a room, sorted.

    Parameters
    ----------
    room : str
        One of ``ROOMS``.

    Returns
    -------
    list of str
        Names of files without ``.py``, and of folders; nothing is imported but the room itself.

    Examples
    --------
    >>> from explaindistill import plugins
    >>> "tree" in plugins.names("students")
    True
    """
    if room not in ROOMS:
        raise InvalidInputError(f"room must be one of {', '.join(ROOMS)}, got {room!r}{did_you_mean(room, ROOMS)}")
    try:
        package = importlib.import_module(f"explaindistill.{room}")
    except ModuleNotFoundError as error:
        if error.name == f"explaindistill.{room}":
            return []
        raise
    return sorted(m.name for m in pkgutil.iter_modules(package.__path__) if not m.name.startswith("_"))


def load(room: str, name: str) -> ModuleType:
    """Import one plug-in.

    Raises
    ------
    InvalidInputError
        If no such plug-in exists; the message lists those that do.

    Examples
    --------
    >>> load("samplers", "munge").MungeSampler.__name__
    'MungeSampler'
    >>> load("export", "pascal")
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: export has no 'pascal'; there are: c, javascript, json, ...
    """
    if name not in (listed := names(room)):
        near = did_you_mean(name, listed)
        raise InvalidInputError(f"{room} has no {name!r}{near}; there are: {', '.join(listed) or 'none'}")
    return importlib.import_module(f"explaindistill.{room}.{name}")


def public(room: str, name: str) -> dict[str, Any]:
    """Public objects of one plug-in by name, as listed in its ``__all__``.

    Examples
    --------
    >>> list(public("students", "tree"))
    ['TreeClassifier', 'TreeRegressor']
    """
    module = load(room, name)
    return {key: getattr(module, key) for key in module.__all__}


def lazy(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """The ``__getattr__`` of a package whose public names are loaded at their first use.

    Parameters
    ----------
    package : str
        ``__name__`` of the package.
    homes : mapping of str to str
        Name to module, seen from the package: ``"estimators"``, or absolute with a leading ``explaindistill.``.

    Returns
    -------
    callable
        Takes a name, gives what the module holds under it, and raises AttributeError for other names.

    Examples
    --------
    >>> load_name = lazy("explaindistill.students.tree", {"TreeClassifier": "estimators"})
    >>> load_name("TreeClassifier").__name__
    'TreeClassifier'
    >>> load_name("Oak")
    Traceback (most recent call last):
        ...
    AttributeError: module 'explaindistill.students.tree' has no attribute 'Oak'
    """

    def load_name(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home = homes[name]
        path = home if home.startswith("explaindistill.") else f"{package}.{home}"
        return getattr(importlib.import_module(path), name)

    return load_name


def door(name: str) -> ModuleType:
    """One of the few ways up: how a record shows itself without knowing who draws it.

    ``"report"`` is what ``Audit.save`` and ``_repr_html_`` go through, ``"plots"`` what ``student.plot`` does.

    Examples
    --------
    >>> door("plots").__name__
    'explaindistill.plots'
    """
    return importlib.import_module(DOORS[name])
