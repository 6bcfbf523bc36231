import numpy as np

from explaindistill.numerics.additive.elimination import eliminate
from explaindistill.numerics.additive.gram import Block, Design, Marginal
from explaindistill.numerics.additive.pirls import AdditiveFit


def case():
    """A quadratic whose answer can be computed by refitting: three blocks, one of them nearly useless."""
    rng = np.random.default_rng(0)
    X = np.hstack([np.ones((200, 1)), rng.normal(size=(200, 6))])
    X[:, 5] += X[:, 1]
    beta = np.array([0.3, 1.0, -1.0, 0.01, 0.02, 0.5, 0.4])
    y = X @ beta + 0.1 * rng.normal(size=200)
    m = Marginal(0, np.zeros(1, np.int32), np.zeros(1, np.int32), np.zeros(1), 2)
    design = Design(tuple(Block((m,), np.eye(2), (np.eye(2),), np.zeros(2, bool)) for _ in range(3)))
    G, b = X.T @ X, X.T @ y
    V = np.linalg.inv(G)
    fit = AdditiveFit((V @ b)[None], (V,), [], 1.0, np.zeros(3), 0.0, 1, True)
    return design, fit, X, y


def refitted(X, y, columns):
    beta, *_ = np.linalg.lstsq(X[:, columns], y, rcond=None)
    return float(np.sum((y - X[:, columns] @ beta) ** 2))


def test_the_rise_is_that_of_a_refit_without_the_block():
    design, fit, X, y = case()
    dropped = eliminate(design, fit, 1)
    everything = refitted(X, y, list(range(7)))
    assert dropped[0].block == 1
    assert np.isclose(dropped[0].rise, refitted(X, y, [0, 1, 2, 5, 6]) - everything)
    first = refitted(X, y, [0, 1, 2, 5, 6])
    left = [0, 1, 2] if dropped[1].block == 2 else [0, 5, 6]
    assert np.isclose(dropped[1].rise, refitted(X, y, left) - first)


def test_parents_stay_as_long_as_their_child():
    design, fit, _, _ = case()
    assert eliminate(design, fit, 1, {0: (1,)})[0].block == 2
