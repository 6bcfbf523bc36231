"""The first screen of an audit as plain text: what to be warned of, the headline figures, the verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from explaindistill.measures.verdicts import marked, worst
from explaindistill.report import blocks as b
from explaindistill.report.tables import frame_of
from explaindistill.report.verdict_words import in_front

__all__ = ["first_screen"]


def first_screen(audit: Any, sections: Mapping[str, b.Section]) -> str:
    """Warnings, then the sentence and the cards of the first section, then the worst verdict of each requirement.

    Parameters
    ----------
    audit : Audit
    sections : mapping of name to Section
    """
    lines = [repr(audit)] + [f"WARNING: {warning}" for warning in in_front(audit)]
    for block in _unfolded(sections["glance"].blocks):
        if isinstance(block, b.Text) and block.tone == "lead":
            lines.append(block.text)
        if isinstance(block, b.Cards):
            lines += [_card(card) for card in block.cards]
    verdicts = frame_of(audit, "verdicts")
    if len(verdicts):
        lines += [_verdict(row) for row in worst(verdicts).to_dict("records")]
    return "\n".join(lines)


def _unfolded(blocks: Iterable[b.Block]) -> Iterator[b.Block]:
    """Blocks with those of folds."""
    for block in blocks:
        yield block
        if isinstance(block, b.Details):
            yield from _unfolded(block.blocks)


def _card(card: b.Card) -> str:
    return f"{card.title}: {card.value} ({card.detail})" + "".join(f"; {line}" for line in card.lines)


def _verdict(row: Mapping[str, Any]) -> str:
    where = " ".join(str(row[key]) for key in ("subject", "attribute", "group") if row[key])
    others = f"; further: {row['others']}" if row["others"] else ""
    return f"{marked(str(row['verdict']))}: {row['rule']}: {where}{others}"
