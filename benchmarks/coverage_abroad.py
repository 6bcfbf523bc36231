"""Whether intervals, verdicts and tests hold off the designs that they were made on, cell by cell.

Each cell draws samples whose truth is known and counts how often the nominal 95 % interval holds it, "cannot say" left
out and shown beside; how often a verdict is wrong; how often a test rejects what is true. 1,000 samples a cell (25 with
``--quick``, on fewer cells). A bar is missed where the figure is on the wrong side by more than two errors of
simulation.

What was measured is kept in ``benchmarks/results``, by a digest of all code that a part imports, and committed: a
stopped run goes on where it ended, on another day too, and figures of other code are never shown. ``--minutes`` stops
before the next cell; ``--page`` writes the table of docs/explain/promises.md.

    python benchmarks/coverage_abroad.py --quick
    python benchmarks/coverage_abroad.py --only verdicts clusters --minutes 60
    python benchmarks/coverage_abroad.py --measured --page docs/explain/promises.md
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

# this folder last: its coverage.py must not hide the package of that name, which numba looks for
sys.path.append(sys.path.pop(0))
from _bars import Bars, options
from abroad._cells import Cell, Count, Shelf, by_question
from abroad._page import write

PARTS = ("verdicts", "means", "clusters", "clustered_fidelity", "importance", "tails", "tables")
DRAWS, QUICK_DRAWS = 1_000, 25


def most(shelf: Shelf, cell: Cell) -> Count | None:
    """The count of the most samples that is kept of a cell; fewer than a tenth of a full run are no measurement."""
    counts = [count for name, count in shelf.counts.items() if name.endswith(f" × {cell.name}")]
    return max((c for c in counts if c.draws >= DRAWS // 10), key=lambda count: count.draws, default=None)


def counted(part: str, quick: bool, draws: int, until: float) -> Iterator[tuple[Cell, Count | None]]:
    """Every cell of a part with its count; None where time was up before it."""
    module = importlib.import_module(f"abroad.{part}")
    shelf = Shelf(Path(str(module.__file__)))
    for cell in module.cells(quick):
        count = shelf.get(cell, draws) if until > float("-inf") else most(shelf, cell)
        if count is None and time.monotonic() < until:
            count = cell.measure(draws)
            if not quick:
                shelf.put(cell, count)
            print(f"{cell.name}: {count.share:.3f} ± {count.error:.3f} ({count.seconds:.0f} s)", file=sys.stderr)
        yield cell, count


def report(bars: Bars, cells: list[tuple[Cell, Count]], missing: int, part: str) -> None:
    """The worst cell of each question against its bar, with the error of simulation; the rest beside it."""
    for question, mine in by_question(cells):
        asked = [pair for pair in mine if pair[1].asked]
        if not asked:
            bars.add(question, "reported", "cannot say, in every sample", None)
            continue
        broken = sum(not count.keeps(cell) for cell, count in asked)
        cell, count = min(asked, key=lambda pair: pair[1].share)
        mean = sum(c.share for _, c in asked) / len(asked)
        words = f"{count.share:.3f} (± {count.error:.3f}; {cell.design}; said {count.said} of {count.draws}; "
        words += f"mean {mean:.3f}; highest {max(c.share for _, c in asked):.3f}; {broken} of {len(asked)} cells miss)"
        bar = f">= {cell.low:g}" + (f", <= {cell.high:g}" if cell.high < 1 else "")
        bars.add(f"{question}: worst of {len(asked)}", bar, words, not broken)
    if missing:
        bars.add(f"{part}: cells that time did not allow", "reported", str(missing), None)


def main(argv: Sequence[str] | None = None) -> int:
    parser = options(__doc__ or "")
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--draws", type=int, help=f"samples of a cell; {DRAWS:,}, with --quick {QUICK_DRAWS}")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no cell after so many minutes")
    parser.add_argument(
        "--measured", action="store_true", help="measure nothing: show what is kept, the most samples of each cell"
    )
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the table of this page")
    args = parser.parse_args(argv)
    draws = args.draws or (QUICK_DRAWS if args.quick else DRAWS)
    until = time.monotonic() + 60 * args.minutes if not args.measured else float("-inf")
    bars, everything, lacking = Bars("Intervals and words abroad"), [], {}
    for part in args.only or PARTS:
        pairs = list(counted(part, args.quick, draws, until))
        cells = [(cell, count) for cell, count in pairs if count is not None]
        lacking[part] = len(pairs) - len(cells)
        report(bars, cells, lacking[part], part)
        everything += cells
    if args.page:
        write(args.page, everything, lacking)
    return bars.finish(args)


if __name__ == "__main__":
    raise SystemExit(main())
