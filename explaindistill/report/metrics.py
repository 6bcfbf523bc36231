"""What each metric is called, what it means, and the unit in which its numbers are written."""

from __future__ import annotations

from dataclasses import dataclass

from explaindistill.report.words import Kind, name

__all__ = ["METRICS", "Metric", "describe_metric"]


@dataclass(frozen=True)
class Metric:
    """How a metric is called, what it means, and how its numbers are written."""

    title: str
    meaning: str
    kind: Kind = "number"


METRICS: dict[str, Metric] = {
    "agreement": Metric(
        "Agreement with the teacher",
        "Share of rows on which student and teacher take the same decision.",
        "share",
    ),
    "agreement_argmax": Metric(
        "Agreement of the top class",
        "Share of rows on which both give their highest probability to one class.",
        "share",
    ),
    "accuracy": Metric("Accuracy", "Share of rows on which the decision equals the true label.", "share"),
    "balanced_accuracy": Metric(
        "Balanced accuracy", "Mean over the classes of the share of their rows that was recognised.", "share"
    ),
    "auc": Metric("AUC", "Chance that a random favourable row is scored above a random unfavourable one.", "number"),
    "kl": Metric(
        "KL divergence (nats)",
        "Mean information lost when the student's probabilities stand in for the teacher's.",
        "number",
    ),
    "log_loss": Metric("Log loss (nats)", "Mean surprise at the true label; 0 is perfect.", "number"),
    "brier": Metric("Brier distance", "Mean squared difference of probabilities; 0 is perfect.", "number"),
    "r2": Metric("R²", "Share of the variance that is reproduced; 1 is perfect, 0 is as good as the mean.", "number"),
    "r2_probability": Metric("R² of probabilities", "Share of the variance of the teacher's probabilities reproduced."),
    "mae": Metric("Mean absolute error", "Mean size of the difference, in the unit of the target.", "number"),
    "rmse": Metric("Root mean squared error", "Typical size of the difference, large ones count more.", "number"),
    "selection_rate": Metric(
        "Selection rate", "Share of a group's rows that receive the favourable decision.", "share"
    ),
    "true_positive_rate": Metric("True positive rate", "Share selected among those who truly qualify.", "share"),
    "false_positive_rate": Metric("False positive rate", "Share selected among those who do not qualify.", "share"),
    "positive_predictive_value": Metric("Precision", "Share who truly qualify among those selected.", "share"),
    "negative_predictive_value": Metric(
        "Negative predictive value", "Share who truly do not qualify among those not selected.", "share"
    ),
    "base_rate": Metric("Base rate", "Share of a group's rows whose true label is the favourable one.", "share"),
    "difference": Metric("Difference", "A group's rate minus the rate of its reference group.", "points"),
    "ratio": Metric("Ratio", "A group's rate divided by the rate of its reference group.", "ratio"),
    "impact_ratio": Metric("Impact ratio", "A group's selection rate divided by that of its reference group.", "ratio"),
    "mean_prediction": Metric("Mean of the answers", "Mean of a group's values, in the unit of the target."),
    "mean_residual": Metric("Mean residual", "Mean of the answer minus that which it is held against; 0 is right."),
    "mean_transfer": Metric("Shift of the gap", "The student's gap of means minus the teacher's, on the same people."),
    "mean_transfer_from_labels": Metric(
        "Shift from the labels", "The student's gap of means minus that of the true values, on the same people."
    ),
    "mean_transfer_from_baseline": Metric(
        "Shift from the student without teacher",
        "The student's gap of means minus that of the same student fitted to the true values, on the same people.",
    ),
    "transfer": Metric("Shift of the gap", "The student's gap minus the teacher's gap, on the same people.", "points"),
    "permutation": Metric(
        "Permutation importance", "How much the answer worsens when one column is shuffled.", "number"
    ),
    "silencing": Metric(
        "Importance by silencing", "How far the answer moves where the object says nothing in one column.", "number"
    ),
    "edit_changed": Metric("Objects that the edit changes", "Share of the audited objects.", "share"),
    "edit_flip_rate": Metric("Decisions that turn", "Share of the edited objects whose decision is another.", "share"),
    "edit_score": Metric("Shift of the score", "Mean change of the favourable probability by the edit.", "points"),
    "edit_logit": Metric("Shift in log-odds", "Mean change of the favourable log-odds by the edit.", "number"),
    "edit_mean": Metric("Shift of the answer", "Mean change of the value by the edit.", "number"),
    "edit_over_control": Metric(
        "Further than the control", "Mean size of the change by the edit less that by its control.", "number"
    ),
    "shapley": Metric("Size of Shapley values", "How far a column moves an answer from the mean answer, on average."),
    "attribution_gap": Metric("Part of a gap", "Difference of a column's mean Shapley values between two groups."),
    "attribution_gap_total": Metric("Whole gap", "Difference of the mean answers of two groups, on the named scale."),
    "interaction": Metric("Interaction", "How far two columns together depart from a sum of the two."),
    "interaction_missed": Metric("Interaction not repeated", "What a student leaves of the teacher's interaction."),
    "twin_difference": Metric("Score minus outcomes", "Difference of two curves: the score's and the outcomes'."),
    "mimic_r2": Metric("R² of the mimic", "Share of the score's variance that the additive model repeats."),
    "outcome_auc": Metric("AUC of the outcome model", "Chance that it ranks a row with the outcome above one without."),
    "outcome_r2": Metric("R² of the outcome model", "Share of the outcome's variance that it explains."),
    "score_explained": Metric("Score explained", "R² of a learner for the score, on rows that it did not see."),
    "residual_correlation": Metric("Correlation of errors", "Between a learner's errors on score and on outcome."),
    "duplicate_rows": Metric("Rows with an equal row", "Share of rows that equal another in every column.", "share"),
    "duplicates_differ": Metric(
        "Equal rows, unequal scores", "Share of groups of equal rows whose scores differ.", "share"
    ),
    "duplicate_variance": Metric("Variance within equal rows", "As a share of the variance of the score.", "share"),
    "agreement_macro": Metric(
        "Agreement, classes weighing the same", "Mean over the teacher's classes of the agreement within them.", "share"
    ),
    "agreement_worst_class": Metric(
        "Agreement in the worst class",
        "Lowest agreement among the teacher's classes; its interval holds for all of them at once.",
        "share",
    ),
    "agreement_gain": Metric(
        "Agreement beyond a constant answer",
        "Agreement minus what always giving the teacher's commonest answer would reach.",
        "points",
    ),
    "skill": Metric(
        "Skill", "Agreement above what always giving the commonest answer would reach; 1 is perfect, 0 is no better."
    ),
    "js": Metric("Jensen–Shannon divergence (nats)", "A symmetric, bounded distance of probabilities; 0 is perfect."),
    "r2_logit": Metric("R² of log-odds", "Share of the variance of the teacher's log-odds reproduced."),
    "bias_probability": Metric(
        "Mean shift of probability", "Mean of the student's probability minus the teacher's.", "points"
    ),
    "spearman_margin": Metric("Rank correlation of scores", "Whether both order the rows alike; 1 is the same order."),
    "recall": Metric("Recall", "Share of a class's rows that was recognised.", "share"),
    "transfer_from_baseline": Metric(
        "Shift from the student without teacher",
        "The student's gap minus that of the same student fitted to the true labels, on the same people.",
        "points",
    ),
    "transfer_from_labels": Metric(
        "Shift from the labels", "The student's gap minus the gap in the labels, on the same people.", "points"
    ),
    "disagreement": Metric("Disagreement", "Share of rows on which student and teacher decide differently.", "share"),
    "importance_spearman": Metric("Rank correlation of importances", "1 is the same order of columns."),
    "importance_overlap": Metric("Rank-biased overlap", "Agreement of the two rankings, the top counting most."),
    "importance_top_k": Metric("Overlap of the most important", "Jaccard index of the two sets of top columns."),
    "importance_sign": Metric("Same signs", "Share of columns whose importances have the same sign.", "share"),
    "importance_shared": Metric("Shared importance", "One minus half the sum of differences of shares.", "share"),
    "two_sample_auc": Metric(
        "AUC of telling them from real rows",
        "Chance that boosting finds a made-up row likelier made up than a real one it has not seen; 0.5 is perfect.",
    ),
    "novel": Metric("New rows", "Share of made-up rows that equal no row of fitting.", "share"),
    "violations": Metric("Broken rules", "Share that breaks a bound, a category, a constraint or privacy.", "share"),
    "near": Metric(
        "Very near to a real row", "Share nearer to a row of fitting than 5 % of the held-out rows are.", "share"
    ),
    "distance_made": Metric("Median distance to a row of fitting", "Two different categories lie 1 apart."),
    "distance_held": Metric("The same for held-out rows", "How near real rows lie to each other."),
    "teachers_agree": Metric("All teachers agree", "Share of rows on which all teachers decide alike.", "share"),
    "abstains": Metric("The ensemble abstains", "Share of rows on which the teachers are too far apart.", "share"),
    "agreement_top2": Metric("Teacher's class among the two likeliest", "Of the student's classes.", "share"),
    "agreement_over_ceiling": Metric(
        "Agreement beyond the second teacher",
        "The student's agreement with the teacher minus that of the teacher trained again, on the same rows.",
        "points",
    ),
    "teacher_slope": Metric(
        "Slope of the teacher's log-odds", "On the student's log-odds; below 1 the student is too sure of itself."
    ),
    "teacher_intercept": Metric("Shift of the teacher's log-odds", "From the student's; 0 where they mean the same."),
    "teacher_gap": Metric("Teacher minus student", "Mean difference of the two probabilities.", "points"),
    "selection_rate_worst_ratio": Metric(
        "Impact ratio of the worst pair",
        "The lowest selection rate over the highest; its interval holds for all pairs of groups at once.",
        "ratio",
    ),
    "selection_rate_worst_difference": Metric(
        "Selection rate: worst pair", "The lowest selection rate minus the highest, for all pairs at once.", "points"
    ),
    "stratified_odds_ratio": Metric(
        "Common odds ratio", "Of selection, group against reference, inside strata; 1 is no difference.", "ratio"
    ),
    "stratified_difference": Metric("Common difference", "Of selection rates inside strata.", "points"),
    "calibration_gap": Metric(
        "Observed minus promised", "Share of favourable labels minus the mean probability; 0 is right.", "points"
    ),
    "calibration_ratio": Metric("Observed over promised", "1 is right.", "ratio"),
    "calibration_slope": Metric("Calibration slope", "1 is right; below 1 the probabilities are too extreme."),
    "calibration_intercept": Metric("Calibration intercept", "0 is right; on the scale of log-odds."),
    "spiegelhalter": Metric("Spiegelhalter's z", "Beyond ±1.96 the probabilities are wrong somewhere."),
    "flip_rate": Metric("Decisions that flip", "Share of decisions that change with the attribute alone.", "share"),
    "flip_score": Metric("Shift of the score", "Mean change of the probability with the attribute alone.", "points"),
    "proxy_auc": Metric("Strength as a proxy", "AUC of guessing the group from the column; 0.5 is nothing."),
    "leaf_share": Metric("Share of the leaf", "Share of the leaf's rows that belong to the group.", "share"),
    "scoring_rate": Metric("Scoring rate", "Share of a category that scores above the median of all rows.", "share"),
    "selection_rate_impact_ratio": Metric(
        "Impact ratio", "A category's selection rate over that of the most selected category.", "ratio"
    ),
    "scoring_rate_impact_ratio": Metric(
        "Impact ratio of scoring rates", "A category's scoring rate over the highest one.", "ratio"
    ),
    "unknown_share": Metric("People of unknown category", "They are in no line of the table.", "share"),
    "scoring_tie_share": Metric("Rows at the median", "They count as not above it.", "share"),
    "accuracy_gain": Metric(
        "Accuracy beyond the commonest label", "Accuracy minus that of always giving the commonest label.", "points"
    ),
    "overconfidence": Metric(
        "Overconfidence", "Mean probability of the likeliest class minus how often it is right; 0 is honest.", "points"
    ),
    "accuracy_where_missing": Metric(
        "Accuracy where the value is missing", "Minus the accuracy where it is there.", "points"
    ),
    "missing_flip": Metric("Decisions that change without the value", "When the value is taken away.", "share"),
    "missing_shift": Metric("Shift without the value", "Mean absolute change of the answer."),
    "noise_flip": Metric("Decisions that change under noise", "Every number moved by 5 % of its spread.", "share"),
    "noise_shift": Metric("Shift under noise", "Mean absolute change of the answer under that noise."),
    "single_feature_auc": Metric("AUC of the column alone", "Out of fold; 0.5 is nothing, 1 is everything."),
    "single_feature_r2": Metric("R² of the column alone", "Out of fold; 0 is nothing, 1 is everything."),
    "copies": Metric("Copies", "Share of rows that equal an earlier row in every column.", "share"),
    "key_column": Metric("Column that looks like a key", "Rows per value of the column.", "number"),
    "serial_correlation": Metric(
        "Correlation in time", "Of a model's errors on rows that lie next to each other in time; 0 is none."
    ),
    "accumulated_effect": Metric(
        "Accumulated local effect",
        "Mean answer plus what a column adds as its value moves step by step, on real rows.",
    ),
    "partial_dependence": Metric("Partial dependence", "Mean answer where all rows have the same value of a column."),
    "accumulated_effect_area": Metric(
        "Distance of the curves", "Mean over the rows, of accumulated effects; each curve is taken about its mean."
    ),
    "partial_dependence_area": Metric(
        "Distance of the curves (partial dependence)", "Mean over the rows; each curve is taken about its mean."
    ),
    "share_of_rows": Metric("Share of the rows", "Share of the rows at a level, or between two values.", "share"),
    "rule_agreement": Metric(
        "Agreement under a rule", "Share of a rule's rows on which student and teacher decide alike.", "share"
    ),
    "rule_agreement_made_up": Metric(
        "Agreement under a rule, made-up rows", "The same of rows made up near the audited ones.", "share"
    ),
    "largest_disagreement": Metric(
        "Largest disagreement found",
        "Difference of both answers near real rows, of probabilities or in the unit of the target; there may be "
        "larger ones.",
    ),
    "worst_rows_disagreement": Metric(
        "Disagreement after the search", "Mean difference of the rows that the search ended with."
    ),
    "worst_rows_observed": Metric(
        "Disagreement before the search", "Mean difference of the real rows at which it began."
    ),
    "worst_rows_decided_apart": Metric(
        "Decided apart after the search", "Share of these rows about which both decide differently.", "share"
    ),
    "worst_rows_changed": Metric("Changed by the search", "Share of these rows in which it changed a column.", "share"),
    "structure": Metric("Importance in the structure", "The share that the model's own structure gives to a column."),
}


_ENDINGS: tuple[tuple[str, str, Kind], ...] = (("_difference", "difference", "points"), ("_ratio", "ratio", "ratio"))


def describe_metric(key: str) -> Metric:
    """Words for a metric; an unknown one is spelt from its name, its kind guessed from the ending.

    Examples
    --------
    >>> describe_metric("agreement").title
    'Agreement with the teacher'
    >>> describe_metric("selection_rate_difference").title
    'Selection rate: difference'
    >>> describe_metric("selection_rate_difference").kind, describe_metric("mean_prediction_difference").kind
    ('points', 'number')
    """
    if key in METRICS:
        return METRICS[key]
    for ending, words, compared in _ENDINGS:
        if key.endswith(ending) and (base := describe_metric(key.removesuffix(ending))).title:
            meaning = f"The {words} of the {base.title.lower()} to that of the reference group." if base.meaning else ""
            in_unit = compared == "points" and base.kind == "number"  # of means, not of shares
            return Metric(f"{base.title}: {words}", meaning, "number" if in_unit else compared)
    title = name(str(key).replace("_", " ").replace(".", ": "))
    title = title[:1].upper() + title[1:]
    kind: Kind = "number"
    if "rate" in key or "share" in key or "agreement" in key or "accuracy" in key:
        kind = "share"
    return Metric(title, "", kind)
