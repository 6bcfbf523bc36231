"""Size and speed of the report: a full and a large audit, built, written, and opened in Chromium.

Full: 3 students, 12 groups, 30 features. Large: 5 students, 60 groups, 200 features. Building is all that comes after
the measures. "First paint" is Chromium's first contentful paint of the file; "longest task" is the longest stretch in
which the open page does not answer, from loading to unfolding everything, moving a slider and sorting a table.
"""

from __future__ import annotations

import importlib.util
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _bars import Bars, options

import explaindistill as xd
from explaindistill.report.render import render

CHROMIUM = Path(__file__).parents[1] / "tests" / "report" / "_chromium.py"
FULL = {"n": 8_000, "features": 30, "groups": 12, "students": 3}
LARGE = {"n": 12_000, "features": 200, "groups": 60, "students": 5}
QUICK = {"n": 2_000, "features": 30, "groups": 12, "students": 3}


def table(n: int, features: int, groups: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows with a signal in a few columns, and one sensitive column with the wanted number of groups."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({f"column_{i:03d}": rng.normal(size=n).round(3) for i in range(features - 1)})
    frame["group"] = rng.choice([f"group {i:02d}" for i in range(groups)], n)
    z = frame.iloc[:, :12].to_numpy() @ np.linspace(1, 0.2, 12) + (frame["group"] == "group 01")
    return frame, np.where(z + rng.logistic(size=n) > 0, "yes", "no")


def audit_of(n: int, features: int, groups: int, students: int) -> tuple[xd.Audit, float]:
    """An audit of real students of a logistic teacher, and how many seconds its measures took.

    The measures fit each student once more, without the teacher.
    """
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    frame, y = table(n, features, groups)
    split = n // 2
    hot = (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number"))
    encode = make_column_transformer(hot, remainder="passthrough")
    teacher = make_pipeline(encode, LogisticRegression(max_iter=500)).fit(frame[:split], y[:split])
    makers = {
        "tree": lambda: xd.TreeClassifier(max_leaf_nodes=32),
        "gam": xd.GAMClassifier,
        "linear": xd.LinearClassifier,
        "small tree": lambda: xd.TreeClassifier(max_leaf_nodes=8),
        "large tree": lambda: xd.TreeClassifier(max_leaf_nodes=128),
    }
    fitted = {
        name: xd.Distiller(teacher, make(), n_queries=split, random_state=0).fit(frame[:split])
        for name, make in list(makers.items())[:students]
    }
    asked: dict[str, Any] = {"sensitive": ["group"], "favorable": "yes", "date": "2026-01-01"}
    start = time.perf_counter()
    found = xd.audit(teacher, fitted, frame[split:], y[split:], train=(frame[:split], y[:split]), **asked)
    return found, time.perf_counter() - start


def built(audit: xd.Audit, runs: int = 3) -> tuple[str, float]:
    """The page, and the median time of building it; the first build of the process counts too."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        text = render(audit, "html")
        times.append(time.perf_counter() - start)
    return text, statistics.median(times)


def opened(text: str, runs: int = 3) -> tuple[float, float] | None:
    """Medians of the first paint in seconds and of the longest task in milliseconds; None without Chromium."""
    if shutil.which("chromium") is None:
        return None
    spec = importlib.util.spec_from_file_location("_chromium", CHROMIUM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "audit.html"
        page.write_text(text, encoding="utf-8")
        chromium = module.Browser(Path(folder) / "profile")
        found = [_session(chromium, page) for _ in range(runs)]
        chromium.close()
    return statistics.median(f[0] for f in found), statistics.median(f[1] for f in found)


WATCH = (
    "self.tasks = []; new PerformanceObserver(l => tasks.push(...l.getEntries().map(e => e.duration)))"
    ".observe({type: 'longtask', buffered: true})"
)
REST = "new Promise(r => requestAnimationFrame(() => setTimeout(r, 60)))"
STEPS = (
    "document.getElementById('unfold').click()",
    "const s = document.querySelector('.whatif input[type=range]'); s.value = 1; s.dispatchEvent(new Event('input'))",
    "document.querySelectorAll('th button')[1].click()",
)


def _session(chromium: Any, page: Path) -> tuple[float, float]:
    chromium.open(page)
    chromium.ask(WATCH)
    paint = "performance.getEntriesByName('first-contentful-paint')[0]"
    chromium.ask(f"new Promise(r => {{ const f = () => {paint} ? r(0) : setTimeout(f, 20); f(); }})")
    first = float(chromium.ask(f"{paint}.startTime")) / 1000
    for step in STEPS:
        chromium.ask(f"(() => {{ {step}; return 0; }})()")
        chromium.ask(REST)
    return first, float(chromium.ask("Math.max(0, ...tasks)"))


def hold(
    bars: Bars, name: str, measured: tuple[xd.Audit, float], kilobytes: float, seconds: float, paint: float | None
) -> None:
    """Build, open, and hold against the bars of one size."""
    audit, spent = measured
    lines = sum(map(len, audit.frames.values()))
    bars.add(f"{name}: its measures, not part of the bar", "reported", f"{spent:.0f} s, {lines:,} lines", None)
    text, took = built(audit)
    bars.at_most(f"{name}: HTML", kilobytes, len(text.encode()) / 1000, " kB")
    bars.at_most(f"{name}: built, beyond the measures", seconds, took, " s")
    seen = opened(text)
    if seen is None:
        bars.add(f"{name}: in Chromium", "opened", "chromium is not installed", None)
        return
    if paint is not None:
        bars.at_most(f"{name}: first paint", paint, seen[0], " s")
    bars.at_most(f"{name}: longest task of the open page", 200, seen[1], " ms", "(0: none over 50)")


def main(argv: list[str]) -> int:
    """Measure and hold against the bars."""
    args = options(__doc__ or "").parse_args(argv)
    bars = Bars("the report")
    hold(bars, "full audit", audit_of(**(QUICK if args.quick else FULL)), 600, 8, 1.0)
    if args.quick:
        bars.add("large audit", "<= 3000 kB, <= 40 s, <= 200 ms", "not in --quick", None)
    else:
        hold(bars, "large audit", audit_of(**LARGE), 3000, 40, None)
    return bars.finish(args)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
