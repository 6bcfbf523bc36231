"""Texts through the Distiller: what it takes, finds, shows, and keeps to itself."""

import pickle

import numpy as np
import pandas as pd
import pytest
from made_up import additive, chances, contextual, sentences
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import explaindistill as xd
from explaindistill.domains.text import LabelScores, TextDomain
from explaindistill.errors import TeacherError
from explaindistill.protocols import Domain
from explaindistill.teachers.callable import CallableTeacher

TEXTS = sentences(300)
CLASSES = ["neg", "pos"]


def distilled(teacher, texts=TEXTS, student=None, **settings):
    domain = settings.pop("domain", TextDomain())
    student = xd.LinearClassifier(max_terms=20) if student is None else student
    return xd.Distiller(teacher, student, domain=domain, random_state=0, **settings).fit(texts)


def asked(answer):
    return CallableTeacher(answer, classes=CLASSES)


def test_it_is_a_domain_that_clones_and_pickles():
    domain = TextDomain(authors={"a": 1}, swaps={"title": [("dr", "nurse")]})
    assert isinstance(domain, Domain)
    assert clone(domain).get_params() == domain.get_params()
    assert pickle.loads(pickle.dumps(domain)).get_params() == domain.get_params()


@pytest.mark.parametrize(
    "texts",
    [
        TEXTS,
        tuple(TEXTS),
        pd.Series(TEXTS),
        pd.Series(TEXTS, dtype="string"),
        np.array(TEXTS),
        np.array(TEXTS, dtype=object),
        np.array(TEXTS)[:, None],
        pd.DataFrame({"review": TEXTS}),
    ],
    ids=["list", "tuple", "Series", "string", "str array", "object array", "(n, 1)", "frame"],
)
def test_texts_in_any_container(texts):
    assert TextDomain().objects(texts).tolist() == TEXTS


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("good", "must be a list of texts, got a single text"),
        (b"good", "must be a list of texts, got a single text"),
        (["good", None], r"text 1 is missing \(None\)"),
        (["good", float("nan")], r"text 1 is missing \(nan\)"),
        (pd.Series(["good", pd.NA], dtype="string"), "text 1 is missing"),
        (pd.Series(["good", np.nan]), "text 1 is missing"),
        (["good", 3], "text 1 is a int; every object must be a str"),
        ([["so", "good"], ["so", "bad"]], "text 0 is a list.* join its words"),
        ([("good", 1)], "text 0 is a tuple.* take the text out"),
        ({"good", "bad"}, "texts in an order, got a set; give a list"),
        ({0: "good"}, r"got a dict; give list\(X.values\(\)\)"),
        ([b"good"], "text 0 is a bytes.* decode it first"),
        (pd.DataFrame({"a": ["x"], "b": ["y"]}), "a table of 2 columns"),
        (np.zeros((2, 2)), r"an array of shape \(2, 2\)"),
    ],
)
def test_what_is_no_text_is_refused(texts, message):
    with pytest.raises(ValueError, match=message):
        TextDomain().objects(texts)


def test_tfidf_pipeline():
    labels = additive(TEXTS).argmax(axis=1)
    teacher = make_pipeline(TfidfVectorizer(), LogisticRegression(C=10)).fit(TEXTS, np.array(CLASSES)[labels])
    student = distilled(teacher)
    assert student.score(sentences(200, seed=1)) > 0.9
    assert student.complexity().n_listed > 10
    assert "words for 'pos', strong" in student.describe()


def test_torch_network_on_lists_of_str():
    torch = pytest.importorskip("torch")
    from explaindistill.teachers.torch import TorchTeacher

    vectors = TfidfVectorizer().fit(TEXTS)
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(len(vectors.vocabulary_), 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    Z = torch.tensor(vectors.transform(TEXTS).toarray(), dtype=torch.float32)
    target = torch.tensor(additive(TEXTS).argmax(axis=1))
    steps = torch.optim.Adam(net.parameters(), 0.02)
    for _ in range(150):
        steps.zero_grad()
        torch.nn.functional.cross_entropy(net(Z), target).backward()
        steps.step()
    teacher = TorchTeacher(
        net.eval(), preprocess=lambda texts: vectors.transform(list(texts)).toarray().astype("float32"), classes=CLASSES
    )
    student = distilled(teacher)
    assert student.score(sentences(200, seed=1)) > 0.85


def test_labels_with_scores_as_of_hugging_face():
    def pipeline(texts, top_k=1):
        assert isinstance(texts, list)
        P = additive(texts)
        every = [[{"label": c, "score": float(p)} for c, p in zip(CLASSES, row, strict=True)] for row in P]
        return every if top_k is None else [max(row, key=lambda pair: pair["score"]) for row in every]

    best, every = LabelScores(pipeline, CLASSES), LabelScores(pipeline, CLASSES, top_k=None)
    assert best(TEXTS[:5]).to_numpy() == pytest.approx(every(TEXTS[:5]).to_numpy())
    assert distilled(asked(every)).score(sentences(200, seed=1)) > 0.9
    with pytest.raises(TeacherError, match="classes are a, b"):
        LabelScores(pipeline, ["a", "b"])(TEXTS[:1])
    with pytest.raises(TeacherError, match="top_k=None"):
        LabelScores(pipeline, ["neg", "pos", "neither"])(TEXTS[:1])


def test_a_word_that_alone_decides_has_all_importance():
    teacher = asked(lambda texts: chances([3.0 if "film" in t else -3.0 for t in texts]))
    student = distilled(teacher)
    assert student.score(sentences(200, seed=1)) == 1.0
    importance = student.importance().set_index("feature")["estimate"]
    assert importance.index[0] == "the word 'film'"
    assert importance.iloc[0] == pytest.approx(1.0, abs=0.02)
    tree = distilled(teacher, student=xd.TreeClassifier(max_leaf_nodes=4)).importance().set_index("feature")["estimate"]
    assert tree["the word 'film'"] == pytest.approx(1.0)


def test_a_contextual_teacher_is_read_by_phrases():
    texts, held_out = sentences(600, negated=0.5), sentences(400, seed=9, negated=0.5)
    lexicon = distilled(asked(contextual), texts)
    words = distilled(asked(contextual), texts, domain=TextDomain(["words"]))
    assert lexicon.score(held_out) > words.score(held_out) + 0.1


def test_contributions_of_marked_words_sum_to_the_output():
    for student in (xd.LinearClassifier(max_terms=10), xd.TreeClassifier(max_leaf_nodes=8)):
        distiller = distilled(asked(additive), student=student)
        for text in (*TEXTS[:10], "", "wonderful", "Wonderful! wonderful; dreadful <b>film</b>"):
            page = distiller.show(text)
            p = distiller.predict_proba([text])[0, 1]
            if page.parts.attrs.get("scale") == "logit" or isinstance(student, xd.LinearClassifier):
                answer = np.log(p / (1 - p))
            else:
                answer = distiller.predict_proba([text])[0].max()
            assert page.base + page.parts["contribution"].sum() == pytest.approx(page.output, abs=1e-9)
            assert page.output == pytest.approx(answer, abs=1e-6)


@pytest.mark.parametrize(
    "student",
    [
        xd.LinearClassifier(max_terms=6),
        xd.TreeClassifier(max_leaf_nodes=4),
        xd.GAMClassifier(),
        xd.RuleListClassifier(),
    ],
    ids=lambda s: type(s).__name__,
)
def test_words_of_three_classes_sum_to_the_one_decided(student):
    def mood(texts):
        odds = np.array([[2.0 * ("film" in t), 2.0 * ("music" in t) + ("plot" in t), 0.3] for t in texts])
        return np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True)

    distiller = distilled(CallableTeacher(mood, classes=["a", "b", "c"]), student=student)
    for text in TEXTS[:5]:
        page = distiller.show(text)
        assert page.base + page.parts["contribution"].sum() == pytest.approx(page.output)
        if not isinstance(student, xd.LinearClassifier | xd.GAMClassifier):
            assert page.output == pytest.approx(distiller.predict_proba([text])[0].max())


def test_words_of_a_value_sum_to_it():
    teacher = CallableTeacher(lambda texts: 10 * additive(texts)[:, 1])
    distiller = distilled(teacher, student=xd.LinearRegressor(max_terms=9))
    assert distiller.score(sentences(100, seed=4)) > 0.8
    assert "words that raise the answer" in distiller.describe()
    for text in TEXTS[:5]:
        page = distiller.show(text)
        assert page.base + page.parts["contribution"].sum() == pytest.approx(distiller.predict([text])[0])


def test_a_page_of_a_text_is_safe_and_says_it_without_colour():
    distiller = distilled(asked(additive))
    text = "<script>alert('wonderful')</script> & \ud800 dreadful\x00 \u202e \"boring\""
    page = str(distiller.show(text))
    assert "<script" not in page
    assert page.encode("utf-8")
    assert "\x00" not in page
    assert 'dir="auto"' in page
    body = page.split("<small>", maxsplit=1)[0]
    assert "underline solid" in body
    assert "underline wavy" in body
    assert distiller.show(text)._repr_html_() == page


def test_nothing_that_is_printed_holds_four_words_of_a_text():
    texts = [f"{text} the secret of {i} is kept here" for i, text in enumerate(TEXTS)]
    student = distilled(asked(additive), texts, domain=TextDomain(("lexicon", "words", "phrases", "form")))
    printed = student.describe() + str(student.to_dict()) + repr(student)
    runs = {tuple(t.split()[i : i + 4]) for t in texts for i in range(len(t.split()) - 3)}
    assert not [run for run in runs if " ".join(run) in printed]


def test_a_table_with_a_column_of_texts():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"stars": rng.integers(1, 6, 300), "review": TEXTS})

    def answer(frame):
        score = np.log(additive(frame["review"].tolist())[:, 1] / additive(frame["review"].tolist())[:, 0])
        return chances(score + frame["stars"].to_numpy() - 3)

    student = distilled(asked(answer), table, domain=TextDomain(column="review"))
    assert student.score(table) > 0.9
    assert "stars" in student.describe()
    assert "words for 'pos'" in student.describe()
    page = student.show(table.iloc[0])
    assert page.base + page.parts["contribution"].sum() == pytest.approx(page.output)


def test_a_limit_of_questions_holds_for_the_lexicon_too():
    counted = []

    def answer(texts):
        counted.extend(texts)
        return additive(texts)

    student = distilled(asked(answer), n_queries=len(set(TEXTS)) + 12)
    assert len(set(counted)) <= len(set(TEXTS)) + 12
    assert student.n_queries_ <= len(set(TEXTS)) + 12
    assert distilled(asked(additive), n_queries=len(set(TEXTS))).score(TEXTS) > 0.6


def test_recorded_answers_are_enough():
    student = distilled((TEXTS, pd.DataFrame(additive(TEXTS), columns=CLASSES)))
    assert student.view_.features.columns_.lexicon_way_ == "answers"
    assert student.score(TEXTS) > 0.85


def test_a_constant_teacher():
    student = distilled(asked(lambda texts: chances(np.ones(len(texts)))), domain=TextDomain(["lexicon"]))
    assert student.score(TEXTS) == 1.0


def test_an_unknown_sampler_is_refused():
    with pytest.raises(ValueError, match="sampling must be one of"):
        distilled(asked(additive), domain=TextDomain(sampling="mask"))


@pytest.mark.parametrize("sampling", ["recombination", "masking", "sentences"])
def test_samplers_in_a_fit(sampling):
    texts = [f"{a} {b} {c}" for a, b, c in zip(TEXTS, TEXTS[1:], TEXTS[2:], strict=False)]
    student = distilled(asked(additive), texts, domain=TextDomain(["lexicon"], sampling=sampling), n_queries=1500)
    assert student.corpus_.n_synthetic > 100
    assert student.score(texts) > 0.8


@pytest.mark.parametrize(
    "texts",
    [
        ["好看的电影 " + str(i % 7) for i in range(40)] + ["难看的电影 " + str(i % 7) for i in range(40)],
        ["فيلم رائع " + str(i) for i in range(40)] + ["فيلم سيئ " + str(i) for i in range(40)],
        ["great 👍🏽 " + str(i) for i in range(40)] + ["great 👎 " + str(i) for i in range(40)],
        ["<b>good</b> &amp; " + str(i) for i in range(40)] + ["<i>bad</i> " + str(i) for i in range(40)],
        ["yes", "no"] * 40,
        ["", "good"] * 40 + ["good one", "bad one"] * 20,
        ["good " * 20_000 + str(i) for i in range(6)] + ["bad " * 20_000 + str(i) for i in range(6)],
    ],
    ids=["Chinese", "Arabic", "emoji", "HTML", "one word, copies", "empty", "very long"],
)
def test_odd_texts_go_through(texts):
    first = texts[0]
    words = set(first.split())

    def answer(asked_texts):
        return chances([2.0 if set(t.split()) & words - set("0123456789") else -2.0 for t in asked_texts])

    student = distilled(asked(answer), texts, domain=TextDomain(min_group_size=1 if len(set(texts)) < 5 else 5))
    assert student.predict(texts).shape == (len(texts),)
    assert str(student.show(first)).encode()


@pytest.mark.parametrize("planted", [0.5, 0.0])
def test_the_audit_finds_a_planted_half_log_odds_on_she(planted):
    def answer(texts):
        P = additive(texts)
        return chances(np.log(P[:, 1] / P[:, 0]) + planted * np.array(["she" in t.lower().split() for t in texts]))

    texts = [f"{'She' if i % 2 else 'He'} said {text}" for i, text in enumerate(sentences(400))]
    student = distilled(asked(answer), texts[:250])
    frame = xd.audit(asked(answer), {"sum": student}, texts[250:], favorable="pos", n_explained=0).frames["edits"]
    teacher = frame[frame["subject"].eq("teacher") & frame["metric"].eq("edit_logit")].set_index("edit")
    for edit, sign in (("gender: he to she", 1), ("gender: she to he", -1)):
        line, control = teacher.loc[edit], teacher.loc[f"{edit}, control"]
        assert line["estimate"] == pytest.approx(sign * planted, abs=1e-6)
        assert abs(control["estimate"]) < 0.2
