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
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _bars import environment, kept
from _data import FOLDER
from _digests import code_digest
from _domains_files import agreement_with_magika
from _domains_lines import Line, interval, line, line_at_least, line_at_most, mean_line, reported
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
N_QUICK = 250  # documents that are asked about in a quick run; as many judge
N_QUICK_AUDITED = 20
QUICK = {"max_words": 500, "max_phrases": 100}  # so few questions of the lexicon in a quick run
SPLIT_SEED = 19  # the documents that judge, chosen once
NUMBERS = 6
LIME_WORDS = 200
L1 = {"l1_ratio": 1.0} if getattr(LogisticRegression(), "penalty", None) in (None, "deprecated") else {"penalty": "l1"}
"""The same penalty under its name before and since scikit-learn 1.8."""
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
SUBJECTS = "film music story cast ending camera plot humour scene dialogue acting script editing hero villain"
Ask = Callable[[list[str]], np.ndarray]


@dataclass(frozen=True)
class Reviews:
    """Documents of development with labels, and those that judge."""

    texts: np.ndarray
    labels: np.ndarray
    judges: np.ndarray


def rows(quick: bool, seeds: int) -> list[Line]:
    """One line per bar: ``bar``, ``asked``, ``measured``, ``holds``."""
    lines = sentences_rows(quick, seeds)
    if REVIEWS.exists():
        lines = review_rows(quick, seeds) + lines
    else:
        print(f"movie reviews are not measured: {REVIEWS.name} is not in EXPLAINDISTILL_DATA", file=sys.stderr)
    return lines + planted_rows() + pretrained_rows(quick)


def pretrained_rows(quick: bool) -> list[Line]:
    """A tree of 16 leaves on words and form, of a network that nobody here has trained."""
    bar = "files: a tree of 16 leaves agrees with magika, on files held out"
    result = agreement_with_magika(60 if quick else 900)
    if result is None:
        return [line(bar, "reported", "magika cannot be had here", None)]
    share, n_asked, n_kinds = result
    return [line(bar, "reported", f"{share:.3f} ({n_asked} files asked, {n_kinds} kinds)", None)]


def figures(name: str, seeds: int, quick: bool, of_seed: Callable[[int], dict[str, float]]) -> pd.DataFrame:
    """A line of figures for each seed; a seed that this very code has measured before is read."""
    store = RESULTS / code_digest(Path(__file__))
    frames = [
        kept(store, f"{name}-{seed}{'-quick' * quick}", lambda seed=seed: [of_seed(seed)]) for seed in range(seeds)
    ]
    return pd.concat(frames, ignore_index=True).astype(float)


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
        fit, judges = fit[:N_QUICK], judges[:N_QUICK]
    documents = np.array(texts, dtype=object)
    return Reviews(documents[fit], np.array(labels)[fit], documents[judges])


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

    answers: dict[str, np.ndarray] = {}  # many students ask about the same documents

    def ask(texts: list[str]) -> np.ndarray:
        new = list(dict.fromkeys(text for text in texts if text not in answers))
        for i in range(0, len(new), 512):
            with torch.no_grad():
                batch = torch.tensor(vectors.transform(new[i : i + 512]).toarray(), dtype=torch.float32)
                answers.update(zip(new[i : i + 512], net(batch).softmax(1).double().numpy(), strict=True))
        return np.array([answers[text] for text in texts])

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


def review_rows(quick: bool, seeds: int) -> list[Line]:
    """Bars on movie reviews; of a few documents and one seed less is asked."""
    data = reviews(quick)
    figure = figures("reviews", seeds, quick, lambda seed: review_cell(review_teacher(data, seed), data, quick))
    ours = figure["lexicon"]
    return [
        line_at_least(f"reviews: agreement of ≤ {NUMBERS} numbers", 0.7 if quick else 0.83, ours),
        line_at_most("reviews: numbers to read", NUMBERS, figure["numbers"]),
        line_at_least("reviews: over our linear with 20 words", 0 if quick else 0.10, ours - figure["20 words"]),
        line_at_least("reviews: over L1 logistic at equal numbers", 0 if quick else 0.10, ours - figure["L1"]),
        reported("reviews: entries of the lists", figure["listed"]),
        reported("reviews: questions of the lexicon beside the texts", figure["questions"]),
        reported("reviews: agreement, all columns of the default", figure["default"]),
        reported("reviews: agreement, TF-IDF and logistic on all terms (not readable)", figure["all terms"]),
        reported("reviews: accuracy of the teacher on its own side", figure["teacher agreement with labels"]),
        line_at_most(  # few texts carry what does not grow with them
            "reviews: 2,000 texts, fitted to and audited, seconds of one processor", 60, figure["seconds"],
            decides=not quick,
        ),
        *lime_rows(figure, quick),
        *sampler_rows(data, quick, seeds),
    ]  # fmt: skip


def lime_rows(figure: pd.DataFrame, quick: bool) -> list[Line]:
    """Lists of as many words as LIME's submodular pick names, and the questions of both."""
    if "LIME" not in figure:
        return [line("reviews: over LIME's submodular pick", "> 0", "-", None)]
    gain = figure[f"lists of {LIME_WORDS}"] - figure["LIME"]
    bar = f"reviews: lists of {LIME_WORDS} words over LIME's submodular pick of as many"
    return [
        mean_line(bar, "> 0", gain, gain.mean() > 0),
        line_at_most("reviews: our questions over LIME's", 1.0, figure["questions over LIME's"], decides=not quick),
    ]


def sampler_rows(data: Reviews, quick: bool, seeds: int) -> list[Line]:
    """Each way of making up texts less none; the default may not lose."""
    gains = figures("samplers", seeds, quick, lambda seed: sampler_cell(review_teacher(data, seed), data, quick))
    default = TextDomain().sampling
    text = "0, the default is none" if default is None else default
    return [
        *(reported(f"reviews: {name}, agreement over no made-up texts", gains[name]) for name in gains),
        line("reviews: default sampler over none", ">= 0", text, default is None),
    ]


def review_cell(ask: Ask, data: Reviews, quick: bool) -> dict[str, float]:
    """Figures of one seed."""
    start, fewer = time.process_time(), QUICK if quick else {}
    default = distilled(ask, data.texts, TextDomain(**fewer))
    teacher = CallableTeacher(ask, classes=CLASSES)
    audited = list(data.judges[:N_QUICK_AUDITED] if quick else data.judges)
    xd.audit(teacher, {"sum": default}, audited, favorable="pos", progress=False)
    seconds = (time.process_time() - start) * 2000 / (len(data.texts) + len(audited))
    lexicon = distilled(ask, data.texts, TextDomain(["lexicon"], **fewer))
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
    short = distilled(ask, data.texts, TextDomain(["lexicon"], max_listed=LIME_WORDS, **fewer))
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
        model = LogisticRegression(**L1, solver="liblinear", C=C, random_state=0).fit(X, answers)
        at = np.flatnonzero(model.coef_[0])
        if len(at) + 1 > NUMBERS:
            break
        best = max(best, float((model.predict(Z) == judged).mean()))
        if len(at):  # as it is, and with the shrinkage of the chosen words taken back
            relaxed = LogisticRegression(C=1e3).fit(X[:, at], answers)
            best = max(best, float((relaxed.predict(Z[:, at]) == judged).mean()))
    terms = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    model = LogisticRegression(C=30, max_iter=1000).fit(terms.fit_transform(data.texts), answers)
    return {"L1": best, "all terms": float((model.predict(terms.transform(data.judges)) == judged).mean())}


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
        student = distilled(ask, data.texts, domains[name], sampler=sampler, n_queries=n_queries)
        gain = agreement(student, ask, data.judges) - agreement(without[name], ask, data.judges)
        gains[f"{type(sampler).__name__} on {name}"] = gain
    return gains


def clauses(n: int, rng: np.random.Generator) -> tuple[list[str], np.ndarray]:
    """Sentences of three clauses and their sums of signs; adjectives may stand behind a word that turns them round."""
    signs = dict.fromkeys(GOOD.split(), 1) | dict.fromkeys(BAD.split(), -1)
    words, texts, totals = sorted(signs), [], []
    for _ in range(n):
        clauses_of_text, total = [], 0
        for subject in rng.choice(SUBJECTS.split(), 3, replace=False):
            word = str(rng.choice(words))
            turned = rng.random() < 0.4
            before = f"{rng.choice(['not', 'hardly', 'never'])} " if turned else ""
            clauses_of_text.append(f"the {subject} was {before}{word}")
            total += -signs[word] if turned else signs[word]
        texts.append(", ".join(clauses_of_text[:2]) + f" and {clauses_of_text[2]}.")
        totals.append(total)
    return texts, (np.array(totals) > 0).astype(int)


def gru(texts: list[str], labels: np.ndarray, seed: int) -> Ask:
    """A GRU over words, trained on the sentences."""
    import torch

    vocabulary = {w: i + 2 for i, w in enumerate(sorted({w for t in texts for w in split_words(t)}))}
    torch.manual_seed(seed)

    def numbered(batch: list[str]) -> Any:
        at = [[vocabulary.get(w, 1) for w in split_words(t)][:24] for t in batch]
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

    def ask(batch: list[str]) -> np.ndarray:
        with torch.no_grad():
            chances = [net(numbered(batch[i : i + 512])).softmax(1) for i in range(0, len(batch), 512)]
        return torch.cat(chances).double().numpy()

    return ask


def split_words(text: str) -> list[str]:
    """Words of a made-up sentence."""
    return text.replace(",", " ").replace(".", " ").lower().split()


def sentences_rows(quick: bool, seeds: int) -> list[Line]:
    """Bars on made-up sentences and a network that reads what stands before a word."""
    figure = figures("sentences", seeds, quick, lambda seed: sentences_cell(seed, quick))
    few = figure["20 words"]
    return [
        line_at_least("sentences: accuracy of the GRU", 0.72, figure["accuracy"]),
        line_at_least("sentences: lexicon with phrases over 20 words", 0.05, figure["lexicon"] - few),
        reported("sentences: agreement of the lexicon with phrases", figure["lexicon"]),
        reported("sentences: 20 words and phrases over 20 words", figure["words and phrases"] - few),
    ]


def sentences_cell(seed: int, quick: bool) -> dict[str, float]:
    """Figures of one seed."""
    rng = np.random.default_rng(seed)
    texts, labels = clauses(1000 if quick else 4000, rng)
    held_out, truth = clauses(1000, rng)
    ask = gru(texts, labels, seed)
    kinds = {"20 words": ["words"], "lexicon": ["lexicon"], "words and phrases": ["words", "phrases"]}
    fit = texts[: 600 if quick else 2000]
    cell = {name: agreement(distilled(ask, fit, TextDomain(k)), ask, held_out) for name, k in kinds.items()}
    return cell | {"accuracy": float((ask(held_out).argmax(axis=1) == truth).mean())}


def planted_rows() -> list[Line]:
    """A word that alone decides, and half a unit of log-odds on "she", there and not there."""
    texts, _ = clauses(600, np.random.default_rng(0))
    student = distilled(lambda batch: chances([3.0 if "film" in t else -3.0 for t in batch]), texts, TextDomain())
    importance = student.importance().set_index("feature")["estimate"]
    holds = importance.index[0] == "the word 'film'" and importance.iloc[0] > 0.99
    return [
        line("planted word: first, importance", "1", f"{importance.iloc[0]:.4f}", holds),
        planted_bias_row(texts, 0.5),
        planted_bias_row(texts, 0.0),
    ]


def planted_bias_row(texts: list[str], bias: float) -> Line:
    """Mean change of log-odds from "he" to "she" where the teacher adds ``bias`` to texts with "she"."""
    sentences = [f"{'She' if i % 2 else 'He'} said that {text}" for i, text in enumerate(texts)]

    def score(batch: Any) -> np.ndarray:
        return np.array([len(t) / 40 - 2 + bias * ("she" in split_words(t)) for t in batch])

    swapped = Swap((("he", "she"),))(np.array(sentences, dtype=object), np.random.default_rng(0))
    toward = np.array([1.0 if text.startswith("He") else -1.0 for text in sentences])
    # what the swap changes in length is the teacher's, too: it is taken off as the control would
    length = np.array([(len(after) - len(before)) / 40 for after, before in zip(swapped, sentences, strict=True)])
    change = (score(swapped) - score(sentences) - length) * toward
    low, high = interval(change)
    text = f"{change.mean():.4f} [{low:.4f}, {high:.4f}]"
    holds = low - 1e-9 <= bias <= high + 1e-9
    return line(f"planted {bias:g} on 'she': mean change of log-odds", f"{bias:g}", text, holds)


def chances(score: Any) -> np.ndarray:
    """Chances of both classes from log-odds."""
    p = 1 / (1 + np.exp(-np.asarray(score, dtype=float)))
    return np.column_stack([1 - p, p])
