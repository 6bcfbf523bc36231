"""The students in the page, asked in a real browser, against the students themselves; and how they are shown."""

import json
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from explaindistill import plugins
from explaindistill.data.schema import Schema
from explaindistill.export import javascript
from explaindistill.measures.columns import describe_columns
from explaindistill.measures.teacher_cells import teacher_cells
from explaindistill.report.render import render
from explaindistill.students.tree.estimators import TreeRegressor

KINDS = ("tree", "gam", "linear", "model_tree", "rules", "scorecard")
NAMES = ("Tree", "GAM", "Linear", "ModelTree", "RuleList", "Scorecard")


def rows(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 80, n).astype(float),
            "</script>": rng.normal(size=n).round(2),
            "city": rng.choice(["Bern", "Zug", "<b>Genf"], n),
            "owner": rng.random(n) < 0.4,
            "since": pd.Timestamp("2001-01-01") + pd.to_timedelta(rng.integers(0, 9000, n), unit="D"),
        }
    )
    frame.loc[rng.random(n) < 0.2, "age"] = np.nan
    return frame


def soft(frame: pd.DataFrame) -> np.ndarray:
    z = frame["age"].fillna(40) / 20 - 2 + frame["</script>"] * frame["owner"] + (frame["city"] == "Zug")
    z = z + frame["since"].dt.year / 10 - 201
    p = 1 / (1 + np.exp(-z.to_numpy()))
    return np.column_stack([1 - p, p])


@pytest.fixture(scope="module")
def students() -> dict:
    frame, found = rows(600, 0), {}
    for kind, name in zip(KINDS, NAMES, strict=True):
        found[kind] = plugins.public("students", kind)[f"{name}Classifier"](classes=["no", "yes"]).fit(
            frame, soft(frame)
        )
    return found


@pytest.fixture(scope="module")
def page(make_once, students, tmp_path_factory: pytest.TempPathFactory) -> Path:
    audit = replace(make_once(students=KINDS), students=students, schema=students["tree"].schema_)
    cells, frames = {}, []
    for kind in KINDS:
        cells[kind] = TreeRegressor(max_leaf_nodes=5, min_samples_leaf=40).fit(rows(600, 0), soft(rows(600, 0)))
        told = {"classes": ["no", "yes"], "minimum": 40, "subject": kind}
        frames.append(teacher_cells(rows(600, 0), soft(rows(600, 0)), cells[kind], **told))
    columns = describe_columns(rows(600, 0), audit.schema)
    frames = audit.frames | {"cells": pd.concat(frames, ignore_index=True), "columns": columns}
    audit = replace(audit, frames=frames, cells=cells)
    path = tmp_path_factory.mktemp("whatif") / "audit.html"
    path.write_text(render(audit, "html"), encoding="utf-8")
    return path


def test_students_are_drawn_and_told(page):
    text = page.read_text(encoding="utf-8")
    assert 'id="student-0-outline"' in text
    assert 'id="student-1-term-0-title"' in text
    assert "Coefficients per standard deviation." in text
    assert 'id="student-3-outline"' in text
    assert 'id="student-4-outline"' in text
    assert "conditions; the points of those that hold are added up." in text
    assert text.count('class="whatif"') == len(KINDS)
    assert "log-odds of yes" in text


def test_no_row_of_the_data_is_in_the_page(page):
    """Ranges and categories only: no date but the ends of its range, no decimal number of a row's own."""
    text = page.read_text(encoding="utf-8")
    dates = {d.strftime("%Y-%m-%d") for d in rows(600, 0)["since"]}
    assert sum(d in text for d in dates) <= 12


@pytest.mark.browser
def test_students_in_the_page_answer_as_they_do_here(browser, page, students):
    browser.open(page)
    asked = rows(300, 1)
    asked.loc[:20, "city"] = "Atlantis"
    asked.loc[30:50, "city"] = None
    told = asked.astype(object).where(asked.notna(), None)
    told["since"] = [v.isoformat() + "Z" for v in told["since"]]
    for i, kind in enumerate(KINDS):
        said = browser.ask(
            f"{json.dumps(told.to_dict('records'))}.map(self.explaindistill['student-{i}'].predict_proba)"
        )
        assert np.abs(np.array(said) - students[kind].predict_proba(asked)).max() <= 1e-12


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 360])
def test_panel_answers_when_a_control_is_moved(browser, page, width):
    browser.open(page, width)
    assert browser.ask("document.documentElement.scrollWidth") <= width
    answer = "document.querySelector('.whatif[data-student=student-1] .answer').textContent"
    before = browser.ask(answer)
    assert before.startswith("The student says: ")
    browser.ask(
        "(() => { const s = document.querySelector('.whatif[data-student=student-1] input[type=range]');"
        "s.value = s.max; s.dispatchEvent(new Event('input')); })()"
    )
    assert browser.ask(answer) != before
    assert browser.ask("document.querySelectorAll('.outline .lit').length") >= 2
    labels = "Array.from(document.querySelectorAll('.whatif input, .whatif select'))"
    assert browser.ask(f"{labels}.every(c => c.labels.length || c.ariaLabel)")
    assert browser.named("Runtime.exceptionThrown") == []


@pytest.mark.browser
def test_the_panel_starts_at_a_typical_row_and_tells_what_the_teacher_says_near_it(browser, page):
    browser.open(page)
    usual = describe_columns(rows(600, 0), Schema.infer(rows(600, 0))).set_index("feature")
    age = "document.getElementById('student-0-ask-0')"
    assert float(browser.ask(f"{age}.value")) == usual.loc["age", "median"]
    assert (
        browser.ask("document.getElementById('student-0-ask-2').selectedOptions[0].text") == usual.loc["city", "mode"]
    )
    answer = "document.querySelector('.whatif[data-student=student-0] .answer').textContent"
    for value in (20, 79):
        browser.ask(f"(() => {{ {age}.value = {value}; {age}.dispatchEvent(new Event('input')); return 0; }})()")
        row = {c: usual.loc[c, "median"] for c in ("</script>", "since")} | {"age": float(value)}
        row |= {"city": usual.loc["city", "mode"], "owner": usual.loc["owner", "mode"] == "yes"}
        row["since"] = pd.Timestamp(row["since"], unit="s").floor("D")
        tree = TreeRegressor(max_leaf_nodes=5, min_samples_leaf=40).fit(rows(600, 0), soft(rows(600, 0)))
        mine = tree.apply(pd.DataFrame([row])[list(rows(2, 0))])[0]
        inside = tree.apply(rows(600, 0)) == mine
        assert f"on the {inside.sum()} audited rows nearest to this" in browser.ask(answer)
        assert f"{100 * soft(rows(600, 0))[inside, 1].mean():.1f} %" in browser.ask(answer)


def test_controls_are_the_columns_that_the_script_reads(page, students):
    text = page.read_text(encoding="utf-8")
    panel = r'<div class="whatif" data-student="student-(\d)".*?application/json">(.*?)</script>'
    panels = re.findall(panel, text, re.DOTALL)
    assert len(panels) == len(KINDS)
    for i, content in panels:
        script = javascript.generate(students[KINDS[int(i)]])
        read = json.loads(re.search(r"^var model = (.*);$", script, re.MULTILINE)[1])["features"]
        assert [f["name"] for f in json.loads(content)["features"]] == [f["name"] for f in read]


@pytest.mark.browser
def test_the_path_of_a_model_tree_and_the_rule_of_a_list_are_marked(browser, page, students):
    """Whatever the slider of age says, the marked lines are those of the row that the panel asks about."""
    usual = describe_columns(rows(600, 0), Schema.infer(rows(600, 0))).set_index("feature")
    row = {c: usual.loc[c, "median"] for c in ("age", "</script>", "since")}
    row |= {"city": usual.loc["city", "mode"], "owner": usual.loc["owner", "mode"] == "yes"}
    row["since"] = pd.Timestamp(row["since"], unit="s").floor("D")
    frame = pd.DataFrame([row])[list(rows(2, 0))]
    browser.open(page)
    lit = "Array.from(document.querySelectorAll('#student-{}-outline .lit')).map(line => line.dataset.node)"
    tree, rules = (students[k] for k in ("model_tree", "rules"))
    way = ["w"]
    path = tree.tree_.path(int(tree.tree_.leaves(tree.schema_.frame(frame))[0]))
    for node, child in pairwise(path):
        way.append(way[-1] + ("1" if tree.tree_.nodes[node].left == child else "0"))
    assert len(way) > 1
    assert browser.ask(lit.format(3)) == way
    taken = int(rules.rules_.deciding(rules.schema_.frame(frame))[0])
    assert browser.ask(lit.format(4)) == ["w" + "0" * taken + "1" * (taken < len(rules.rules_.rules))]
