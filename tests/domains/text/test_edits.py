"""Edits and samplers of texts: what changes, and what does not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up import chances, sentences

from explaindistill.domains.text import TextDomain
from explaindistill.domains.text.edits import ControlSwap, OtherWords, Swap, Typos
from explaindistill.domains.text.samplers import Recombination, SentenceSubsets, WordMasking
from explaindistill.domains.text.swaps import SWAPS
from explaindistill.domains.text.tokens import keys
from explaindistill.domains.text.tokens import sentences as split

EDITS = TextDomain().edits()
GENDER = Swap(SWAPS["gender"])


def edited(edit, texts, seed=0):
    return edit(np.array(texts, dtype=object), np.random.default_rng(seed)).tolist()


@pytest.mark.parametrize(
    ("text", "swapped"),
    [
        ("He said his dog likes him.", "She said her dog likes her."),
        ("She said her dog likes her.", "He said his dog likes him."),
        ("SHE LOST HER HAT", "HE LOST HIS HAT"),
        ("I saw her in the garden with her.", "I saw him in the garden with him."),
        ("We gave her the prize", "We gave him the prize"),
        ("Mr Smith, the actor's father", "Ms Smith, the actor's mother"),
        ("the theatre, the chest and here", "the theatre, the chest and here"),
        ("He’s a man", "She's a woman"),
        ("", ""),
    ],
)
def test_gender(text, swapped):
    assert edited(GENDER, [text]) == [swapped]


def test_one_direction_leaves_the_other_alone():
    texts = ["He met his sister.", "She met her brother; she gave him hers."]
    assert edited(EDITS["gender: he to she"], texts) == [
        "She met her sister.",
        "She met her sister; she gave her hers.",
    ]
    assert edited(EDITS["gender: she to he"], texts) == ["He met his brother.", "He met his brother; he gave him hers."]


def test_other_lists():
    assert edited(EDITS["names: emily to lakisha"], ["Emily met Jamal"]) == ["Lakisha met Jamal"]
    assert edited(EDITS["dialect: isn't to ain't"], ["I am going to stay, it isn't late"]) == [
        "I am gonna stay, it ain't late"
    ]


@pytest.mark.parametrize("name", SWAPS)
def test_words_of_a_list_differ_and_come_back(name):
    firsts = [" ".join(keys(a)) for a, _ in SWAPS[name]]
    assert len(set(firsts)) == len(firsts)
    for a, b in SWAPS[name]:
        assert keys(a) != keys(b)
        assert edited(Swap(((a, b),)), edited(Swap(((a, b),)), [f"x {a}."])) == [f"x {a}."]


def test_ones_own_pairs():
    edits = TextDomain(swaps={"title": [("dr", "nurse")], "gender": [("he", "they")]}).edits()
    assert edited(edits["title: dr to nurse"], ["Dr No"]) == ["Nurse No"]
    assert edited(edits["title: nurse to dr"], ["Dr No"]) == ["Dr No"]
    assert edited(edits["gender: he to they"], ["he and she"]) == ["they and she"]
    assert "title: dr to nurse, control" in edits
    assert not [name for name in TextDomain(swaps={"gender": []}).edits() if "gender" in name]
    with pytest.raises(ValueError, match="lists of pairs of words"):
        TextDomain(swaps={"title": ["dr", "nurse"]}).edits()


def test_a_control_swaps_words_as_frequent():
    texts = sentences(200) + ["she and he met"] * 30 + ["her brother met his sister"] * 12
    control = EDITS["gender: he to she, control"]
    pairs = control.stand_ins(texts)
    assert pairs
    words = {word for pair in pairs for word in pair}
    assert not words & control.excluded
    counts = {word: sum(word in keys(text) for text in texts) for word in words}
    for word, other in pairs[:1]:
        assert abs(counts[word] - 30) <= 20
        assert abs(counts[other] - 30) <= 20
    changed = sum(a != b for a, b in zip(edited(control, texts), texts, strict=True))
    assert changed > 0


def test_a_planted_half_log_odds_on_she_is_found_and_none_where_there_is_none():
    texts = [f"{'She' if i % 2 else 'He'} said {text}" for i, text in enumerate(sentences(400))]

    def log_odds(words, planted):
        score = np.array([0.3 * len(keys(text)) - 3 + planted * ("she" in keys(text)) for text in words])
        P = chances(score)
        return np.log(P[:, 1] / P[:, 0])

    as_she = edited(EDITS["gender: he to she"], [text for text in texts if text.startswith("He")])
    as_he = [text for text in texts if text.startswith("He")]
    for planted in (0.5, 0.0):
        gap = log_odds(as_she, planted) - log_odds(as_he, planted)
        assert gap.mean() == pytest.approx(planted, abs=1e-9)
        control = edited(ControlSwap((("he", "she"),), frozenset({"he", "she"})), as_he)
        assert (log_odds(control, planted) - log_odds(as_he, planted)).mean() == pytest.approx(0.0, abs=1e-9)


@given(st.lists(st.text(max_size=30), min_size=1, max_size=4), st.sampled_from(sorted(EDITS)))
def test_any_text_can_be_edited(texts, name):
    after = edited(EDITS[name], texts)
    assert len(after) == len(texts)
    assert all(isinstance(text, str) for text in after)


def test_typing_errors_change_a_share_of_words_and_no_letters():
    texts = sentences(200)
    changed = edited(Typos(0.2), texts)
    n = sum(a != b for x, y in zip(texts, changed, strict=True) for a, b in zip(keys(x), keys(y), strict=True))
    long = sum(len(word) >= 4 for text in texts for word in keys(text))
    assert 0.1 * long < n < 0.25 * long
    assert all(sorted(a) == sorted(b) for a, b in zip(texts, changed, strict=True))
    assert edited(Typos(0.2), texts) == changed
    assert edited(OtherWords(0.2), texts) != texts


@pytest.mark.parametrize("sampler", [Recombination(), WordMasking(), SentenceSubsets()], ids=lambda s: type(s).__name__)
def test_texts_are_made_of_their_parents(sampler):
    texts = ["One two three. Four five!", "Six seven. Eight nine ten. Eleven.", "Twelve", "", "Thirteen fourteen"]
    drawn, parents = sampler.fit(texts).draw(40, np.random.default_rng(0))
    assert drawn.shape == (40,)
    assert len(parents) == 40
    for text, rows in zip(drawn, parents, strict=True):
        assert set(keys(text)) <= {word for row in rows for word in keys(texts[row])}
    again, _ = sampler.fit(texts).draw(40, np.random.default_rng(0))
    assert again.tolist() == drawn.tolist()
    with pytest.raises(ValueError, match="n must be at least 1"):
        sampler.draw(0, np.random.default_rng(0))


def test_recombination_keeps_to_texts_that_are_answered_alike():
    texts = sentences(40)
    P = chances(np.repeat([-1.0, 1.0], 20))
    _, parents = Recombination().fit(texts, P).draw(100, np.random.default_rng(0))
    assert ((parents < 20).sum(axis=1) % 2 == 0).all()
    value = np.arange(40.0)
    _, parents = Recombination().fit(texts, value).draw(100, np.random.default_rng(0))
    assert np.abs(np.diff(parents, axis=1)).max() <= 5
    assert (np.diff(parents, axis=1) != 0).all()


def test_a_text_alone_is_recombined_with_itself():
    drawn, parents = Recombination().fit(["One. Two."]).draw(2, np.random.default_rng(0))
    assert parents.tolist() == [[0, 0], [0, 0]]
    assert all(set(split(text)) for text in drawn)
