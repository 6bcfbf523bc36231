"""The students in the page, asked in a real browser, against the students themselves; and how they are shown."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from explaindistill import plugins
from explaindistill.report.render import render

KINDS = ("tree", "gam", "linear")


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
    for kind, name in zip(KINDS, ("TreeClassifier", "GAMClassifier", "LinearClassifier"), strict=True):
        found[kind] = plugins.public("students", kind)[name](classes=["no", "yes"]).fit(frame, soft(frame))
    return found


@pytest.fixture(scope="module")
def page(make_once, students, tmp_path_factory: pytest.TempPathFactory) -> Path:
    audit = replace(make_once(students=KINDS), students=students, schema=students["tree"].schema_)
    path = tmp_path_factory.mktemp("whatif") / "audit.html"
    path.write_text(render(audit, "html"), encoding="utf-8")
    return path


def test_students_are_drawn_and_told(page):
    text = page.read_text(encoding="utf-8")
    assert 'id="student-0-outline"' in text
    assert 'id="student-1-term-0-title"' in text
    assert 'id="student-2-coefficients-title"' in text
    assert text.count('class="whatif"') == 3
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
