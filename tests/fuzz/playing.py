"""Play one case under a limit of time, and say how it ended: answered, refused in a sentence, or a fault."""

from __future__ import annotations

import re
import signal
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from explaindistill.errors import ExplainDistillError

__all__ = ["LIMIT_BYTES", "LIMIT_SECONDS", "Case", "WrongAnswerError", "play"]

LIMIT_SECONDS = 10
"""Of the processor, so that a busy neighbour makes no fault; waiting is stopped after six times as long."""
LIMIT_BYTES = 2**30
LONGEST = 2500
"""Characters of a sentence; one that names a column of 1,400 letters twice is still one."""
RULE = re.compile(
    r"; |, got |must |should |needs |cannot |could not |does not |is not |do no|has no |lacks |missing|is damaged|"
    r"names |answered |not allowed"
)
"""Every sentence says what must hold, or what was wrong."""
STATUS = Path("/proc/self/status")


class WrongAnswerError(Exception):
    """An answer came, and it is not right."""


class OverTimeError(BaseException):
    """Not an Exception: an audit turns those of a frame into a sentence."""


@dataclass(frozen=True)
class Case:
    """What came of a case; ``seconds`` are of the processor, ``peak`` and ``growth`` resident memory in bytes.

    ``peak`` is the highest of the whole process; ``growth`` is how far it lay above what the process held before.
    """

    kind: str
    number: int
    verdict: Literal["answered", "refused", "fault"]
    words: str = ""
    where: str = ""
    seconds: float = 0.0
    peak: int = 0
    growth: int = 0


def play(kind: str, number: int, deed: Callable[[], str]) -> Case:
    """Run ``deed``, which returns "" or the sentence that it refused with; nothing is raised."""
    signal.signal(signal.SIGPROF, _over)
    signal.signal(signal.SIGALRM, _over)
    signal.setitimer(signal.ITIMER_PROF, LIMIT_SECONDS)
    signal.alarm(6 * LIMIT_SECONDS)
    _forget_peak()
    before = resident("VmRSS")
    start = time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", UserWarning)  # what is odd is said in these; the others are faults
            verdict, words, where = _verdict(deed)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
    seconds, peak = time.process_time() - start, resident("VmHWM")
    growth = peak - before  # a process that has run a suite of tests holds more than the limit before the case begins
    if verdict != "fault" and growth > LIMIT_BYTES:
        verdict, words = "fault", f"{growth / 2**20:,.0f} MiB of memory"
    return Case(kind, number, verdict, words, where, seconds, peak, growth)


def _verdict(deed: Callable[[], str]) -> tuple[Literal["answered", "refused", "fault"], str, str]:
    try:
        words = deed()
    except ExplainDistillError as error:
        words = str(error)
        if len(words) > LONGEST or not RULE.search(words):
            return "fault", f"no sentence with a rule: {words[:LONGEST]}", place(error)
        return "refused", words, place(error)
    except (Exception, OverTimeError) as error:
        return "fault", f"{type(error).__name__}: {str(error)[:400]}", place(error)
    return ("refused", words, "") if words else ("answered", "", "")


def place(error: BaseException) -> str:
    """The last lines of the package that an error came through."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "explaindistill/" in f.filename]
    frames = frames or traceback.extract_tb(error.__traceback__)
    return " > ".join(f"{f.filename.rpartition('/')[2]}:{f.lineno}" for f in frames[-4:])


def _over(*_: object) -> None:
    raise OverTimeError(f"more than {LIMIT_SECONDS} s")


def _forget_peak() -> None:
    """Let the kernel measure the peak of resident memory anew (proc(5), clear_refs)."""
    if STATUS.exists():
        Path("/proc/self/clear_refs").write_text("5")


def resident(line: str) -> int:
    """Resident memory of this process in bytes: ``"VmRSS"`` now, ``"VmHWM"`` at most; 0 where no one can tell.

    The peak that ``getrusage`` tells does not serve: a child begins with that of the process that started it.
    """
    if not STATUS.exists():
        return 0
    value = next(words for words in STATUS.read_text().splitlines() if words.startswith(line))
    return int(value.split()[1]) * 1024
