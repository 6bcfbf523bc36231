"""Public names are listed, sorted, documented, and there."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import pytest

import explaindistill


def public_modules() -> list[str]:
    """Modules of the package whose path has no leading underscore."""
    walked = pkgutil.walk_packages(explaindistill.__path__, "explaindistill.")
    return ["explaindistill", *(m.name for m in walked if not any(p.startswith("_") for p in m.name.split(".")))]


def constants_first(name: str) -> tuple[int, str]:
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


@pytest.mark.parametrize("name", public_modules())
def test_all_is_sorted_and_there(name):
    module = importlib.import_module(name)
    if hasattr(module, "__path__") and not hasattr(module, "__all__") and name != "explaindistill":
        return  # a room: its modules have the names
    assert isinstance(module.__all__, list | tuple), f"{name} has no __all__"
    assert list(module.__all__) == sorted(module.__all__, key=constants_first), f"{name}.__all__ is not sorted"
    for member in module.__all__:
        assert hasattr(module, member), f"{name}.__all__ names {member}, which is not there"
    assert module.__doc__, f"{name} has no docstring"


@pytest.mark.parametrize("name", public_modules())
def test_public_things_are_documented(name):
    module = importlib.import_module(name)
    for member in getattr(module, "__all__", []):
        thing = getattr(module, member)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert inspect.getdoc(thing), f"{name}.{member} has no docstring"


def test_front_door():
    """The names a user imports; a change here is a change for users."""
    assert set(explaindistill.__all__) >= {
        "Audit",
        "DeferringClassifier",
        "Distiller",
        "Feature",
        "GAMClassifier",
        "GAMRegressor",
        "LabelStore",
        "LinearClassifier",
        "LinearRegressor",
        "OnlineStudent",
        "PolicyDistiller",
        "Rights",
        "Schema",
        "TreeClassifier",
        "TreeRegressor",
        "audit",
        "audit_policy",
        "compress",
        "fidelity_scorer",
        "label",
        "lending",
        "lineage",
        "make_fidelity_scorer",
        "refine",
    }
    assert dir(explaindistill) == sorted([*explaindistill.__all__, "__version__"])


def test_unknown_name():
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        explaindistill.nothing  # noqa: B018 - the access itself is what raises
