from __future__ import annotations

from typing import Any

from sklearn.utils.estimator_checks import parametrize_with_checks

from explaindistill.students.scorecard import ScorecardClassifier


@parametrize_with_checks([ScorecardClassifier(max_terms=4)])
def test_scorecard_passes_the_checks_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)
