"""Which inputs carry the teacher's gap, or, without one, which its answers rest on; to carry is not to cause."""

from __future__ import annotations

from collections.abc import Iterator

from explaindistill.auditing.opening.audited import Audited, attributes_of, group_word
from explaindistill.auditing.opening.evidence import Evidence, evidence, figure, joined, reasons, says, spread
from explaindistill.auditing.opening.gaps import Gap, joint_limits, widest_gap
from explaindistill.auditing.opening.sentences import Origin, Sentence, Word
from explaindistill.auditing.opening.spelling import Unit

__all__ = ["gives_away", "spoken_proxies", "which_inputs_carry", "whole_gap"]

MOST_NAMED = 3
"""Columns that are named: more than three figures in a sentence are not read."""
STRONG = 0.6
"""Low limit of the AUC from which a column is said to give a group away: below, it tells little more than chance."""


def which_inputs_carry(audit: Audited) -> Iterator[Sentence]:
    """The parts of the first gap that is sure, in the order of the caller; else the columns that weigh most."""
    for attribute in attributes_of(audit):
        gap = widest_gap(audit, attribute)
        if gap is not None and gap.is_sure:
            yield _parts_of(audit, gap)
            # no attributions are reckoned over columns of objects: what the answers rest on is known all the same
            if evidence(audit.frames, "importance", metric="silencing", subject="teacher"):
                yield _weights(audit)
            return
    yield _weights(audit)


def _parts_of(audit: Audited, gap: Gap) -> Sentence:
    lines = _between(audit, gap)
    whole = whole_gap(lines)
    if whole is None:
        attribute = gap.line.word("attribute")
        why = evidence(audit.frames, "attribution_gaps", defined=False, subject="teacher", attribute=attribute)
        why = [line for line in why if line.word("reason")]
        unasked = audit.manifest.get("measuring", {}).get("n_explained") == 0
        because = reasons(why) or ([Word(": n_explained was 0")] if unasked else [])
        name = Word(audit.names.column(attribute), "column", (gap.line.origin("attribute"),))
        return says("inputs", "which inputs carry the gap by ", name, " was not measured", because, ".",
                    link="attribution_gaps", verdict="cannot say")  # fmt: skip
    unit: Unit = "points" if audit.task == "classification" else "number"
    kind = "mean probability" if audit.task == "classification" else "mean answer"
    start: list[str | Word] = [f"of the teacher's gap in the {kind} between ", group_word(audit, whole), " and "]
    start += [group_word(audit, whole, "reference"), ", ", figure(whole, unit), " ", spread(whole, unit), ", "]
    carriers = _carriers(lines, whole)
    if not carriers:
        none = Word("no single column carries a share that can be told from chance", "verdict", _limits(lines))
        return says("inputs", start, none, ".", link="attribution_gaps")
    pieces = [[*_column(audit, line), Word(" "), figure(line, unit), Word(" "), spread(line, unit),
               *gives_away(audit, line)] for line in carriers]  # fmt: skip
    claim = Word(" carries ", "verdict", _limits(carriers))
    pieces[0] = [*pieces[0][:1], claim, *pieces[0][2:]]
    return says("inputs", start, joined(pieces), ".", link="attribution_gaps")


def _limits(lines: list[Evidence]) -> tuple[Origin, ...]:
    return tuple(line.origin(column) for line in lines for column in ("low", "high"))


def _between(audit: Audited, gap: Gap) -> list[Evidence]:
    """Parts of the teacher's gap between the two groups of the widest gap, or of its lower group and another one.

    On the scale of probabilities, or of values, where it was measured there.
    """
    attribute, sides = gap.line.word("attribute"), {gap.line.word("group"), gap.line.word("reference")}
    lines = evidence(audit.frames, "attribution_gaps", subject="teacher", attribute=attribute)
    plain = [line for line in lines if line.word("subset") in {"probability", "value"} and line.has_limits]
    exact = [line for line in plain if {line.word("group"), line.word("reference")} == sides]
    if exact:
        return exact
    lower = gap.line.word("group")
    return [line for line in plain if lower in {line.word("group"), line.word("reference")}]


def whole_gap(lines: list[Evidence]) -> Evidence | None:
    """The line of all columns together, where its interval excludes 0 or not; None where there is none."""
    totals = [line for line in lines if line["metric"] == "attribution_gap_total"]
    return totals[0] if totals else None


def _carriers(lines: list[Evidence], whole: Evidence) -> list[Evidence]:
    """Columns whose part has the sign of the whole and is told from 0 among all columns; the largest first."""
    pair = (whole.word("group"), whole.word("reference"))
    parts = [
        line
        for line in lines
        if line["metric"] == "attribution_gap" and (line.word("group"), line.word("reference")) == pair
    ]
    sign = 1 if float(whole["estimate"]) > 0 else -1
    sure = []
    for line in parts:
        low, high = joint_limits(line, len(parts))
        if (low > 0 and sign > 0) or (high < 0 and sign < 0):
            sure.append(line)
    return sorted(sure, key=lambda line: -abs(float(line["estimate"])))[:MOST_NAMED]


def _column(audit: Audited, line: Evidence) -> list[Word]:
    return [Word(audit.names.column(line.word("feature")), "column", (line.origin("feature"),))]


def gives_away(audit: Audited, line: Evidence) -> list[Word]:
    """That a column which is not the attribute itself tells its groups apart; nothing where it does not."""
    attribute, feature = line.word("attribute"), line.word("feature")
    if feature == attribute:
        return [Word(" (the column itself)")]
    sides = [line.word("group"), line.word("reference")]
    lines = evidence(
        audit.frames,
        "proxies",
        metric="proxy_auc",
        subject="teacher",
        attribute=attribute,
        feature=feature,
        group=sides,
    )
    strong = [one for one in lines if one.has_limits and float(one["low"]) > STRONG]
    if not strong:
        return []
    one = max(strong, key=lambda proxy: float(proxy["low"]))
    claim = Word("gives ", "verdict", (one.origin("low"),))
    return [Word(", which "), claim, Word(audit.names.column(attribute), "column", (one.origin("attribute"),)),
            Word(" away (AUC "), figure(one, "number"), Word(" "), spread(one, "number"), Word(")")]  # fmt: skip


def spoken_proxies(audit: Audited) -> list[tuple[str, str]]:
    """Sensitive column and input of which the sentence about the gap says already that the one gives the other away."""
    for attribute in attributes_of(audit):
        gap = widest_gap(audit, attribute)
        if gap is not None and gap.is_sure:
            lines = _between(audit, gap)
            whole = whole_gap(lines)
            carriers = [] if whole is None else _carriers(lines, whole)
            others = [line for line in carriers if line.word("feature") != attribute]
            return [(attribute, line.word("feature")) for line in others if gives_away(audit, line)]
    return []


def _weights(audit: Audited) -> Sentence:
    """The columns whose shuffling, or silencing where rows are columns of objects, changes the answers most."""
    lines = evidence(audit.frames, "importance", metric="permutation", subject="teacher")
    how = "are shuffled, by permutation importance: "
    if not lines and (lines := evidence(audit.frames, "importance", metric="silencing", subject="teacher")):
        how = "say nothing, by silencing: "
    if not lines:
        why = evidence(audit.frames, "importance", defined=False, metric="permutation", subject="teacher")
        return says("inputs", "cannot say", reasons(why), ".", link="importance", verdict="cannot say")
    ranked = sorted(lines, key=lambda line: (-float(line["estimate"]), line.word("feature")))[:MOST_NAMED]
    pieces = [[*_column(audit, line), Word(" ("), figure(line, "number"), Word(" "), spread(line, "number"), Word(")")]
              for line in ranked]  # fmt: skip
    return says("inputs", "the teacher's answers change most where these ", how,
                joined(pieces), ".", link="importance")  # fmt: skip
