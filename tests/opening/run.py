"""Random audits whose openings are held against their frames, sentence by sentence; ``make openings``.

An audit is named by its number, which is its seed: ``--first 26 --audits 1`` plays one again. What is found becomes a
test.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests")]
os.environ.setdefault("EXPLAINDISTILL_STRICT", "1")

from opening.audits import random_audit  # noqa: E402 - the path is set above
from opening.checker import Change, contradictions  # noqa: E402 - the path is set above
from opening.swaps import swapped  # noqa: E402 - the path is set above


def main() -> int:
    """Print every contradiction and every change that was not noticed; 1 where there is any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audits", type=int, default=1_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--swaps-every", type=int, default=10, help="change sentences of one audit in so many")
    options = parser.parse_args()
    sentences = wrong = changes = missed = 0
    for number in range(options.first, options.first + options.audits):
        audit = random_audit(number)
        sentences += len(audit.opening.sentences)
        for text, why in contradictions(audit):
            wrong += 1
            print(f"audit {number}: {text!r}: {why}", flush=True)
        if number % options.swaps_every == 0:
            change = Change(audit)
            for words, opening in swapped(audit):
                changes += 1
                if not change.is_noticed(opening):
                    missed += 1
                    print(f"audit {number}: not noticed: {words}", flush=True)
    print(
        f"{options.audits} audits, {sentences} sentences, {wrong} contradicted; {changes} changes, {missed} not noticed"
    )
    return 1 if wrong or missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
