from __future__ import annotations

from typing import Any

from sklearn.utils.estimator_checks import parametrize_with_checks

from explaindistill.students.linear import LinearClassifier, LinearRegressor


@parametrize_with_checks([LinearClassifier(), LinearRegressor()])
def test_linear_students_pass_the_checks_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)
