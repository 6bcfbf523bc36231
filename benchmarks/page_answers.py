"""The open page against Python: what-if panels against ``predict_proba``, the slider against counts of decisions.

Rows are typed into the panels of a page in Chromium, control by control, and what is then read there is compared: the
decision with the audit's rule, every probability at the digit that is shown. The slider is moved to each of its
thresholds, for each model and attribute, and its counts are compared with those of the models' own probabilities; at
the audit's threshold also with the frame ``rates``. Students of six families; a column is missing now and then.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _bars import Bars, options
from _teachers import boosted
from page_layout import browser

import explaindistill as xd
from explaindistill.data.datasets import lending
from explaindistill.report.render import render

THRESHOLD = 0.6
"""Not one half: the decision rule has to be obeyed."""
HALF_A_DIGIT = 0.05 + 1e-7
"""Of a probability that is shown with one digit behind the point of its per cent."""
AT_ONCE = 250
"""Rows in one message to the browser."""
SCRIPT = Path(__file__).with_suffix(".js")


def audited(n: int) -> tuple[xd.Audit, Any, dict[str, Any], pd.DataFrame]:
    """An audit of six students of a boosted teacher, with the rows that it was made of."""
    data = lending(3 * n, 0)
    half = len(data.X) // 3
    teacher = boosted(data.X[half:], data.y[half:])
    answers = pd.DataFrame(teacher.predict_proba(data.X[half:]), columns=teacher.classes_)
    makers = {
        "tree": xd.TreeClassifier(max_leaf_nodes=16), "model tree": xd.ModelTreeClassifier(max_leaf_nodes=6),
        "gam": xd.GAMClassifier(), "linear": xd.LinearClassifier(), "rules": xd.RuleListClassifier(),
        "scorecard": xd.ScorecardClassifier(),
    }  # fmt: skip
    rows = data.X[:half].reset_index(drop=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        students = {name: one.fit(data.X[half:].reset_index(drop=True), answers) for name, one in makers.items()}
        audit = xd.audit(
            teacher, students, rows, data.y[:half].reset_index(drop=True), sensitive=list(data.sensitive),
            favorable=data.favorable, threshold=THRESHOLD, n_explained=0,
        )  # fmt: skip
    return audit, teacher, students, rows


def typed(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as they are typed: dates as seconds of their day, what is missing as None."""
    table = rows.copy()
    for column in table:
        if pd.api.types.is_datetime64_any_dtype(table[column]):
            seconds = table[column].dt.normalize().astype("datetime64[s]").astype("int64")
            table[column] = seconds.astype(object).where(table[column].notna(), None)
    return [
        {k: None if pd.isna(v) else v.item() if isinstance(v, np.generic) else v for k, v in row.items()}
        for row in table.to_dict("records")
    ]


def what_if(chromium: Any, audit: xd.Audit, students: dict[str, Any], rows: pd.DataFrame) -> tuple[int, int]:
    """Answers that were compared, and how many differ in the decision or in a shown digit."""
    compared = different = 0
    favorable = str(audit.favorable)
    for place, (_, student) in enumerate(students.items()):
        lines = typed(rows)
        P, classes = student.predict_proba(rows), [str(c) for c in student.classes_]
        at = classes.index(favorable)
        for start in range(0, len(lines), AT_ONCE):
            part = json.dumps(lines[start : start + AT_ONCE])
            for k, (said, shown) in enumerate(chromium.ask(f"typed('student-{place}', {part})")):
                p = P[start + k]
                wanted = favorable if p[at] >= THRESHOLD - 1e-12 else classes[1 - at]
                off = [abs(float(text.split()[0]) - 100 * q) for text, q in zip(shown, p, strict=True)]
                close = max(off) <= HALF_A_DIGIT
                compared += 1
                same = said.startswith(f"The student says: {wanted}") and close
                different += not same
                if not same:
                    print(
                        f"student {place}, row {start + k}: {said!r} {shown}, {p.tolist()} in Python", file=sys.stderr
                    )
    return compared, different


def slider(
    chromium: Any, audit: xd.Audit, teacher: Any, students: dict[str, Any], rows: pd.DataFrame
) -> tuple[int, int]:
    """Counts that were compared, and how many differ; at the audit's threshold they are held against ``rates``, too."""
    data = json.loads(chromium.ask("document.querySelector('.threshold script').textContent"))
    compared = different = 0
    rates = audit.frames["rates"].query("metric == 'selection_rate'").set_index(["subject", "attribute", "group"])
    for m, model in enumerate(data["models"]):
        asked = teacher if model["name"] == "teacher" else students[model["name"]]
        score = np.asarray(asked.predict_proba(rows))[:, list(asked.classes_).index(audit.favorable)]
        for a, table in enumerate(model["attributes"]):
            attribute = data["attributes"][a]
            shown = chromium.ask(f"moved({m}, {a})")
            for i, threshold in enumerate(table["thresholds"]):
                for group, text in zip(attribute["groups"], shown[i], strict=True):
                    inside = rows[attribute["name"]].astype(str).to_numpy() == group
                    k, n = int((score[inside] >= threshold).sum()), int(inside.sum())
                    compared += 1
                    different += f"{k:,} of {n:,}" not in text
                    if i == table["start"]:
                        line = rates.loc[(model["name"], attribute["name"], group)]
                        compared += 1
                        different += (int(line["k"]), int(line["n"])) != (k, n)
    return compared, different


def main(argv: list[str]) -> int:
    """Type, move and compare."""
    args = options(__doc__ or "").parse_args(argv)
    bars = Bars("the page's answers")
    if shutil.which("chromium") is None:
        bars.add("in Chromium", "opened", "chromium is not installed", None)
        return bars.finish(args)
    audit, teacher, students, rows = audited(1_000 if args.quick else 6_000)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        page = Path(folder) / "audit.html"
        page.write_text(render(audit, "html"), encoding="utf-8")
        chromium = browser(Path(folder) / "profile")
        chromium.open(page)
        chromium.ask(SCRIPT.read_text(encoding="utf-8"))
        some = rows.head(200 if args.quick else 1_700)
        compared, different = what_if(chromium, audit, students, some)
        bars.at_most("what-if answers that differ", 0, different, "", f"of {compared:,}")
        compared, different = slider(chromium, audit, teacher, students, rows)
        bars.at_most("counts of the slider that differ", 0, different, "", f"of {compared:,}")
        chromium.close()
    return bars.finish(args)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
