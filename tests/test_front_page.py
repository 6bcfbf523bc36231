"""The example on the front page, executed word for word."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import StandardScaler

import explaindistill as xd

README = Path(__file__).parents[1] / "README.md"


def applicants(n, seed):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"income": rng.lognormal(10, 0.5, n), "age": rng.integers(18, 80, n).astype(float)})
    return frame.assign(sex=rng.integers(0, 2, n), race=rng.integers(0, 3, n))


def test_the_example_runs_as_it_stands(tmp_path, monkeypatch, capsys):
    torch = pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    code = next(re.finditer(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)).group(1)
    torch.manual_seed(0)
    df_train, df_test = applicants(1200, 0), applicants(600, 1).set_axis(range(10_000, 10_600))
    y_train, y_test = (np.where(f["income"] > 20_000, "yes", "no") for f in (df_train, df_test))
    names = {
        "net": torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2)),
        "scaler": StandardScaler().fit(df_train),
        "gam": xd.GAMClassifier().fit(df_train, y_train),
        "df_train": df_train,
        "df_test": df_test,
        "df_new": df_test.head(5),
        "y_train": y_train,
        "y_test": y_test,
    }
    exec(compile(code, "README.md", "exec"), names)  # the front page is ours, and it must run
    assert names["student"].n_queries_ <= 50_000
    assert "<=" in capsys.readouterr().out
    assert isinstance(names["audit"], xd.Audit)
    for file in ("audit.html", "audit.json"):
        assert (tmp_path / file).stat().st_size > 10_000
