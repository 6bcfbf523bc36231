"""The model card: what a hub of models asks of a README, filled from an audit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from explaindistill.report import blocks as b
from explaindistill.report.metrics import describe_metric
from explaindistill.report.tables import frame_of, rows_of
from explaindistill.report.words import name
from explaindistill.report.writers.json import plain
from explaindistill.report.writers.markdown import escape, opened, written
from explaindistill.report.writers.opening import title_of

__all__ = ["card"]

METRICS = ("agreement", "accuracy", "auc", "r2", "rmse", "mae", "brier", "log_loss")
CHAPTERS = {
    "Model details": ("students",),
    "Intended use and its limits": ("limits",),
    "Training data": ("corpus",),
    "Evaluation": ("glance", "fidelity", "importance"),
    "Bias, risks and limitations": ("bias", "stability"),
    "Technical specifications": ("teacher", "method"),
    "Glossary": ("glossary",),
}


def card(audit: Any, sections: Mapping[str, b.Section]) -> str:
    """A model card as Markdown with a YAML head, in the layout of the Hugging Face hub.

    Parameters
    ----------
    audit : Audit
    sections : mapping of name to Section

    Returns
    -------
    str
        Strings of the head are quoted as JSON, which YAML reads as they are.
    """
    parts = [_head(audit), f"# Model card: {escape(title_of(audit))}", *opened(audit, 2)]
    parts.append(
        f"Readable models that imitate {escape(name(audit.teacher_name))}. Figures carry 95 % intervals "
        "and the number of rows behind them; undefined stays undefined. Nothing here certifies anything."
    )
    for chapter, names in CHAPTERS.items():
        inside = [written(sections[key], 3) for key in names if key in sections]
        inside = [*_said(audit, chapter), *inside]
        parts += [f"## {chapter}", *inside]
    return "\n\n".join(parts) + "\n"


SAID: Mapping[str, Mapping[str, str]] = {
    "Model details": {"owner": "Answers for it", "date": "Date of the audit"},
    "Intended use and its limits": {"decision": "Decision", "purpose": "Purpose"},
    "Evaluation": {"data_name": "Audited rows"},
}
"""By chapter what people said about the audit, and how it is introduced."""


def _said(audit: Any, chapter: str) -> list[str]:
    """What people said that belongs into a chapter; nothing of it is made up where they did not."""
    stated = {label: getattr(audit.about, field) for field, label in SAID.get(chapter, {}).items()}
    lines = [f"- **{label}**: {escape(value)}" for label, value in stated.items() if value]
    return ["\n".join(lines)] if lines else []


def _head(audit: Any) -> str:
    manifest = audit.manifest
    task = "tabular-regression" if audit.classes is None else "tabular-classification"
    lines = ["---"]
    if manifest.get("licence"):
        lines.append(f"license: {_quoted(manifest['licence'])}")
    lines += ["library_name: explaindistill", f"pipeline_tag: {task}", "tags:"]
    lines += [f"- {tag}" for tag in ("distillation", "interpretability", "surrogate-model", "audit", task)]
    lines.append("model-index:")
    for student in audit.students:
        lines += [f"- name: {_quoted(str(student))}", "  results:", "  - task:", f"      type: {task}"]
        digest = manifest.get("data_sha256", "not recorded")
        lines += [
            "    dataset:",
            f"      name: {_quoted(audit.about.data_name or 'audited rows')}",
            f"      type: {_quoted(f'sha256:{digest}')}",
        ]
        lines += ["    metrics:", *(_metrics(audit, str(student)) or ["    []"])]
    return "\n".join([*lines, "---"])


def _metrics(audit: Any, student: str) -> list[str]:
    lines = []
    for frame, against in (("fidelity", "against the teacher"), ("performance", "against the labels")):
        rows = rows_of(frame_of(audit, frame), subject=student, metric=METRICS)
        rows = rows_of(rows, subset="") if "subset" in rows else rows
        for row in rows.to_dict("records"):
            if (value := plain(float(row["estimate"]))) is None:
                continue
            words = f"{describe_metric(str(row['metric'])).title}, {against}"
            lines += [f"    - type: {row['metric']}", f"      value: {value!r}", f"      name: {_quoted(words)}"]
    return lines


def _quoted(text: Any) -> str:
    return json.dumps(str(text))
