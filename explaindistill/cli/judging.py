"""The commands that read saved audits: hold one against a policy, or compare two."""

from __future__ import annotations

from argparse import Namespace

from rich.console import Console

from explaindistill.auditing.comparing import compare
from explaindistill.auditing.gates import gate

__all__ = ["run_check", "run_compare"]


def run_check(args: Namespace, console: Console) -> int:
    """Print every check that did not pass; 0 pass, 1 fail, 3 inconclusive."""
    answer = gate(args.audit, args.policy)
    console.print(str(answer), markup=False, highlight=False)
    return answer.exit_code


def run_compare(args: Namespace, console: Console) -> int:
    """Print what moved beyond chance, and what else changed."""
    console.print(str(compare(args.old, args.new)), markup=False, highlight=False)
    return 0
