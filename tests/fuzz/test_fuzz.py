"""A few cases of each kind, and those that once found something; ``make fuzz`` plays many."""

from __future__ import annotations

import json
import re
import sys
from functools import partial
from pathlib import Path

import pytest

from explaindistill.errors import InvalidInputError
from fuzz.playing import LIMIT_BYTES, WrongAnswerError, play
from fuzz.run import deed, elsewhere

SEEDS = json.loads((Path(__file__).parent / "seeds.json").read_text())
FRESH = {"load": range(100_000, 100_100), "fit": range(100_000, 100_020), "command": range(100_000, 100_012),
         "answer": range(100_000, 100_020)}  # fmt: skip


@pytest.mark.parametrize("kind", list(FRESH))
def test_no_case_ends_in_anything_but_an_answer_or_a_sentence(kind):
    pytest.importorskip("polars", reason="the zoo has polars among its containers")
    with elsewhere() as place:
        known = deed(kind, place)
        cases = [play(kind, number, partial(known, number)) for number in [*SEEDS[kind], *FRESH[kind]]]
    faults = [c for c in cases if c.verdict == "fault"]
    assert not faults, "\n".join(f"{c.kind} {c.number}: {c.words} [{c.where}]" for c in faults)
    assert {c.verdict for c in cases} == {"answered", "refused"}


def _raising(error):
    def deed():
        raise error

    return deed


@pytest.mark.parametrize(
    ("deed", "verdict", "words"),
    [
        (lambda: "", "answered", "^$"),
        (lambda: "x must be 1, got 2", "refused", "x must be 1"),
        (_raising(InvalidInputError("x must be 1, got 2")), "refused", "x must be 1"),
        (_raising(InvalidInputError("oh")), "fault", "no sentence with a rule: oh"),
        (_raising(ValueError("x must be 1, got 2")), "fault", "ValueError"),
        (_raising(WrongAnswerError("off by one")), "fault", "off by one"),
    ],
)
def test_what_a_case_is_judged_as(deed, verdict, words):
    case = play("fit", 0, deed)
    assert case.verdict == verdict
    assert re.search(words, case.words)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak of memory is read from /proc")
def test_memory_is_measured_anew_for_each_case_and_beyond_what_the_process_held():
    ballast = bytearray(b"1") * (LIMIT_BYTES // 4)
    big = play("fit", 0, lambda: str((bytearray(b"1") * (300 * 2**20))[:0].decode()))
    small = play("fit", 0, lambda: "")
    assert big.growth > small.growth + 250 * 2**20
    assert big.verdict == small.verdict == "answered"
    assert small.peak > len(ballast) > small.growth
    over = play("fit", 0, lambda: str((bytearray(b"1") * (LIMIT_BYTES + 2**26))[:0].decode()))
    assert over.verdict == "fault"
    assert re.search(r"^1,0\d\d MiB of memory$", over.words)
