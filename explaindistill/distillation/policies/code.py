"""A policy as C: one function from a state to an action, without memory, library or allocation, and compared."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explaindistill.data.files import write_whole
from explaindistill.data.program import program_of
from explaindistill.distillation.policies.flat_tree import FlatTree, TreeNode, flat_tree
from explaindistill.errors import InvalidInputError
from explaindistill.numerics.ranges import one_of

__all__ = ["c_source", "export", "trial_states"]

Floats = NDArray[np.float64]
MOST_STATES = 500
CLOSE = 1e-9
"""Largest difference of a continuous action, relative where that is above 1: sums in another order."""
FLAGS = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-O2", "-shared", "-fPIC")
TAIL = "int policy_action(const double *state)"
WAY_OUT = "export it with verify=None if that is wrong, and please report it"


def export(policy: Any, path: str | Path, verify: str | None) -> Path:
    """Write a fitted ``PolicyDistiller``; see its method."""
    target = Path(path)
    if target.suffix.lower() not in (".c", ".h"):
        if not hasattr(policy.student_, "export"):
            raise InvalidInputError(
                f"path must end in .c for a {type(policy.student_).__name__}, got {target.name!r}; "
                "students of this package can be exported in more languages"
            )
        return Path(policy.student_.export(target, verify="inprocess" if verify == "auto" else verify))
    one_of("verify", verify, ("auto", "inprocess", "target", None))
    if not target.parent.is_dir():
        raise InvalidInputError(
            f"path must lie in a folder that is there, {str(target.parent)!r} is not; make it first"
        )
    source = c_source(policy)
    compiler = shutil.which("gcc") or shutil.which("cc")
    if verify == "target" and compiler is None:
        raise InvalidInputError(
            "verify is 'target', which needs a C compiler, gcc or cc; there is none on this machine"
        )
    note = "Not run when it was written; export(..., verify='target') compiles and runs it."
    if compiler is not None and verify in ("auto", "target"):
        n = _compare(policy, source, compiler)
        note = f"Checked: {Path(compiler).name} gave the policy's actions in {n} states."
    if verify is not None:
        source = source.replace("\n */\n", f"\n *\n * {note}\n */\n", 1)
    return write_whole(target, source)


def c_source(policy: Any) -> str:
    """C99 source of a fitted policy.

    Of a tree the questions and actions alone are written; of another student its whole form, and the choice of the
    most probable action after it.
    """
    space = policy.source_.actions
    flat = flat_tree(policy.student_, space.names if space.is_discrete else None)
    head = "\n".join(f" * {line}".rstrip() for line in _head(policy))
    if flat is not None:
        body = "\n".join(_of_tree(policy, flat))
        return f"/*{head[2:]}\n */\n{_signature(policy)}\n{{\n{body}\n}}\n"
    from explaindistill.export.c import generate

    return f"/*{head[2:]}\n */\n{generate(policy.student_)}\n{_signature(policy)}\n{{\n{_of_student(policy)}\n}}\n"


def _head(policy: Any) -> Iterator[str]:
    space, columns = policy.source_.actions, policy.columns_
    kind = type(policy.student_).__name__
    yield f"A policy for {_plain(policy.source_.label)}, made by explaindistill from a {kind}."
    yield ""
    yield "Give the numbers of a state in their order; they must be finite:"
    for i, name in enumerate(columns.state):
        unit = policy.source_.units.get(name, "")
        yield f"  state[{i}]  {_plain(name)}{f', in {_plain(unit)}' if unit else ''}"
    yield ""
    if space.is_discrete:
        yield "It returns the number of an action:"
        for i, name in enumerate(space.names):
            yield f"  {space.start + i}  {_plain(name)}"
    else:
        yield f"It fills in the numbers of an action: {', '.join(map(_plain, space.names))}."


def _plain(text: str) -> str:
    """A user's word inside a comment: nothing in it can end the comment, or start a trigraph."""
    return "".join(c if (c.isalnum() and c.isascii()) or c in " .,:;<>=()-_+/" else "?" for c in str(text))[
        :80
    ].replace("??", "? ?")


def _signature(policy: Any) -> str:
    return TAIL if policy.source_.actions.is_discrete else "void policy_action(const double *state, double *action)"


def _variables(policy: Any, wanted: set[str]) -> tuple[dict[str, str], list[str]]:
    """How each column is written, and the lines that make combined ones; only those that are asked for."""
    columns = policy.columns_
    words = {name: f"state[{i}]" for i, name in enumerate(columns.state)}
    needed = set(wanted)
    for name, first, _, second in reversed(columns.combined):
        if name in needed:
            needed |= {first, second}
    lines = []
    for i, (name, first, operation, second) in enumerate(columns.combined):
        if name in needed:
            lines.append(f"    const double c{i} = {words[first]} {operation} {words[second]};")
            words[name] = f"c{i}"
    return words, lines


def _of_tree(policy: Any, flat: FlatTree) -> list[str]:
    words, lines = _variables(policy, set(flat.columns))
    if not flat.columns:
        lines.append("    (void)state;")
    if flat.single:
        words = {name: f"(float){word}" for name, word in words.items()}
    return [*lines, *_branch(policy, flat.root, words, 1)]


def _branch(policy: Any, node: TreeNode, words: dict[str, str], depth: int) -> list[str]:
    indent = "    " * depth
    if node.yes is None or node.no is None:
        return [indent + text for text in _action(policy, node.action)]
    return [
        f"{indent}if ({words[node.column]} <= {float(node.bound)!r}) {{",
        *_branch(policy, node.yes, words, depth + 1),
        f"{indent}}}",
        *_branch(policy, node.no, words, depth),
    ]


def _action(policy: Any, action: Any) -> list[str]:
    space = policy.source_.actions
    if space.is_discrete:
        return [f"return {space.start + int(action)};"]
    numbers = space.clipped(np.asarray(action, dtype=float))
    return [*(f"action[{i}] = {float(v)!r};" for i, v in enumerate(numbers)), "return;"]


def _of_student(policy: Any) -> str:
    """Fill the row of the student's own code, ask it, and choose."""
    space, program = policy.source_.actions, program_of(policy.student_)
    words, lines = _variables(policy, {column.name for column in program.inputs})
    if any(column.is_category for column in program.inputs):
        raise InvalidInputError("path: a student that takes numbers for categories has no C policy; export it as .py")
    n = program.n_answers
    lines = ["    student_row row;", f"    double answer[{max(n, 1)}];", *lines]
    lines += [f"    row.{column.variable} = {words[column.name]};" for column in program.inputs]
    if not program.inputs:
        lines += ["    row.nothing = 0;", "    (void)state;"]
    if not space.is_discrete:
        lines.append("    student_predict(&row, answer);")
        for i, (low, high) in enumerate(zip(space.low.tolist(), space.high.tolist(), strict=True)):
            lines.append(f"    action[{i}] = answer[{i}];")
            for sign, end in (("<", low), (">", high)):
                if np.isfinite(end):
                    lines.append(f"    if (action[{i}] {sign} {end!r}) action[{i}] = {end!r};")
        return "\n".join(lines)
    numbers = [space.start + list(space.names).index(str(c)) for c in program.classes or ()]
    return "\n".join(
        [
            *lines,
            "    student_predict_proba(&row, answer);",
            "    {",
            f"        static const int number[{n}] = {{{', '.join(map(str, numbers))}}};",
            "        int k, best = 0;",
            f"        for (k = 1; k < {n}; k++) if (answer[k] > answer[best]) best = k;",
            "        return number[best];",
            "    }",
        ]
    )


def trial_states(policy: Any) -> Floats:
    """States to compare in: those of fresh episodes, and each of the tree's bounds with the number beside it."""
    states = policy._episodes(5).states
    states = states[:: max(1, len(states) // MOST_STATES)][:MOST_STATES]
    space = policy.source_.actions
    flat = flat_tree(policy.student_, space.names if space.is_discrete else None)
    edges: list[Floats] = []
    for at, name in enumerate(policy.columns_.state):
        if flat is not None and name in flat.columns:
            for bound in flat.bound[flat.place == flat.columns.index(name)]:
                for value in (bound, np.nextafter(bound, np.inf)):
                    row = states[len(edges) % len(states)].copy()
                    row[at] = value
                    edges.append(row)
    return np.concatenate([states, np.array(edges)]) if edges else states


def _compare(policy: Any, source: str, compiler: str) -> int:
    """Compile, run and compare; return in how many states."""
    states = np.ascontiguousarray(trial_states(policy))
    wanted = np.asarray(policy.predict(states), dtype=float).reshape(len(states), -1)
    with tempfile.TemporaryDirectory() as folder:
        file, library = Path(folder) / "policy.c", Path(folder) / "policy.so"
        write_whole(file, source)
        command = [compiler, *FLAGS, "-o", str(library), str(file), "-lm"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise InvalidInputError(f"{compiler} cannot compile the policy: {done.stderr.strip()[:300]}; {WAY_OUT}")
        answers = _run(ctypes.CDLL(str(library)), states, wanted.shape[1], policy.source_.actions.is_discrete)
    with np.errstate(invalid="ignore"):
        wrong = ~(np.abs(answers - wanted) <= CLOSE * np.maximum(1.0, np.abs(wanted))).all(axis=1)
    if wrong.any():
        i = int(np.argmax(wrong))
        raise InvalidInputError(
            f"{compiler} runs the policy and gives {answers[i].tolist()}, the student {wanted[i].tolist()}, in the "
            f"state {states[i].tolist()}; nothing was written, {WAY_OUT}"
        )
    return len(states)


def _run(library: Any, states: Floats, width: int, discrete: bool) -> Floats:
    function, pointer = library.policy_action, ctypes.POINTER(ctypes.c_double)
    out = np.empty((len(states), width))
    function.restype = ctypes.c_int if discrete else None
    for i, state in enumerate(states):
        if discrete:
            out[i] = function(state.ctypes.data_as(pointer))
        else:
            function(state.ctypes.data_as(pointer), out[i].ctypes.data_as(pointer))
    return out
