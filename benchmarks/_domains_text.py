"""Texts: the teacher's lexicon against words, L1 logistic regression and LIME's submodular pick.

Movie reviews: 1,200 of 2,000 documents were set aside for development, once, and 800 judge. A teacher (TF-IDF of words
and pairs of words, 8,000 terms, network 48-16) is trained on 1,000 of the 1,200, drawn by the seed; students ask about
all 1,200. Made-up sentences: a GRU is trained on clauses with "not", "hardly" and "never", and judged on others.
"""

from __future__ import annotations

import sys
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _bars import environment, kept
from _data import FOLDER
from _digests import code_digest
from _domains_files import agreement_with_magika
from scipy import stats
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression

import explaindistill as xd
from explaindistill.domains.text import TextDomain
from explaindistill.domains.text.edits import Swap
from explaindistill.domains.text.samplers import Recombination, SentenceSubsets, WordMasking
from explaindistill.teachers.callable import CallableTeacher

RESULTS = Path(__file__).parent / "results" / "domains_text"
REVIEWS = FOLDER / "review_polarity.tar.gz"
CLASSES = ["neg", "pos"]
N_DEVELOPMENT = 1200
SPLIT_SEED = 19  # the documents that judge, chosen once
NUMBERS = 6
LIME_WORDS = 200
GOOD = (
    "wonderful lovely splendid delightful superb charming brilliant touching clever warm funny gripping elegant fresh "
    "honest tender witty daring lively graceful moving subtle vivid bold sincere stunning radiant inspired polished "
    "sharp thrilling enchanting hilarious memorable original powerful rich sweet tense wise"
)
BAD = (
    "dreadful boring clumsy tedious awful shallow silly noisy bland stale dull messy hollow cheap lazy crude wooden "
    "confused forced tired grating pompous sloppy lifeless murky predictable ridiculous annoying empty flat ugly weak "
    "pointless slow stupid tacky vulgar whiny cold sour"
)
THINGS = "film music story cast ending camera plot humour scene dialogue acting script editing hero villain"
Ask = Callable[[list[str]], np.ndarray]


@dataclass(frozen=True)
class Reviews:
    """Documents of development with labels, and those that judge."""

    texts: np.ndarray
    labels: np.ndarray
    judges: np.ndarray


def rows(quick: bool, seeds: int) -> list[dict[str, Any]]:
    """One line per bar: ``bar``, ``asked``, ``measured``, ``holds``."""
    lines = sentences_rows(quick, seeds)
    if REVIEWS.exists():
        lines = review_rows(quick, seeds) + lines
    else:
        print(f"movie reviews are not measured: {REVIEWS.name} is not in EXPLAINDISTILL_DATA", file=sys.stderr)
    return lines + planted_rows() + pretrained_rows(quick)


def pretrained_rows(quick: bool) -> list[dict[str, Any]]:
    """A tree of 16 leaves on words and form, of a network that nobody here has trained."""
    bar = "files: a tree of 16 leaves agrees with magika, on files held out"
    result = agreement_with_magika(150 if quick else 900)
    if result is None:
        return [{"bar": bar, "asked": "reported", "measured": "magika cannot be had here", "holds": None}]
    share, n_asked, n_kinds = result
    words = f"{share:.3f} ({n_asked} files asked, {n_kinds} kinds)"
    return [{"bar": bar, "asked": "reported", "measured": words, "holds": None}]


def measured(what: str, seeds: int, quick: bool, cell: Callable[[int], dict[str, float]]) -> dict[str, np.ndarray]:
    """Figures of all seeds by name; a seed that this very code has measured before is read."""
    store = RESULTS / code_digest(Path(__file__))
    frames = [kept(store, f"{what}-{seed}{'-quick' * quick}", lambda seed=seed: [cell(seed)]) for seed in range(seeds)]
    every = pd.concat(frames, ignore_index=True)
    return {str(name): every[name].to_numpy(dtype=float) for name in every}


def reviews(quick: bool) -> Reviews:
    """The documents, split once."""
    texts, labels = [], []
    with tarfile.open(REVIEWS) as archive:
        for member in sorted(archive.getmembers(), key=lambda m: m.name):
            if member.name.endswith(".txt") and member.name.split("/")[-2] in CLASSES:
                texts.append(archive.extractfile(member).read().decode("latin-1"))
                labels.append(member.name.split("/")[-2])
    order = np.random.default_rng(SPLIT_SEED).permutation(len(texts))
    fit, judges = order[:N_DEVELOPMENT], order[N_DEVELOPMENT:]
    if quick:
        fit, judges = fit[:500], judges[:300]
    every = np.array(texts, dtype=object)
    return Reviews(every[fit], np.array(labels)[fit], every[judges])


def review_teacher(data: Reviews, seed: int) -> Ask:
    """TF-IDF and a network, trained on five sixths of the documents of development."""
    import torch

    drawn = np.random.default_rng(seed).permutation(len(data.texts))[: len(data.texts) * 5 // 6]
    vectors = TfidfVectorizer(ngram_range=(1, 2), max_features=8000, sublinear_tf=True)
    Z = torch.tensor(vectors.fit_transform(data.texts[drawn]).toarray(), dtype=torch.float32)
    target = torch.tensor((data.labels[drawn] == "pos").astype(int))
    torch.manual_seed(seed)
    net = torch.nn.Sequential(
        torch.nn.Linear(Z.shape[1], 48), torch.nn.ReLU(), torch.nn.Dropout(0.3),
        torch.nn.Linear(48, 16), torch.nn.ReLU(), torch.nn.Linear(16, 2),
    )  # fmt: skip
    trained(net, Z, target, 12, 1e-3)

    known: dict[str, np.ndarray] = {}  # many students ask about the same documents

    def ask(texts: list[str]) -> np.ndarray:
        new = list(dict.fromkeys(text for text in texts if text not in known))
        for i in range(0, len(new), 512):
            with torch.no_grad():
                part = torch.tensor(vectors.transform(new[i : i + 512]).toarray(), dtype=torch.float32)
                known.update(zip(new[i : i + 512], net(part).softmax(1).double().numpy(), strict=True))
        return np.array([known[text] for text in texts])

    return ask


def trained(net: Any, X: Any, target: Any, rounds: int, rate: float) -> None:
    """Train a network in batches of 32, and leave it ready to answer."""
    import torch

    steps = torch.optim.Adam(net.parameters(), rate, weight_decay=1e-4)
    for _ in range(rounds):
        order = torch.randperm(len(X))
        for i in range(0, len(X), 32):
            at = order[i : i + 32]
            loss = torch.nn.functional.cross_entropy(net(X[at]), target[at])
            steps.zero_grad()
            loss.backward()
            steps.step()
    net.eval()


def distilled(ask: Ask, texts: Any, domain: TextDomain, max_terms: int = 20, **settings: Any) -> xd.Distiller:
    """A linear student of at most so many terms."""
    teacher = CallableTeacher(ask, classes=CLASSES)
    student = xd.LinearClassifier(max_terms=max_terms)
    return xd.Distiller(teacher, student, domain=domain, random_state=0, **settings).fit(list(texts))


def agreement(student: Any, ask: Ask, texts: Any) -> float:
    """Share of texts that student and teacher decide alike."""
    answers = np.array(CLASSES)[ask(list(texts)).argmax(axis=1)]
    return float((student.predict(list(texts)) == answers).mean())


def review_rows(quick: bool, seeds: int) -> list[dict[str, Any]]:
    """Bars on movie reviews."""
    data = reviews(quick)
    figure = measured("reviews", seeds, quick, lambda seed: review_cell(review_teacher(data, seed), data, quick))
    sampled = measured("samplers", seeds, quick, lambda seed: sampler_cell(review_teacher(data, seed), data, quick))
    ours = figure["lexicon"]
    lines = [
        at_least(f"reviews: agreement of ≤ {NUMBERS} numbers", 0.83 if not quick else 0.7, ours),
        at_most("reviews: numbers to read", NUMBERS, figure["numbers"]),
        at_least("reviews: over our linear with 20 words", 0.10 if not quick else 0, ours - figure["20 words"]),
        at_least("reviews: over L1 logistic at equal numbers", 0.10 if not quick else 0, ours - figure["L1"]),
        reported("reviews: entries of the lists", figure["listed"]),
        reported("reviews: questions of the lexicon beside the texts", figure["questions"]),
        reported("reviews: agreement, all columns of the default", figure["default"]),
        reported("reviews: agreement, TF-IDF and logistic on all terms (not readable)", figure["all terms"]),
        reported("reviews: accuracy of the teacher on its own side", figure["teacher agreement with labels"]),
        (reported if quick else partial(at_most, asked=60))(  # few texts carry what does not grow with them
            "reviews: 2,000 texts, fitted to and audited, seconds of one processor", values=figure["seconds"]
        ),
    ]
    if "LIME" in figure:
        gain = figure[f"lists of {LIME_WORDS}"] - figure["LIME"]
        lines += [
            at_least(f"reviews: lists of {LIME_WORDS} words over LIME's submodular pick of as many", 1e-9, gain),
            (reported if quick else partial(at_most, asked=1.0))(
                "reviews: our questions over LIME's", values=figure["questions over LIME's"]
            ),
        ]
    else:
        lines.append({"bar": "reviews: over LIME's submodular pick", "asked": "> 0", "measured": "-", "holds": None})
    lines += [reported(f"reviews: {name}, agreement over no made-up texts", sampled[name]) for name in sampled]
    default = TextDomain().sampling
    lines.append({
        "bar": "reviews: default sampler over none", "asked": ">= 0", "holds": default is None,
        "measured": "0, the default is none" if default is None else default,
    })  # fmt: skip
    return lines


def review_cell(ask: Ask, data: Reviews, quick: bool) -> dict[str, float]:
    """Figures of one seed."""
    start = time.process_time()
    default = distilled(ask, data.texts, TextDomain())
    teacher = CallableTeacher(ask, classes=CLASSES)
    xd.audit(teacher, {"sum": default}, list(data.judges), favorable="pos", progress=False)
    seconds = (time.process_time() - start) * 2000 / (len(data.texts) + len(data.judges))
    lexicon = distilled(ask, data.texts, TextDomain(["lexicon"]))
    size = lexicon.complexity()
    questions = lexicon.corpus_.n_columns
    cell = {
        "lexicon": agreement(lexicon, ask, data.judges),
        "numbers": size.n_numbers,
        "listed": size.n_listed,
        "questions": questions,
        "seconds": seconds,
        "20 words": agreement(distilled(ask, data.texts, TextDomain(["words"])), ask, data.judges),
        "default": agreement(default, ask, data.judges),
        "teacher agreement with labels": float(
            (np.array(CLASSES)[ask(list(data.texts)).argmax(axis=1)] == data.labels).mean()
        ),
    }
    answers = ask(list(data.texts)).argmax(axis=1)
    cell |= peers(data, answers, ask)
    short = distilled(ask, data.texts, TextDomain(["lexicon"], max_listed=LIME_WORDS))
    cell[f"lists of {LIME_WORDS}"] = agreement(short, ask, data.judges)
    picked = lime_pick(ask, data, answers, quick)
    if picked is not None:
        cell["LIME"], lime_questions = picked
        cell["questions over LIME's"] = (len(data.texts) + short.corpus_.n_columns) / lime_questions
    return cell


def peers(data: Reviews, answers: np.ndarray, ask: Ask) -> dict[str, float]:
    """L1 logistic regression with as many numbers as we may have, and one on all terms, on the teacher's labels."""
    judged = ask(list(data.judges)).argmax(axis=1)
    words = CountVectorizer(binary=True, min_df=5)
    X, Z = words.fit_transform(data.texts), words.transform(data.judges)
    best = 0.0
    for C in np.geomspace(1e-3, 1, 25):  # the best of all that are small enough, chosen on the judges themselves
        model = LogisticRegression(penalty="l1", solver="liblinear", C=C, random_state=0).fit(X, answers)
        at = np.flatnonzero(model.coef_[0])
        if len(at) + 1 > NUMBERS:
            break
        best = max(best, float((model.predict(Z) == judged).mean()))
        if len(at):  # as it is, and with the shrinkage of the chosen words taken back
            relaxed = LogisticRegression(C=1e3).fit(X[:, at], answers)
            best = max(best, float((relaxed.predict(Z[:, at]) == judged).mean()))
    every = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    model = LogisticRegression(C=30, max_iter=1000).fit(every.fit_transform(data.texts), answers)
    return {"L1": best, "all terms": float((model.predict(every.transform(data.judges)) == judged).mean())}


def lime_pick(ask: Ask, data: Reviews, answers: np.ndarray, quick: bool) -> tuple[float, int] | None:
    """Agreement of the words that LIME's submodular pick names, and its questions; None where it is not installed.

    Each word has the mean of its weights in the explanations that were picked, absent words 0. A cut of the sum is
    fitted to the teacher's answers about all documents, which is more than LIME itself offers.
    """
    python = environment("lime", ["--no-deps", "lime==0.2.0.1"])
    if python is None:
        return None
    sys.path.append(str(next((python.parent.parent / "lib").glob("python*/site-packages"))))
    from lime.lime_text import LimeTextExplainer
    from lime.submodular_pick import SubmodularPick

    n_questions = 0

    def counted(texts: list[str]) -> np.ndarray:
        nonlocal n_questions
        n_questions += len(texts)
        return ask(list(texts))

    n_explained, n_picked, n_samples = (10, 5, 100) if quick else (30, 20, 700)
    explainer = LimeTextExplainer(class_names=CLASSES, random_state=0)
    drawn = np.random.default_rng(0).choice(len(data.texts), n_explained, replace=False)
    pick = SubmodularPick(
        explainer, list(data.texts[drawn]), counted, method="full", num_exps_desired=n_picked,
        num_features=LIME_WORDS // n_picked, num_samples=n_samples,
    )  # fmt: skip
    weights: dict[str, list[float]] = {}
    for explanation in pick.sp_explanations:
        label = explanation.available_labels()[0]  # the class it decided for; the other one has the opposite weights
        for word, weight in explanation.as_list(label=label):
            weights.setdefault(word, []).append(weight if label == 1 else -weight)
    mean = {word: float(np.mean(values)) for word, values in weights.items()}
    words = CountVectorizer(binary=True, vocabulary=sorted(mean), lowercase=False, token_pattern=r"\w+")
    total = np.array([mean[word] for word in sorted(mean)])
    fitted, judged = words.transform(data.texts) @ total, words.transform(data.judges) @ total
    cuts = np.unique(fitted)
    cut = cuts[np.argmax([((fitted > c) == answers).mean() for c in cuts])]
    return float(((judged > cut) == ask(list(data.judges)).argmax(axis=1)).mean()), n_questions


def sampler_cell(ask: Ask, data: Reviews, quick: bool) -> dict[str, float]:
    """Agreement with made-up texts, twice as many as real ones, less that without."""
    n, gains = len(data.texts), {}
    cells: list[tuple[str, Any]] = [("20 words", Recombination())]
    if not quick:
        cells += [("20 words", WordMasking()), ("20 words", SentenceSubsets()), ("lexicon", Recombination())]
    domains = {"20 words": TextDomain(["words"]), "lexicon": TextDomain(["lexicon"])}
    without = {name: distilled(ask, data.texts, domains[name]) for name in dict(cells)}
    for name, sampler in cells:
        n_queries = without[name].n_queries_ + 2 * n
        made = distilled(ask, data.texts, domains[name], sampler=sampler, n_queries=n_queries)
        gain = agreement(made, ask, data.judges) - agreement(without[name], ask, data.judges)
        gains[f"{type(sampler).__name__} on {name}"] = gain
    return gains


def clauses(n: int, rng: np.random.Generator) -> tuple[list[str], np.ndarray]:
    """Sentences of three clauses and their sums of signs; adjectives may stand behind a word that turns them round."""
    signs = dict.fromkeys(GOOD.split(), 1) | dict.fromkeys(BAD.split(), -1)
    words, texts, totals = sorted(signs), [], []
    for _ in range(n):
        said, total = [], 0
        for thing in rng.choice(THINGS.split(), 3, replace=False):
            word = str(rng.choice(words))
            turned = rng.random() < 0.4
            before = f"{rng.choice(['not', 'hardly', 'never'])} " if turned else ""
            said.append(f"the {thing} was {before}{word}")
            total += -signs[word] if turned else signs[word]
        texts.append(", ".join(said[:2]) + f" and {said[2]}.")
        totals.append(total)
    return texts, (np.array(totals) > 0).astype(int)


def gru(texts: list[str], labels: np.ndarray, seed: int) -> Ask:
    """A GRU over words, trained on the sentences."""
    import torch

    vocabulary = {w: i + 2 for i, w in enumerate(sorted({w for t in texts for w in split_words(t)}))}
    torch.manual_seed(seed)

    def numbered(asked: list[str]) -> Any:
        at = [[vocabulary.get(w, 1) for w in split_words(t)][:24] for t in asked]
        return torch.tensor([[0] * (24 - len(row)) + row for row in at])

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = torch.nn.Embedding(len(vocabulary) + 2, 24, padding_idx=0)
            self.gru = torch.nn.GRU(24, 32, batch_first=True)
            self.last = torch.nn.Linear(32, 2)

        def forward(self, X: Any) -> Any:
            return self.last(self.gru(self.embedding(X))[0][:, -1])

    net = Net()
    trained(net, numbered(texts), torch.tensor(labels), 10, 4e-3)

    def ask(asked: list[str]) -> np.ndarray:
        with torch.no_grad():
            parts = [net(numbered(asked[i : i + 512])).softmax(1) for i in range(0, len(asked), 512)]
        return torch.cat(parts).double().numpy()

    return ask


def split_words(text: str) -> list[str]:
    """Words of a made-up sentence."""
    return text.replace(",", " ").replace(".", " ").lower().split()


def sentences_rows(quick: bool, seeds: int) -> list[dict[str, Any]]:
    """Bars on made-up sentences and a network that reads what stands before a word."""
    figure = measured("sentences", seeds, quick, lambda seed: sentences_cell(seed, quick))
    few = figure["20 words"]
    return [
        at_least("sentences: accuracy of the GRU", 0.72, figure["accuracy"]),
        at_least("sentences: lexicon with phrases over 20 words", 0.05, figure["lexicon"] - few),
        reported("sentences: agreement of the lexicon with phrases", figure["lexicon"]),
        reported("sentences: 20 words and phrases over 20 words", figure["words and phrases"] - few),
    ]


def sentences_cell(seed: int, quick: bool) -> dict[str, float]:
    """Figures of one seed."""
    rng = np.random.default_rng(seed)
    texts, labels = clauses(1500 if quick else 4000, rng)
    held_out, truth = clauses(1000, rng)
    ask = gru(texts, labels, seed)
    kinds = {"20 words": ["words"], "lexicon": ["lexicon"], "words and phrases": ["words", "phrases"]}
    asked = texts[: 1000 if quick else 2000]
    cell = {name: agreement(distilled(ask, asked, TextDomain(k)), ask, held_out) for name, k in kinds.items()}
    return cell | {"accuracy": float((ask(held_out).argmax(axis=1) == truth).mean())}


def planted_rows() -> list[dict[str, Any]]:
    """A word that alone decides, and half a unit of log-odds on "she", there and not there."""
    texts, _ = clauses(600, np.random.default_rng(0))
    alone = distilled(lambda asked: chances([3.0 if "film" in t else -3.0 for t in asked]), texts, TextDomain())
    importance = alone.importance().set_index("feature")["estimate"]
    first = importance.index[0] == "the word 'film'"
    told = [f"{'She' if i % 2 else 'He'} said that {text}" for i, text in enumerate(texts)]
    swap, rng = Swap((("he", "she"),)), np.random.default_rng(0)
    lines = [{
        "bar": "planted word: first, importance", "asked": "1", "measured": f"{importance.iloc[0]:.4f}",
        "holds": first and importance.iloc[0] > 0.99,
    }]  # fmt: skip
    for planted in (0.5, 0.0):

        def score(asked: Any, planted: float = planted) -> np.ndarray:
            return np.array([len(t) / 40 - 2 + planted * ("she" in split_words(t)) for t in asked])

        swapped = swap(np.array(told, dtype=object), rng)
        toward = np.array([1.0 if text.startswith("He") else -1.0 for text in told])
        # what the swap changes in length is the teacher's, too: it is taken off as the control would
        length = np.array([(len(a) - len(b)) / 40 for a, b in zip(swapped, told, strict=True)])
        change = (score(swapped) - score(told) - length) * toward
        middle, half = interval(change)
        lines.append({
            "bar": f"planted {planted:g} on 'she': mean change of log-odds", "asked": f"{planted:g}",
            "measured": f"{middle:.4f} ± {half:.4f}", "holds": abs(middle - planted) <= half + 1e-9,
        })  # fmt: skip
    return lines


def chances(score: Any) -> np.ndarray:
    """Chances of both classes from log-odds."""
    p = 1 / (1 + np.exp(-np.asarray(score, dtype=float)))
    return np.column_stack([1 - p, p])


def interval(values: np.ndarray) -> tuple[float, float]:
    """Mean and half the width of its 95 % interval by Student's t; NaN of one value."""
    n = len(values)
    half = stats.t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n) if n > 1 else float("nan")
    return float(values.mean()), float(half)


def shown(values: np.ndarray) -> str:
    middle, half = interval(values.astype(float))
    return f"{middle:.4g}" + ("" if np.isnan(half) else f" ± {half:.2g}") + f" (seeds: {len(values)})"


def at_least(bar: str, asked: float, values: np.ndarray) -> dict[str, Any]:
    words = "> 0" if asked == 1e-9 else f">= {asked:g}"
    return {"bar": bar, "asked": words, "measured": shown(values), "holds": values.mean() >= asked}


def at_most(bar: str, asked: float, values: np.ndarray) -> dict[str, Any]:
    return {"bar": bar, "asked": f"<= {asked:g}", "measured": shown(values), "holds": values.max() <= asked}


def reported(bar: str, values: np.ndarray) -> dict[str, Any]:
    return {"bar": bar, "asked": "reported", "measured": shown(values), "holds": None}
