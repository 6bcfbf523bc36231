"""A pytest plugin that judges mutants: it loads the tests once and forks a process for each mutant.

``draw.py`` starts it with the file of its errand in ``MUTANTS_ERRAND``. First each test runs on the unbroken code,
which says how long it takes and which functions it calls; that is kept until the code or the test's file changes.
Then, for each mutant, the tests that call its function run until one fails: the tests of its own module first, then
file by file, quick ones first.
"""

from __future__ import annotations

import functools
import gc
import hashlib
import json
import os
import resource
import signal
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from _pytest.doctest import DoctestItem

from . import switch

# A mutant may loop for ever or ask for all memory: each test has five times the time that it takes on unbroken code, of
# the processor, and 20 seconds for what only a first call costs (imports, compilation); and all have 6 GiB more memory
# than the process that forks them. A mutant that sleeps is ended after ten minutes.
TIMES, FIRST_CALL, MEMORY, ASLEEP = 5, 20, 6 << 30, 600
CAUGHT, SURVIVED, UNTESTED, TIMEOUT = "caught", "survived", "no test", "timeout"


def file_of(item: pytest.Item) -> str:
    """Name the file of a test, below the copy."""
    return item.nodeid.split("::", maxsplit=1)[0]


class Judge:
    """Observes the tests, then judges one mutant after the other."""

    def __init__(self, errand: dict[str, Any]) -> None:
        self.errand = errand
        self.observed: dict[str, dict[str, Any]] = {}
        self.fixtures: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.seconds: dict[str, float] = defaultdict(float)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out the examples in the docstrings of broken versions, and tests named in the errand."""
        out = self.errand["without"]
        items[:] = [item for item in items if "__mutmut" not in item.nodeid and not any(o in item.nodeid for o in out)]

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        """Note what a fixture calls: every test that uses it depends on that, not only the first one."""
        before = set(switch.CALLED)
        switch.CALLED.clear()
        try:
            return (yield)
        finally:
            self.fixtures[fixturedef.baseid, fixturedef.argname] |= switch.CALLED
            switch.CALLED.update(before)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up the time of set-up, call and tear-down."""
        self.seconds[report.nodeid] += report.duration

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Take the place of pytest's loop."""
        self.observe(session)
        # Values cached on unbroken code would hide what a mutant does.
        for thing in gc.get_objects():
            if isinstance(thing, functools._lru_cache_wrapper) and thing.__module__.startswith("explaindistill"):
                thing.cache_clear()
        self.control(session)
        workers = []
        for first in range(self.errand["processes"]):
            if (worker := os.fork()) == 0:
                self.judge_all(session, self.errand["mutants"][first :: self.errand["processes"]])
                os._exit(0)
            workers.append(worker)
        for worker in workers:
            os.waitpid(worker, 0)
        return True

    def judge_all(self, session: pytest.Session, names: list[str]) -> None:
        """Judge mutants until the time is over, and write each answer at once."""
        with Path(self.errand["answers"]).open("a", encoding="utf-8") as answers:
            for name in names:
                if time.time() > self.errand["end"]:
                    return
                answers.write(json.dumps({"name": name, **self.judge(session, name)}) + "\n")
                answers.flush()

    def control(self, session: pytest.Session) -> None:
        """Judge a mutant that there is not by twenty tests: what they say of it in a forked process they say of any."""
        unbroken = f"{self.errand['mutants'][0].partition('__mutmut_')[0]}__mutmut_none"
        if (answer := self.judge(session, unbroken, most=20))["outcome"] == CAUGHT:
            pytest.exit(f"in a forked process {answer['test']} fails on the code as it is", returncode=1)

    def observe(self, session: pytest.Session) -> None:
        """Run the tests on the unbroken code, or read what is kept of the last time."""
        kept_file = Path(self.errand["kept"])
        kept = json.loads(kept_file.read_text(encoding="utf-8")) if kept_file.exists() else {}
        digests = {
            name: hashlib.sha256((self.errand["code"] + Path(name).read_text(encoding="utf-8")).encode()).hexdigest()
            for name in {file_of(item) for item in session.items}
        }
        kept = {name: row for name, row in kept.items() if row["digest"] == digests.get(name, row["digest"])}
        fresh = [i for i in session.items if i.nodeid not in kept.get(file_of(i), {"tests": {}})["tests"]]
        calls: dict[str, set[str]] = {}
        for item, following in zip(fresh, [*fresh[1:], None], strict=False):
            switch.CALLED.clear()
            # A doctest forgets its names when it has run, and would fail the second time.
            names = dict(item.dtest.globs) if isinstance(item, DoctestItem) else {}
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            calls[item.nodeid] = set(switch.CALLED)
            if isinstance(item, DoctestItem):
                item.dtest.globs.update(names)
        if session.testsfailed:
            pytest.exit("the tests do not pass on the code as it is", returncode=1)
        for item in fresh:
            definitions = item._fixtureinfo.name2fixturedefs if hasattr(item, "_fixtureinfo") else {}
            uses = {(d.baseid, name) for name, ds in definitions.items() for d in ds}
            calls[item.nodeid] = calls[item.nodeid].union(*(self.fixtures[use] for use in uses))
        for item in fresh:
            row = kept.setdefault(file_of(item), {"digest": digests[file_of(item)], "tests": {}})
            row["tests"][item.nodeid] = [self.seconds[item.nodeid], sorted(calls[item.nodeid])]
        kept_file.write_text(json.dumps(kept), encoding="utf-8")
        self.observed = {name: kept[name]["tests"] for name in digests}

    def tests_of(self, session: pytest.Session, function: str) -> list[pytest.Item]:
        """Choose the tests that call a function and set them in order."""
        rows = {node: row for tests in self.observed.values() for node, row in tests.items()}
        chosen = [item for item in session.items if function in rows[item.nodeid][1]]
        cost: dict[str, float] = defaultdict(float)
        for item in chosen:
            cost[file_of(item)] += rows[item.nodeid][0]
        module = next(part for part in reversed(function.split(".")[:-1])).strip("_")

        def rank(item: pytest.Item) -> tuple[bool, float, str, float]:
            file = file_of(item)
            return Path(file).stem not in (module, f"test_{module}"), cost[file], file, rows[item.nodeid][0]

        return sorted(chosen, key=rank)

    def judge(self, session: pytest.Session, name: str, most: int | None = None) -> dict[str, Any]:
        """Run the tests of one mutant, all or the first ones, in a process of its own."""
        items = self.tests_of(session, name.partition("__mutmut_")[0])[:most]
        start = time.time()
        if not items:
            return {"outcome": UNTESTED, "test": "", "seconds": 0.0}
        rows = {node: row for tests in self.observed.values() for node, row in tests.items()}
        limits = [TIMES * rows[item.nodeid][0] + FIRST_CALL for item in items]
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            os._exit(self.run(session, name, items, limits, writing))
        os.close(writing)
        with os.fdopen(reading, encoding="utf-8") as pipe:
            failed = pipe.read()
        status = os.waitpid(child, 0)[1]
        ended = os.waitstatus_to_exitcode(status)
        outcome = SURVIVED if ended == 0 else TIMEOUT if ended in (-signal.SIGPROF, -signal.SIGALRM) else CAUGHT
        return {"outcome": outcome, "test": failed, "seconds": round(time.time() - start, 1)}

    @staticmethod
    def run(session: pytest.Session, name: str, items: list[pytest.Item], limits: list[float], pipe: int) -> int:
        """Run tests in the forked process until one fails; 1 where one did, and its name through the pipe."""
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        used = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
        switch.turn_on(name)
        for item, following, limit in zip(items, [*items[1:], None], limits, strict=True):
            signal.setitimer(signal.ITIMER_PROF, limit)
            signal.alarm(ASLEEP)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.testsfailed:
                os.write(pipe, item.nodeid.encode())
                return 1
        return 0


def pytest_configure(config: pytest.Config) -> None:
    """Read the errand."""
    errand = json.loads(Path(os.environ["MUTANTS_ERRAND"]).read_text(encoding="utf-8"))
    config.pluginmanager.register(Judge(errand))
