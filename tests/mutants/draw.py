"""Break lines of one room on purpose, by chance, and count the breaks that a test notices.

``python tests/mutants/draw.py explaindistill/measures`` draws 300 of all mutants that mutmut can make of the
room, runs for each the tests that call the broken function, and prints what no test noticed. A survivor is either
a missing test or equivalent to the original; the equivalent ones are listed, with the reason, in ``equivalent.txt``.
Functions under a decorator are left out by mutmut: numba kernels among them, which have plain twins in the tests.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[1]
EQUIVALENT = HERE / "equivalent.txt"
SURVIVED, UNTESTED = 0, 33
"""Exit codes of mutmut: every test passed; no test calls the function."""
TOOL = "mutmut==3.8.1"

# Tests of a room look through its own floor only, so that a mutant is judged by the tests meant for it.
TESTS = {
    "measures": ["tests/measures", "tests/auditing/frames"],
    "numerics/statistics": ["tests/numerics/statistics", "tests/measures"],
    "students": ["tests/students", "tests/test_contract.py"],
    "export": ["tests/export"],
}


def tests_of(room: Path) -> list[str]:
    """Find the test folders of a room: the listed ones of the nearest room above, else the folder of the same name."""
    inside = room.relative_to(PROJECT / "explaindistill")
    mirror = PROJECT / "tests" / inside
    if inside.as_posix() not in TESTS and mirror.is_dir():
        return [mirror.relative_to(PROJECT).as_posix()]
    for place in (inside, *inside.parents):
        if place.as_posix() in TESTS:
            return TESTS[place.as_posix()]
    raise SystemExit(f"no tests are known for {room}: name a room that tests/ mirrors, or add it to TESTS in draw.py")


def settings(room: Path, tests: list[str]) -> str:
    """Write mutmut's table of ``pyproject.toml``."""
    only = f"{room.relative_to(PROJECT).as_posix()}/*" if room.is_dir() else room.relative_to(PROJECT).as_posix()
    lines = {
        "source_paths": ["explaindistill/"],
        "only_mutate": [only],
        "also_copy": ["README.md", "docs", "benchmarks"],
        "pytest_add_cli_args_test_selection": tests,
        "pytest_add_cli_args": ["-p", "no:cacheprovider", "-p", "no:randomly", "-x"],
        "track_dependencies": False,
        "use_git_change_detection": False,
    }
    return "\n[tool.mutmut]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in lines.items())


def copy_project(folder: Path, room: Path, tests: list[str]) -> None:
    """Copy what the tests need into a folder of its own: mutmut writes beside the code that it breaks."""
    for name in ("explaindistill", "tests", "docs", "benchmarks"):
        shutil.copytree(
            PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "_build", "results")
        )
    for name in ("README.md", "LICENSE"):
        shutil.copy(PROJECT / name, folder / name)
    text = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    (folder / "pyproject.toml").write_text(text + settings(room, tests), encoding="utf-8")


def mutmut(folder: Path, names: list[str], processes: int) -> subprocess.CompletedProcess[str]:
    """Run mutmut over the named mutants; a name that is none leaves it at making the mutants and timing the tests."""
    environment = os.environ | {
        "PYTHONPATH": str(folder / "mutants"),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(processes), *names]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def outcomes(folder: Path) -> dict[str, int | None]:
    """Read the exit code of every mutant; None where it has not been run."""
    codes: dict[str, int | None] = {}
    for file in sorted((folder / "mutants").rglob("*.meta")):
        codes |= json.loads(file.read_text(encoding="utf-8"))["exit_code_by_key"]
    return codes


def difference(folder: Path, name: str) -> str:
    """Show the broken line."""
    command = [sys.executable, "-m", "mutmut", "show", name]
    shown = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout
    return "\n".join(line for line in shown.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---"))


def equivalents() -> set[str]:
    """Read the mutants that answer as the original does, whatever the input: one a line, a reason after ``#``."""
    lines = EQUIVALENT.read_text(encoding="utf-8").splitlines() if EQUIVALENT.exists() else []
    return {line.split("#")[0].strip() for line in lines} - {""}


def main() -> int:
    """Draw, run, print; 1 where fewer than the share asked for were noticed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path, help="a room or a module, for instance explaindistill/measures")
    parser.add_argument("--mutants", type=int, default=300, help="how many to draw (default 300)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--asked", type=float, default=0.95, help="share that must be noticed (default 0.95)")
    parser.add_argument("--folder", type=Path, help="keep the copy here, to go on with another seed")
    parser.add_argument("--json", type=Path, help="write the outcome of each mutant here")
    arguments = parser.parse_args()
    room = arguments.path.resolve()
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="mutants-"))
    if not (folder / "mutants").exists():
        folder.mkdir(parents=True, exist_ok=True)
        copy_project(folder, room, tests_of(room))
    first = mutmut(folder, ["no.such.mutant"], arguments.processes)
    every = sorted(outcomes(folder))
    if not every:
        print(first.stdout[-2000:], first.stderr[-2000:])
        raise SystemExit(f"no mutant could be made of {room}; is `pip install {TOOL}` done?")
    names = random.Random(arguments.seed).sample(every, min(arguments.mutants, len(every)))
    run = mutmut(folder, names, arguments.processes)
    codes = {name: code for name, code in outcomes(folder).items() if name in set(names)}
    if all(code is None for code in codes.values()):
        print(run.stdout[-2000:], run.stderr[-2000:])
        raise SystemExit("the tests do not pass on the code as it is")
    return summary(folder, codes, arguments)


def summary(folder: Path, codes: dict[str, int | None], arguments: argparse.Namespace) -> int:
    """Print the survivors and the share; equivalent mutants are counted in neither part of the share."""
    same = equivalents()
    survivors = [name for name, code in codes.items() if code in (SURVIVED, UNTESTED) and name not in same]
    for name in survivors:
        print(f"{'no test' if codes[name] == UNTESTED else 'survived'} {name}\n{difference(folder, name)}")
    judged = [name for name, code in codes.items() if code is not None and not (code == SURVIVED and name in same)]
    share = 1 - len(survivors) / len(judged)
    print(f"{len(judged) - len(survivors)} of {len(judged)} mutants noticed: {share:.3f} (asked {arguments.asked})")
    if arguments.json:
        arguments.json.write_text(json.dumps(codes, indent=1), encoding="utf-8")
    return 0 if share >= arguments.asked else 1


if __name__ == "__main__":
    sys.exit(main())
