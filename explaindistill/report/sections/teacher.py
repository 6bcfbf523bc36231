"""The teacher: what it is, how well it does, and what was declared about it."""

from __future__ import annotations

from typing import Any

from explaindistill.report.blocks import Block, Facts, Section, Text
from explaindistill.report.tables import frame_of, rows_of, tidy
from explaindistill.report.words import name, number

__all__ = ["section"]


def section(audit: Any) -> Section:
    """What was asked, and how good its answers are."""
    pairs = [("Teacher", name(audit.teacher_name))]
    if audit.classes is not None:
        pairs.append(("Classes", ", ".join(name(c, 30) for c in list(audit.classes)[:20])))
        if audit.favorable is not None:
            pairs.append(("Favourable decision", name(audit.favorable)))
        pairs.append(("Decision rule", _rule(audit)))
    else:
        pairs.append(("Answers", "numbers (regression)"))
    declared = audit.manifest.get("teacher")
    if isinstance(declared, dict):
        plain = {key: value for key, value in declared.items() if key != "rights" and value not in (None, "")}
        pairs += [(name(key.replace("_", " ")), name(value, 90)) for key, value in plain.items()]
        pairs += _rights(declared.get("rights"))
    blocks: list[Block] = [
        Text("The teacher is the model under audit. It was asked, and never trained or changed."),
        Facts(tuple(pairs)),
    ]
    performance = rows_of(frame_of(audit, "performance"), subject="teacher")
    if performance.empty:
        blocks.append(Text("How good the teacher is cannot be said: no true labels were given.", "note"))
    else:
        blocks.append(tidy(performance, "Against the true labels", ("metric", "subset"), ("measure", "rows")))
    if not (each := frame_of(audit, "teachers")).empty:
        heads = ("measure", "model", "compared with", "rows")
        blocks.append(tidy(each, "Each teacher of the ensemble", ("metric", "subject", "reference", "subset"), heads))
    return Section("The teacher", 10, tuple(blocks))


def _rights(declared: Any) -> list[tuple[str, str]]:
    """What was declared about whose teacher it is; a line of each for several teachers."""
    pairs = []
    for one in declared if isinstance(declared, list) else [declared]:
        if one is None:
            pairs.append(("Rights", "nothing was declared about whose teacher this is and under what terms it answers"))
            continue
        pairs += [(word, name(one[key], 400)) for key, word in _RIGHTS.items()]
    return pairs


_RIGHTS = {"owner": "Owner", "terms": "Licence or terms", "declaration": "Declared"}


def _rule(audit: Any) -> str:
    if len(audit.classes) > 2:
        return "the class with the highest probability"
    if isinstance(audit.threshold, dict):
        return f"the top {number(100 * float(audit.threshold.get('top', 0)))} % of scores"
    favorable = name(audit.favorable) if audit.favorable is not None else name(list(audit.classes)[-1])
    return f"“{favorable}” where its probability is at least {float(audit.threshold):g}"
