"""One audit measured: all frames, without what is about few people, and the verdicts on what is left."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from explaindistill.asking.progress import enter
from explaindistill.auditing.audit_rows import AuditRows
from explaindistill.auditing.failures import Failures
from explaindistill.auditing.frames.cells import partitions
from explaindistill.auditing.frames.every import measure_all, notes, suppressed
from explaindistill.auditing.inputs import AuditInput
from explaindistill.auditing.manifest import manifest
from explaindistill.auditing.notes import nobody_said
from explaindistill.auditing.objects.teacher import behind
from explaindistill.auditing.options import AuditOptions
from explaindistill.auditing.partitions.whole import EveryRow
from explaindistill.auditing.record import Audit
from explaindistill.auditing.stages import FINISHING
from explaindistill.data.disclosure import MIN_CATEGORY_SIZE
from explaindistill.measures.dependent_rows import dependence_warnings
from explaindistill.measures.suppression import with_common_values
from explaindistill.measures.verdicts import check

__all__ = ["measured"]


def measured(
    inputs: AuditInput,
    options: AuditOptions,
    requirements: dict[str, str],
    failures: Failures,
    whole: EveryRow | None,
) -> Audit:
    """Measure, withhold what is about few people, count the rows beyond the drawn ones, and judge what is left."""
    for model, error in inputs.errors.items():
        failures.add("inputs", ["fidelity", "performance"], error, model)
    size = min(MIN_CATEGORY_SIZE, options.min_group_size)
    inputs = replace(inputs, rows=_nameless(inputs.rows, size))
    inputs = _divided(inputs, options.min_group_size, failures)
    measured = measure_all(inputs, options, failures)
    enter(FINISHING)
    frames = suppressed(measured, inputs.rows.counted_attributes(), options.min_group_size, failures)
    every = None if whole is None else whole.measured(inputs, frames, options, failures)
    frames = frames if every is None else every.frames
    sentences = notes(frames, failures)
    frames["failures"] = failures.to_frame()
    frames["verdicts"] = check(frames, requirements)
    record = manifest(inputs, options, requirements)
    return Audit(
        frames=frames,
        manifest=record if every is None else every.manifest(record),
        students={s.name: s.inner for s in inputs.students},
        schema=inputs.rows.disclosed(size),
        task=inputs.task,
        teacher_name=_teacher_name(behind(inputs.teacher.inner)),
        classes=inputs.rule.classes,
        favorable=inputs.rule.favorable,
        threshold=inputs.rule.threshold,
        notes=(
            *(() if every is None else every.notes),
            *nobody_said(inputs.rule, inputs.rows.attributes),
            *dependence_warnings(frames["dependent_rows"]),
            *inputs.notes,
            *sentences,
        ),
        requirements=requirements,
        bounds=inputs.bounds(),
        cells=inputs.partitions,
        row_values=tuple(inputs.row_values),
    )


def _nameless(rows: AuditRows, min_category_size: int) -> AuditRows:
    """Rows whose groups are named by enough people each: the name of a group of one would be that person's."""
    return replace(rows, attributes=with_common_values(rows.attributes, min_category_size))


def _divided(inputs: AuditInput, minimum: int, failures: Failures) -> AuditInput:
    """The input with the trees of the frame ``cells``; without them where none could be grown."""
    try:
        return replace(inputs, partitions=partitions(inputs, minimum))
    except MemoryError:
        raise
    except Exception as error:  # one frame rests on them
        failures.add("cells", ["cells"], error)
        return inputs


def _teacher_name(teacher: Any) -> str:
    inner = getattr(teacher, "estimator", getattr(teacher, "module", None))
    return type(teacher).__name__ + (f"({type(inner).__name__})" if inner is not None else "")
