"""The frame ``stability``: how much of a student another sample of rows would have changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from explaindistill.auditing.answers import aligned
from explaindistill.auditing.frames._lines import stack
from explaindistill.auditing.inputs import AuditInput
from explaindistill.auditing.models import Model
from explaindistill.auditing.objects.record import ObjectAudit
from explaindistill.auditing.options import AuditOptions
from explaindistill.measures.stability import stability

__all__ = ["FRAMES", "measure"]

FRAMES = ("stability",)


def measure(
    inputs: AuditInput, options: AuditOptions, rng: np.random.Generator, frames: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """Refit each student that was distilled on bootstrapped rows of fitting, with a fresh seed and a fresh corpus."""
    return {"stability": stack(_stability(inputs, options.n_refits))}


def _stability(inputs: AuditInput, n_refits: int) -> Iterator[pd.DataFrame]:
    for s in inputs.students:
        if n_refits and inputs.train is not None and s.distiller is not None:
            yield _stability_of(inputs, s, inputs.train, n_refits)


def _stability_of(inputs: AuditInput, model: Model, train: tuple[Any, Any], n_refits: int) -> pd.DataFrame:
    if inputs.objects is not None:
        return _of_objects(inputs, inputs.objects, model, n_refits)
    schema, rule = inputs.rows.schema, inputs.rule
    rows, labels = schema.frame(train[0]), np.asarray(train[1])
    refitted: dict[int, Any] = {}  # by the identity of its student: the measure hands students around, not Distillers

    def refit(seed: int) -> Any:
        at = np.sort(np.random.default_rng([seed, 3]).integers(len(rows), size=len(rows)))
        again = clone(model.distiller).set_params(random_state=seed)
        again.fit(schema.restore(rows.iloc[at].reset_index(drop=True)), labels[at])
        refitted[id(again.student_)] = again
        return again.student_

    def answer(student: Any, X: pd.DataFrame) -> NDArray[Any]:
        again = refitted[id(student)]
        if rule.classes is None:
            return np.asarray(again.predict(schema.restore(X)), dtype=float)
        return inputs.decided(aligned(again.predict_proba(schema.restore(X)), again.classes_, rule.classes))

    return stability(refit, inputs.rows.frame, answer, seeds=range(n_refits), subject=model.name)


def _of_objects(inputs: AuditInput, objects: ObjectAudit, model: Model, n_refits: int) -> pd.DataFrame:
    """The same with objects of fitting: their columns are made anew each time, too."""
    rows, labels, rule = objects.train, np.asarray(objects.train_labels), inputs.rule
    assert rows is not None
    refitted: dict[int, Any] = {}

    def refit(seed: int) -> Any:
        at = np.sort(np.random.default_rng([seed, 3]).integers(len(rows), size=len(rows)))
        again = clone(model.distiller).set_params(random_state=seed)
        again.fit(objects.rows.restored(rows.iloc[at].reset_index(drop=True)), labels[at])
        refitted[id(again.student_)] = again
        return again.student_

    def answer(student: Any, X: pd.DataFrame) -> NDArray[Any]:
        again = refitted[id(student)]
        if rule.classes is None:
            return np.asarray(again.predict(objects.frame), dtype=float)
        return inputs.decided(aligned(again.predict_proba(objects.frame), again.classes_, rule.classes))

    return stability(refit, inputs.rows.frame, answer, seeds=range(n_refits), subject=model.name)
