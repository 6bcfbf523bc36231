"""The slider moves rates as the models' own probabilities do, and tells nothing of a withheld group."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import explaindistill as xd
from explaindistill.report.render import render

N = 900


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"debt": rng.random(N), "sex": rng.choice(["f", "m"], N), "place": rng.choice(["a", "b"], N)})
    X.loc[:5, "place"] = "few"
    yes = 1 / (1 + np.exp(4 * X["debt"] - 2 + 0.5 * (X["sex"] == "f")))
    P = pd.DataFrame({"no": 1 - yes, "yes": yes})
    gam = xd.GAMClassifier(n_pairs=0).fit(X, P)
    asked = {"sensitive": ["sex", "place"], "favorable": "yes", "threshold": 0.6, "n_explained": 0}
    audit = xd.audit((X, P), {"gam": gam}, X, **asked)
    page = tmp_path_factory.mktemp("slider") / "audit.html"
    page.write_text(render(audit, "html"), encoding="utf-8")
    return X, {"teacher": yes.to_numpy(), "gam": gam.predict_proba(X)[:, 1]}, audit, page


def island(page: Path) -> dict:
    panel = re.search(r'<div class="threshold".*?application/json">(.*?)</script>', page.read_text("utf-8"), re.S)
    return json.loads(panel[1])


def test_no_count_of_a_withheld_group_is_in_the_page(audited):
    *_, audit, page = audited
    few = audit.frames["thresholds"].query("attribute == 'place' and group == 'few'")
    assert len(few)
    assert few[["n", "k", "estimate", "low", "high", "threshold"]].isna().all().all()
    data = island(page)
    assert "few" not in [g for a in data["attributes"] for g, n in zip(a["groups"], a["sizes"], strict=True) if n]
    assert len(data["models"][0]["attributes"][0]["thresholds"]) > 10


@pytest.mark.browser
def test_the_slider_shows_what_the_probabilities_give(browser, audited):
    X, scores, audit, page = audited
    data = island(page)
    browser.open(page)
    browser.ask("(() => { document.getElementById('to-bias').click(); return 0; })()")
    lines = "Array.from(document.querySelectorAll('.threshold tbody tr')).map(r => r.querySelector('th').textContent)"
    slide = "const s = document.getElementById('threshold-slider');"
    n_compared = 0
    for m, model in enumerate(data["models"]):
        choose = "const c = document.getElementById('threshold-model');"
        browser.ask(f"(() => {{ {choose} c.value = {m}; c.dispatchEvent(new Event('change')); return 0; }})()")
        score = scores[model["name"]]
        for i, threshold in enumerate(model["attributes"][0]["thresholds"]):
            browser.ask(f"(() => {{ {slide} s.value = {i}; s.dispatchEvent(new Event('input')); return 0; }})()")
            for line, group in zip(browser.ask(lines), ("f", "m"), strict=True):
                reached = score[(X["sex"] == group).to_numpy()] >= threshold
                assert line.startswith(group)
                assert f"{reached.sum():,} of {len(reached):,}" in line
                n_compared += 1
    assert n_compared > 40
    browser.ask(f"(() => {{ {choose} c.value = 0; c.dispatchEvent(new Event('change')); return 0; }})()")
    rates = audit.frames["rates"].query("metric == 'selection_rate' and subject == 'teacher' and attribute == 'sex'")
    for line, row in zip(browser.ask(lines), rates.to_dict("records"), strict=True):
        assert f"{100 * row['estimate']:.1f} %" in line
    assert "0.6 (the audit's)" in browser.ask("document.querySelector('.threshold').textContent")
