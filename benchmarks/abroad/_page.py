"""The table of docs/explain/promises.md: every question with its designs, and every cell that misses its bar."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from abroad._cells import Cell, Count, by_question

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def digits(share: float) -> str:
    return f"{share:.3f}".removeprefix("0") if share < 1 else "1.000"


def line(question: str, mine: list[tuple[Cell, Count]]) -> str:
    """One row of the table; nothing said anywhere is a figure too."""
    cell = mine[0][0]
    bar = f"{digits(cell.low)} to {digits(cell.high)}" if cell.high < 1 else f"≥ {digits(cell.low)}"
    asked = [pair for pair in mine if pair[1].asked]
    sizes = sorted({count.draws for _, count in mine})
    samples = " or ".join(f"{n:,}" for n in sizes)
    said = sum(c.said for _, c in mine) / sum(c.draws for _, c in mine)
    if not asked:
        return f"| {question} | {len(mine)} | {samples} | {bar} | – | – | – | {said:.0%} | – |"
    worst_cell, worst = min(asked, key=lambda pair: pair[1].share)
    mean = sum(c.share for _, c in asked) / len(asked)
    missed = sum(not count.keeps(c) for c, count in asked)
    lowest = f"{digits(worst.share)} ± {digits(worst.error)} ({worst_cell.design})"
    highest = digits(max(c.share for _, c in asked))
    shown = f"**{missed}**" if missed else "0"
    figures = (len(mine), samples, bar, digits(mean), lowest, highest, f"{said:.0%}", shown)
    return f"| {question} | {' | '.join(map(str, figures))} |"


def table(counted: list[tuple[Cell, Count]], lacking: Mapping[str, int]) -> str:
    """All questions, then the cells that miss, then what was not measured."""
    lines = [
        f"{len(counted):,} cells.",
        "",
        "| question | designs | samples each | bar | mean | lowest, ± error | highest | answered | miss |",
        "|---|---|---|---|---|---|---|---|---|",
        *(line(question, mine) for question, mine in by_question(counted)),
        "",
    ]
    missed = [(cell, count) for cell, count in counted if not count.keeps(cell)]
    lines += ["Every cell that misses its bar by more than two errors of simulation:" if missed else
              "No cell misses its bar by more than two errors of simulation.", ""]  # fmt: skip
    lines += [
        f"- {cell.question}; {cell.design}: {digits(count.share)} ± {digits(count.error)}, answered in {count.said:,} "
        f"of {count.draws:,}"
        for cell, count in missed
    ]
    unmeasured = [f"{count} of {part}" for part, count in lacking.items() if count]
    if unmeasured:
        lines += ["", f"Not measured on this code yet: cells, {', '.join(unmeasured)}."]
    return "\n".join(lines).rstrip()


def write(path: Path, counted: list[tuple[Cell, Count]], lacking: Mapping[str, int]) -> None:
    """Replace what stands between the two marks of a page."""
    before, rest = path.read_text().split(BEGIN)
    after = rest.split(END)[1]
    path.write_text(f"{before}{BEGIN}\n{table(counted, lacking)}\n{END}{after}")
