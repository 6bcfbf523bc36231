"""The page in a real browser: complete in itself, quiet, narrow enough for a phone, whole without scripts."""

import json
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
    figures = browser.ask("document.querySelectorAll('svg').length")
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
    for word in ("title", "desc"):
        lacking = f"Array.from(document.querySelectorAll('svg')).filter(s => !s.querySelector('{word}').textContent)"
        assert browser.ask(f"{lacking}.length") == 0
    assert browser.ask("Array.from(document.querySelectorAll('main th')).every(t => t.scope)")
    ids = browser.ask("Array.from(document.querySelectorAll('[id]')).map(e => e.id)")
    assert len(ids) == len(set(ids))
