"""Agreement of the measures with packages that get the same quantity right, to 1e-9.

statsmodels, fairlearn and scikit-learn run in an environment of their own; scipy is here.

    python benchmarks/references.py --quick
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))
from _bars import Bars, environment, options

from explaindistill.measures.bias import group_rates
from explaindistill.measures.calibration import calibration
from explaindistill.measures.decision import DecisionRule
from explaindistill.measures.fidelity import fidelity
from explaindistill.measures.performance import performance
from explaindistill.numerics.statistics.hypotheses import (
    benjamini_hochberg,
    fisher,
    holm,
    stratified,
)
from explaindistill.numerics.statistics.intervals import clopper_pearson, newcombe, wilson

PACKAGES = ("statsmodels==0.14.5", "fairlearn==0.12.0", "scikit-learn==1.6.1", "pandas<3", "numpy<2.3", "scipy<1.16")
BAR = 1e-9

THEIRS = """
import json, sys
import numpy as np, pandas as pd
from scipy import stats
from sklearn import metrics
from statsmodels.stats.contingency_tables import StratifiedTable
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint
import statsmodels.api as sm
from fairlearn.metrics import MetricFrame, selection_rate, true_positive_rate, false_positive_rate

given = json.load(sys.stdin)
y, d, p, g = (np.array(given[k]) for k in ("y", "d", "p", "g"))
out = {}
out["wilson"] = [proportion_confint(k, n, method="wilson") for k, n, _, _ in given["tables"]]
out["clopper-pearson"] = [proportion_confint(k, n, method="beta") for k, n, _, _ in given["tables"]]
out["newcombe"] = [confint_proportions_2indep(*t, method="newcomb", compare="diff") for t in given["tables"]]
out["fisher"] = [stats.fisher_exact([[a, n - a], [b, m - b]]).pvalue for a, n, b, m in given["tables"]]
out["holm"] = multipletests(given["p_values"], method="holm")[1].tolist()
out["benjamini-hochberg"] = multipletests(given["p_values"], method="fdr_bh")[1].tolist()
layers = [np.array([[a, n - a], [b, m - b]], dtype=float) for a, n, b, m in given["tables"]]
table = StratifiedTable(layers)
out["mantel-haenszel odds ratio"] = float(table.oddsratio_pooled)
out["its interval"] = [float(x) for x in table.oddsratio_pooled_confint()]
out["cochran-mantel-haenszel"] = float(table.test_null_odds(correction=False).pvalue)
out["breslow-day-tarone"] = float(table.test_equal_odds(adjust=True).pvalue)
asked = {"selection_rate": selection_rate, "true_positive_rate": true_positive_rate,
         "false_positive_rate": false_positive_rate, "accuracy": metrics.accuracy_score,
         "positive_predictive_value": metrics.precision_score}
frame = MetricFrame(metrics=asked, y_true=y, y_pred=d, sensitive_features=g)
out["MetricFrame.by_group"] = {m: frame.by_group[m].to_dict() for m in asked}
out["roc_auc_score"] = float(metrics.roc_auc_score(y, p))
out["log_loss"] = float(metrics.log_loss(y, p))
out["brier_score_loss"] = float(metrics.brier_score_loss(y, p))
out["balanced_accuracy_score"] = float(metrics.balanced_accuracy_score(y, d))
x = np.log(p / (1 - p))
fit = sm.Logit(y, sm.add_constant(x)).fit(disp=0, method="newton", tol=1e-14)
out["calibration slope"] = [float(fit.params[1]), *map(float, fit.conf_int()[1])]
q = np.array(given["q"])
out["spearman"] = float(stats.spearmanr(p, q).statistic)
out["kl"] = float(np.mean([stats.entropy([1 - a, a], [1 - b, b]) for a, b in zip(p, q)]))
out["r2_probability"] = float(metrics.r2_score(p, q))
print(json.dumps(out))
"""


def drawn(n: int) -> dict[str, Any]:
    """Rows, tables and p-values to compare on."""
    rng = np.random.default_rng(0)
    p, q = rng.uniform(0.02, 0.98, (2, n))
    sizes, rates = rng.integers(20, 900, (12, 2)), rng.uniform(0.2, 0.7, 12)
    tables = [  # of nearly one odds ratio, so that the tests of strata are in the middle of their range
        (int(rng.binomial(m, r)), int(m), int(rng.binomial(k, r / (r + 1.1 * (1 - r)))), int(k))
        for (m, k), r in zip(sizes, rates, strict=True)
    ]
    return {
        "y": (rng.random(n) < p).astype(int).tolist(), "p": p.tolist(), "q": (0.7 * p + 0.3 * q).tolist(),
        "d": (p >= 0.5).astype(int).tolist(), "g": rng.choice(list("abcd"), n).tolist(), "tables": tables,
        "p_values": rng.random(40).tolist(),
    }  # fmt: skip


def ours(given: dict[str, Any]) -> dict[str, Any]:
    """The same figures by the package."""
    y, d, p, q = (np.array(given[key]) for key in ("y", "d", "p", "q"))
    a, n, b, m = np.array(given["tables"], dtype=float).T
    who = pd.DataFrame({"g": given["g"]})
    rates = group_rates(d, attributes=who, favorable=1, y=y).set_index(["metric", "group"])["estimate"]
    P, Q = np.c_[1 - p, p], np.c_[1 - q, q]
    right = performance(y, P, DecisionRule([0, 1], threshold=0.5)).set_index("metric")["estimate"]
    close = fidelity(P, Q, DecisionRule([0, 1])).drop_duplicates("metric").set_index("metric")["estimate"]
    slope = calibration(y == 1, p).set_index("metric").loc["calibration_slope"]
    layers = stratified(a, n, b, m)
    asked = ("selection_rate", "true_positive_rate", "false_positive_rate", "accuracy", "positive_predictive_value")
    return {
        "wilson": np.column_stack(wilson(a, n)), "clopper-pearson": np.column_stack(clopper_pearson(a, n)),
        "newcombe": np.column_stack(newcombe(a, n, b, m)),
        "fisher": [fisher(*table) for table in given["tables"]],
        "holm": holm(given["p_values"]), "benjamini-hochberg": benjamini_hochberg(given["p_values"]),
        "mantel-haenszel odds ratio": layers.odds_ratio, "its interval": [layers.low, layers.high],
        "cochran-mantel-haenszel": layers.p_value, "breslow-day-tarone": layers.homogeneity,
        "MetricFrame.by_group": {metric: rates[metric].to_dict() for metric in asked},
        "roc_auc_score": right["auc"], "log_loss": right["log_loss"], "brier_score_loss": right["brier"],
        "balanced_accuracy_score": right["balanced_accuracy"],
        "calibration slope": slope[["estimate", "low", "high"]].astype(float).tolist(),
        "spearman": close["spearman_margin"], "kl": close["kl"], "r2_probability": close["r2_probability"],
    }  # fmt: skip


def flat(value: Any) -> np.ndarray:
    """Numbers of any nesting, dictionaries by their keys."""
    if isinstance(value, dict):
        return np.concatenate([flat(value[key]) for key in sorted(value)])
    return np.asarray(value, dtype=float).ravel()


def main(argv: list[str] | None = None) -> int:
    args = options(__doc__ or "").parse_args(argv)
    bars = Bars("Largest difference from packages that compute the same quantity")
    python = environment("references", PACKAGES)
    given = drawn(300 if args.quick else 5_000)
    if python is None:
        bars.add("statsmodels, scikit-learn, scipy, fairlearn", f"<= {BAR}", "their environment cannot be made", None)
        return bars.finish(args)
    run = subprocess.run([python, "-c", THEIRS], input=json.dumps(given), capture_output=True, text=True, check=False)
    if run.returncode:
        sys.exit(run.stderr)
    theirs, mine = json.loads(run.stdout), ours(given)
    for name, value in theirs.items():
        bars.at_most(name, BAR, float(np.abs(flat(mine[name]) - flat(value)).max()))
    return bars.finish(args)


if __name__ == "__main__":
    raise SystemExit(main())
