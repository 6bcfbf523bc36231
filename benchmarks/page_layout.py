"""What a reader meets on the demo's page, and where the opening stands on it and on eleven others.

Of the demo: screens, words, numbers, the smallest letters, and what scrolls sideways. Words and numbers are those
outside folds, on all seven tabs together, as one reads them without JavaScript. A screen is 1280 x 900 pixels; "tallest
tab" is what stands there at once with JavaScript. Of the demo and of every audit of ``_page_cases.py``: whether the
whole opening stands above the fold at 1280 x 900, and at 360 x 740 what was audited, whether a student can stand in and
whether there is bias, with the rest within two screens; that no table is wider than it says, and no name is cut.
"""

from __future__ import annotations

import importlib.util
import shutil
import statistics
import sys
import tempfile
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

from _bars import Bars, options
from _page_cases import CASES
from rich.console import Console

from explaindistill.auditing.record import Audit
from explaindistill.cli import demo
from explaindistill.report.render import render

CHROMIUM = Path(__file__).parents[1] / "tests" / "report" / "_chromium.py"
SETTLED = "new Promise(r => setTimeout(r, 200))"
ALL_TABS = "document.documentElement.classList.remove('js')"
COUNTS = """(() => {
  const text = document.body.innerText;
  const numbers = (text.match(/\\d+(?:[.,]\\d+)*/g) || []).length;
  return [text.split(/\\s+/).filter(w => /\\p{L}/u.test(w)).length, numbers];
})()"""
SMALLEST = """(() => {
  document.querySelectorAll('main details').forEach(d => { d.open = true; });
  const sizes = [];
  document.querySelectorAll('svg.plot text').forEach(t => {
    const svg = t.closest('svg'), box = svg.getBoundingClientRect();
    if (box.width && t.textContent.trim()) {
      sizes.push(parseFloat(getComputedStyle(t).fontSize) * box.width / svg.viewBox.baseVal.width);
    }
  });
  document.querySelectorAll('.dots *, .outline *').forEach(e => {
    const said = Array.from(e.childNodes).some(n => n.nodeType === 3 && n.data.trim());
    if (!said || !e.getClientRects().length || e.closest('svg')) { return; }
    sizes.push(parseFloat(getComputedStyle(e).fontSize));
  });
  return [Math.min(...sizes), sizes.length];
})()"""
SIDEWAYS = """Array.from(document.querySelectorAll('main *')).filter(e => e.scrollWidth > e.clientWidth + 1 &&
  ['auto', 'scroll'].includes(getComputedStyle(e).overflowX) && !e.querySelector('table')).length"""


def demonstrated(quick: bool) -> Audit:
    """The audit of the command ``demo``, caught on its way into the file."""
    caught: list[Audit] = []
    save = demo.save

    def keep(audit: Audit, out: Any) -> Any:
        caught.append(audit)
        return save(audit, out)

    demo.save = keep
    try:
        with tempfile.TemporaryDirectory() as folder:
            arguments = Namespace(out=Path(folder) / "demo", force=True, quick=quick, random_state=0, words=["demo"])
            demo.run_demo(arguments, Console(quiet=True))
    finally:
        demo.save = save
    return caught[0]


def browser(profile: Path) -> Any:
    """Chromium as the tests speak to it."""
    spec = importlib.util.spec_from_file_location("_chromium", CHROMIUM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Browser(profile)


def tallest(chromium: Any, page: Path, height: int) -> float:
    """Screens of the tallest tab."""
    chromium.open(page)
    names = chromium.ask("Array.from(document.querySelectorAll('[role=tab]')).map(t => t.id)")
    heights = []
    for name in names:
        chromium.ask(f"(() => {{ document.getElementById('{name}').click(); return 0; }})()")
        chromium.ask(SETTLED)
        heights.append(chromium.ask("document.documentElement.scrollHeight") / height)
    return max(heights)


ENDS = """Object.fromEntries(Array.from(document.querySelectorAll('.topic')).map(t =>
  [t.classList[1], Math.round(t.getBoundingClientRect().bottom + scrollY)]))"""
CUT = """Array.from(document.querySelectorAll('main svg.plot text, main td, main th, main summary, main b')).filter(e =>
  !e.closest('.text') && /\\S…\\S/.test(e.textContent)).length"""
FOLD, NARROW_FOLD = 900, 740
FIRST_TOPICS = ("what", "stand_in", "bias")


def above_the_fold(bars: Bars, chromium: Any, name: str, page: Path) -> None:
    """Where the opening of one page ends, wide and narrow; what it sends, complains of, cuts and spills."""
    chromium.open(page, 1280)
    chromium.ask(SETTLED)
    ends = chromium.ask(ENDS)
    errors = [e for e in chromium.named("Log.entryAdded") if e["entry"]["level"] == "error"]
    sent = [e["request"]["url"] for e in chromium.named("Network.requestWillBeSent")]
    outside = [url for url in sent if url != page.as_uri() and not url.startswith("data:")]
    bars.at_most(f"{name}: the opening ends at 1280", FOLD, max(ends.values()), " px")
    bars.at_most(
        f"{name}: requests, errors, names cut in the middle", 0, len(errors) + len(outside) + chromium.ask(CUT)
    )
    chromium.open(page, 360)
    chromium.ask(SETTLED)
    ends = chromium.ask(ENDS)
    first = max(at for topic, at in ends.items() if topic in FIRST_TOPICS)
    bars.at_most(f"{name}: what, stand in and bias end at 360", NARROW_FOLD, first, " px")
    bars.at_most(f"{name}: all of it ends at 360", 2 * NARROW_FOLD, max(ends.values()), " px")
    over = max(chromium.ask("document.documentElement.scrollWidth") - 360, 0) + chromium.ask(SIDEWAYS)
    bars.at_most(f"{name}: page or blocks that are no table beyond 360", 0, over)


def hold(bars: Bars, chromium: Any, page: Path) -> None:
    """Open the page as it comes, and unfolded, wide and narrow."""
    bars.at_most("tallest tab", 6, tallest(chromium, page, 900), " screens")
    chromium.open(page)
    sent = [e["request"]["url"] for e in chromium.named("Network.requestWillBeSent")]
    outside = [url for url in sent if url != page.as_uri() and not url.startswith("data:")]
    errors = [e for e in chromium.named("Log.entryAdded") if e["entry"]["level"] == "error"]
    bars.at_most("requests and errors of the console", 0, len(outside) + len(errors), "")
    chromium.ask(f"(() => {{ {ALL_TABS}; return 0; }})()")
    screens = chromium.ask("document.documentElement.scrollHeight") / 900
    words, numbers = chromium.ask(COUNTS)
    bars.add("all tabs one below another, without JavaScript", "reported", f"{screens:.1f} screens", None)
    bars.at_most("words outside folds, all tabs", 1_500, words, "")
    bars.at_most("numbers outside folds, all tabs", 600, numbers, "")
    for width, least in ((1280, 12), (360, 11)):
        chromium.open(page, width)
        chromium.ask(f"(() => {{ {ALL_TABS}; return 0; }})()")
        smallest, counted = chromium.ask(SMALLEST)
        measured = f"{smallest:.1f} px of {counted:,} texts"
        bars.add(f"smallest text of a picture at {width}", f">= {least} px", measured, smallest >= least - 0.05)
        bars.at_most(f"blocks at {width} that scroll sideways and are no table", 0, chromium.ask(SIDEWAYS), "")
        over = chromium.ask("document.documentElement.scrollWidth") - width
        bars.at_most(f"page wider than its {width} pixels", 0, max(over, 0), " px")


def main(argv: list[str]) -> int:
    """Build the demo's page and hold it against the bars."""
    args = options(__doc__ or "").parse_args(argv)
    bars = Bars("the demo's page")
    audit = demonstrated(args.quick)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        text = render(audit, "html")
        times.append(time.perf_counter() - start)
    bars.at_most("size", 700, len(text.encode()) / 1000, " kB")
    bars.at_most("built, beyond the measures", 3, statistics.median(times), " s")
    if shutil.which("chromium") is None:
        bars.add("in Chromium", "opened", "chromium is not installed", None)
    else:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            page = Path(folder) / "audit.html"
            page.write_text(text, encoding="utf-8")
            chromium = browser(Path(folder) / "profile")
            hold(bars, chromium, page)
            above_the_fold(bars, chromium, "demo", page)
            for name, make in {} if args.quick else CASES.items():
                page.write_text(render(make(), "html"), encoding="utf-8")
                above_the_fold(bars, chromium, name, page)
            chromium.close()
    return bars.finish(args)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
