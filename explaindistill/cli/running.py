"""What each command does: a function that takes the parsed words and a console, and returns the exit code."""

from __future__ import annotations

from explaindistill.cli.audit import run_audit
from explaindistill.cli.curve import run_curve
from explaindistill.cli.demo import run_demo
from explaindistill.cli.distill import run_best, run_distill
from explaindistill.cli.doctor import run_doctor
from explaindistill.cli.judging import run_check, run_compare
from explaindistill.cli.labels import run_labels
from explaindistill.cli.list import run_list
from explaindistill.cli.teach import run_teach

__all__ = ["COMMANDS"]

COMMANDS = {
    "demo": run_demo,
    "teach": run_teach,
    "distill": run_distill,
    "best": run_best,
    "audit": run_audit,
    "check": run_check,
    "compare": run_compare,
    "labels": run_labels,
    "curve": run_curve,
    "list": run_list,
    "doctor": run_doctor,
}
