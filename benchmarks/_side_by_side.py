"""Pictures for docs/explain/side_by_side.md: the page beside skrub's TableReport and InterpretML's show, same rows.

``python benchmarks/_side_by_side.py`` runs the demo, gives its 6,000 audited rows to both peers in an environment of
their own, opens all files in Chromium at 1280 x 900, and writes small PNGs into ``docs/_static/side_by_side``.
"""

from __future__ import annotations

import base64
import io
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from _bars import environment
from page_layout import browser, demonstrated
from PIL import Image

from explaindistill.cli.rows import split
from explaindistill.data.datasets import lending
from explaindistill.report.render import render

PICTURES = Path(__file__).parents[1] / "docs" / "_static" / "side_by_side"
PACKAGES = ("skrub==0.11.0", "interpret==0.7.8")
PEERS = """
import pickle, sys, warnings
warnings.simplefilter("ignore")
folder = sys.argv[1]
X, y = pickle.load(open(folder + "/rows.pkl", "rb"))
from skrub import TableReport
TableReport(X.assign(approved=y), title="Applications", verbose=0).write_html(folder + "/skrub.html")
from interpret import preserve
from interpret.glassbox import ExplainableBoostingClassifier
X["applied_on"] = X["applied_on"].astype("int64")
for column in X.select_dtypes(exclude="number").columns:
    X[column] = X[column].astype(object)
shown = ExplainableBoostingClassifier(random_state=0, interactions=0).fit(X, y).explain_global(name="EBM")
preserve(shown, file_name=folder + "/importance.html")
preserve(shown, "income", file_name=folder + "/income.html")
"""
WIDTH, COLOURS = 760, 48
"""Of a picture: readable in a page of documents, and some tens of kilobytes."""
TOP = (0, 0, 1280, 900)


def picture(chromium: Any, name: str, page: Path, script: str = "0", place: str = "") -> None:
    """One picture of a page, after a script has run; of the element of a selector, or of the first screen."""
    chromium.open(page)
    chromium.ask("new Promise(r => setTimeout(r, 3000))")
    chromium.ask(f"(() => {{ {script}; return 0; }})()")
    chromium.ask("new Promise(r => setTimeout(r, 500))")
    x, y, width, height = TOP
    if place:
        box = f"(e => [e.left, e.top + scrollY, e.width, e.height])({place}.getBoundingClientRect())"
        x, y, width, height = chromium.ask(box)
    clip = {"x": x, "y": y, "width": width, "height": min(height, 900), "scale": 1}
    shot = chromium("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)
    whole = Image.open(io.BytesIO(base64.b64decode(shot["data"]))).convert("RGB")
    small = whole.resize((WIDTH, round(whole.height * WIDTH / whole.width)), Image.Resampling.LANCZOS)
    small.quantize(COLOURS, dither=Image.Dither.NONE).save(PICTURES / f"{name}.png", optimize=True)
    print(name, (PICTURES / f"{name}.png").stat().st_size)


def main() -> int:
    """Run the demo, the peers and Chromium."""
    peers = environment("side_by_side", PACKAGES)
    if peers is None:
        return 1
    PICTURES.mkdir(parents=True, exist_ok=True)
    data = lending(20_000, 0)
    _, measuring = split(len(data.X), 0.3, 0)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        rows = data.X.iloc[measuring].reset_index(drop=True), data.y.iloc[measuring].to_numpy()
        (folder / "rows.pkl").write_bytes(pickle.dumps(rows))
        subprocess.run([peers, "-c", PEERS, name], check=True)
        page = folder / "audit.html"
        page.write_text(render(demonstrated(False), "html"), encoding="utf-8")
        chromium = browser(folder / "profile")
        go = "document.getElementById('to-{}').click(); window.scrollTo(0, 0)"
        picture(chromium, "first_ours", page)
        picture(chromium, "first_skrub", folder / "skrub.html")
        folds = "Array.from(document.querySelectorAll('#corpus details'))"
        fold = f"{folds}.find(d => d.textContent.includes('The 14 columns'))"
        picture(chromium, "columns_ours", page, f"{go.format('data')}; {fold}.open = true", fold)
        inside = "r => [...r.querySelectorAll('*')].flatMap(e => [e, ...(e.shadowRoot ? all(e.shadowRoot) : [])])"
        tab = f"const all = {inside}; all(document).find(e => !e.children.length && e.textContent === 'Stats').click()"
        picture(chromium, "columns_skrub", folder / "skrub.html", tab)
        picture(chromium, "importance_ours", page, go.format("why"), "document.querySelector('#importance .dots')")
        picture(chromium, "importance_interpret", folder / "importance.html")
        curve = "document.querySelector('#dependence .gallery')"
        picture(chromium, "curve_ours", page, go.format("why"), curve)
        picture(chromium, "curve_interpret", folder / "income.html")
        chromium.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
