"""Public signatures say what they take: ``Any`` stands only where nothing narrower is true."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import explaindistill as xd

ANY = {
    "ax": "an Axes of matplotlib, which stays at the door",
    "axes": "the same, several",
    "choice": "a value that depends on the picture that is asked for",
    "estimator": "any estimator of scikit-learn",
    "env": "an environment of gymnasium, which stays at the door",
    "features": "names of columns, positions, or any transformer",
    "change": "columns, or a mapping of them to what may change",
    "random_state": "what scikit-learn's check_random_state takes",
    "rows": "tables of several parts, each of its own kind",
    "sampler": "any sampler, or a word",
    "state": "what pickle hands over",
    "store": "a path or an open store",
    "student": "any estimator of scikit-learn, or a choice that is still to be made",
    "students": "the same, one or several by name",
    "threshold": "a number or a mapping",
    "wanted": "a class or an interval",
    "where": "what matplotlib takes",
}
"""Parameters that may be anything, and why no narrower type is true."""
MOST_RETURNED = 40
"""Public callables that return Any: copies of their own class, and Axes; this number may only fall."""


def public_callables():
    """Name and signature of every function and method that ``explaindistill.__all__`` leads to."""
    for name in xd.__all__:
        thing = getattr(xd, name)
        members = {"": thing}
        if inspect.isclass(thing):
            members = {key: getattr(thing, key, None) for key in dir(thing) if not key.startswith("_")}
            members["__init__"] = thing.__init__
        for key, member in members.items():
            if callable(member) and str(getattr(member, "__module__", "")).startswith("explaindistill"):
                yield f"{name}.{key}".rstrip("."), inspect.signature(member)


CALLABLES = dict(public_callables())


def test_there_are_many():
    assert len(CALLABLES) > 200


@pytest.mark.parametrize("name", CALLABLES)
def test_parameters_have_types(name):
    single = [p for p in CALLABLES[name].parameters.values() if p.kind is not p.VAR_KEYWORD and p.name != "self"]
    bare = [p.name for p in single if p.annotation in ("Any", Any) and p.name not in ANY]
    assert bare == []
    assert [p.name for p in single if p.annotation is p.empty and p.name not in ("cls",)] == []


def test_few_return_anything():
    returned = [name for name, signature in CALLABLES.items() if signature.return_annotation in ("Any", Any)]
    assert len(returned) <= MOST_RETURNED, returned
