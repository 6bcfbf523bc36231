"""What a page folds away: the long rest of tables; and an identifier for every fold, so that a link can lead there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from explaindistill.report.blocks import Block, Details, Group, Section, Statements, Table, Verdicts
from explaindistill.report.places import CHAPTERS

__all__ = ["folded", "slug"]

LONGEST_SLUG = 48
"""Characters of an identifier: enough to recognise a heading, short enough for a link in a letter."""


def slug(text: str) -> str:
    """Words as an identifier: small Latin letters, digits and hyphens.

    Examples
    --------
    >>> slug("Selection rate: by sex × age"), slug("年齢")
    ('selection-rate-by-sex-age', 'fold')
    """
    words = re.sub("[^a-z0-9]+", "-", text.lower())[:LONGEST_SLUG].strip("-")
    return words or "fold"


def folded(sections: Mapping[str, Section]) -> dict[str, Section]:
    """Sections as a page shows them: long tables folded, every fold with an identifier of its own.

    Examples
    --------
    >>> from explaindistill.report.blocks import Cell
    >>> table = Table("Rates", ("group",), tuple((Cell(str(i)),) for i in range(20)))
    >>> shown = folded({"bias": Section("Bias", 60, (table,))})["bias"].blocks
    >>> [type(block).__name__ for block in shown], len(shown[0].rows), shown[1].id
    (['Table', 'Details'], 3, 'bias-all-rates')
    """
    ids: set[str] = set(sections)
    named = {
        name: replace(section, blocks=tuple(_named(_short(section.blocks, name), name, ids)))
        for name, section in sections.items()
    }
    return {name: replace(section, blocks=_linked(section.blocks, ids)) for name, section in named.items()}


def _linked(blocks: tuple[Block, ...], ids: set[str]) -> tuple[Block, ...]:
    """Links of sentences and verdicts that lead somewhere: to the fold, else to its chapter, else nowhere."""

    def there(href: str) -> str:
        place = href.removeprefix("#")
        place = place if place in ids else CHAPTERS.get(place, "")
        return f"#{place}" if place in ids else ""

    linked: list[Block] = []
    for block in blocks:
        if isinstance(block, Statements):
            parts = (
                (*entry[:2], tuple(replace(s, href=there(s.href)) for s in entry[2]), entry[3]) for entry in block.parts
            )
            linked.append(replace(block, parts=tuple(parts)))
        elif isinstance(block, Verdicts):
            linked.append(replace(block, verdicts=tuple(replace(v, href=there(v.href)) for v in block.verdicts)))
        elif isinstance(block, (Details, Group)):
            linked.append(replace(block, blocks=_linked(block.blocks, ids)))
        else:
            linked.append(block)
    return tuple(linked)


def _short(blocks: tuple[Block, ...], prefix: str) -> tuple[Block, ...]:
    """Long tables that stand open as their first rows and a fold; what is in a fold already stays whole."""
    shown: list[Block] = []
    for block in blocks:
        if isinstance(block, Table) and len(block.rows) > block.shown:
            summary = f"All {len(block.rows)} rows"
            whole = Details(summary, (block,), id=slug(f"{prefix} all {block.caption}"))
            shown += [replace(block, rows=block.first(min(block.shown, 3)), note=""), whole]
        elif isinstance(block, Group):
            shown.append(replace(block, blocks=_short(block.blocks, prefix)))
        else:
            shown.append(block)
    return tuple(shown)


def _named(blocks: tuple[Block, ...], prefix: str, ids: set[str]) -> Iterator[Block]:
    for block in blocks:
        if isinstance(block, Details):
            id = _free(block.id or f"{prefix}-{slug(block.summary)}", ids)
            yield replace(block, id=id, blocks=tuple(_named(block.blocks, prefix, ids)))
        elif isinstance(block, Group):
            ids.update({block.id} - {""})
            yield replace(block, blocks=tuple(_named(block.blocks, f"{prefix}-{slug(block.title)}"[:80], ids)))
        else:
            yield block


def _free(wanted: str, ids: set[str]) -> str:
    """The wanted identifier, with a number where it is taken."""
    id, n = wanted, 1
    while id in ids:
        n += 1
        id = f"{wanted}-{n}"
    ids.add(id)
    return id
