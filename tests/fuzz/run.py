"""Fuzzing from the shell, ``make fuzz``: damaged files and HTTP answers, odd tables to fit, odd command lines.

Each case must end in an answer that is right or in one sentence of the package's own, in 10 seconds and 1 GiB. A case
is named by its kind and number, which are its seed: ``--kind fit --first 336 --fits 1`` plays one again. What is found
becomes a test, and its number is kept in ``seeds.json``, which ``test_fuzz.py`` plays.
"""

from __future__ import annotations

import os
import random
import resource
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "benchmarks")]

from _bars import Bars, options  # noqa: E402 - the path is set above

from fuzz.commands import Shop, command  # noqa: E402 - the path is set above
from fuzz.damage import load, subjects  # noqa: E402 - the path is set above
from fuzz.endpoint import answer, serving  # noqa: E402 - the path is set above
from fuzz.fits import fit  # noqa: E402 - the path is set above
from fuzz.playing import LIMIT_BYTES, LIMIT_SECONDS, Case, play  # noqa: E402 - the path is set above

ADDRESSES = 6 * 2**30
"""Of which torch and BLAS reserve most; a case that wants more ends in a MemoryError, and not the machine."""
REAL_EVERY = 20
"""One command line in so many is a program of its own: its exit code and memory are the system's."""
COUNTS = {"load": 10_000, "fit": 1_000, "command": 200, "answer": 1_000}
QUICK = {"load": 300, "fit": 40, "command": 20, "answer": 40}


def deed(kind: str, folder: Path) -> Callable[[int], str]:
    """What a case of a kind does, by its number; what it works on is made in the folder, and only for this kind."""
    if kind == "load":
        X, students = subjects(folder)

        def loaded(number: int) -> str:
            load(random.Random(f"load {number}"), folder, X, students)
            return ""

        return loaded
    if kind == "command":
        (folder / "shop").mkdir()
        shop = Shop.opened(folder / "shop")
        return lambda number: command(random.Random(f"command {number}"), shop, real=number % REAL_EVERY == 7)
    if kind == "answer":

        def answered(number: int) -> str:
            with serving() as endpoint:
                return answer(random.Random(f"answer {number}"), endpoint)

        return answered
    return lambda number: fit(random.Random(f"fit {number}"))


@contextmanager
def elsewhere() -> Iterator[Path]:
    """A folder of its own as the place where the program runs: command lines name files without one."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        try:
            yield Path(place)
        finally:
            os.chdir(before)


def main(argv: list[str] | None = None) -> int:
    """Play the cases and hold the bars; 1 where one falls short."""
    parser = options(__doc__.splitlines()[0])
    parser.add_argument("--kind", choices=list(COUNTS), nargs="*", default=list(COUNTS))
    parser.add_argument("--first", type=int, default=0, help="number of the first case of each kind")
    for kind, n in COUNTS.items():
        parser.add_argument(f"--{kind}s", type=int, default=None, help=f"how many (default: {n:,})")
    args = parser.parse_args(argv)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
    bars, counts = Bars("fuzzing"), QUICK if args.quick else COUNTS
    with elsewhere() as place:
        for kind in args.kind:
            known = deed(kind, place)
            n = counts[kind] if getattr(args, f"{kind}s") is None else getattr(args, f"{kind}s")
            start = time.monotonic()
            numbers = range(args.first, args.first + n)
            cases = [play(kind, number, partial(known, number)) for number in numbers]
            reported(kind, cases, time.monotonic() - start)
            judged(bars, kind, cases)
    return bars.finish(args)


def reported(kind: str, cases: list[Case], seconds: float) -> None:
    """Print kinds of fault, each with the numbers that play it again."""
    faults: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        if case.verdict == "fault":
            faults[f"{case.words[:60]} @ {case.where.rpartition(' > ')[2]}"].append(case)
    for members in sorted(faults.values(), key=len, reverse=True):
        print(f"{len(members):4d} {kind} {[c.number for c in members[:6]]}: {members[0].words} [{members[0].where}]")
    print(f"{kind}: {dict(Counter(c.verdict for c in cases))}, {seconds:.0f} s", flush=True)


def judged(bars: Bars, kind: str, cases: list[Case]) -> None:
    """Three bars for each kind."""
    of = f"of {len(cases):,}, {sum(c.verdict == 'answered' for c in cases):,} answered"
    bars.at_most(f"{kind}s that end in anything else", 0, sum(c.verdict == "fault" for c in cases), note=of)
    bars.at_most(f"{kind}s: seconds of CPU, the longest", LIMIT_SECONDS, max(c.seconds for c in cases), " s")
    bars.at_most(f"{kind}s: memory, the highest", LIMIT_BYTES / 2**20, max(c.peak for c in cases) / 2**20, " MiB")


if __name__ == "__main__":
    sys.exit(main())
