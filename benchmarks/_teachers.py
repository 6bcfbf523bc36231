"""Teachers for benchmarks: a torch network with early stopping, boosted trees, and forests; all on raw frames."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def encoder() -> Any:
    """One-hot categories, standardised numbers, missing imputed with an indicator."""
    numbers = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    levels = OneHotEncoder(handle_unknown="ignore", min_frequency=10, sparse_output=False)
    return make_column_transformer(
        (numbers, make_column_selector(dtype_include=np.number)),
        (levels, make_column_selector(dtype_exclude=np.number)),
    )


def forest(X: pd.DataFrame, y: Any, task: str, seed: int = 0, n_trees: int = 100) -> Any:
    """A fitted pipeline with a random forest."""
    kind = RandomForestClassifier if task == "classification" else RandomForestRegressor
    return make_pipeline(encoder(), kind(n_trees, min_samples_leaf=3, random_state=seed, n_jobs=2)).fit(X, y)


def boosted(X: pd.DataFrame, y: Any, seed: int = 0) -> Any:
    """A fitted pipeline with boosted trees."""
    return make_pipeline(encoder(), HistGradientBoostingClassifier(random_state=seed)).fit(X, y)


class VotingForest:
    """Ten fully grown trees that vote: probabilities are shares of ten votes, and ties are common."""

    def __init__(self, seed: int = 0, n_trees: int = 10) -> None:
        self.seed, self.n_trees = seed, n_trees

    def fit(self, X: pd.DataFrame, y: Any) -> VotingForest:
        """Grow the trees; returns self."""
        self.encoder = encoder().fit(X)
        self.forest = RandomForestClassifier(self.n_trees, random_state=self.seed).fit(self.encoder.transform(X), y)
        self.classes_ = self.forest.classes_
        return self

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Shares of the votes (n, k)."""
        Z = self.encoder.transform(X)
        votes = np.array([tree.predict_proba(Z).argmax(axis=1) for tree in self.forest.estimators_])
        return (votes[:, :, None] == np.arange(len(self.classes_))).mean(axis=0)

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Classes; at a tie the first."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


TEACHERS = ("network", "boosted", "votes")
"""The three kinds that every claim of fidelity is measured with."""


def classifier(kind: str, X: pd.DataFrame, y: Any, seed: int = 0) -> Any:
    """One of :data:`TEACHERS`, fitted."""
    if kind == "network":
        return Network(seed=seed).fit(X, y)
    return boosted(X, y, seed) if kind == "boosted" else VotingForest(seed).fit(X, y)


class Network:
    """A torch MLP with early stopping on a tenth of the rows; answers raw frames with float64 probabilities."""

    def __init__(self, hidden: tuple[int, ...] = (64, 64), seed: int = 0, epochs: int = 60) -> None:
        self.hidden, self.seed, self.epochs = hidden, seed, epochs

    def fit(self, X: pd.DataFrame, y: Any, task: str = "classification") -> Network:
        """Train on X and y; returns self."""
        import torch
        from torch import nn

        torch.manual_seed(self.seed)
        self.task, self.encoder = task, encoder().fit(X)
        Z = torch.tensor(self.encoder.transform(X), dtype=torch.float32)
        if task == "classification":
            self.classes_, codes = np.unique(y, return_inverse=True)
            target, width, loss = torch.tensor(codes), len(self.classes_), nn.CrossEntropyLoss()
        else:
            values = np.asarray(y, dtype=float)
            self.centre, self.scale = values.mean(), values.std()
            scaled = (values - self.centre) / self.scale
            target, width, loss = torch.tensor(scaled, dtype=torch.float32)[:, None], 1, nn.MSELoss()
        sizes = (Z.shape[1], *self.hidden)
        layers = [m for a, b in pairwise(sizes) for m in (nn.Linear(a, b), nn.ReLU())]
        self.net = nn.Sequential(*layers, nn.Linear(sizes[-1], width))
        self._train(torch, Z, target, loss)
        return self

    def _train(self, torch: Any, Z: Any, target: Any, loss: Any) -> None:
        order = torch.randperm(len(Z))
        cut = max(len(Z) // 10, 1)
        held, kept = order[:cut], order[cut:]
        optimiser = torch.optim.AdamW(self.net.parameters(), lr=1e-3, weight_decay=1e-4)
        best, state, patience = np.inf, None, 0
        for _ in range(self.epochs):
            self.net.train()
            for batch in kept[torch.randperm(len(kept))].split(256):
                optimiser.zero_grad()
                loss(self.net(Z[batch]), target[batch]).backward()
                optimiser.step()
            self.net.eval()
            with torch.inference_mode():
                now = float(loss(self.net(Z[held]), target[held]))
            if now < best - 1e-4:
                best, patience = now, 0
                state = {k: v.clone() for k, v in self.net.state_dict().items()}
            elif (patience := patience + 1) >= 6:
                break
        self.net.load_state_dict(state)

    def _answer(self, X: pd.DataFrame) -> np.ndarray:
        import torch

        Z = torch.tensor(self.encoder.transform(X), dtype=torch.float32)
        with torch.inference_mode():
            return torch.cat([self.net(part) for part in Z.split(8192)]).double().numpy()

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        """Probabilities (n, k)."""
        z = self._answer(X)
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Classes, or values in regression."""
        if self.task == "regression":
            return self._answer(X)[:, 0] * self.scale + self.centre
        return self.classes_[self.predict_proba(X).argmax(axis=1)]
