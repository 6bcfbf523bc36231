"""The page in a real browser: complete in itself, quiet, narrow enough for a phone, whole without scripts."""

import json
import re
from pathlib import Path

import pytest

from explaindistill.report.render import render

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, make_once) -> Path:
    path = tmp_path_factory.mktemp("page") / "audit.html"
    path.write_text(render(make_once(groups=("female", "male", "other", "unknown")), "html"), encoding="utf-8")
    return path


def requests(browser, page: Path) -> list[str]:
    sent = [e["request"]["url"] for e in browser.named("Network.requestWillBeSent")]
    return [url for url in sent if url != page.as_uri() and not url.startswith("data:")]


def complaints(browser) -> list:
    errors = [e for e in browser.named("Log.entryAdded") if e["entry"]["level"] in {"error", "warning"}]
    return errors + browser.named("Runtime.exceptionThrown") + browser.named("Runtime.consoleAPICalled")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_page_asks_the_network_for_nothing_and_fits_the_screen(browser, page, width, scheme):
    browser.open(page, width, scheme=scheme)
    assert browser.ask("document.documentElement.scrollWidth") <= width
    assert browser.ask("document.querySelectorAll('.tools button').length") == 3
    assert requests(browser, page) == []
    assert complaints(browser) == []


def test_everything_is_there_without_scripts(browser, page):
    browser.open(page)
    words = browser.ask("document.querySelector('main').textContent")
    figures = browser.ask("document.querySelectorAll('main svg').length")
    browser.open(page, scripts=False)
    browser("DOM.enable")
    root = browser("DOM.getDocument", depth=-1)["root"]["nodeId"]
    main = browser("DOM.querySelector", nodeId=root, selector="main")["nodeId"]
    assert len(browser("DOM.querySelectorAll", nodeId=main, selector="svg")["nodeIds"]) == figures >= 4
    assert "95.0" in words
    assert "95.0" in browser("DOM.getOuterHTML", nodeId=main)["outerHTML"]


def test_tables_sort_and_folds_open_by_keyboard_buttons(browser, page):
    browser.open(page)
    browser.ask("document.getElementById('unfold').click()")
    assert browser.ask("Array.from(document.querySelectorAll('main details')).every(d => d.open)")
    first = "document.querySelector('th button').closest('table')"
    browser.ask(f"{first}.querySelectorAll('th button')[1].click()")
    groups = browser.ask(f"Array.from({first}.tBodies[0].rows).map(r => r.cells[1].textContent)")
    values = [float(text.split("\xa0")[0]) for text in groups]
    assert values == sorted(values)
    assert browser.ask(f"{first}.querySelector('[aria-sort]').getAttribute('aria-sort')") == "ascending"


def test_the_results_that_are_saved_from_the_page_are_the_json_view(browser, page, make_once):
    browser.open(page)
    browser.ask(
        "(() => { URL.createObjectURL = b => { self.kept = b; return '#'; };"
        "HTMLAnchorElement.prototype.click = () => {}; document.getElementById('keep').click(); return 0; })()"
    )
    found, whole = (
        json.loads(browser.ask("self.kept.text()")),
        json.loads(render(make_once(groups=("female", "male", "other", "unknown")), "json")),
    )
    assert set(found["frames"]) == set(whole["frames"])
    for name, frame in whole["frames"].items():
        rows = [[float(f"{v:.4g}") if isinstance(v, float) else v for v in row] for row in frame["rows"]]
        assert found["frames"][name] == {"columns": frame["columns"], "rows": rows}


def test_every_drawing_has_words_and_every_heading_cell_a_scope(browser, page):
    browser.open(page)
    for word, which in (("title", "svg:not([aria-hidden])"), ("desc", "svg.plot")):
        drawings = f"Array.from(document.querySelectorAll('{which}'))"
        lacking = f"{drawings}.filter(s => !s.querySelector('{word}').textContent)"
        assert browser.ask(f"{lacking}.length") == 0
    assert browser.ask("Array.from(document.querySelectorAll('main th')).every(t => t.scope)")
    ids = browser.ask("Array.from(document.querySelectorAll('[id]')).map(e => e.id)")
    assert len(ids) == len(set(ids))


def test_chapters_are_tabs_with_a_keyboard_and_plain_headings_without_scripts(browser, page):
    browser.open(page)
    shown = "Array.from(document.querySelectorAll('main .tab')).filter(t => t.offsetHeight > 0).map(t => t.id)"
    assert browser.ask(shown) == ["tab-summary"]
    press = "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowRight', bubbles: true}))"
    browser.ask(f"(() => {{ document.getElementById('to-summary').focus(); {press}; return 0; }})()")
    assert browser.ask(shown) == ["tab-students"]
    assert browser.ask("document.activeElement.getAttribute('aria-selected')") == "true"
    assert browser.ask("Array.from(document.querySelectorAll('[role=tab]')).filter(t => t.tabIndex === 0).length") == 1
    browser.open(page, scripts=False)
    sizes = "Array.from(document.querySelectorAll('main .tab')).every(t => t.offsetHeight > 0)"
    browser("Emulation.setScriptExecutionDisabled", value=False)
    assert browser.ask(sizes)
    assert browser.ask("Array.from(document.querySelectorAll('main h2')).every(h => h.offsetHeight > 1)")


def test_a_cell_of_the_summary_leads_to_its_evidence(browser, page):
    browser.open(page)
    link = "document.querySelector('.matrix a[href^=\"#bias-by-\"]')"
    target = browser.ask(f"{link}.hash")[1:]
    browser.ask(f"(() => {{ {link}.click(); return new Promise(r => setTimeout(r, 100)); }})()")
    assert browser.ask(f"document.getElementById('{target}').open")
    assert browser.ask("document.querySelector('main .tab.on').id") == "tab-bias"
    dangling = (
        "Array.from(document.querySelectorAll('main a')).filter(a => !document.getElementById(a.hash.slice(1))).length"
    )
    assert browser.ask(dangling) == 0


def parts(html: str) -> tuple[list[str], list[float]]:
    """The words and tags of a picture, and its numbers apart."""
    flat = re.sub(r"\s*([<>])\s*", r"\1", re.sub(r"\s+", " ", html))
    return re.split(r"-?\d+(?:\.\d+)?", flat), [float(x) for x in re.findall(r"-?\d+(?:\.\d+)?", flat)]


def test_the_first_picture_of_groups_is_the_same_with_and_without_scripts(browser, page):
    browser.open(page)
    drawn = browser.ask("document.querySelector('.explorer .picture').innerHTML")
    browser.open(page, scripts=False)
    browser("Emulation.setScriptExecutionDisabled", value=False)
    still = browser.ask("document.querySelector('.explorer .picture').innerHTML")
    assert parts(drawn)[0] == parts(still)[0]
    assert parts(drawn)[1] == pytest.approx(parts(still)[1], abs=0.0101)  # a tie may be rounded up or down
    assert len(parts(still)[1]) > 100


def test_the_picture_of_groups_follows_its_choices(browser, page, make_once):
    browser.open(page)
    rates = make_once(groups=("female", "male", "other", "unknown")).frames["rates"]
    choose = (
        "((id, text) => {{ const s = document.getElementById(id); s.value = Array.from(s.options).find("
        "o => o.text === text).value; s.dispatchEvent(new Event('change')); return 0; }})({}, {})"
    )
    browser.ask(choose.format('"explore-measure"', '"True positive rate"'))
    browser.ask(choose.format('"explore-model"', '"gam"'))
    lines = browser.ask(
        "Array.from(document.querySelectorAll('.explorer tbody tr')).map(r => r.querySelector('th').textContent)"
    )
    mine = rates[(rates["metric"] == "true_positive_rate") & (rates["subject"] == "gam")]
    assert len(lines) == len(mine) == 4
    for line, row in zip(lines, mine.to_dict("records"), strict=True):
        assert line.startswith(row["group"])
        assert f"{100 * row['estimate']:.1f}\xa0%" in line
