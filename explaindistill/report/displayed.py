"""An audit as people read it: columns, classes and groups in its frames bear the names that the caller gave them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from explaindistill.auditing.display_names import DisplayNames
from explaindistill.report.student.shown import rules_as_shown

__all__ = ["displayed", "with_frames"]

COLUMNS = ("feature", "feature_2")
SIDES = ("group", "reference")
WHERE = "where "
CLASS = "class="
"""What the subset of a figure about one class begins with."""


def displayed(audit: Any) -> Any:
    """The audit with renamed cells; itself where no names were given.

    Only frames are renamed: they are what sections show. Students keep the names that they were fitted with, since
    their rules, exports and what-if panels apply them. The lines keep their places, so that figures of the opening are
    found in these frames, too.

    Examples
    --------
    >>> import explaindistill as xd
    >>> X = pd.DataFrame({"debt": [i / 200 for i in range(200)], "sex": ["f", "m"] * 100})
    >>> P = pd.DataFrame({"no": X["debt"], "yes": 1 - X["debt"]})
    >>> tree = xd.TreeClassifier(max_leaf_nodes=2).fit(X, P)
    >>> names = {"groups": {"sex": {"f": "women"}}}
    >>> options = {"sensitive": "sex", "favorable": "yes", "n_explained": 0, "display_names": names}
    >>> report = xd.audit((X, P), {"tree": tree}, X, **options)
    >>> sorted(set(displayed(report).frames["rates"]["group"]))
    ['m', 'women']
    """
    names = audit.names
    if not (names.columns or names.classes or names.groups or names.units):
        return audit
    rules: dict[str, str] = {}
    for student in audit.students.values():
        rules |= rules_as_shown(student, names)
    return with_frames(audit, {name: _renamed(frame, names, rules) for name, frame in audit.frames.items()})


def with_frames(audit: Any, frames: Mapping[str, pd.DataFrame]) -> Any:
    """The audit with other frames and the opening that it had: that was written from the frames as measured."""
    changed = replace(audit, frames=frames)
    changed.__dict__["opening"] = audit.opening  # where the cached property keeps it
    return changed


def _renamed(frame: Any, names: DisplayNames, rules: Mapping[str, str]) -> Any:
    if not isinstance(frame, pd.DataFrame) or not len(frame):
        return frame
    changed: dict[str, list[Any]] = {}
    for column in COLUMNS:
        if column in frame:
            changed[column] = [names.column(x) if isinstance(x, str) else x for x in frame[column]]
    if "attribute" in frame:
        attributes = [str(x) for x in frame["attribute"]]
        changed["attribute"] = [names.column(x) for x in attributes]
        for side in SIDES:
            if side in frame:
                changed[side] = [_side(names, a, x) for a, x in zip(attributes, frame[side], strict=True)]
    if "subset" in frame:
        changed["subset"] = [_of_rule(rules, _of_class(names, x)) for x in frame["subset"]]
    return frame.assign(**changed) if changed else frame


def _of_rule(rules: Mapping[str, str], value: Any) -> Any:
    """A rule of a student, by itself or after "where"."""
    if not isinstance(value, str):
        return value
    head = WHERE if value.startswith(WHERE) else ""
    rule = value.removeprefix(WHERE)
    return head + rules[rule] if rule in rules else value


def _side(names: DisplayNames, attribute: str, value: Any) -> Any:
    """A group of an attribute, or the two of a worst pair; what belongs to no attribute may name a class."""
    if not isinstance(value, str) or not value:
        return value
    if not attribute:
        return _of_class(names, value)
    return " against ".join(names.group(attribute, side) for side in value.split(" against "))


def _of_class(names: DisplayNames, value: Any) -> Any:
    if isinstance(value, str) and value.startswith(CLASS):
        return CLASS + names.of_class(value.removeprefix(CLASS))
    return value
