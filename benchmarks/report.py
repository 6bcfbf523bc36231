"""Size and speed of the report: a full and a large audit, built, written, opened in Chromium.

Run: python benchmarks/report.py [--large]
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

import explaindistill as xd
from explaindistill.report.render import render


def table(n: int, features: int, groups: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Rows with a signal in a few columns, and one sensitive column with the wanted number of groups."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({f"column_{i:03d}": rng.normal(size=n).round(3) for i in range(features - 1)})
    frame["group"] = rng.choice([f"group {i:02d}" for i in range(groups)], n)
    z = frame.iloc[:, :12].to_numpy() @ np.linspace(1, 0.2, 12) + (frame["group"] == "group 01")
    return frame, np.where(z + rng.logistic(size=n) > 0, "yes", "no")


def audit_of(n: int, features: int, groups: int, students: int):
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
    return xd.audit(teacher, fitted, frame[split:], y[split:], sensitive=["group"], favorable="yes", date="2026-01-01")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true", help="200 features, 60 groups, 5 students")
    large = parser.parse_args().large
    start = time.perf_counter()
    audit = audit_of(*((12_000, 200, 60, 5) if large else (8_000, 30, 12, 3)))
    print(f"students and measures   {time.perf_counter() - start:6.1f} s")
    for kind in ("html", "html", "json", "markdown", "csv"):
        start = time.perf_counter()
        text = render(audit, kind)
        print(f"{kind:10s} {time.perf_counter() - start:6.2f} s {len(text.encode()) / 1000:9.0f} kB")
        if kind == "html":
            page = Path(tempfile.mkdtemp()) / "audit.html"
            page.write_text(text, encoding="utf-8")
    print(f"page: {page}")
    if shutil.which("chromium"):
        code = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--dump-dom"]
        start = time.perf_counter()
        profile = tempfile.mkdtemp()
        command = ["chromium", *code, f"--user-data-dir={profile}", page.as_uri()]
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        print(f"chromium, start to end  {time.perf_counter() - start:6.1f} s", file=sys.stdout)


if __name__ == "__main__":
    main()
