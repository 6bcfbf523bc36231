"""Blocks of a page, run in its order: Python in one namespace, shell in one folder, TOML written into it.

A comment ``<!-- not run: reason -->`` in front of a block leaves it out; blocks in a comment
``<!-- invisible-code-block: python … -->`` are run, too: they assert what the page says.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sybil import Document, Example
from sybil.parsers.myst.codeblock import CodeBlockParser

ROOT = Path(__file__).parents[2]
LANGUAGES = ("python", "sh", "text", "toml", "json", "{code-cell} python", "{toctree}", "{eval-rst}", "{math}")
"""What a fence may be; those of Python and shell are run, a file of TOML is written."""
NOT_RUN = re.compile(r"<!-- not run: ([^>]+) -->\n+\Z")
EXIT_CODES = re.compile(r"<!-- exit codes: ([\d, ]+) -->\n+\Z")
"""In front of a block of shell that may end otherwise than with 0, as gates do."""
NEEDS = re.compile(r"<!-- needs: (\w+) -->\n+\Z")
"""In front of a block that needs a program which is no part of the package: it is not run where that is missing."""
FENCE = re.compile(r"^ *```+(.*)$", flags=re.MULTILINE)
LIMIT = 900
"""Seconds that one block of shell may take before it counts as hanging."""


@dataclass
class Outcome:
    """What became of the blocks of a page: lines of those that ran, and why others did not, by line."""

    ran: list[int] = field(default_factory=list)
    not_run: dict[int, str] = field(default_factory=dict)


def pages() -> list[Path]:
    """README, CONTRIBUTING and every page of docs/, without what Sphinx builds."""
    built = {"_build", "generated", "notebooks"}
    found = (p for p in (ROOT / "docs").rglob("*.md") if not built & set(p.relative_to(ROOT).parts))
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(found)]


def languages(path: Path) -> list[str]:
    """What is written behind each opening fence."""
    return [words.strip() for words in FENCE.findall(path.read_text("utf-8"))[::2]]


def blocks(path: Path) -> Iterator[tuple[Example, str | None]]:
    """Each block of Python, shell or TOML, and the reason why it is not run, if there is one."""
    kinds = {"python": _python, "sh": _shell, "toml": _write}
    document = Document.parse(str(path), *(CodeBlockParser(kind, run) for kind, run in kinds.items()))
    for example in document.examples():
        before = document.text[: example.start]
        reason, program = NOT_RUN.search(before), NEEDS.search(before)
        if program and shutil.which(program.group(1)) is None:
            yield example, f"this machine has no {program.group(1)}"
        else:
            yield example, None if reason is None else reason.group(1)


def run(path: Path, names: Mapping[str, Any], replace: Mapping[str, str]) -> Outcome:
    """Run a page in the current folder.

    Parameters
    ----------
    path : Path
    names : mapping of str to object
        What the page supposes to be there.
    replace : mapping of str to str
        Text of the blocks that is replaced before they run: an address by that of a stand-in, a size by a smaller one.
    """
    outcome = Outcome()
    for example, reason in blocks(path):
        example.namespace.update(names if not outcome.ran else {})
        if reason is not None:
            outcome.not_run[example.line] = reason
            continue
        for text, other in replace.items():
            example.parsed = type(example.parsed)(
                example.parsed.replace(text, other), example.parsed.offset, example.parsed.line_offset
            )
        example.evaluate()
        outcome.ran.append(example.line)
    return outcome


def _python(example: Example) -> None:
    source = "\n" * (example.line + example.parsed.line_offset) + example.parsed
    exec(compile(source, example.path, "exec"), example.namespace)  # our own pages, as a reader would run them


def _write(example: Example) -> None:
    """A file that the page shows is there for the blocks behind it, under the name in its first line."""
    name = re.match(r"# ([\w.-]+)\n", example.parsed)
    assert name, f"{example.path}:{example.line} does not say in its first line which file it is, such as # policy.toml"
    Path(name.group(1)).write_text(example.parsed, "utf-8")


def _shell(example: Example) -> None:
    tools = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", example.parsed],
        env=os.environ | {"PATH": tools},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    example.namespace["terminal"] = done.stdout
    marked = EXIT_CODES.search(example.document.text[: example.start])
    allowed = {int(code) for code in marked.group(1).split(",")} if marked else {0}
    said = (done.stdout + done.stderr)[-3000:]
    assert done.returncode in allowed, f"{example.path}:{example.line} ended with {done.returncode}\n{said}"
