"""The lexicon finds what a known teacher does with each word."""

import numpy as np
import pytest
from made_up import BAD, GOOD, STRENGTH, additive, contextual, sentences
from sklearn.linear_model import RidgeCV

from explaindistill.domains.text.columns import TextColumns
from explaindistill.domains.text.effects import PENALTIES, by_removal, from_answers, scores
from explaindistill.domains.text.terms import TermIndex
from explaindistill.domains.text.tokens import keys

TEXTS = sentences(300)


def fitted(teacher, texts=TEXTS, ask=True, classes=("neg", "pos"), **parameters):
    P = teacher(texts)
    columns = TextColumns(**{"kinds": ["lexicon"]} | parameters)
    return columns.fit(texts, P, ask=teacher if ask else None, classes=classes)


def test_a_word_asked_alone_has_its_own_effect():
    lists = fitted(additive).lists().set_index("term")["effect"]
    assert set(lists.index) <= set(STRENGTH)
    for word, effect in lists.items():
        assert effect == pytest.approx(abs(STRENGTH[word]), abs=1e-6)


def test_lists_are_for_the_class_that_their_words_raise():
    columns = fitted(additive)
    for name, words in columns.lists().groupby("column")["term"]:
        assert set(words) <= set(GOOD if "'pos'" in name else BAD), name
        assert f"(of {len(words)})" in name
    assert columns.n_listed_ == len(columns.lists()) >= 15
    assert columns.lexicon_way_ == "alone"
    assert "wonderful" in columns.describe()


def test_columns_count_each_listed_word_once():
    columns = fitted(additive, max_listed=20)
    table = columns.transform(["wonderful, wonderful and lovely", "dreadful", ""])
    by_class = table.T.groupby(lambda name: name.split("'")[1]).sum().T
    assert by_class.values.tolist() == [[0, 2], [1, 0], [0, 0]]


def test_a_word_removed_from_texts_has_its_own_effect_too():
    words = [keys(text) for text in TEXTS]
    terms = [("wonderful",), ("film",), ("absent",)]
    presence = TermIndex(terms).presence(words)
    effect = by_removal(terms, np.arange(3), TEXTS, scores(additive(TEXTS)), additive, presence, n_removals=3)
    assert effect[:2, 1] == pytest.approx([STRENGTH["wonderful"] / 2, 0.0], abs=1e-9)
    assert np.isnan(effect[2]).all()


def test_effects_from_answers_are_those_of_ridge_regression():
    rng = np.random.default_rng(0)
    presence = TermIndex([(w,) for w in GOOD]).presence([list(rng.choice(GOOD, 4)) for _ in range(60)])
    score = scores(rng.random((60, 2)))
    twin = RidgeCV(alphas=PENALTIES).fit(presence.toarray() - presence.toarray().mean(axis=0), score)
    assert from_answers(presence, score) == pytest.approx(twin.coef_.T, abs=1e-3)


def test_nobody_to_ask():
    columns = fitted(additive, ask=False)
    assert columns.lexicon_way_ == "answers"
    for name, words in columns.lists().groupby("column")["term"]:
        assert len(set(words) & set(GOOD if "'pos'" in name else BAD)) >= 0.8 * len(words)


def test_words_that_turn_others_round_are_found_as_phrases():
    texts = sentences(600, negated=0.5)
    columns = fitted(contextual, texts)
    lists = columns.lists()
    against = lists[lists["column"].str.contains("'neg'")]["term"]
    assert "not wonderful" in set(against)
    assert "wonderful" in set(lists["term"]) - set(against)
    assert columns.explained_["alone, with phrases"] > columns.explained_["alone"] + 0.2


def test_one_word_that_decides_is_a_column_of_its_own():
    def planted(texts, parents=None):
        return np.array([[0.1, 0.9] if "wonderful" in text.lower() else [0.9, 0.1] for text in texts])

    columns = fitted(planted, kinds=["lexicon", "words", "form"])
    assert columns.n_listed_ == 0
    assert list(columns.get_feature_names_out()).count("the word 'wonderful'") == 1
    assert columns.transform(["so WONDERFUL", "so so"])["the word 'wonderful'"].tolist() == [True, False]


def test_three_classes_have_their_own_lists():
    def mood(texts, parents=None):
        odds = np.array([[2.0 * ("film" in t), 2.0 * ("music" in t) + ("plot" in t), 0.0] for t in texts])
        return np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True)

    columns = fitted(mood, classes=["a", "b", "c"], kinds=["lexicon", "words"], n_words=3)
    names = list(columns.get_feature_names_out())
    assert {"the word 'film'", "the word 'music'", "the word 'plot'"} <= set(names)
    assert columns.n_listed_ == 0


def test_values_have_words_that_raise_and_lower():
    columns = fitted(lambda texts, parents=None: scores(additive(texts))[:, 1] * 1000, classes=None)
    names = list(columns.get_feature_names_out())
    assert any(n.startswith("words that raise the answer") for n in names)
    assert any(n.startswith("words that lower the answer") for n in names)
    lists = columns.lists().set_index("term")["effect"]
    assert lists["wonderful"] == pytest.approx(STRENGTH["wonderful"] * 1000, rel=1e-6)


def test_hard_answers():
    columns = fitted(lambda texts, parents=None: np.eye(2)[additive(texts).argmax(axis=1)])
    table = columns.lists()
    assert set(table[table["column"].str.contains("'pos'")]["term"]) & set(BAD) == set()


def test_rows_in_another_order_give_the_same_columns():
    order = np.random.default_rng(1).permutation(len(TEXTS))
    one, other = fitted(contextual), fitted(contextual, [TEXTS[i] for i in order])
    assert list(one.get_feature_names_out()) == list(other.get_feature_names_out())
    assert one.lists()["term"].tolist() == other.lists()["term"].tolist()


def test_parents_are_texts_that_hold_what_is_asked():
    seen = []

    def asked(texts, parents):
        seen.extend(zip(texts, parents, strict=True))
        return contextual(texts)

    TextColumns(kinds=["lexicon"]).fit(TEXTS, contextual(TEXTS), ask=asked, classes=["neg", "pos"])
    assert len(seen) > 30
    for text, parent in seen:
        assert set(keys(text)) <= set(keys(TEXTS[parent]))


def test_a_rare_word_is_named_nowhere():
    texts = [*TEXTS, *["quixworth was splendid and zebulon"] * 9, "quixworth was lovely", "quixworth was bland"]
    columns = fitted(additive, texts, kinds=["lexicon", "words", "phrases", "rates"], n_words=1000)
    everything = columns.describe() + " ".join(columns.get_feature_names_out()) + " ".join(columns.lists()["term"])
    assert "quixworth" not in everything
    assert "zebulon" not in everything


def test_words_of_one_author_are_named_nowhere():
    texts = [f"{text} yours{'' if i % 50 else ' mine'} {i}" for i, text in enumerate(TEXTS)]
    authors = {text: i % 50 for i, text in enumerate(texts)}
    columns = fitted(additive, texts, kinds=["words"], n_words=1000, authors=authors)
    names = set(columns.get_feature_names_out())
    assert "the word 'wonderful'" in names
    assert "the word 'mine'" not in names
    assert "the word 'mine'" in set(fitted(additive, texts, kinds=["words"], n_words=1000).get_feature_names_out())
    with pytest.raises(ValueError, match="authors has no author of a text"):
        fitted(additive, texts, authors={})


@pytest.mark.parametrize("n", [0, 1])
def test_no_column_is_an_error(n):
    with pytest.raises(ValueError, match="no word is in 5 different texts"):
        fitted(additive, ["only this"] * 8 * n)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"kinds": "words"}, "kinds must be a list of"),
        ({"kinds": ["word"]}, "got 'word'"),
        ({"n_words": 0}, "n_words must be"),
        ({"max_listed": 0}, "max_listed must be"),
        ({"max_phrases": -1}, "max_phrases must be"),
    ],
)
def test_parameters_that_break_their_rule(parameters, message):
    with pytest.raises(ValueError, match=message):
        fitted(additive, **parameters)
