"""Simple models that a person can read, as ordinary scikit-learn estimators."""
