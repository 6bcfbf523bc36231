"""Students by their names on the command line."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

from explaindistill import plugins
from explaindistill.errors import InvalidInputError
from explaindistill.protocols import Task

__all__ = ["make_students"]

KIND = {"classification": "Classifier", "regression": "Regressor"}


def make_students(
    names: Iterable[str], task: Task, settings: Iterable[str], seed: int, min_category_size: int | None = None
) -> dict[str, Any]:
    """Unfitted students by name, with the settings ``student.parameter=value``; these go before what is for all.

    Raises
    ------
    InvalidInputError
        If a name is no student, no student for this task, given twice, or a setting is none of its parameters.

    Examples
    --------
    >>> make_students(["tree"], "classification", ["tree.max_leaf_nodes=8"], seed=0)["tree"].max_leaf_nodes
    8
    """
    chosen: dict[str, Any] = {}
    for name in names:
        if name in chosen:
            raise InvalidInputError(f"student names {name} twice")
        chosen[name] = _of_task(name, task)()
    if min_category_size is not None:
        for student in chosen.values():
            if "min_category_size" in student.get_params(deep=False):
                student.set_params(min_category_size=min_category_size)
    for setting in settings:
        name, parameter, value = _parts(setting)
        if name not in chosen:
            raise InvalidInputError(f"set names the student {name!r}; there are: {', '.join(chosen)}")
        parameters = sorted(chosen[name].get_params(deep=False))
        if parameter not in parameters:
            raise InvalidInputError(f"set names {name}.{parameter}; parameters of {name} are: {', '.join(parameters)}")
        chosen[name].set_params(**{parameter: value})
    for student in chosen.values():
        if "random_state" in student.get_params(deep=False) and student.random_state is None:
            student.set_params(random_state=seed)
    return chosen


def _of_task(name: str, task: Task) -> Any:
    estimators = {key: thing for key, thing in plugins.public("students", name).items() if isinstance(thing, type)}
    for key, estimator in estimators.items():
        if key.endswith(KIND[task]):
            return estimator
    raise InvalidInputError(f"student {name} does no {task}; it has: {', '.join(estimators)}")


def _parts(setting: str) -> tuple[str, str, Any]:
    path, equals, text = setting.partition("=")
    name, dot, parameter = path.strip().partition(".")
    if not (equals and dot and parameter):
        raise InvalidInputError(f"set must look like tree.max_leaf_nodes=8, got {setting!r}")
    try:
        return name, parameter, ast.literal_eval(text.strip())
    except (ValueError, SyntaxError):
        return name, parameter, text.strip()
