"""What people say about an audit on the command line, and the command that repeats it."""

from __future__ import annotations

import argparse
import os
import re
import shlex
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path, PurePath, PureWindowsPath

import explaindistill
from explaindistill.auditing.about import About
from explaindistill.data.files import write_whole

__all__ = ["COMMAND", "about_of", "add_about", "save_command", "typed_command"]

COMMAND = "command.sh"
"""Name of the script beside a report."""
SCRIPT = """\
#!/bin/sh
# The command that made these results, with explaindistill {version}. Run it in the folder where it was typed:
# "--force" replaces the results, "--out other" writes them elsewhere.
exec {line} "$@"
"""

FIELDS = {
    "title": "headline of the report, such as “Who gets a loan”",
    "decision": "what the model decides, such as “approved”",
    "purpose": "what the audit is for",
    "data_name": "which rows are audited, such as “applications of 2025”",
    "row_name": "what one row is, in the plural, such as “applications”",
}

TEXTS = {f"--{field.replace('_', '-')}" for field in (*FIELDS, "owner", "terms", "declaration", "prompt", "state")}
"""Options of free text, in which a slash is no folder."""
ADDRESS = re.compile(r"(?P<scheme>[A-Za-z][\w+.-]*://)(?:[^\s/?#]*@)?(?P<place>[^\s?#]*)[?#]?\S*")
"""What comes before @ and after ? or # may be secret. By hand, since parsers raise on what is no whole address."""


def add_about(parser: argparse.ArgumentParser) -> None:
    """Add the options that describe an audit; the owner is an option of the endpoint already."""
    group = parser.add_argument_group("what the report says about itself")
    for field, words in FIELDS.items():
        group.add_argument(f"--{field.replace('_', '-')}", metavar="TEXT", help=words)
    group.add_argument("--about", metavar="ABOUT.TOML", help="a file with these, owner and date as keys")


def about_of(args: Namespace) -> About:
    """What the file says, and over it what was typed.

    Raises
    ------
    InvalidInputError
        If the file cannot be read, or holds what is none of the fields.
    """
    of_file = asdict(About.load(args.about)) if args.about is not None else {}
    typed = {field: getattr(args, field) for field in (*FIELDS, "owner", "date")}
    return About.of({**of_file, **{field: value for field, value in typed.items() if value is not None}})


def save_command(words: Sequence[str], folder: Path) -> None:
    """Write the command as a script that can be run again: files with their folders, as they were typed.

    What may be secret in an address is left out here, too; a token never is among the words.
    """
    line = shlex.join(["explaindistill", *map(_without_secret, _lasting(words))])
    script = SCRIPT.format(version=explaindistill.__version__, line=line)
    write_whole(folder / COMMAND, os.fsencode(script))  # names of files need not be UTF-8


def typed_command(words: Sequence[str]) -> str:
    """The command as it can stand in a report: files without their folders, addresses without what may be secret.

    Whether results of before were replaced (``--force``) says nothing about those of now, and is left out.

    Examples
    --------
    >>> typed_command(["audit", "--data", "/home/ada/loans 2025.csv", "--teacher-url", "https://me:pw@host/v1?key=1"])
    "explaindistill audit --data 'loans 2025.csv' --teacher-url https://host/v1"
    """
    lasting = _lasting(words)
    shown = [_shown(word, before) for before, word in zip(["", *lasting], lasting, strict=False)]
    return shlex.join(["explaindistill", *shown]).encode("utf-8", "replace").decode()


def _lasting(words: Sequence[str]) -> list[str]:
    """Without ``--force``, or what is short for it."""
    return [word for word in words if not ("--force".startswith(word) and word.startswith("--f"))]


def _without_secret(word: str) -> str:
    """A word whose addresses, alone or within a text, are without user, password and what follows the path.

    Examples
    --------
    >>> _without_secret("Contract, see https://me:pw@Acme.com:443/t?key=1 of 2025")
    'Contract, see https://Acme.com:443/t of 2025'
    """
    return ADDRESS.sub(r"\g<scheme>\g<place>", word)


def _shown(word: str, before: str) -> str:
    option, equals, value = word.partition("=") if word.startswith("--") else (before, "", word)
    if option in TEXTS or "://" in value:
        return _without_secret(word)
    return word if word.startswith("--") and not equals else word.removesuffix(value) + _bare(value)


def _bare(value: str) -> str:
    """A file without its folders."""
    if ">" in value or "<" in value:  # a requirement, whose name may hold a slash
        return value
    name = PureWindowsPath(value).name if "\\" in value else PurePath(value).name
    return name if name and ("/" in value or "\\" in value) else value
