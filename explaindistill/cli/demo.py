"""The command demo: the whole tour on the embedded example."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from explaindistill.cli.about import save_command, typed_command
from explaindistill.cli.folders import refuse_overwriting, results_folder
from explaindistill.cli.rows import SplitRows, split
from explaindistill.cli.steps import fit, measure, results_of, save, train
from explaindistill.cli.students import make_students
from explaindistill.cli.summary import print_candidates, print_places, print_summary

__all__ = ["run_demo"]

FAMILIES = ("tree", "model_tree", "gam")
STUDENTS = ("best", *FAMILIES)
BUDGET = 10
"""Lines that the best student may have: about what a person reads in one go."""
REQUIREMENTS = {"fidelity.agreement": ">= 0.9", "bias.worst_impact_ratio": ">= 0.8"}
"""What the demo asks of its students, as an example: a student that errs on more than one row in ten describes another
model; 0.8 is the four-fifths rule, for any pair of groups."""
ABOUT = {
    "title": "Who gets a loan",
    "decision": "approved or declined",
    "purpose": "an example of an audit",
    "owner": "nobody; the applications are made up",
    "data_name": "the embedded example",
    "row_name": "applications",
}
NAMES = {
    "columns": {"age_band": "age", "debt_ratio": "debt / income"},
    "groups": {
        "sex": {"female": "women", "male": "men"},
        "age_band": {"18-29": "under 30", "30-44": "30 to 44", "45-59": "45 to 59", "60+": "60 and over"},
    },
}
UNITS = {"term_months": "months", "years_employed": "years", "income": "a month"}
SIZES = ("tree.max_leaf_nodes=16", "model_tree.max_leaf_nodes=8")


def run_demo(args: Namespace, console: Console) -> int:
    """Train a network on the embedded example, distil it into the best student and three others, audit all of them."""
    from explaindistill.data.datasets import lending
    from explaindistill.distillation.choosing.student_choice import StudentChoice

    refuse_overwriting(args.out, results_of(STUDENTS), args.force)
    with results_folder(args.out) as out:
        data = lending(4_000 if args.quick else 20_000, args.random_state)
        fitting, measuring = split(len(data.X), 0.3, args.random_state)
        attributes = data.X[list(data.sensitive)]
        rows = SplitRows(data.X, data.y.to_numpy(), "classification", attributes, fitting, measuring)
        teacher = train(rows, (32,) if args.quick else (64, 64), 8 if args.quick else 30, args.random_state)
        families = make_students(FAMILIES, "classification", SIZES, args.random_state)
        students = {"best": StudentChoice(max_lines=BUDGET), **families}
        fitted = fit(teacher, students, rows, 5_000 if args.quick else None, args.random_state)
        audit = measure(
            teacher, fitted, rows, favorable=data.favorable, requirements=REQUIREMENTS, dependence=True,
            about=ABOUT, display_names=NAMES, units=UNITS,
        )  # fmt: skip
        audit = replace(audit, command=typed_command(args.words))
        save(audit, out)
        save_command(args.words, out)
    print_candidates(fitted["best"].candidates_, console)
    print_summary(audit, console)
    planted = f"{data.truth.rates['sex']['male'] - data.truth.rates['sex']['female']:.3f}"
    console.print(f"In the example, women are approved less often than men by {planted} in the labels: it was planted.")
    print_places(Path(args.out), console)
    return 0
