"""The words of the command line: commands, options, examples and exit codes."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import explaindistill
from explaindistill.cli.about import add_about
from explaindistill.cli.endpoints import add_endpoint
from explaindistill.cli.parser import SuggestingParser
from explaindistill.cli.tables import MISSING

__all__ = ["build_parser"]

EXIT_CODES = """exit codes:
  0  done, and every requirement holds
  1  done, and a requirement (--require) fails
  2  a mistake in the call or in the data: one message on stderr, nothing written
  3  done, but a requirement cannot be decided with so few rows, or something could not be measured
"""

EXAMPLES = {
    "check": """examples:
  explaindistill check audit/audit.json --policy policy.toml
""",
    "compare": """examples:
  explaindistill compare last-year/audit.json audit/audit.json
""",
    "demo": """examples:
  explaindistill demo                     the whole tour on 20,000 synthetic loan applications
  explaindistill demo --quick --out tour  the same in less time, on fewer rows
""",
    "teach": """examples:
  explaindistill teach --data adult.csv.gz --target income-per-year --out teacher/
  explaindistill teach --data houses.parquet --target price --task regression --out teacher/
""",
    "distill": """examples:
  explaindistill distill --teacher teacher/ --data adult.csv.gz --target income-per-year --student tree --out rules/
  explaindistill distill --teacher teacher/ --data adult.csv.gz --student tree --set tree.max_leaf_nodes=8 --out rules/
""",
    "best": """examples:
  explaindistill best --teacher teacher/ --data adult.csv.gz --target income-per-year --max-lines 10 --out best/
  explaindistill best --teacher teacher/ --data adult.csv.gz --max-numbers 20 --export best.py --out best/
""",
    "audit": """examples:
  explaindistill audit --teacher teacher/ --data adult.csv.gz --target income-per-year \\
      --sensitive sex,race --student tree,gam,linear --out audit/
  explaindistill audit --teacher teacher/ --data adult.csv.gz --target income-per-year --sensitive sex \\
      --favorable ">50K" --require "fidelity.agreement >= 0.95" --require "bias.impact_ratio >= 0.8" --out audit/
  explaindistill audit --teacher teacher/ --data loans.csv --target approved --favorable yes \\
      --title "Who gets a loan" --owner "Example Bank" --row-name applications --out audit/
  explaindistill audit --teacher-url https://scores.example.com/v7 --classes no,yes --token-env SCORING_TOKEN \\
      --owner "Example Bank" --terms "contract of 2026-01-31" --declaration "section 4 allows it for audits" \\
      --teacher-version 7.2 --store labels.db --data loans.csv --target decision --out audit/
""",
    "labels": """examples:
  explaindistill labels list labels.db
  explaindistill labels verify labels.db
  explaindistill labels export labels.db --teacher 3fa9c1 --out answers.parquet
  explaindistill labels prune labels.db --teacher 3fa9c1 --yes
""",
    "curve": """examples:
  explaindistill curve --teacher teacher/ --data adult.csv.gz --target income-per-year --student tree \\
      --sizes 500,2000,8000 --out curve/
""",
    "list": """examples:
  explaindistill list
  explaindistill list students
""",
    "doctor": """examples:
  explaindistill doctor                   what is installed, what it may use, and one small run
  explaindistill doctor --store /data/labels.db
""",
}

Add = Callable[..., Any]


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; the chosen one is in ``command``."""
    parser = SuggestingParser(
        prog="explaindistill",
        description=explaindistill.__doc__,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"explaindistill {explaindistill.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)
    _demo(_command(commands, "demo", "distil and audit a network on the embedded example"))
    _teach(_command(commands, "teach", "train a small network, for those who have no teacher at hand"))
    _distill(_command(commands, "distill", "fit one student to a teacher's answers"))
    _best(_command(commands, "best", "let all families of students compete for what a reader is ready to read"))
    _audit(_command(commands, "audit", "fit students and measure everything about them and their teacher"))
    _check(_command(commands, "check", "hold a saved audit against a policy"))
    _compare(_command(commands, "compare", "tell what moved beyond chance between two saved audits"))
    _labels(_command(commands, "labels", "look after a label store: list, verify, export, prune"))
    _curve(_command(commands, "curve", "measure how fidelity grows with the number of questions"))
    _list(_command(commands, "list", "name the plug-ins: students, samplers, teachers, exports …"))
    _doctor(_command(commands, "doctor", "tell what is installed, what it may use, and whether a small audit runs"))
    return parser


def _command(commands: Any, name: str, words: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=words,
        description=words[0].upper() + words[1:] + ".",
        epilog=EXAMPLES[name] + "\n" + EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    return parser


def _check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("audit", metavar="AUDIT.JSON", help="results of an audit, as saved by the command audit")
    parser.add_argument("--policy", required=True, metavar="POLICY.TOML", help="rules that the audit must keep")


def _compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("old", metavar="OLD.JSON", help="the audit before")
    parser.add_argument("new", metavar="NEW.JSON", help="the audit now")


def _demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quick", action="store_true", help="fewer rows and shorter training")
    parser.add_argument("--out", default="audit", metavar="FOLDER", help="where the audit goes (default: audit)")
    _force(parser)
    parser.add_argument("--random-state", type=_seed, default=0, metavar="SEED", help="default: 0")


def _teach(parser: argparse.ArgumentParser) -> None:
    _data(parser, target=True)
    parser.add_argument("--out", required=True, metavar="FOLDER", help="where the saved teacher goes")
    _force(parser)
    parser.add_argument("--hidden", type=_numbers, default=(64, 64), metavar="N,N", help="sizes of hidden layers")
    parser.add_argument("--epochs", type=_positive, default=30, metavar="N", help="passes over the rows at most")


def _distill(parser: argparse.ArgumentParser) -> None:
    _data(parser, target=False)
    _teacher(parser)
    parser.add_argument("--student", default="tree", metavar="NAME", help="one of `explaindistill list students`")
    _students(parser)
    parser.add_argument("--out", required=True, metavar="FOLDER", help="where student.json and student.txt go")
    _force(parser)
    _dry_run(parser)
    parser.add_argument(
        "--export", action="append", default=[], metavar="FILE", help="also write code, such as student.py or student.c"
    )


def _best(parser: argparse.ArgumentParser) -> None:
    _data(parser, target=False)
    _teacher(parser)
    for name, words in (
        ("lines", "leaves, rules, terms, or conditions with points"),
        ("numbers", "thresholds, coefficients, points, values and named levels"),
        ("columns", "columns that the student asks about"),
    ):
        parser.add_argument(f"--max-{name}", type=_positive, metavar="N", help=f"at most so many {name}: {words}")
    parser.add_argument(
        "--optimize",
        choices=("decisions", "probabilities"),
        default="decisions",
        help="what is compared: equal decisions (default), or the divergence of the probabilities",
    )
    _asked_while_fitting(parser)
    parser.add_argument(
        "--out", required=True, metavar="FOLDER", help="where student.json, student.txt and candidates.csv go"
    )
    _force(parser)
    _dry_run(parser)
    parser.add_argument(
        "--export", action="append", default=[], metavar="FILE", help="also write code, such as student.py or student.c"
    )


def _audit(parser: argparse.ArgumentParser) -> None:
    _data(parser, target=True)
    _teacher(parser)
    parser.add_argument(
        "--student", type=_names, default=("tree", "gam", "linear"), metavar="A,B", help="default: tree,gam,linear"
    )
    _students(parser)
    parser.add_argument("--sensitive", type=_names, default=(), metavar="A,B", help="columns to compare groups by")
    parser.add_argument("--favorable", metavar="CLASS", help="the class that people want to get")
    parser.add_argument("--threshold", type=_share, default=0.5, metavar="P", help="decision threshold (default: 0.5)")
    parser.add_argument(
        "--min-group-size", type=int, default=10, metavar="N", help="withhold figures of smaller groups (default: 10)"
    )
    parser.add_argument(
        "--dependence",
        nargs="?",
        type=_names,
        const=True,
        default=False,
        metavar="A,B",
        help="curves of teacher and students along each column, or along these; asks about 3,000 rows per column",
    )
    parser.add_argument(
        "--worst-case",
        nargs="?",
        type=_positive,
        const=True,
        default=False,
        metavar="N",
        help="search near people for the largest disagreement, with N questions at most (200000)",
    )
    parser.add_argument(
        "--made-up",
        type=_positive,
        default=0,
        metavar="N",
        help="ask about N made-up rows besides, for closer limits of each rule's fidelity",
    )
    parser.add_argument("--date", metavar="DAY", help="date printed in the report, such as 2026-01-31")
    add_about(parser)
    parser.add_argument("--profile", metavar="NAME", help="a dated rule set, one of `explaindistill list profiles`")
    parser.add_argument(
        "--state",
        action="append",
        default=[],
        metavar="KEY=TEXT",
        help='what only people can say, such as "data_source=applications of 2025"; may be repeated',
    )
    parser.add_argument(
        "--jobs", type=int, metavar="N", help="threads (default: 1); -1 as many as this process may use"
    )
    parser.add_argument("--out", default="audit", metavar="FOLDER", help="where the audit goes (default: audit)")
    _force(parser)
    _dry_run(parser)
    parser.add_argument(
        "--require",
        action="append",
        default=[],
        metavar="RULE",
        help='such as "fidelity.agreement >= 0.95"; may be repeated',
    )


def _labels(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="action", required=True)
    words = {
        "list": "name the teachers whose answers are kept",
        "verify": "check every answer; 1 where something is wrong",
        "export": "write a teacher's answers as Parquet: the key of each row, never the row",
        "prune": "forget a teacher and its answers",
    }
    parsers = {
        name: actions.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        for name, text in words.items()
    }
    for action in parsers.values():
        action.add_argument("store", metavar="STORE", help="file of the label store")
    for name in ("export", "prune"):
        parsers[name].add_argument(
            "--teacher", required=True, metavar="FINGERPRINT", help="its first characters, as listed, are enough"
        )
    parsers["export"].add_argument("--out", required=True, metavar="FILE.parquet", help="where the answers go")
    parsers["export"].add_argument("--force", action="store_true", help="replace a file that is there")
    parsers["prune"].add_argument("--yes", action="store_true", help="really forget them")


def _curve(parser: argparse.ArgumentParser) -> None:
    _data(parser, target=False)
    _teacher(parser)
    parser.add_argument("--student", type=_names, default=("tree",), metavar="A,B", help="default: tree")
    parser.add_argument(
        "--set", action="append", default=[], metavar="STUDENT.PARAMETER=VALUE", help="such as tree.max_leaf_nodes=8"
    )
    _category_size(parser)
    parser.add_argument("--sizes", type=_numbers, metavar="N,N", help="rows asked; six sizes when left out")
    parser.add_argument("--repeats", type=_positive, default=3, metavar="N", help="fits per size (default: 3)")
    parser.add_argument("--proxy", choices=("auto", "gam", "network"), help="what labels the rows that are not asked")
    parser.add_argument("--store", metavar="FILE", help="label store, so that no row is asked twice")
    parser.add_argument("--out", required=True, metavar="FOLDER", help="where curve.csv and curve.svg go")
    _force(parser)
    _dry_run(parser)


def _force(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--force", action="store_true", help="replace results that are in the folder")


def _category_size(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--min-category-size",
        type=_positive,
        metavar="N",
        help='categories of fewer rows become "(other)" in every student (default: theirs, 5); 1 names all',
    )


def _dry_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="tell what the teacher would be asked (rows by purpose, money, privacy), ask nothing and write nothing",
    )


def _list(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("room", nargs="?", help="only this room, such as students")


def _doctor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--store", metavar="FILE", help="where a label store lies or shall lie (default: here)")


def _data(parser: argparse.ArgumentParser, *, target: bool) -> None:
    parser.add_argument("--data", required=True, metavar="FILE", help=".csv, .tsv (also .gz) or .parquet")
    parser.add_argument("--target", required=target, metavar="COLUMN", help="column that is to be predicted")
    parser.add_argument("--task", choices=("auto", "classification", "regression"), default="auto")
    parser.add_argument("--drop", type=_names, default=(), metavar="A,B", help="columns that nobody may use")
    parser.add_argument(
        "--categories", type=_names, default=(), metavar="A,B", help="columns of numbers that are codes of categories"
    )
    parser.add_argument(
        "--na", type=_names, default=MISSING, metavar="A,B", help=f"words for missing (default: {' '.join(MISSING)})"
    )
    parser.add_argument(
        "--groups", metavar="COLUMN", help="rows of one value belong together, such as those of one person or branch"
    )
    parser.add_argument(
        "--test-share", type=_share, default=0.3, metavar="P", help="share of rows kept for measuring (default: 0.3)"
    )
    parser.add_argument("--random-state", type=_seed, default=0, metavar="SEED", help="default: 0")


def _teacher(parser: argparse.ArgumentParser) -> None:
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--teacher", metavar="FOLDER", help="a saved teacher, an .onnx file, or one that needs --trust")
    where.add_argument("--teacher-url", metavar="URL", help="a scoring endpoint; see below")
    add_endpoint(parser, _positive)
    parser.add_argument(
        "--trust", action="store_true", help="load a file that can run code; only if you know its origin"
    )


def _students(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set", action="append", default=[], metavar="STUDENT.PARAMETER=VALUE", help="such as tree.max_leaf_nodes=8"
    )
    _asked_while_fitting(parser)


def _asked_while_fitting(parser: argparse.ArgumentParser) -> None:
    _category_size(parser)
    parser.add_argument("--store", metavar="FILE", help="label store: the teacher is asked about no row twice")
    parser.add_argument("--n-queries", type=int, metavar="N", help="rows the teacher is asked about while fitting")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(_positive(number) for number in text.split(","))


def _positive(text: str) -> int:
    if not (text.strip().isascii() and text.strip().isdigit()) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {text!r}")
    return int(text)


def _seed(text: str) -> int:
    if not (text.strip().isascii() and text.strip().isdigit()) or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 to {2**32 - 1}, got {text!r}")
    return int(text)


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"must lie between 0 and 1, got {text!r}")
    return value
