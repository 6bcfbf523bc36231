"""Words of any script, with their places; what other tools stumble over."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explaindistill.domains.text.terms import TermIndex, frequent_terms
from explaindistill.domains.text.tokens import bounds, joined, keys, n_sentences, sentences, spots, tokens, without


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" \n\t", []),
        ("?!...", []),
        ("Don’t, DON'T don't", ["don't"] * 3),
        ("naïve nai\u0308ve NAÏVE", ["naïve"] * 3),
        ("好看的电影", ["好", "看", "的", "电", "影"]),
        ("日本語テキスト。", ["日", "本", "語", "テ", "キ", "ス", "ト"]),
        ("한국어 텍스트", ["한국어", "텍스트"]),
        ("मुझे हिन्दी पसंद है", ["मुझे", "हिन्दी", "पसंद", "है"]),
        ("فيلم رائع", ["فيلم", "رائع"]),
        ("فِيلم", ["فِيلم"]),
        ("סרט נפלא", ["סרט", "נפלא"]),
        ("great 👍🏽👍 ❤️", ["great", "👍🏽", "👍", "❤"]),
        ("👩‍👩‍👧 🇩🇪🇫🇷", ["👩‍👩‍👧", "🇩🇪", "🇫🇷"]),
        ("<b>bold</b> &amp;", ["b", "bold", "b", "amp"]),
        ("a_b 3.5", ["a", "b", "3", "5"]),
        ("x \ud800 y", ["x", "y"]),
        ("STRASSE straße", ["strasse", "straße"]),
    ],
)
def test_words(text, words):
    assert keys(text) == words
    assert [token.key for token in tokens(text)] == words


@given(st.text(max_size=60))
def test_places_are_those_of_the_text(text):
    found = tokens(text)
    assert [token.key for token in found] == keys(text)
    ends = [0, *(token.end for token in found)]
    assert all(end <= token.start < token.end for end, token in zip(ends, found, strict=False))
    assert "".join(sentences(text)) == text


@given(
    st.sampled_from(["ab' A1", "ab'’é .B", "ab'.!?\n 好。"]).flatmap(
        lambda signs: st.text(alphabet=signs, max_size=30)
    ),
    st.sampled_from(["a", "ab", "a'b", "é", "好"]),
)
def test_short_ways_see_what_tokens_see(text, word):
    whole = tokens(text)
    assert bounds(text) == [(token.start, token.end) for token in whole]
    assert n_sentences(text) == sum(any(map(str.isalnum, sentence)) for sentence in sentences(text))
    for key in {word, *(token.key for token in whole)}:
        assert spots(text, key) == [(token.start, token.end) for token in whole if token.key == key]


@given(st.text(alphabet="ab .!?\n好\u0301", max_size=40), st.data())
def test_words_taken_out_leave_the_others(text, data):
    found = tokens(text)
    gone = [data.draw(st.booleans()) for _ in found]
    rest = without(text, [(t.start, t.end) for t, g in zip(found, gone, strict=True) if g])
    assert "".join(keys(rest)) == "".join(t.key for t, g in zip(found, gone, strict=True) if not g)


def test_a_long_text_takes_no_more_than_its_length():
    text = "a" * 200_000 + " " + "👍" * 50_000 + "é" * 100_000
    assert len(tokens(text)) == 1 + 50_000 + 1


def test_signs_of_scripts_without_spaces_are_read_as_one_phrase():
    assert joined(["不", "好", "看", "ok", "no"]) == "不好看 ok no"


def test_copies_of_a_text_and_texts_of_one_author_do_not_make_a_word_frequent():
    words = [["zebulon", "film"], ["film"], ["film", "zebulon"]]
    assert set(frequent_terms(words, 1, 2)) == {("film",), ("zebulon",)}
    assert set(frequent_terms(words, 1, 2, authors=["a", "b", "a"])) == {("film",)}


def test_the_longest_phrase_takes_its_words():
    index = TermIndex([("good",), ("not", "good"), ("so", "not", "good")])
    texts = [["so", "not", "good"], ["not", "good", "good"], ["good", "not"], []]
    assert index.counts(texts).toarray().tolist() == [[0, 0, 1], [1, 1, 0], [1, 0, 0], [0, 0, 0]]
    both = TermIndex(index.terms, overlapping=True)
    assert both.counts(texts).toarray().tolist() == [[1, 1, 1], [2, 1, 0], [1, 0, 0], [0, 0, 0]]


@given(st.lists(st.lists(st.sampled_from("abc"), max_size=8), min_size=1, max_size=6))
def test_counts_of_phrases_are_those_of_a_slow_count(texts):
    terms = [(a,) for a in "abc"] + [(a, b) for a in "abc" for b in "abc"]
    counts = TermIndex(terms, overlapping=True).counts(texts).toarray()
    slow = [
        [sum(tuple(words[i : i + len(term)]) == term for i in range(len(words))) for term in terms] for words in texts
    ]
    assert np.array_equal(counts, slow)


@given(st.lists(st.sampled_from("abc"), max_size=9))
def test_places_cover_whole_terms_and_no_word_twice(words):
    terms = [("a",), ("b", "c"), ("c", "b", "a")]
    places = TermIndex(terms).places(words)
    for at, start, end in places:
        assert tuple(words[start:end]) == terms[at]
    assert all(a[2] <= b[1] for a, b in pairwise(places))
    assert sum(terms[at] == ("a",) for at, _, _ in places) + sum(len(terms[at]) == 3 for at, _, _ in places) == (
        words.count("a")
    )
