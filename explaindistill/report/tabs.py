"""The seven tabs of the page: which chapters stand in each, and what each did not measure, in one line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from explaindistill.report.blocks import Section

__all__ = ["TABS", "Tab", "tabs_of"]

TABS = {
    "summary": "Summary",
    "students": "Students",
    "fidelity": "Fidelity",
    "bias": "Bias",
    "why": "Why",
    "data": "Data",
    "method": "Method",
}


@dataclass(frozen=True)
class Tab:
    """One tab: chapters with something to show, and those that have none, each with its reason.

    Examples
    --------
    >>> sections = {"bias": Section("Bias", 60, reason="No groups.", tab="bias")}
    >>> [(tab.title, tab.silent[0][1].reason) for tab in tabs_of(sections)]
    [('Bias', 'No groups.')]
    """

    key: str
    title: str
    chapters: tuple[tuple[str, Section], ...]
    silent: tuple[tuple[str, Section], ...]


def tabs_of(sections: Mapping[str, Section]) -> list[Tab]:
    """The tabs in their order, without empty ones; a chapter of an unknown tab stands in the last."""
    by_tab: dict[str, list[tuple[str, Section]]] = {key: [] for key in TABS}
    for name, section in sections.items():
        by_tab[section.tab if section.tab in TABS else "method"].append((name, section))
    return [
        Tab(
            key,
            TABS[key],
            tuple((name, s) for name, s in chapters if s.blocks),
            tuple((name, s) for name, s in chapters if not s.blocks),
        )
        for key, chapters in by_tab.items()
        if chapters
    ]
