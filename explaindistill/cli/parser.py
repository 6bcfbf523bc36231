"""A parser of words that says which option or command was meant where it knows none of that name."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any

from explaindistill.errors import did_you_mean

__all__ = ["SuggestingParser"]


class SuggestingParser(argparse.ArgumentParser):
    """An ``ArgumentParser`` whose refusals name the nearest option, choice or command.

    A misspelt option is named before the parser misses the one that was meant: "--daat: did you mean --data?", and
    not "--data is required".

    Examples
    --------
    >>> parser = SuggestingParser(prog="greet")
    >>> _ = parser.add_argument("--name", required=True)
    >>> parser.unknown_options(["--nmae", "Ada"])
    "unrecognized arguments: --nmae; did you mean '--name'?"
    """

    def parse_known_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override]
        """As argparse does; ends at the first option that is none of this parser's."""
        if args is not None and (words := self.unknown_options(args)):
            self.error(words)
        return super().parse_known_args(args, namespace)

    def unknown_options(self, args: Sequence[str]) -> str:
        """Message about the words that look like options and are none; nothing where all are known.

        A parser of commands leaves what follows the command to the command's own parser.
        """
        options = [option for option in self._option_string_actions if option.startswith("--")]
        if any(isinstance(action, argparse._SubParsersAction) for action in self._actions):
            return ""
        before_dashes = args[: list(args).index("--")] if "--" in args else args
        typed = [word.partition("=")[0] for word in before_dashes if re.match(r"--\w", word)]
        unknown = [word for word in typed if not any(option.startswith(word) for option in options)]
        if not unknown:
            return ""
        return f"unrecognized arguments: {' '.join(unknown)}{did_you_mean(unknown[0], options)}"

    def error(self, message: str) -> Any:
        """End with one message and the nearest choice; thirty lines of usage would hide it, and ``--help`` has them."""
        if words := re.search(r"invalid choice: '(?P<typed>[^']*)' \(choose from (?P<choices>.*)\)", message):
            choices = [choice.strip().strip("'") for choice in words["choices"].split(",")]
            message += did_you_mean(words["typed"], choices)
        self.exit(2, f"{self.prog}: error: {message}; see {self.prog} --help\n")
