"""The folder is the registry: a module without a leading underscore in a plug-in room is a plug-in."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import Any

from explaindistill.errors import InvalidInputError

__all__ = ["DOORS", "ROOMS", "door", "load", "names", "public"]

ROOMS = ("domains", "export", "report.sections", "samplers", "students", "teachers", "ways")
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
        File names without ``.py``; nothing is imported but the room itself.

    Examples
    --------
    >>> from explaindistill import plugins
    >>> "tree" in plugins.names("students")
    True
    """
    if room not in ROOMS:
        raise InvalidInputError(f"room must be one of {', '.join(ROOMS)}, got {room!r}")
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
    if name not in (known := names(room)):
        raise InvalidInputError(f"{room} has no {name!r}; there are: {', '.join(known) or 'none'}")
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


def door(name: str) -> ModuleType:
    """One of the few ways up: how a record shows itself without knowing who draws it.

    ``"report"`` is what ``Audit.save`` and ``_repr_html_`` go through, ``"plots"`` what ``student.plot`` does.

    Examples
    --------
    >>> door("plots").__name__
    'explaindistill.plots'
    """
    return importlib.import_module(DOORS[name])
