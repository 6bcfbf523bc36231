"""What users of other tools for texts reported, tried here; each test names the report."""

import numpy as np
import pytest
from made_up import additive, chances, sentences

import explaindistill as xd
from explaindistill.domains.text import TextDomain
from explaindistill.domains.text.samplers import Recombination, SentenceSubsets, WordMasking
from explaindistill.domains.text.tokens import tokens, without
from explaindistill.teachers.callable import CallableTeacher

TEXTS = sentences(200)


def distilled(answer, texts=TEXTS, **parameters):
    teacher = CallableTeacher(answer, classes=["neg", "pos"])
    student = xd.LinearClassifier(max_terms=10)
    return xd.Distiller(teacher, student, domain=TextDomain(**parameters), random_state=0).fit(texts)


def test_teachers_are_asked_with_lists_of_plain_str():
    # marcotcr/lime#356: tokenizers refuse arrays, and subclasses of str that numpy makes
    def answer(texts):
        assert type(texts) is list
        assert {type(text) for text in texts} == {str}
        return additive(texts)

    distilled(answer, np.array(TEXTS))


def test_no_text_in_which_there_is_nothing_is_asked_about():
    # huggingface/transformers#4209, explosion/spacy-transformers#64: an empty text ends in an IndexError
    def answer(texts):
        assert all(text.strip() for text in texts)
        return additive(texts)

    words = sorted({word.strip(".") for text in TEXTS for word in text.split()})
    one_word = [word for word in words for _ in range(3)] * 2
    assert distilled(answer, one_word, min_group_size=1).score(one_word) > 0.8
    for sampler in (Recombination(), WordMasking(share=1.0), SentenceSubsets()):
        drawn, _ = sampler.fit(one_word + TEXTS).draw(500, np.random.default_rng(0))
        assert all(text.strip() for text in drawn)


@pytest.mark.parametrize("text", ["(wonderful)", "...wonderful...", "wonderful  ", "\n\nwonderful\n", "wonderful,"])
def test_marks_at_both_ends(text):
    # marcotcr/lime#266 and #147: nothing before the first mark, or after the last, ended in a TypeError
    student = distilled(additive)
    assert student.predict([text]).tolist() == ["pos"]
    assert student.show(text).parts["text"].tolist().count("wonderful") >= 1


def test_spaces_stay_where_they_were():
    # shap/shap#1680: spaces between words were lost when words were masked
    text = "the  film\twas\nso good ."
    found = tokens(text)
    assert without(text, []) == text
    assert without(text, [(found[1].start, found[1].end)]) == "the \twas\nso good ."


def test_places_after_letters_that_change_length_when_made_small():
    # AlbertLucianto/vue-text-highlight#26: one "ß" moved all marks that follow
    text = "Straße İstanbul ŉ: wonderful"
    parts = distilled(additive).show(text).parts
    marked = parts[parts["start"] >= 0]
    assert {text[a:b] for a, b in zip(marked["start"], marked["end"], strict=True)} == {"wonderful"}


def test_the_page_is_a_text_that_can_be_written(tmp_path):
    # shap/shap#2388 and #2379: the HTML could not be had outside of a notebook
    page = distilled(additive).show(TEXTS[0])
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    assert (tmp_path / "page.html").read_text(encoding="utf-8").startswith("<div")


def test_markup_in_a_text_and_in_a_class_is_shown_not_followed():
    # huggingface/tokenizers#1937: "a<b<c" was read as tags
    teacher = CallableTeacher(additive, classes=["<i>no</i>", '"><script>'])
    student = xd.Distiller(teacher, xd.LinearClassifier(), domain=TextDomain(), random_state=0).fit(TEXTS)
    page = student.show("a<b<c wonderful dreadful")
    assert "a&lt;b&lt;c" in page
    assert "<script" not in page
    assert "<i>" not in page


def test_a_teacher_of_letters_is_not_claimed_to_be_read():
    # TeamHG-Memex/eli5#127: explanations by words looked good for a classifier that reads letters
    def answer(texts):
        return chances([3.0 if sum(map(ord, text)) % 2 else -3.0 for text in texts])

    held_out = sentences(400, seed=3)
    assert distilled(answer).score(held_out) < 0.65


def test_two_texts_beside_numbers():
    # marcotcr/lime#24: a model of a text and of numbers
    import pandas as pd

    rng = np.random.default_rng(0)
    table = pd.DataFrame({"review": TEXTS, "stars": rng.integers(1, 6, 200), "price": rng.random(200)})

    def answer(frame):
        assert list(frame.columns) == ["review", "stars", "price"]
        return chances(np.log(additive(frame["review"])[:, 1] / additive(frame["review"])[:, 0]) + frame["stars"] - 3)

    student = distilled(answer, table, column="review")
    assert student.score(table) > 0.85


def test_a_word_without_one_that_is_as_frequent():
    # SeldonIO/alibi#262: a sign without a similar one ended in a crash
    edits = TextDomain().edits()
    for texts in (["he"], [","], ["he she he"], ["", "unique"]):
        for edit in edits.values():
            assert len(edit(np.array(texts, dtype=object), np.random.default_rng(0))) == len(texts)


def test_the_same_word_at_two_places_counts_once_and_shares_its_number():
    # France-Travail/gabarit#93: all places of a word were given the whole of its number
    student = distilled(additive)
    parts = student.show("wonderful, truly wonderful").parts
    places = parts[parts["start"] >= 0]
    assert places["contribution"].nunique() == 1
    once = student.show("wonderful").parts
    assert places["contribution"].sum() == pytest.approx(once.loc[once["start"] >= 0, "contribution"].sum())


def test_a_very_long_text_is_shown():
    # shap/shap#2591: a long text made the page unresponsive
    text = "wonderful dreadful " * 20_000
    page = distilled(additive).show(text)
    assert page.count("<span") == 40_000 + 2
    assert len(page) < 300 * 40_000


def test_copies_of_one_text():
    # a document that was there five times passed for five documents, and its words were named
    texts = TEXTS + ["quixworth wrote a wonderful film"] * 9
    student = distilled(additive, texts)
    assert "quixworth" not in student.describe() + str(student.to_dict())
