"""Made-up sentences whose teacher is known: what each word adds, and what "not" before it does."""

import numpy as np

GOOD = [
    "wonderful",
    "lovely",
    "splendid",
    "delightful",
    "superb",
    "charming",
    "brilliant",
    "touching",
    "clever",
    "warm",
]
BAD = ["dreadful", "boring", "clumsy", "tedious", "awful", "shallow", "silly", "noisy", "bland", "stale"]
THINGS = ["film", "music", "story", "cast", "ending", "camera", "plot", "humour", "scene", "dialogue"]
STRENGTH = dict(zip(GOOD, np.linspace(2.0, 0.4, 10), strict=True)) | dict(
    zip(BAD, np.linspace(-2.0, -0.4, 10), strict=True)
)


def sentences(n, seed=0, negated=0.0):
    """Two clauses each, about two things, with two adjectives; some behind "not"."""
    rng = np.random.default_rng(seed)
    texts = []
    for _ in range(n):
        clauses = []
        for thing in rng.choice(THINGS, 2, replace=False):
            word = rng.choice(GOOD + BAD)
            clauses.append(f"the {thing} was {'not ' if rng.random() < negated else ''}{word}")
        texts.append(" and ".join(clauses) + ".")
    return texts


def chances(score):
    p = 1 / (1 + np.exp(-np.asarray(score, dtype=float)))
    return np.column_stack([1 - p, p])


def additive(texts, parents=None):
    """Adds the strengths of all words."""
    return chances([sum(STRENGTH.get(w.strip(".,"), 0.0) for w in t.lower().split()) for t in texts])


def contextual(texts, parents=None):
    """The same, where "not" turns the next word round."""
    score = []
    for text in texts:
        words = [w.strip(".,") for w in text.lower().split()]
        score.append(
            sum(STRENGTH.get(w, 0.0) * (-1 if i and words[i - 1] == "not" else 1) for i, w in enumerate(words))
        )
    return chances(score)
