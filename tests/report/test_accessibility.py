"""axe-core finds nothing to complain of, in light and in dark, with the students in the page.

The rules come from npm: `npm install axe-core` in a folder that EXPLAINDISTILL_AXE names, or in the working directory.
"""

import os
from pathlib import Path

import pytest

from explaindistill.report.render import render

pytestmark = pytest.mark.browser
AXE = Path(os.environ.get("EXPLAINDISTILL_AXE", ".")) / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="module")
def page(make_once, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("axe") / "audit.html"
    path.write_text(render(make_once(), "html"), encoding="utf-8")
    return path


@pytest.mark.skipif(
    not AXE.exists(), reason="axe-core is not there: npm install axe-core, and name its folder EXPLAINDISTILL_AXE"
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(browser, page, scheme):
    browser.open(page, scheme=scheme)
    browser.ask("document.getElementById('unfold').click()")
    browser.ask(AXE.read_text(encoding="utf-8") + ";0")
    found = browser.ask(
        "axe.run().then(r => r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html.slice(0, 120)).join(' | ')))"
    )
    assert found == []
