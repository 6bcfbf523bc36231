"""What people hand over who have met other explainers: each is read as what it is, or refused with a way out.

Most are reports of others: colours on an unsaid axis (marcotcr/lime 447, deel-ai/xplique 66), photographs on their side
(mflux 495), masked arrays (scikit-image 1107), soft hyphens (hunspell 227), samples of 16 bits where shares of 1 were
learnt (openWakeWord 295), None in a list (marcotcr/lime 266), texts of one word (shap 3515), the same word twice
(transformers-interpret 154), signs of HTML (captum 1226), stereo and silence (librosa 106).
"""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import coo_matrix

import explaindistill as xd
from explaindistill.domains.audio import AudioColumns, AudioDomain
from explaindistill.domains.image import ImageColumns, ImageDomain
from explaindistill.domains.text import TextDomain
from explaindistill.domains.text.tokens import bounds, keys, spots
from explaindistill.errors import InvalidInputError
from explaindistill.teachers.callable import CallableTeacher

RNG = np.random.default_rng(0)
IMAGES = RNG.random((12, 10, 9))
SOUNDS = [0.1 * RNG.normal(size=900) for _ in range(12)]
TEXTS = [f"{a} film and {b}" for a in ("good", "bad", "dull") for b in ("nice", "loud", "no", "yes")]
DOMAINS = {
    "text": (TextDomain(min_group_size=2), TEXTS),
    "image": (ImageDomain(), list(IMAGES)),
    "audio": (AudioDomain(8000), SOUNDS),
}


@pytest.mark.parametrize("name", DOMAINS)
@pytest.mark.parametrize(
    ("wrapped", "message"),
    [
        (lambda objects: dict(enumerate(objects)), r"in an order, got a dict; give list\(X.values\(\)\)"),
        (lambda objects: {1, 2}, "in an order, got a set; give a list"),
        (lambda objects: coo_matrix(np.eye(3)), r"got a coo_matrix; give X.toarray\(\)"),
        (lambda objects: 5, "got a int; give a list"),
        (lambda objects: [objects[0], None], "1.*(missing|leave the row out)"),
    ],
)
def test_containers_without_an_order_and_gaps_are_refused(name, wrapped, message):
    domain, objects = DOMAINS[name]
    with pytest.raises(InvalidInputError, match=message):
        domain.objects(wrapped(objects))


@pytest.mark.parametrize("name", DOMAINS)
def test_what_can_be_read_once_is_read_whole(name):
    domain, objects = DOMAINS[name]
    keys_of_list = [domain.key(value) for value in domain.objects(objects)]
    assert [domain.key(value) for value in domain.objects(value for value in objects)] == keys_of_list


def test_masked_values_are_not_brought_back():
    masked = np.ma.masked_greater(IMAGES, 0.9)
    n = int(masked.mask[0].sum())
    for X in (masked, list(masked)):
        with pytest.raises(InvalidInputError, match=rf"image 0 has {n} masked values; fill it, .* leave the image out"):
            ImageDomain().objects(X)
    with pytest.raises(InvalidInputError, match="sound 1 has 1 masked value;"):
        AudioDomain(8000).objects([SOUNDS[0], np.ma.array([0.1, 9.0], mask=[False, True])])
    with pytest.raises(InvalidInputError, match="text 1 is missing"):
        TextDomain().objects(np.ma.array(np.array(["a", "b"], dtype=object), mask=[False, True]))
    assert ImageDomain().objects(np.ma.array(IMAGES)).shape == (12,)


def test_arrays_of_python_objects_name_the_way_out():
    for domain, X in ((ImageDomain(), IMAGES), (AudioDomain(8000), np.array(SOUNDS))):
        with pytest.raises(InvalidInputError, match=r"are Python objects: give np\.array"):
            domain.objects(X.astype(object))


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "HSV", "LAB", "P"])
def test_pictures_of_other_colours_are_refused(mode):
    Image = pytest.importorskip("PIL.Image")
    picture = Image.fromarray(RNG.integers(0, 255, (8, 9, 3), dtype=np.uint8)).convert(mode)
    with pytest.raises(
        InvalidInputError, match=r"image 1 holds numbers of .* not red, green and blue; give image.conv"
    ):
        ImageDomain().objects([picture.convert("RGB"), picture])


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "I", "F"])
def test_pictures_of_plain_colours_are_read(mode):
    Image = pytest.importorskip("PIL.Image")
    picture = Image.fromarray(RNG.integers(0, 255, (8, 9, 3), dtype=np.uint8)).convert("L").convert(mode)
    objects = ImageDomain().objects([picture, picture])
    assert (np.asarray(picture) == objects[1]).all()


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_photographs_on_their_side_are_refused(orientation):
    Image = pytest.importorskip("PIL.Image")
    picture, file = Image.fromarray(RNG.integers(0, 255, (8, 9, 3), dtype=np.uint8)), io.BytesIO()
    exif = picture.getexif()
    exif[0x0112] = orientation
    picture.save(file, "JPEG", exif=exif)
    photograph = Image.open(file)
    assert ImageDomain().objects([np.asarray(photograph)])[0].shape == (8, 9, 3)
    if orientation == 1:
        assert ImageDomain().objects([photograph])[0].shape == (8, 9, 3)
        return
    with pytest.raises(
        InvalidInputError, match=rf"image 0 is shown turned .* orientation {orientation}, .*exif_transp"
    ):
        ImageDomain().objects([photograph])


@pytest.mark.parametrize("shape", [(13, 60, 60), (13, 50, 50), (13, 60, 80)])
def test_many_channels_on_an_unsaid_axis_are_refused(shape):
    X = RNG.random((3, *shape))
    with pytest.raises(
        InvalidInputError, match=rf"be {shape[2]} channels of 13 × {shape[1]} pixels; say .*axis=0\) wh"
    ):
        ImageDomain().objects(X)
    assert ImageColumns(["regions"], channel_axis=0).fit(X).pixels_.shape == shape[1:]
    assert ImageColumns(["regions"], channel_axis=2).fit(X).pixels_.shape == shape[:2]


@pytest.mark.parametrize("shape", [(60, 60, 13), (9, 9, 200), (9, 11, 200), (8, 8, 8), (40, 120, 50)])
def test_many_channels_in_the_last_place_are_read(shape):
    assert ImageColumns(["regions"]).fit(RNG.random((3, *shape))).pixels_.shape == shape[:2]


@pytest.mark.parametrize(
    ("second", "way_out"),
    [
        (np.zeros((10, 9, 3)), "one number of channels, as with convert"),
        (np.zeros((10, 8)), "to one size first"),
        (np.zeros((10, 9), dtype=np.float32), "one type of numbers, as with astype"),
        (np.zeros((10, 9), dtype=">f8"), "one type of numbers, as with astype"),
    ],
)
def test_images_that_differ_say_in_what(second, way_out):
    with pytest.raises(InvalidInputError, match=way_out):
        ImageDomain().objects([IMAGES[0], second])


@pytest.mark.parametrize(
    ("bands", "message"),
    [
        (["low", "high"], "bands must be a number, or edges that rise"),
        ([100, None], "bands must be a number, or edges that rise"),
        (500, "so few that their edges, in Hz of two figures, differ, got 500"),
    ],
)
def test_bands_that_are_none_are_refused(bands, message):
    with pytest.raises(InvalidInputError, match=message):
        AudioColumns(8000, bands=bands).fit(SOUNDS)


def test_bands_may_be_a_number_of_numpy():
    plain = AudioColumns(8000, bands=4).fit(SOUNDS)
    assert list(AudioColumns(8000, bands=np.int64(4)).fit(SOUNDS).usual_.index) == list(plain.usual_.index)


def test_sounds_too_loud_to_be_measured_are_refused():
    with pytest.raises(InvalidInputError, match=r"sound 0 goes up to 1\.0e\+200, too loud to be measured"):
        AudioDomain(8000).objects([np.full(100, 1e200)])


def test_soft_hyphens_do_not_break_words():
    text = "a won\u00adder\u00adful film"
    assert keys(text) == ["a", "wonderful", "film"]
    assert [text[a:b] for a, b in bounds(text)][1] == "won\u00adder\u00adful"
    assert spots(text, "wonderful") == [(2, 13)]
    texts = [f"a {word} film" for word in ("won\u00adderful", "wonderful", "dull", "dull")]
    columns = TextDomain(["words"], min_group_size=2).columns().fit(texts)
    assert columns.transform(texts)["the word 'wonderful'"].tolist() == [True, True, False, False]
    assert columns.silenced(texts[:2], "the word 'wonderful'") == ["a film", "a film"]


def reviewed(texts, **settings):
    """A student of a teacher that knows the word "good" alone."""
    teacher = CallableTeacher(
        lambda asked: np.array([[0.2, 0.8] if "good" in text.lower() else [0.9, 0.1] for text in asked]),
        classes=["neg", "pos"],
    )
    domain = TextDomain(min_group_size=2, **settings)
    student = xd.Distiller(teacher, xd.LinearClassifier(max_terms=6), domain=domain, random_state=0)
    return student.fit(texts, progress=False)


@pytest.mark.parametrize(
    "texts",
    [
        ["good", "bad", "dull", "Good", "nice"] * 4,
        [*TEXTS, "", "   ", "\n"],
        ["good 👍", "bad 👎", "👎 no", "👍 good!"] * 4,
        ["good \ud83d x", "bad \ude00 y", "good", "bad"] * 4,
        ["good لَا أُحِبُّ", "שָׁלוֹם bad", "good שָׁלוֹם"] * 4,
    ],
    ids=["one word", "empty", "emoji", "halves of pairs", "right to left"],
)
def test_short_and_odd_texts_go_all_the_way(texts):
    student = reviewed(texts)
    assert student.score(texts) == 1.0
    page = student.show(texts[0])
    assert page.base + page.parts["contribution"].sum() == pytest.approx(page.output)


def test_a_word_that_is_there_twice_is_marked_twice_and_html_is_text():
    page = reviewed(TEXTS * 2).show("good <script>alert(1)</script>, & good again")
    assert page.parts["text"].tolist().count("good") == 2
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;, &amp; " in page


def test_a_series_with_gaps_names_the_row():
    with pytest.raises(InvalidInputError, match="text 1 is missing"):
        TextDomain().objects(pd.Series(["good", None], index=[7, 9]))
    with pytest.raises(InvalidInputError, match="take the text out of it"):
        TextDomain().objects([{"text": "good"}])
