"""Break lines of one room on purpose, by chance, and count the breaks that a test notices.

``python tests/mutants/draw.py explaindistill/measures`` draws 300 of all mutants that mutmut can make of the room,
runs for each the tests that call the broken function, and prints what no test noticed. A survivor is either a missing
test or equivalent to the original; the equivalent ones are listed, with the reason, in ``equivalent.txt``.

The draw goes on where the last one ended: outcomes are kept in ``outcomes/``, one file a room, until the function
changes. ``--again`` judges the survivors on record once more, after tests were written for them. Two shares are
printed: at first sight, which is what a new mutant meets, and now, where survivors have become tests.
Functions under a decorator are left out by mutmut: numba kernels among them, which have plain twins in the tests.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

from mutants.making import PROJECT, Copy, Mutant, copy_project, sources  # noqa: E402 - the path is set above

OUTCOMES = Path(__file__).resolve().parent / "outcomes"
MISSED = ("survived", "no test")

# The tests of a room are those of the folder of the same name, and the examples in its docstrings, so that a mutant is
# judged by the tests meant for it; students have a contract beside.
BESIDE = {"students": ["tests/test_contract.py"]}


def tests_of(room: Path) -> list[str]:
    """Find the tests of a room or of a module: the folder of the same name, or that of the nearest room above."""
    inside = room.relative_to(PROJECT / "explaindistill")
    for place in (inside, *inside.parents[:-1]):
        if (PROJECT / "tests" / place).is_dir():
            return [
                f"tests/{place.as_posix()}",
                *BESIDE.get(place.as_posix(), []),
                f"explaindistill/{inside.as_posix()}",
            ]
    raise SystemExit(f"no tests are known for {room}: name a room that tests/ mirrors")


def code_digest(room: Path) -> str:
    """Digest of the room and of what tests share: what is known of a test holds as long as they stay."""
    files = [*sources(room), *(PROJECT / "tests").rglob("conftest.py")]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(files))).hexdigest()


def judge(folder: Path, room: Path, names: list[str], arguments: argparse.Namespace) -> list[dict[str, str]]:
    """Judge mutants in the copy; the answers that came before the time was over."""
    errand, answers = folder / "errand.json", folder / "answers.jsonl"
    answers.unlink(missing_ok=True)
    text = {
        "mutants": names,
        "answers": str(answers),
        "kept": str(folder / "observed.json"),
        "code": code_digest(room),
        "without": arguments.without,
        "processes": arguments.processes,
        "end": time.time() + 60 * arguments.minutes,
    }
    errand.write_text(json.dumps(text), encoding="utf-8")
    environment = os.environ | {
        "PYTHONPATH": f"{folder}{os.pathsep}{folder / 'tests'}",
        "MUTANTS_ERRAND": str(errand),
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "pytest", "-p", "mutants.judge", "-p", "no:cacheprovider", "-s", "--tb=short"]
    command += ["--rootdir=.", *tests_of(room)]
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if not answers.exists():
        print(run.stdout[-4000:], run.stderr[-4000:])
        raise SystemExit("no mutant was judged; do the tests pass on the code as it is?")
    return [json.loads(line) for line in answers.read_text(encoding="utf-8").splitlines()]


def summary(mutants: dict[str, Mutant], record: dict[str, list[str]], copy: Copy, drawn: list[str]) -> float:
    """Print the survivors and the shares; equivalent mutants are counted in neither part of a share."""
    from explaindistill.numerics.statistics.intervals import wilson

    same = {name for name, row in record.items() if row[2] in MISSED and copy.equivalent(mutants[name])}
    judged = [name for name in record if name not in same]
    for name in sorted(judged):
        if record[name][2] in MISSED:
            print(f"{record[name][2]} {mutants[name].function}\n{copy.difference(mutants[name])}\n")
    sets = {"drawn now, at first sight": (drawn, 1), "all, at first sight": (judged, 1), "all, now": (judged, 2)}
    for words, (names, column) in sets.items():
        inside = [name for name in names if name not in same]
        noticed = sum(record[name][column] not in MISSED for name in inside)
        low, high = (float(limit) for limit in wilson(noticed, len(inside)))
        share = noticed / len(inside) if inside else float("nan")
        print(f"{words}: {noticed} of {len(inside)} noticed, {share:.3f} [{low:.3f}, {high:.3f}]")
    kinds = {row[2]: sum(other[2] == row[2] for other in record.values()) for row in record.values()}
    print(f"{len(record)} of {len(mutants)} mutants judged; equivalent {len(same)}; {kinds}")
    return share


def main() -> int:
    """Draw, judge, print; 1 where fewer than the share asked for are noticed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path", type=Path, help="a room or a module, for instance explaindistill/measures")
    parser.add_argument("--mutants", type=int, default=300, help="how many to have on record (default 300)")
    parser.add_argument("--seed", type=int, default=0, help="another order of drawing")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--minutes", type=float, default=1e6, help="begin no further mutant after this time")
    parser.add_argument("--again", action="store_true", help="judge the survivors on record again, draw none")
    parser.add_argument("--without", nargs="*", default=[], help="leave out the tests whose name holds one of these")
    parser.add_argument("--asked", type=float, default=0.95, help="share that must be noticed (default 0.95)")
    parser.add_argument("--folder", type=Path, help="keep the copy here: the next draw begins at once")
    arguments = parser.parse_args()
    room = arguments.path.resolve()
    folder = (arguments.folder or Path(tempfile.mkdtemp(prefix="mutants-"))).resolve()
    mutants = {mutant.name: mutant for mutant in copy_project(folder, room)}
    if not mutants:
        raise SystemExit(f"no mutant can be made of {room}")
    copy = Copy(folder)
    file = OUTCOMES / f"{room.relative_to(PROJECT / 'explaindistill').as_posix().replace('/', '_')}.json"
    record: dict[str, list[str]] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    record = {name: row for name, row in record.items() if name in mutants and mutants[name].digest == row[0]}
    if arguments.again:
        names = [name for name, row in record.items() if row[2] in MISSED and not copy.equivalent(mutants[name])]
    else:
        order = sorted(mutants, key=lambda name: mutants[name].place(arguments.seed))
        names = [name for name in order if name not in record][: max(arguments.mutants - len(record), 0)]
    answers = judge(folder, room, names, arguments) if names else []
    for answer in answers:
        name, outcome = answer["name"], answer["outcome"]
        record[name] = [mutants[name].digest, record[name][1] if name in record else outcome, outcome]
        print(f"{outcome} {answer['seconds']} s {name} {answer['test']}", file=sys.stderr)
    OUTCOMES.mkdir(exist_ok=True)
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(row)}" for name, row in sorted(record.items()))
    file.write_text("{\n" + lines + "\n}\n", encoding="utf-8")
    share = summary(mutants, record, copy, [] if arguments.again else [answer["name"] for answer in answers])
    return 0 if share >= arguments.asked else 1


if __name__ == "__main__":
    sys.exit(main())
