"""Students by their names on the command line."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

from explaindistill import plugins
from explaindistill.errors import InvalidInputError, did_you_mean
from explaindistill.protocols import Task

__all__ = ["check_students", "make_students"]

KIND: dict[Task, str] = {"classification": "Classifier", "regression": "Regressor"}


def check_students(names: Iterable[str], settings: Iterable[str]) -> None:
    """Refuse a name or a setting that is none for any task: that can be told before a teacher or a row is read.

    Raises
    ------
    InvalidInputError
        As :func:`make_students`, with the nearest name.

    Examples
    --------
    >>> check_students(["treee"], [])
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: students has no 'treee'; did you mean 'tree'?; there are: ...
    """
    chosen = list(names)
    tasks: list[Task] = [task for task in KIND if all(_estimator(name, task) is not None for name in chosen)]
    if tasks:  # else the task decides, and the message of make_students says which student does not do it
        make_students(chosen, tasks[0], settings, seed=0)


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
            near = did_you_mean(name, chosen)
            raise InvalidInputError(f"set names the student {name!r}{near}; there are: {', '.join(chosen)}")
        parameters = sorted(chosen[name].get_params(deep=False))
        if parameter not in parameters:
            near = did_you_mean(parameter, parameters)
            raise InvalidInputError(
                f"set names {name}.{parameter}{near}; parameters of {name} are: {', '.join(parameters)}"
            )
        chosen[name].set_params(**{parameter: value})
    for student in chosen.values():
        if "random_state" in student.get_params(deep=False) and student.random_state is None:
            student.set_params(random_state=seed)
    return chosen


def _of_task(name: str, task: Task) -> Any:
    estimator = _estimator(name, task)
    if estimator is None:
        raise InvalidInputError(f"student {name} does no {task}; it has: {', '.join(_estimators(name))}")
    return estimator


def _estimator(name: str, task: Task) -> Any:
    return next((estimator for key, estimator in _estimators(name).items() if key.endswith(KIND[task])), None)


def _estimators(name: str) -> dict[str, Any]:
    return {key: thing for key, thing in plugins.public("students", name).items() if isinstance(thing, type)}


def _parts(setting: str) -> tuple[str, str, Any]:
    path, equals, text = setting.partition("=")
    name, dot, parameter = path.strip().partition(".")
    if not (equals and dot and parameter):
        raise InvalidInputError(f"set must look like tree.max_leaf_nodes=8, got {setting!r}")
    try:
        return name, parameter, ast.literal_eval(text.strip())
    except (ValueError, SyntaxError):
        return name, parameter, text.strip()
