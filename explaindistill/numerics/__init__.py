"""Mathematics as free functions on arrays: knows nothing of scikit-learn, pandas or the other rooms."""
