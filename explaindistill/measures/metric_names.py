"""Names of the metrics of each frame, known before anything is measured: a rule that names none of them is a typo."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["METRIC_NAMES"]

RATES = (
    "selection_rate", "base_rate", "true_positive_rate", "false_positive_rate", "positive_predictive_value",
    "negative_predictive_value", "accuracy",
)  # fmt: skip
MEANS = ("mean_prediction", "mean_residual", "mae")
FIDELITY = (
    "agreement", "agreement_argmax", "agreement_macro", "agreement_worst_class", "agreement_gain",
    "agreement_over_ceiling", "agreement_top2", "skill", "kl",
    "js", "brier", "r2_probability", "r2_logit", "bias_probability", "teacher_slope", "teacher_intercept",
    "teacher_gap", "spearman_margin", "auc", "r2", "rmse", "mae", "bias", "spearman",
)  # fmt: skip
FOOTPRINT = ("bytes", "gzip_bytes", "operations", "single_row_seconds", "batch_row_seconds", "bare_row_seconds")
PROFILE = ("selection_rate", "scoring_rate", "accuracy", "true_positive_rate", "false_positive_rate")


def _compared(metrics: tuple[str, ...], middle: str = "") -> tuple[str, ...]:
    return tuple(f"{metric}{middle}_{kind}" for metric in metrics for kind in ("difference", "ratio"))


METRIC_NAMES: Mapping[str, tuple[str, ...]] = {
    "fidelity": FIDELITY,
    "teachers": ("agreement", "r2", "teachers_agree", "abstains"),
    "performance": (
        "accuracy", "accuracy_difference", "balanced_accuracy", "recall", "auc", "log_loss", "brier", "r2", "rmse",
        "mae", "bias", "spearman",
    ),
    "teacher": (
        "accuracy", "accuracy_gain", "overconfidence", "accuracy_where_missing", "missing_flip", "missing_shift",
        "single_feature_auc", "single_feature_r2", "noise_flip", "noise_shift",
    ),
    "rates": (*RATES, *MEANS),
    "gaps": (*_compared(RATES), *(f"{mean}_difference" for mean in MEANS)),
    "worst_pairs": _compared(RATES, "_worst"),
    "tests": RATES,
    "strata": ("stratified_difference", "stratified_odds_ratio"),
    "missing_bounds": (*RATES, *_compared(RATES)),
    "power": (*RATES, *_compared(RATES)),
    "group_fidelity": (*(f"{m}{end}" for m in ("agreement", "mae", "r2") for end in ("", "_difference")),),
    "transfer": (
        "selection_rate_difference", "transfer", "transfer_from_labels", "transfer_from_baseline",
        "mean_prediction_difference", "mean_transfer", "mean_transfer_from_labels", "mean_transfer_from_baseline",
    ),
    "calibration": (
        "calibration_gap", "calibration_ratio", "calibration_slope", "calibration_intercept", "spiegelhalter", "auc",
    ),
    "reliability": ("observed_share",),
    "flips": ("flip_rate", "flip_score"),
    "proxies": ("proxy_auc", "proxy_use"),
    "leaf_audit": ("leaf_share",),
    "mistakes": ("disagreement",),
    "edits": (
        "agreement", "r2", "edit_changed", "edit_flip_rate", "edit_score", "edit_logit", "edit_mean",
        "edit_over_control",
    ),
    "stability": ("refit_agreement", "refit_features", "refit_splits", "refit_importance"),
    "importance": ("permutation", "silencing", "shapley", "structure"),
    "importance_comparison": (
        "importance_spearman", "importance_overlap", "importance_top_k", "importance_sign", "importance_shared",
    ),
    "attribution_gaps": ("attribution_gap", "attribution_gap_total"),
    "attribution_cells": ("attribution_share",),
    "interactions": ("interaction", "interaction_missed"),
    "deployment": (*FOOTPRINT, *(f"{metric}_ratio" for metric in FOOTPRINT)),
    "believability": ("two_sample_auc", "novel", "violations", "near", "distance_made", "distance_held"),
    "cells": ("teacher_mean",),
    "dependence": ("accumulated_effect", "partial_dependence", "share_of_rows"),
    "dependence_comparison": ("accumulated_effect_area", "partial_dependence_area"),
    "roc": ("true_positive_rate", "false_positive_rate"),
    "score_shares": ("score_share",),
    "answer_pairs": ("rows_in_cell",),
    "decided_as": ("decided_as",),
    "dependent_rows": ("copies", "key_column", "serial_correlation"),
    "missing_inputs": (
        "score_explained", "residual_correlation", "duplicate_rows", "duplicates_differ", "duplicate_variance",
    ),
    "rule_fidelity": ("rule_agreement", "rule_agreement_made_up"),
    "worst_case": (
        "largest_disagreement", "worst_rows_disagreement", "worst_rows_observed", "worst_rows_decided_apart",
        "worst_rows_changed",
    ),
    "profile": (*PROFILE, *(f"{rate}_impact_ratio" for rate in PROFILE), "unknown_share", "scoring_tie_share"),
}  # fmt: skip
"""By the name of a frame of an audit. Frames that are not here are a plug-in's: any metric may be named of them."""
