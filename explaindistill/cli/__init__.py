"""The command line: ``explaindistill demo``, ``teach``, ``distill``, ``audit``, ``labels``, ``list``, ``doctor``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from explaindistill.cli.arguments import build_parser
from explaindistill.cli.streams import let_go, open_streams
from explaindistill.errors import ExplainDistillError

__all__ = ["main"]

MISTAKE, INTERRUPTED, UNREAD = 2, 130, 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; a user's mistake is one message, never a traceback.

    Parameters
    ----------
    argv : sequence of str, optional
        Words after the program's name; those of the process when None.

    Returns
    -------
    int
        0 done, 1 a requirement fails, 2 a mistake in the call or the data, 3 undecided, 130 interrupted, 141 when
        nobody reads the output any more.

    Examples
    --------
    >>> main(["list", "nothing"])
    2
    """
    open_streams()
    args = build_parser().parse_args(argv)
    args.words = [*(sys.argv[1:] if argv is None else argv)]
    from rich.console import Console

    from explaindistill.cli.running import COMMANDS

    class Terminal(Console):
        """Rich ends the process with 1, our code for a failed requirement, where nobody reads on."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    console = Terminal(soft_wrap=True)
    try:
        return COMMANDS[args.command](args, console)
    except BrokenPipeError:
        let_go()
        return UNREAD
    except (ExplainDistillError, OSError) as error:
        print(f"explaindistill {args.command}: {error}", file=sys.stderr)
        return MISTAKE
    except KeyboardInterrupt as interruption:
        words = ["interrupted", *getattr(interruption, "__notes__", ())]
        print(f"explaindistill {args.command}: {'. '.join(words)}", file=sys.stderr)
        return INTERRUPTED
