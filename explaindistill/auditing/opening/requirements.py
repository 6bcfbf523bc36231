"""What the caller required, and what came of it: the verdicts of an audit, requirement by requirement."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from explaindistill.auditing.opening.audited import Audited, rows_word
from explaindistill.auditing.opening.evidence import Evidence
from explaindistill.auditing.opening.sentences import Origin, Word
from explaindistill.auditing.opening.spelling import SPACE, Unit
from explaindistill.measures.verdicts import SEVERITY, Requirement, parse, worst

__all__ = ["BIASED", "Judged", "judged", "metric_words", "required", "unit_of"]

BIASED = frozenset(
    {"bias", "worst_pairs", "gaps", "rates", "transfer", "group_fidelity", "flips", "proxies", "calibration", "strata",
     "missing_bounds", "leaf_audit", "attribution_gaps"}
)  # fmt: skip
"""Frames that compare groups: requirements on them are told where bias is told."""
SHARES = frozenset(
    {"agreement", "agreement_argmax", "agreement_macro", "agreement_worst_class", "accuracy", "balanced_accuracy",
     "selection_rate", "base_rate", "true_positive_rate", "false_positive_rate", "positive_predictive_value",
     "negative_predictive_value", "flip_rate", "recall"}
)  # fmt: skip
WORDS = {
    "agreement": "decides like the teacher on",
    "accuracy": "is right on",
    "r2": "reproduces the teacher's answers with an R² of",
}
PLAIN = {
    "fidelity.agreement": ("that a student decides like the teacher on at least ", " of "),
    "bias.worst_impact_ratio": ("that no group gets the wanted decision less than ", " as often as another"),
}
"""Requirements of at least a share that have words: before and behind the share; those that end with a space go on
with the reader's word for rows."""


@dataclass(frozen=True)
class Judged:
    """One requirement and its worst verdict by model.

    Attributes
    ----------
    key : str
        Such as ``"fidelity.agreement"``.
    rule : Requirement
    by_subject : mapping of str to Evidence
        The line of ``verdicts`` that decides; worst is fail before inconclusive before cannot say before pass.
    """

    key: str
    rule: Requirement
    by_subject: dict[str, Evidence]

    @property
    def frame(self) -> str:
        """Name of the frame that it is about, or ``bias``."""
        return self.key.partition(".")[0]

    def verdict(self, subject: str) -> str:
        """What came of it for one model; empty where it is not about it."""
        line = self.by_subject.get(subject)
        return "" if line is None else str(line["verdict"])


def judged(audit: Audited) -> list[Judged]:
    """All requirements of the caller, in their order."""
    table = audit.frames.get("verdicts")
    if table is None or not len(table):
        return []
    first = worst(table.reset_index(drop=True))
    lines = [Evidence("verdicts", int(at), table.iloc[int(at)].to_dict()) for at in first["at"]]
    out = []
    for key, text in audit.requirements.items():
        rule = parse(text)
        mine = {str(line["subject"]): line for line in lines if line["rule"] == f"{key} {rule.text}"}
        out.append(Judged(str(key), rule, mine))
    return out


def worst_of(verdicts: Iterable[str]) -> str:
    """The gravest of several verdicts; empty where there is none."""
    stated = [verdict for verdict in verdicts if verdict]
    return min(stated, key=SEVERITY.index) if stated else ""


def unit_of(metric: str) -> Unit:
    """The unit in which a metric is written."""
    if metric in SHARES:
        return "share"
    of_rates = metric.removesuffix("_difference").removesuffix("_worst") in SHARES
    return "points" if metric == "transfer" or (metric.endswith("_difference") and of_rates) else "number"


def metric_words(metric: str) -> str:
    """A verb for the metrics that have one; else the name of the metric without its underlines."""
    return WORDS.get(metric, f"has {metric.replace('_', ' ')}")


def required(audit: Audited, one: Judged) -> list[Word]:
    """The requirement in words, where there are such for it, else as it was typed."""
    origin = (Origin("audit", 0, f"requirements.{one.key}"),)
    rule = one.rule
    if one.key in PLAIN and rule.closed and rule.high == float("inf"):
        before, behind = PLAIN[one.key]
        bound = Word(f"{100 * rule.low:g}{SPACE}%", "bound", origin, rule.low)
        return [Word(before), bound, Word(behind), *([rows_word(audit)] if behind.endswith(" ") else [])]
    return [Word(f"{one.key} {rule.text}", "code", origin)]


def bounds_of(rule: Requirement) -> list[float]:
    """The finite ends of what is allowed: figures are not rounded onto them."""
    return [end for end in (rule.low, rule.high) if abs(end) != float("inf")]
