"""The teacher: what it is, how well it does, and what was declared about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from explaindistill.report.blocks import Block, Details, Facts, Section, Text
from explaindistill.report.metrics import describe_metric
from explaindistill.report.tables import frame_of, in_front, rows_of, tidy
from explaindistill.report.words import name, number

__all__ = ["section"]


def section(audit: Any) -> Section:
    """What was asked, and how good its answers are."""
    pairs = [("Teacher", name(audit.teacher_name))]
    if audit.classes is not None:
        pairs.append(("Classes", ", ".join(name(c) for c in list(audit.classes)[:20])))
        favorable = "not said" if audit.favorable is None else name(audit.favorable)
        pairs.append(("Favourable decision", favorable))
        pairs.append(("Decision rule", _rule(audit)))
    else:
        pairs.append(("Answers", "numbers (regression)"))
    declared = audit.manifest.get("teacher")
    if isinstance(declared, dict):
        plain = {key: value for key, value in declared.items() if key not in APART and value not in (None, "")}
        pairs += [(name(key.replace("_", " ")), name(value)) for key, value in plain.items()]
        pairs += _rights(declared.get("rights"))
    blocks: list[Block] = [
        Text("It was asked, and never trained or changed."),
        Facts(tuple(pairs)),
    ]
    performance = rows_of(frame_of(audit, "performance"), subject="teacher")
    if performance.empty:
        blocks.append(Text("How good the teacher is cannot be said: no true labels were given.", "note"))
    else:
        blocks.append(in_front(tidy(performance, "Against the true labels", ("metric", "subset"), ("measure", "rows"))))
    if not (each := frame_of(audit, "teachers")).empty:
        heads = ("measure", "model", "compared with", "rows")
        table = tidy(each, "Each teacher of the ensemble", ("metric", "subject", "reference", "subset"), heads)
        blocks.append(Details("Each teacher of the ensemble", (table,)))
    blocks += _check(audit)
    return Section("The teacher", 10, tuple(blocks), tab="data")


def _rights(declared: Any) -> list[tuple[str, str]]:
    """What was declared about whose teacher it is; a line of each for several teachers."""
    pairs = []
    for one in declared if isinstance(declared, list) else [declared]:
        if one is None:
            pairs.append(("Rights", "not declared: whose teacher this is, and under what terms it answers"))
            continue
        pairs += [(word, name(one[key])) for key, word in _RIGHTS.items()]
    return pairs


_RIGHTS = {"owner": "Owner", "terms": "Licence or terms", "declaration": "Declared"}


def _check(audit: Any) -> list[Block]:
    """Whether it is worth distilling: confidence, missing values, single columns, noise."""
    frame = frame_of(audit, "teacher")
    if frame.empty:
        return []
    blocks: list[Block] = []
    whole = frame[frame["feature"].isna() | (frame["feature"] == "")]
    whole = whole[whole["metric"] != "accuracy"]
    table = tidy(whole, "Confidence and noise", ("metric",), ("measure",))
    blocks.append(Details("Is it worth distilling? Confidence and noise", (Text(_WORTH), table)))
    flagged = frame[frame["suspicious"].eq(True)]
    for row in flagged.to_dict("records"):
        figure = f"{describe_metric(str(row['metric'])).title} {number(row['estimate'])}"
        blocks.append(Text(f"The column “{name(row['feature'])}” is {row['reason']}. {figure}.", "warning"))
    alone = rows_of(frame, metric=["single_feature_auc", "single_feature_r2"])
    alone = alone[alone["feature"].notna()].sort_values("estimate", ascending=False, kind="stable").head(TOP)
    if len(alone):
        caption = "What single columns tell about the true labels, out of fold"
        blocks.append(Details(caption, (tidy(alone, caption, ("feature", "metric"), ("column", "measure")),)))
    gone = rows_of(frame, metric=["accuracy_where_missing", "missing_flip", "missing_shift"])
    if len(gone):
        caption = "How it depends on missing values"
        shown = gone.sort_values(["feature", "metric"], kind="stable").head(3 * TOP)
        blocks.append(Details(caption, (tidy(shown, caption, ("feature", "metric"), ("column", "measure")),)))
    return blocks


APART = ("rights", "fingerprint", "kind")
"""Of what a teacher says of itself: rights have lines of their own, the digest stands in the manifest, and the kind in
the name."""
TOP = 12
_WORTH = (
    "A student repeats its teacher's faults. A teacher that is surer than it is right, that hangs on one column or on "
    "whether a value is missing, or that answers otherwise after a little noise, is worth a second look first."
)


def _rule(audit: Any) -> str:
    """How probabilities become decisions, as the decision rule of the audit says."""
    if audit.favorable is None:
        return "the class with the highest probability"
    if isinstance(audit.threshold, Mapping):
        return (
            f"“{name(audit.favorable)}” for the top {number(100 * float(audit.threshold['top']))} % of its probability"
        )
    if len(audit.classes) > 2:
        return "the class with the highest probability"
    return f"“{name(audit.favorable)}” where its probability is at least {float(audit.threshold):g}"
