"""The command line: ``explaindistill demo``, ``teach``, ``distill``, ``audit``, ``labels``, ``list``, ``doctor``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from explaindistill.cli.arguments import build_parser
from explaindistill.errors import ExplainDistillError

__all__ = ["main"]

MISTAKE, INTERRUPTED = 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; a user's mistake is one message, never a traceback.

    Parameters
    ----------
    argv : sequence of str, optional
        Words after the program's name; those of the process when None.

    Returns
    -------
    int
        0 done, 1 a requirement fails, 2 a mistake in the call or the data, 3 undecided, 130 interrupted.

    Examples
    --------
    >>> main(["list", "nothing"])
    2
    """
    args = build_parser().parse_args(argv)
    args.words = [*(sys.argv[1:] if argv is None else argv)]
    from rich.console import Console

    from explaindistill.cli.running import COMMANDS

    console = Console(soft_wrap=True)
    try:
        return COMMANDS[args.command](args, console)
    except (ExplainDistillError, OSError) as error:
        print(f"explaindistill {args.command}: {error}", file=sys.stderr)
        return MISTAKE
    except KeyboardInterrupt as interruption:
        words = ["interrupted", *getattr(interruption, "__notes__", ())]
        print(f"explaindistill {args.command}: {'. '.join(words)}", file=sys.stderr)
        return INTERRUPTED
