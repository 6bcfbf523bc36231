"""How columns, classes and groups are called in what people read, and the units of columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from explaindistill.errors import InvalidInputError, did_you_mean

__all__ = ["DisplayNames"]

KINDS = ("columns", "classes", "groups")
CROSSED = " × "
"""What stands between the attributes, and between the groups, of an intersection."""


@dataclass(frozen=True)
class DisplayNames:
    """Names to be read in the place of those in the data; what has none is called as it is in the data.

    Parameters
    ----------
    columns : mapping of str to str
    classes : mapping of str to str
        By the class as text.
    groups : mapping of str to mapping of str to str
        By sensitive column, then by group.
    units : mapping of str to str
        Unit of a column, such as ``{"income": "euro a month"}``.

    Examples
    --------
    >>> names = DisplayNames(columns={"sex": "gender"}, groups={"sex": {"f": "women"}}, units={"income": "€"})
    >>> names.column("sex"), names.group("sex", "f"), names.group("sex", "m"), names.unit("income")
    ('gender', 'women', 'm', '€')
    >>> names.column("sex × race"), names.group("sex × race", "f × white")
    ('gender × race', 'women × white')
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, names: DisplayNames | Mapping[str, Any] | None, units: Mapping[str, str] | None) -> DisplayNames:
        """Read ``{"columns": …, "classes": …, "groups": {column: …}}`` and the units of columns.

        Raises
        ------
        InvalidInputError
            For another key, a name that is no text or empty, or one name for two things.

        Examples
        --------
        >>> DisplayNames.of({"columns": {"a": "x", "b": "x"}}, None)
        Traceback (most recent call last):
            ...
        explaindistill.errors.InvalidInputError: display_names: columns must have distinct names, got 'x' twice
        """
        if isinstance(names, cls):
            units = names.units if units is None else units
            names = {"columns": names.columns, "classes": names.classes, "groups": names.groups}
        names = {} if names is None else names
        if not isinstance(names, Mapping) or (unknown := [key for key in names if key not in KINDS]):
            got = names if not isinstance(names, Mapping) else ", ".join(map(repr, unknown))
            raise InvalidInputError(f"display_names must be a mapping with {', '.join(KINDS)}, got {got}")
        groups = names.get("groups", {})
        if not isinstance(groups, Mapping):
            raise InvalidInputError(f"display_names: groups must be a mapping of columns to mappings, got {groups!r}")
        return cls(
            _texts(names.get("columns", {}), "display_names: columns"),
            _texts(names.get("classes", {}), "display_names: classes"),
            {str(key): _texts(value, f"display_names: groups of {key}") for key, value in groups.items()},
            _texts({} if units is None else units, "units", distinct=False),
        )

    def check(self, columns: Iterable[Any], classes: Iterable[Any] | None, groups: Mapping[str, Iterable[Any]]) -> None:
        """Refuse names of what is not there, or that are those of something else.

        Parameters
        ----------
        columns : names of inputs and of sensitive columns
        classes : labels, or None for a regressor
        groups : mapping of sensitive column to its values
            A column that is cut into bands has groups whose names nobody knows before; those of any name are taken.

        Raises
        ------
        InvalidInputError
            With the nearest name.
        """
        inputs = [str(column) for column in columns]
        _known(self.columns, inputs, "display_names: columns")
        _known(self.units, inputs, "units")
        _known(self.classes, [] if classes is None else [str(one) for one in classes], "display_names: classes")
        _known(self.groups, list(groups), "display_names: groups")
        _apart(self.columns, inputs, "display_names: columns")
        _apart(self.classes, [] if classes is None else [str(one) for one in classes], "display_names: classes")
        for attribute, names in self.groups.items():
            _apart(names, [str(value) for value in groups[attribute]], f"display_names: groups of {attribute}")

    def column(self, name: Any) -> str:
        """A column, or an intersection of columns."""
        text = str(name)
        if text in self.columns:
            return self.columns[text]
        return CROSSED.join(self.columns.get(column_name, column_name) for column_name in text.split(CROSSED))

    def group(self, attribute: Any, name: Any) -> str:
        """A group of a sensitive column, or of an intersection."""
        text, where = str(name), str(attribute)
        if where in self.groups:
            return self.groups[where].get(text, text)
        attributes, names = where.split(CROSSED), text.split(CROSSED)
        if len(attributes) != len(names):
            return text  # a name that holds the sign itself: which side is whose cannot be told
        return CROSSED.join(self.groups.get(a, {}).get(n, n) for a, n in zip(attributes, names, strict=True))

    def of_class(self, label: Any) -> str:
        """A class."""
        return self.classes.get(str(label), str(label))

    def unit(self, column: Any) -> str:
        """Unit of a column; empty where none was given."""
        return self.units.get(str(column), "")

    def unit_of_shown(self, name: Any) -> str:
        """Unit of the column that is shown under a name; empty where none was given."""
        return next((unit for column, unit in self.units.items() if self.column(column) == str(name)), "")

    def as_dict(self) -> dict[str, Any]:
        """The names that were given, as plain mappings."""
        return {kind: value for kind in (*KINDS, "units") if (value := _plain(getattr(self, kind)))}


def _plain(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: dict(item) if isinstance(item, Mapping) else item for key, item in value.items()}


def _texts(names: Any, what: str, distinct: bool = True) -> dict[str, str]:
    if not isinstance(names, Mapping):
        raise InvalidInputError(f"{what} must be a mapping of names to texts, got {names!r}")
    out = {str(key): value for key, value in names.items()}
    for key, value in out.items():
        if not isinstance(value, str) or not value.strip():
            raise InvalidInputError(f"{what}: the name of {key!r} must be a text that is not empty, got {value!r}")
    values = list(out.values())
    if distinct and (twice := [value for value in values if values.count(value) > 1]):
        raise InvalidInputError(f"{what} must have distinct names, got {twice[0]!r} twice")
    return out


def _known(names: Mapping[str, Any], present: list[str], what: str) -> None:
    for name in names:
        if name not in present:
            raise InvalidInputError(f"{what} must be of what is there, got {name!r}{did_you_mean(name, present)}")


def _apart(names: Mapping[str, str], present: list[str], what: str) -> None:
    """A display name that is the name of another thing would make two things look like one."""
    for name, shown in names.items():
        if shown != name and shown in present and shown not in names:
            raise InvalidInputError(f"{what}: {name!r} must not be shown as {shown!r}, which is another one's name")
