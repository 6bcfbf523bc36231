"""The student itself, to be asked in the page: its generated script, and the controls that ask it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from explaindistill import plots
from explaindistill.data.schema import Feature, Schema
from explaindistill.errors import InvalidInputError
from explaindistill.export.javascript import generate
from explaindistill.report.blocks import WhatIf
from explaindistill.report.tables import frame_of, rows_of
from explaindistill.report.words import name

__all__ = ["live"]

LIVE_FEATURES = 60
MARKED = {"tree": "its path is marked in the tree above", "model tree": "its path is marked in the tree above"}
MARKED |= {"rules": "its rule is marked above"}


def live(student: Any, form: Mapping[str, Any], kind: str, id: str, audit: Any, key: str) -> list[WhatIf]:
    """What-if panel of one student; none where it reads more columns than a person can set."""
    try:
        script = generate(student)
    except InvalidInputError:
        return []
    schema = Schema.from_dict((form.get("tree") or form.get("rules") or form)["schema"])
    read = _read(form, schema)
    features = [f for f in schema if f.name in read]
    if not features or len(features) > LIVE_FEATURES:
        return []
    typical = {str(r["feature"]): r for r in frame_of(audit, "columns").to_dict("records")}
    partition, told = _cells(audit, key, features)
    classes = form.get("classes")
    n_outputs = len(form.get("intercept", [0]))
    place = classes.index(audit.favorable) if classes is not None and audit.favorable in classes else -1
    terms = [s["name"] for s in form.get("shapes", ())] or [c["feature"] for c in form.get("columns", ())]
    controls = {
        "id": id,
        "kind": kind,
        "classes": None if classes is None else [name(c) for c in classes],
        "features": [_control(f, typical.get(f.name, {})) for f in features],
        "terms": [name(t) for t in terms],
        "outline": f"{id}-outline" if kind in MARKED else None,
        "marked": MARKED.get(kind, ""),
        "output": 0 if n_outputs == 1 else place % n_outputs,
        "unit": _unit(form, kind),
        "cells": told,
    }
    script = _registered(script, id, "student") + (_registered(partition, f"{id}-cells", "student") if told else "")
    return [WhatIf(name(type(student).__name__), script, controls)]


def _unit(form: Mapping[str, Any], kind: str) -> str:
    if kind == "points":
        return f"points for {form['classes'][1]}"
    return "" if kind in MARKED else plots.effect_unit(form)


def _read(form: Mapping[str, Any], schema: Schema) -> set[str]:
    """Names of the columns that the student reads."""
    read = {g["feature"] for s in form.get("shapes", ()) for g in s["grids"]}
    read |= {n["feature"] for n in form.get("nodes", ()) if "feature" in n}
    read |= {c["feature"] for c in form.get("columns", ())}
    if "tree" in form:
        nodes, terms = form["tree"]["nodes"], form["tree"]["terms"]
        read |= {schema.names[n["feature"]] for n in nodes if "feature" in n}
        read |= {terms[t]["column"]["feature"] for n in nodes for t, _, _ in n.get("terms", ())}
    if "rules" in form:
        read |= {schema.names[part["feature"]] for rule in form["rules"]["rules"] for part in rule["literals"]}
    return read


def _registered(script: str, id: str, variable: str) -> str:
    register = f'(self.explaindistill = self.explaindistill || {{}})["{id}"] = {variable};'
    return f"(function () {{\n{script}{register}\n}})();\n"


def _cells(audit: Any, key: str, features: list[Feature]) -> tuple[str, dict[str, Any]]:
    """The tree that finds the cell of a row, and what the teacher answers there; nothing where the audit has none."""
    tree = getattr(audit, "cells", {}).get(key)
    lines = rows_of(frame_of(audit, "cells"), subject=key, status="ok")
    if tree is None or lines.empty:
        return "", {}
    told: dict[str, Any] = {}
    for line in lines.to_dict("records"):
        cell = told.setdefault(
            str(line["cell"]), {"n": int(line["n"]), "where": name(line["subset"], 200), "means": []}
        )
        cell["means"].append([float(f"{line[c]:.4g}") for c in ("estimate", "low", "high")])
    return generate(tree), told


def _control(feature: Feature, typical: Mapping[str, Any]) -> dict[str, Any]:
    control: dict[str, Any] = {"name": feature.name, "label": name(feature.name, 40), "kind": feature.kind}
    control["nullable"] = feature.nullable
    if feature.categories:
        usual = [str(c) for c in feature.categories].index(typical["mode"]) if typical.get("mode") else 0
        choices = [{"label": name(c, 40), "value": c} for c in feature.categories]
        return control | {"choices": choices, "value": usual}
    if feature.kind == "boolean":
        usual = int(typical.get("mode") == "yes")
        return control | {"choices": [{"label": "no", "value": False}, {"label": "yes", "value": True}], "value": usual}
    whole = feature.kind in {"integer", "datetime"}
    low, high = (_known(typical.get(a), b) for a, b in (("low", feature.minimum), ("high", feature.maximum)))
    span = high - low
    step: Any = 1 if whole else (10.0 ** math.floor(math.log10(span / 100)) if span > 0 else "any")
    middle = _known(typical.get("median"), (low + high) / 2)
    value = round(middle) if whole else float(f"{middle:.3g}")
    return control | {"minimum": low, "maximum": high, "step": step, "value": value}


def _known(value: Any, otherwise: float) -> float:
    """A number, or another where it is not known."""
    return otherwise if value is None or math.isnan(value) else float(value)
