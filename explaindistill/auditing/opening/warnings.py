"""What stands in front of all figures: what spoils them, what was withheld, and what to look at."""

from __future__ import annotations

import math
from collections.abc import Iterator

from explaindistill.auditing.display_names import CROSSED
from explaindistill.auditing.opening.audited import Audited, attributes_of, group_word, model_word
from explaindistill.auditing.opening.carrying import STRONG, spoken_proxies
from explaindistill.auditing.opening.evidence import Evidence, evidence, figure, joined, says, spread
from explaindistill.auditing.opening.sentences import Origin, Sentence, Topic, Word
from explaindistill.auditing.partitions.basis import said_of
from explaindistill.measures.dependent_rows import dependence_warnings
from explaindistill.measures.favorable import without_favorable
from explaindistill.measures.suppression import NEIGHBOUR

__all__ = ["flips_of", "leaks", "what_spoils_all", "what_to_be_warned_of"]

MOST_NAMED = 3
WITHHELD = ("small", "suppressed")


def what_to_be_warned_of(audit: Audited) -> Iterator[Sentence]:
    """Students that do no better than a constant, flips, proxies, tiny groups, then the other notes of the audit."""
    sentences = [*_constant_students(audit), *_flips(audit), *_proxies(audit), *_tiny(audit)]
    graver = set(_graver(audit))
    sentences += [_note("warnings", i, note) for i, note in enumerate(audit.notes) if str(note) not in graver]
    yield from sentences
    if not sentences:
        yield says(
            "warnings", "nothing that these measures look for was found; that does not show that nothing is there."
        )


def what_spoils_all(audit: Audited) -> Iterator[Sentence]:
    """What stands before every figure: rows that do not look independent, columns that alone tell the outcome."""
    graver = set(_graver(audit))
    yield from (_note("what", i, note) for i, note in enumerate(audit.notes) if str(note) in graver)
    yield from _leaks(audit)


def _graver(audit: Audited) -> list[str]:
    """Notes on the rows behind figures, on a wish that nobody said, and on rows that do not look independent."""
    table = audit.frames.get("dependent_rows")
    silent = audit.classes is not None and audit.favorable is None
    nobody_said = [without_favorable(audit.classes)] if silent else []
    partitions = audit.manifest.get("partitions")
    parts = [] if partitions is None else [said_of(partitions)]
    return [*parts, *nobody_said, *([] if table is None else dependence_warnings(table))]


def _note(topic: Topic, place: int, note: str) -> Sentence:
    return says(topic, Word(str(note), "note", (Origin("notes", place, ""),)), link="")


def leaks(audit: Audited) -> list[Evidence]:
    """Columns that alone tell the outcome nearly as well as the teacher does."""
    lines = evidence(audit.frames, "teacher", metric=["single_feature_auc", "single_feature_r2"])
    return [line for line in lines if line.values.get("suspicious") is True or str(line["suspicious"]) == "True"]


def _leaks(audit: Audited) -> Iterator[Sentence]:
    for line in leaks(audit):
        column = Word(audit.names.column(line.word("feature")), "column", (line.origin("feature"),))
        claim = Word(" alone tells the outcome nearly as well as the teacher", "verdict", (line.origin("suspicious"),))
        unit_name = "AUC" if line["metric"] == "single_feature_auc" else "R²"
        yield says("what", "the column ", column, claim, f" ({unit_name} ", figure(line, "number"), " ",
                   spread(line, "number"), "): it may hold the outcome itself.", link="teacher")  # fmt: skip


def _constant_students(audit: Audited) -> Iterator[Sentence]:
    """Students whose agreement cannot be told from that of the answer that the teacher gives most often."""
    names = [str(name) for name in audit.students]
    for line in evidence(audit.frames, "fidelity", metric="agreement_gain", subject=names, subset=""):
        if line.has_limits and not float(line["low"]) > 0:
            claim = Word(" does not decide like the teacher more often than a constant answer, as far as can be told",
                         "verdict", (line.origin("low"),))  # fmt: skip
            yield says("warnings", model_word(audit, line), claim, ": by ", figure(line, "points"), " ",
                       spread(line, "points"), ".", link="fidelity")  # fmt: skip


def flips_of(audit: Audited) -> list[Evidence]:
    """Of each sensitive column the change of it alone that turns most decisions of the teacher; those that turn any."""
    lines = evidence(audit.frames, "flips", metric="flip_rate", subject="teacher")
    most: dict[str, Evidence] = {}
    for line in lines:
        attribute = line.word("attribute")
        if float(line["estimate"]) > 0 and (
            attribute not in most or float(line["estimate"]) > float(most[attribute]["estimate"])
        ):
            most[attribute] = line
    return list(most.values())


def _flips(audit: Audited) -> Iterator[Sentence]:
    """One sentence for all sensitive columns."""
    pieces: list[list[Word]] = []
    for line in flips_of(audit):
        column = Word(audit.names.column(line.word("attribute")), "column", (line.origin("attribute"),))
        shown = audit.names.group(line.word("attribute"), line.word("group"))
        value = Word(shown, "group", (line.origin("attribute"), line.origin("group")))
        others = " when " if pieces else " of the others when "
        pieces.append([figure(line, "share"), Word(" "), spread(line, "share"), Word(others), column,
                       Word(" alone is set to “"), value, Word("”")])  # fmt: skip
    if pieces:
        several = joined(pieces, " and on ", ", on ")
        yield says("warnings", "the teacher decides otherwise on ", several, ".", link="flips")


def _proxies(audit: Audited) -> Iterator[Sentence]:
    """Of each sensitive column the input that gives it away and that the teacher uses most; once, if it was said."""
    spoken = set(spoken_proxies(audit))
    for attribute in attributes_of(audit):
        lines = evidence(audit.frames, "proxies", metric="proxy_auc", subject="teacher", attribute=attribute)
        inputs = [line for line in lines if line.word("feature") not in {"(all)", attribute} and line.has_limits]
        strong = [line for line in inputs if float(line["low"]) > STRONG and not float(line["use"]) <= 0]
        if strong:
            line = max(strong, key=lambda one: (_number(one["proxy_use"]), float(one["low"])))
            if (attribute, line.word("feature")) in spoken:
                continue
            feature = Word(audit.names.column(line.word("feature")), "column", (line.origin("feature"),))
            name = Word(audit.names.column(attribute), "column", (line.origin("attribute"),))
            claim = Word(" gives ", "verdict", (line.origin("low"),))
            area = [figure(line, "number"), Word(" "), spread(line, "number")]
            yield says("warnings", "the input ", feature, claim, name, " away: AUC ", area, ".", link="proxies")


def _number(value: float) -> float:
    return 0.0 if math.isnan(value) else float(value)


def _tiny(audit: Audited) -> Iterator[Sentence]:
    """How many groups are too few people to say anything of, and how many would tell of them; the first of each."""
    metric = ["selection_rate", "mean_prediction"]
    lines = evidence(audit.frames, "rates", defined=False, metric=metric, subject="teacher", status=list(WITHHELD))
    whole = [line for line in lines if CROSSED not in line.word("attribute")]
    rows = audit.about.row_name or "rows"
    beside = [line for line in whole if line.word("reason") == NEIGHBOUR]
    few = [line for line in whole if line.word("reason") != NEIGHBOUR]
    if few:
        verb = " has" if len(few) == 1 else " have"
        yield says("warnings", *_listed(audit, few), f"{verb} too few ", rows, " to rely on, or to show.", link="rates")
    if beside:
        claim = Word(
            " may not be shown: figures of too few ", "verdict", tuple(line.origin("reason") for line in beside)
        )
        them = "it" if len(beside) == 1 else "them"
        yield says("warnings", *_listed(audit, beside), claim, rows, f" could be worked out from {them}.", link="rates")


def _listed(audit: Audited, lines: list[Evidence]) -> tuple[list[Word], list[Word]]:
    """The first groups, and how many more there are."""
    more = len(lines) - MOST_NAMED
    shown = [[group_word(audit, line)] for line in lines[:MOST_NAMED]]
    end = [Word(f" and {more} more")] if more > 0 else []
    return joined(shown, last=", " if more > 0 else " and "), end
