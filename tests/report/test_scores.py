"""Scores and decisions on the page, links to evidence, and the short answers of a telephone."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.report.blocks import Details, Gallery, Table
from explaindistill.report.places import CHAPTERS, PLACES
from explaindistill.report.render import render, sections

N = 1200


class KnownRule:
    """A model whose rule is written down."""

    classes_ = np.array(["no", "yes"])

    def predict_proba(self, rows):
        yes = 1 / (1 + np.exp(-2 * rows["pay"] + rows["debt"] + (rows["sex"] == "f")))
        return np.column_stack([1 - yes, yes])

    def predict(self, rows):
        return self.classes_[self.predict_proba(rows).argmax(axis=1)]


@pytest.fixture(scope="module")
def audit():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"pay": rng.normal(size=N), "debt": rng.normal(size=N), "sex": rng.choice(["f", "m"], N)})
    P = pd.DataFrame(KnownRule().predict_proba(X), columns=["no", "yes"])
    y = np.where(rng.random(N) < P["yes"], "yes", "no")

    students = {"gam": xd.GAMClassifier(n_pairs=0).fit(X, P), "tree": xd.TreeClassifier(max_leaf_nodes=4).fit(X, P)}
    asked = {"fidelity.agreement": ">= 0.9", "bias.worst_impact_ratio": ">= 0.8"}
    about = {"purpose": "a test", "title": "Who gets it"}
    return xd.audit(
        KnownRule(), students, X, y,
        sensitive="sex", favorable="yes", requirements=asked, about=about, n_explained=200,
    )  # fmt: skip


@pytest.fixture(scope="module")
def page(tmp_path_factory, audit) -> Path:
    path = tmp_path_factory.mktemp("scores") / "audit.html"
    path.write_text(render(audit, "html"), encoding="utf-8")
    return path


def folds(audit) -> dict[str, Details]:
    return {block.id: block for block in sections(audit)["scores"].blocks if isinstance(block, Details)}


def test_calibration_roc_and_answers_are_drawn(audit):
    found = folds(audit)
    galleries = [b for id in ("truth", "answers") for b in found[id].blocks if isinstance(b, Gallery)]
    titles = [figure.title for gallery in galleries for figure in gallery.figures]
    assert titles == ["Calibration", "ROC curve", "Teacher and gam", "Teacher and tree"]


def test_decisions_are_counted_as_the_audit_decides(audit):
    (table,) = (b for b in folds(audit)["decisions"].blocks if isinstance(b, Table))
    assert table.columns == ("student", "decides no", "decides yes")
    shown = {(row[0].text, row[0].detail.rsplit(" ", 1)[1]): [c.detail for c in row[1:]] for row in table.rows}
    for line in audit.frames["decided_as"].to_dict("records"):
        said = line["subset"].removeprefix("class=")
        counted = shown[line["subject"], said][["no", "yes"].index(line["decision"])]
        assert counted.endswith(f"{line['k']:,.0f} of {line['n']:,.0f}")


def test_shapley_values_stand_beside_each_other_on_one_axis(audit):
    blocks = {b.id: b for b in sections(audit)["importance"].blocks if isinstance(b, Details)}
    figures = blocks["shapley-values"].blocks[0].figures
    assert [f.title.split(":")[0] for f in figures] == ["teacher", "gam"]


def test_without_a_favourable_class_it_says_what_it_needs(audit):
    X = pd.DataFrame({"pay": np.linspace(0, 1, 200)})
    tree = xd.TreeRegressor(max_leaf_nodes=3).fit(X, X["pay"])
    report = xd.audit((X, X["pay"]), {"tree": tree}, X, n_explained=0)
    assert "roc" not in folds(report)
    assert list(folds(report)) == ["answers"]


def test_every_place_of_evidence_is_a_fold_or_a_chapter():
    chapters = {"bias", "fidelity", "students", "importance", "dependence", "comparison", "teacher", "limits"}
    known = {*chapters, *CHAPTERS, "checks"}
    assert set(PLACES.values()) <= known
    assert set(CHAPTERS.values()) <= chapters


@pytest.mark.browser
def test_every_check_and_sentence_leads_to_evidence_that_is_there(browser, page):
    browser.open(page)
    every = "Array.from(document.querySelectorAll('a.evidence'))"
    arrows = browser.ask(f"{every}.map(a => [a.hash, !!document.getElementById(a.hash.slice(1))])")
    assert len(arrows) > 8
    assert all(there for _, there in arrows)
    checks = browser.ask("document.querySelectorAll('#checks .verdicts li').length")
    assert browser.ask("document.querySelectorAll('#checks a.evidence').length") == checks > 0


@pytest.mark.browser
def test_a_telephone_shows_short_answers_and_a_button_for_the_rest(browser, page):
    browser.open(page, 360)
    shown = "Array.from(document.querySelectorAll('.topic .rest')).map(r => r.getClientRects().length > 0)"
    assert not any(browser.ask(shown))
    assert browser.ask("document.querySelector('.what').innerText.includes('a test')") is False
    browser.ask("document.querySelectorAll('.more').forEach(b => b.click())")
    assert all(browser.ask(shown))
    assert browser.ask("document.querySelector('.what').innerText.includes('a test')")
    browser.open(page, 1280)
    assert all(browser.ask(shown))
    assert browser.ask("Array.from(document.querySelectorAll('.more')).every(b => b.hidden)")


@pytest.mark.browser
def test_the_waterfall_ends_where_the_terms_add_up_to(browser, page, audit):
    browser.open(page)
    asked = "document.querySelector('.whatif[data-student=\"student-0\"] .waterfall')"
    cells = browser.ask(f"Array.from({asked}.children).map(e => e.textContent)")
    values = [float(text.replace("−", "-")) for text in cells[2::3]]
    assert cells[0::3][-1] == "together"
    assert values[-1] == pytest.approx(sum(values[:-1]), abs=0.01 * len(values))
    sides = browser.ask(
        f"Array.from({asked}.querySelectorAll('i')).map(b => [parseFloat(b.style.left), parseFloat(b.style.width)])"
    )
    at = 0.0
    span = max(left + width for left, width in sides)
    assert span == pytest.approx(100, abs=0.01)
    for value, (left, width) in zip(values[:-1], sides[:-1], strict=True):
        assert width >= 0
        at += value
        assert left >= -0.01, (value, left)


@pytest.mark.browser
def test_end_tags_that_are_left_out_change_no_table(browser, page):
    assert not re.search("</(td|tr|li)>", page.read_text("utf-8"))
    browser.open(page)
    widths = browser.ask(
        "Array.from(document.querySelectorAll('main table')).map(t => Array.from(t.rows).map(r => r.cells.length))"
    )
    assert len(widths) > 20
    assert all(len(set(rows)) == 1 for rows in widths)
    nested = "document.querySelectorAll('td td, th th, td tr, .verdicts li li').length"
    assert browser.ask(nested) == 0


def test_counts_of_answers_are_drawn_where_their_cells_are():
    """Cells on each other are one box: it covers what they cover."""
    from explaindistill import plots

    cells = pd.DataFrame(
        [(0.0, 0.5, low, low + 0.25, 40) for low in (0.25, 0.0, 0.5)] + [(0.5, 1.0, 0.5, 1.0, 40)],
        columns=["teacher_from", "teacher_to", "student_from", "student_to", "k"],
    ).assign(subject="gam", n=160, estimate=0.25)
    ax = plots.answer_counts(cells, plots.figure().subplots())
    inside = {
        (x, y): any(patch.get_path().contains_point((x, y)) for patch in ax.patches)
        for x in (0.25, 0.75)
        for y in (0.1, 0.3, 0.6, 0.8)
    }
    assert {place for place, is_drawn in inside.items() if is_drawn} == {
        (0.25, 0.1), (0.25, 0.3), (0.25, 0.6), (0.75, 0.6), (0.75, 0.8)
    }  # fmt: skip


def test_links_lead_to_what_is_on_the_page(audit):
    page = render(audit, "html")
    links = set(re.findall(r'href="#([^"]*)"', page))
    assert len(links) > 5
    assert links <= set(re.findall(r'id="([^"]*)"', page))
    assert not re.search(r'href="#?"', page)
