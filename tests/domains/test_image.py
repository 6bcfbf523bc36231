"""Images: what goes in, what each column says of an image whose truth is known, and what silencing leaves alone."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import shift as moved
from sklearn.base import clone

from explaindistill.domains.image import ImageColumns, ImageDomain, ImageSampler
from explaindistill.domains.image.drawing import contribution_map
from explaindistill.domains.image.regions import boxes
from explaindistill.errors import InvalidInputError
from explaindistill.protocols import Domain

RNG = np.random.default_rng(0)
NOISE = RNG.random((60, 12, 16))
COLOURS = RNG.integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)


def as_objects(images):
    return ImageDomain().objects(images)


def silenced(images, columns, name, seed=0):
    return columns.silenced(images, name, np.random.default_rng(seed))


def ring(shape=(12, 12), holes=1):
    """White on black: as many rings as holes beside each other, drawn with lines of one pixel."""
    image = np.zeros(shape)
    for k in range(holes):
        image[2:7, 1 + 5 * k : 6 + 5 * k] = 1.0
        image[3:6, 2 + 5 * k : 5 + 5 * k] = 0.0
    return image


def drawings():
    """Rings, bars and blank pages, each a little different."""
    rows = [ring(), ring(holes=2), np.zeros((12, 12)), ring(), np.zeros((12, 12))]
    rows[3][10, 2:9] = 1.0
    rows[4][1:11, 5] = 1.0
    return np.stack(rows * 4)


def test_it_is_a_domain():
    domain = ImageDomain(n_prototypes=4)
    assert isinstance(domain, Domain)
    assert clone(domain).get_params() == domain.get_params()


CONTAINERS = {
    "array": NOISE,
    "list": list(NOISE),
    "series": pd.Series(list(NOISE), index=range(5, 65)),
    "object array": as_objects(NOISE),
    "fortran": np.asfortranarray(NOISE),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_container_is_read_alike(name):
    objects = as_objects(CONTAINERS[name])
    assert [o.shape for o in objects] == [(12, 16)] * 60
    assert [ImageDomain().key(o) for o in objects] == [ImageDomain().key(o) for o in NOISE]
    columns = ImageDomain(["regions"]).columns().fit(CONTAINERS[name])
    assert columns.transform(CONTAINERS[name]).equals(ImageDomain(["regions"]).columns().fit(NOISE).transform(NOISE))


@pytest.mark.parametrize("images", [NOISE, NOISE[..., None], COLOURS, COLOURS > 128, COLOURS.astype(np.float32)])
def test_the_teacher_gets_what_came_in_and_copies_of_it(images):
    domain = ImageDomain()
    objects = domain.objects(images)
    again = domain.restore(objects, images[:0])
    assert again.dtype == images.dtype
    assert np.array_equal(again, images)
    again[:] = 0  # networks' preprocess functions write into what they get
    for copy in domain.restore(objects, []):
        copy[...] = 0
    assert np.array_equal(np.stack(list(objects)), images)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((8, 8)), r"X\[None\]"),
        (np.zeros((64, 64, 3)), "looks like one image in colours"),
        (np.zeros((2, 3, 32, 32)), "channel_axis=0"),
        ([np.zeros((8, 8)), np.zeros((8, 9))], "image 1 has .8, 9."),
        ([np.zeros((8, 8)), np.zeros((8, 8), np.uint8)], "one type of numbers"),
        ([np.full((8, 8), np.nan)], "64 values that are NaN"),
        ([np.array([[1.0, np.inf]])], "1 values that are NaN or infinite"),
        ([np.zeros(64)], "as image 0"),
        ([np.zeros((0, 8))], "as image 0"),
        (["a.png", "b.png"], "must be an array"),
        ("a.png", "list of arrays, got str"),
        (pd.DataFrame({"a": [1]}), r"ImageDomain\(column="),
        ([np.zeros((4, 4), complex)], "complex128"),
    ],
)
def test_what_is_no_image_is_refused_with_a_way_out(X, message):
    with pytest.raises(InvalidInputError, match=message):
        ImageDomain().objects(X)


def test_zero_has_one_sign():
    assert ImageDomain().key(np.array([[0.0]])) == ImageDomain().key(np.array([[-0.0]]))
    assert ImageDomain().key(np.zeros((1, 4))) != ImageDomain().key(np.zeros((2, 2)))


def test_numbers_of_every_kind_say_the_same():
    eight = RNG.integers(0, 256, (30, 6, 6), dtype=np.uint8)
    wanted = ImageColumns(["regions", "edges"], ink="none").fit(eight).transform(eight)
    for images in (eight / 255, eight[..., None], np.repeat(eight[..., None], 3, axis=-1), eight / 127.5 - 1):
        columns = ImageColumns(["regions", "edges"], ink="none").fit(images)
        assert np.allclose(columns.transform(images), wanted, atol=1e-9)


def test_channels_first_are_the_same_colours():
    first = np.moveaxis(COLOURS, -1, 1)
    kinds = ["colours", "prototypes", "regions"]
    last = ImageDomain(kinds).columns().fit(COLOURS).transform(COLOURS)
    domain = ImageDomain(kinds, channel_axis=0)
    columns = domain.columns().fit(first)
    assert np.allclose(columns.transform(first), last)
    for name in columns.get_feature_names_out():
        assert domain.silenced(domain.objects(first), columns, name, np.random.default_rng(0))[0].shape == (3, 8, 8)
    for edit in domain.edits().values():
        assert edit(domain.objects(first), np.random.default_rng(0))[0].shape == (3, 8, 8)


def test_what_is_clear_has_no_colour_and_stays_clear():
    seen = RNG.random((20, 6, 6, 3))
    alpha = (RNG.random((20, 6, 6, 1)) > 0.5).astype(float)
    images = np.concatenate([seen, alpha], axis=-1)
    hidden = images.copy()
    hidden[..., :3] = np.where(alpha > 0, seen, RNG.random(seen.shape))
    columns = ImageColumns(["regions", "colours"]).fit(images)
    assert np.allclose(columns.transform(images), columns.transform(hidden))
    white = np.where(alpha > 0, seen, 1.0)
    assert np.allclose(columns.transform(images)["red, top left"], white[:, :3, :3, 0].mean(axis=(1, 2)))
    for name, edit in ImageDomain().edits().items():
        if name not in ("rotated 10°", "shifted"):  # these move what is clear with what is seen
            made = edit(images, np.random.default_rng(0))
            assert np.array_equal(np.stack(list(made))[..., 3:], alpha), name


def test_a_fourth_channel_may_be_another_than_alpha():
    images = RNG.random((10, 4, 4, 4))
    columns = ImageColumns(["colours"], channels=["red", "green", "blue", "near infrared"], n_regions=1).fit(images)
    assert columns.get_feature_names_out().tolist()[-1] == "near infrared, everywhere"
    with pytest.raises(InvalidInputError, match="4 different names"):
        ImageColumns(["colours"], channels=["red", "red", "blue", "x"]).fit(images)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 2), (3, 3), (40, 5), (100, 70)])
def test_images_of_any_size_are_read(shape):
    images = np.random.default_rng(1).random((30, *shape))
    columns = ImageColumns(["prototypes", "regions", "shape", "edges"], ink="bright").fit(images)
    values = columns.transform(images)
    assert np.isfinite(values.to_numpy()).all()
    assert columns.prototypes_.shape[1] <= 32
    for name in values.columns:
        assert silenced(images, columns, name)[0].shape == shape


def test_equal_images_are_refused_and_one_is_too_few():
    with pytest.raises(InvalidInputError, match="differs between the 9 images"):
        ImageColumns().fit(np.ones((9, 4, 4)))
    with pytest.raises(InvalidInputError, match="at least 2 images"):
        ImageColumns().fit(np.ones((1, 4, 4)))


def test_a_constant_image_among_others_has_values():
    images = np.concatenate([NOISE, np.zeros((1, 12, 16)), np.ones((1, 12, 16))])
    columns = ImageColumns(["prototypes", "regions", "edges"], ink="none").fit(images)
    assert np.isfinite(columns.transform(images).to_numpy()).all()


def test_images_unlike_those_of_fit_are_refused():
    columns = ImageColumns().fit(NOISE)
    for other in (NOISE[:, :6], NOISE.astype(np.float32), np.repeat(NOISE[..., None], 3, axis=-1), NOISE[..., None]):
        with pytest.raises(InvalidInputError, match="like those of fit"):
            columns.transform(other)
    with pytest.raises(InvalidInputError, match=r"those of fit: \(12, 16, 1\) of float64; image 0 has \(12, 16\)"):
        ImageColumns().fit(NOISE[..., None]).transform(NOISE)
    with pytest.raises(InvalidInputError, match=r"those of fit: \(1, 12, 16\) of"):
        ImageColumns(channel_axis=0).fit(NOISE[:, None]).transform(NOISE)


def test_images_of_another_range_are_refused():
    """Trained on shares of 1, shown 0 to 255: a network answers, and nothing of it is so."""
    columns = ImageColumns().fit(NOISE)
    with pytest.raises(InvalidInputError, match=r"range of those of fit, 0 to 1; image 0 goes up to 2\d\d"):
        columns.transform(NOISE * 255)
    bright = NOISE.copy()
    bright[:, :3] = 40.0  # a few pixels may lie outside, as in photographs of the sun
    assert np.isfinite(columns.transform(bright).to_numpy()).all()
    scaled = ImageColumns().fit(NOISE * 255)
    assert np.isfinite(scaled.transform(NOISE * 255).to_numpy()).all()


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (["scan.png", "scan2.png"], "read the file first"),
        ([b"\x89PNG"], "read the file first"),
        ([Path("scan.png")], "read the file first"),
        ([{"bytes": b"", "path": "scan.png"}], "take the image out of what holds it"),
        ([(NOISE[0], 1)], "take the image out of what holds it|cannot be read"),
    ],
)
def test_files_and_what_holds_an_image_are_named_with_a_way_out(X, message):
    with pytest.raises(InvalidInputError, match=message):
        ImageDomain().objects(X)


class TestPrototypes:
    IMAGES = np.concatenate([np.full((n, 4, 4), level) for n, level in ((8, 0.1), (6, 0.5), (30, 0.9), (4, 0.3))])
    IMAGES = IMAGES + RNG.normal(0, 0.001, IMAGES.shape)
    CLASS = np.repeat([0, 0, 1, 2], [8, 6, 30, 4])

    def columns(self, **options):
        return ImageColumns(["prototypes"], n_prototypes=4, **options).fit(
            self.IMAGES, np.eye(3)[self.CLASS], ["day", "night", "dusk"]
        )

    def test_centres_are_means_of_what_the_teacher_calls_alike(self):
        columns = self.columns()
        names = columns.prototype_names_
        assert names[:2] == ["unlike a typical day (first kind)", "unlike a typical day (second kind)"]
        assert not [name for name in names if "dusk" in name]  # four images are too few
        assert np.allclose(columns.prototypes_[:2].mean(axis=(1, 2, 3)), [0.1, 0.5], atol=0.01)
        assert min(columns.prototype_sizes_) >= 5
        assert "typical day (first kind): the mean of 8 images" in columns.describe()

    def test_distances_are_shares_of_black_to_white(self):
        columns = self.columns()
        distances = columns.transform(np.full((1, 4, 4), 0.6))
        assert distances["unlike a typical day (first kind)"].iloc[0] == pytest.approx(0.5, abs=0.01)

    def test_copies_of_one_image_are_one_image(self):
        images = np.concatenate([np.repeat(NOISE[:1], 50, axis=0), NOISE[1:20]])
        P = np.eye(2)[np.repeat([0, 1], [50, 19])]
        columns = ImageColumns(["prototypes"]).fit(images, P)
        assert not [name for name in columns.prototype_names_ if "typical 0" in name]
        distances = ((columns.prototypes_[..., 0] - NOISE[0]) ** 2).mean(axis=(1, 2))
        assert distances.min() > 0.01

    def test_what_a_typical_image_counts_stands_where_the_image_is_nearer_than_usual(self):
        images = RNG.random((40, 4, 4))
        columns = ImageColumns(["prototypes"], n_prototypes=1).fit(images)
        image = columns.prototypes_[0, ..., 0].copy()
        image[3, 3] += 0.3
        weights = columns.weights(image, columns.prototype_names_[0])
        assert weights.sum() == pytest.approx(1.0)
        assert weights[3, 3] == weights.min()
        assert (np.delete(weights.ravel(), 15) > 0).all()

    def test_values_fall_into_thirds(self):
        answers = self.IMAGES.mean(axis=(1, 2))
        names = ImageColumns(["prototypes"], n_prototypes=3).fit(self.IMAGES, answers).prototype_names_
        assert [name.split()[-2] for name in names] == ["low", "middling", "high"]

    def test_silencing_puts_every_image_at_the_usual_distance(self):
        images = 0.3 + 0.4 * NOISE
        columns = ImageColumns(["prototypes"], n_prototypes=2).fit(images)
        for name in columns.get_feature_names_out():
            changed = silenced(images, columns, name)
            assert np.ptp(columns.transform(changed)[name]) < 1e-9
            centre = columns.prototypes_[columns.prototype_names_.index(name)][..., 0]
            assert columns.transform(silenced(centre[None], columns, name))[name].iloc[0] == pytest.approx(
                columns.usual_[name], rel=0.05
            )


def test_regions_are_means_and_the_other_ones_stay_as_they_are():
    columns = ImageColumns(["regions"], n_regions=4, ink="none").fit(NOISE)
    values = columns.transform(NOISE)
    assert values.columns[:2].tolist() == ["brightness, top left", "brightness, top centre left"]
    assert np.allclose(values["brightness, top left"], NOISE[:, :3, :4].mean(axis=(1, 2)))
    for name, box in zip(values.columns, boxes((12, 16), 4), strict=True):
        changed = silenced(NOISE, columns, name)
        after = columns.transform(changed)
        assert after.drop(columns=name).equals(values.drop(columns=name))
        assert sorted(after[name]) == pytest.approx(sorted(values[name]))  # each region is another image's
        assert not np.isclose(after[name], values[name]).any()
        stack = np.stack(list(changed))
        stack[(slice(None), *box)] = NOISE[(slice(None), *box)]
        assert np.array_equal(stack, NOISE)


def test_one_image_alone_is_filled_as_usual():
    for side in ("bright", "dark"):
        columns = ImageColumns(["regions"], n_regions=2, ink=side).fit(NOISE)
        changed = silenced(NOISE[:1], columns, "ink, top left")
        assert columns.transform(changed)["ink, top left"].iloc[0] == pytest.approx(columns.usual_["ink, top left"])


def test_colours_are_silenced_one_by_one():
    columns = ImageColumns(["colours"], n_regions=2).fit(COLOURS)
    assert columns.get_feature_names_out()[[0, 4, 8]].tolist() == ["red, top left", "green, top left", "blue, top left"]
    before = columns.transform(COLOURS)
    after = columns.transform(silenced(COLOURS, columns, "green, top left"))
    assert after.drop(columns="green, top left").equals(before.drop(columns="green, top left"))
    assert sorted(after["green, top left"]) == pytest.approx(sorted(before["green, top left"]))


class TestShape:
    def test_holes_and_pieces_are_counted(self):
        pages = drawings()
        columns = ImageColumns(["shape"]).fit(pages)
        assert columns.ink_ == "bright"
        values = columns.transform(pages)
        assert values["holes"].tolist()[:5] == [1, 2, 0, 1, 0]
        assert values["separate pieces"].tolist()[:5] == [1, 1, 0, 2, 1]
        assert values["slant to the right, in degrees"].isna().tolist()[:5] == [False, False, True, False, False]
        negative = ImageColumns(["shape"]).fit(1 - pages)
        assert negative.ink_ == "dark"
        assert np.allclose(negative.transform(1 - pages), values, equal_nan=True)

    def test_slant_is_the_angle_that_was_drawn(self):
        rows = np.arange(24)
        pages = []
        for degrees in (-30, -10, 0, 10, 30):
            page = np.zeros((24, 40))
            middle = 20 - np.tan(np.radians(degrees)) * (rows - 11.5)
            page[:] = np.clip(2.5 - np.abs(np.arange(40) - middle[:, None]), 0, 1)
            pages.append(page)
        columns = ImageColumns(["shape"], ink="bright").fit(pages)
        name = "slant to the right, in degrees"
        assert columns.transform(pages)[name].tolist() == pytest.approx([-30, -10, 0, 10, 30], abs=2)
        after = columns.transform(silenced(pages, columns, name))[name]
        assert after.tolist() == pytest.approx([columns.usual_[name]] * 5, abs=4)

    def test_silencing_leaves_nothing_of_what_is_counted(self):
        pages = drawings()
        columns = ImageColumns(["shape"]).fit(pages)
        assert columns.transform(silenced(pages, columns, "holes"))["holes"].unique().tolist() == [0]
        assert columns.transform(silenced(pages, columns, "separate pieces"))["separate pieces"].max() == 1
        for name in ("symmetry, left to right", "symmetry, top to bottom"):
            left = columns.transform(silenced(pages, columns, name))[name].dropna()
            assert left.tolist() == pytest.approx([1.0] * len(left))

    def test_the_middle_goes_where_it_usually_is(self):
        pages = np.stack([moved(np.pad(np.ones((4, 4)), 8), (a, b), order=0) for a in (-3, 0, 3) for b in (-4, 2)])
        columns = ImageColumns(["shape"], ink="bright").fit(pages)
        assert columns.transform(pages)["middle of the ink, from the left"].tolist() == pytest.approx(
            [0.3, 0.6] * 3, abs=0.001
        )
        for name in ("middle of the ink, from the left", "middle of the ink, from the top"):
            assert np.ptp(columns.transform(silenced(pages, columns, name))[name]) < 0.01

    def test_crossings_count_strokes(self):
        page = np.zeros((9, 9))
        page[:, [1, 4, 7]] = 1.0
        blank = np.zeros((9, 9))
        columns = ImageColumns(["shape"], ink="bright").fit([page, blank])
        values = columns.transform([page])
        assert values["strokes that a level line crosses, middle"].iloc[0] == 3
        assert values["strokes that an upright line crosses, left"].iloc[0] == pytest.approx(1 / 3)

    def test_photographs_have_no_strokes(self):
        with pytest.raises(InvalidInputError, match="nothing that shape read"):
            ImageColumns(["shape"]).fit(NOISE)


def test_edges_know_their_direction():
    size = np.arange(16)
    stripes = {
        "upright": np.sin(size)[None, :] + 0 * size[:, None],
        "level": np.sin(size)[:, None] + 0 * size[None, :],
        "rising": np.sin(size[None, :] + size[:, None]),
        "falling": np.sin(size[None, :] - size[:, None]),
    }
    images = np.stack(list(stripes.values()))
    values = ImageColumns(["edges"], ink="none").fit(images).transform(images)
    for i, direction in enumerate(stripes):
        own = values.iloc[i].filter(like="top left")
        assert own.idxmax() == f"{direction} edges, top left"


@pytest.mark.parametrize("way", ["paste", "mix", "warp", "noise", "occlusion"])
@pytest.mark.parametrize("images", [NOISE, COLOURS], ids=["floats", "colours"])
def test_made_images_are_new_and_like_the_given_ones(way, images):
    P = np.eye(2)[np.arange(len(images)) % 2]
    sampler = ImageSampler(way).fit(images, P)
    made, parents = sampler.draw(100, np.random.default_rng(0))
    assert {(o.shape, o.dtype) for o in made} == {(images[0].shape, images.dtype)}
    assert len({o.tobytes() for o in made}) > 90
    assert max(o.max() for o in made) <= (1.0 if images is NOISE else 255)
    assert min(o.min() for o in made) >= images.min() - (0.6 if way == "noise" else 0)
    if way in ("paste", "mix"):
        assert (parents[:, 0] % 2 == parents[:, 1] % 2).all()
        assert (parents[:, 0] != parents[:, 1]).all()
    else:
        assert (parents[:, 1] == -1).all()


def test_a_pasted_image_holds_nothing_but_its_parents():
    made, parents = ImageSampler("paste").fit(NOISE).draw(50, np.random.default_rng(0))
    for image, (a, b) in zip(made, parents, strict=True):
        assert ((image == NOISE[a]) | (image == NOISE[b])).all()
        assert 0 < (image == NOISE[a]).mean() < 1


def test_edits_do_what_they_are_called():
    images = RNG.integers(50, 200, (8, 21, 21), dtype=np.uint8)
    rng = np.random.default_rng(0)
    made = {name: np.stack(list(edit(images, rng))) for name, edit in ImageDomain().edits().items()}
    assert all(stack.dtype == np.uint8 and stack.shape == images.shape for stack in made.values())
    assert (made["darker"] < images).all()
    assert (made["brighter"] > images).all()
    assert np.array_equal(made["shifted"][:, :, 1:], images[:, :, :-1])
    spread = {name: (made[name].astype(float) - images).std() / 255 for name in ("noisy", "noisy, control")}
    assert spread == {"noisy": pytest.approx(0.05, rel=0.1), "noisy, control": pytest.approx(0.01, rel=0.1)}
    dot = np.zeros((1, 21, 21))
    dot[0, 10, 18] = 1.0  # to the right of the middle: turned to the left it goes up
    row, column = np.unravel_index(ImageDomain().edits()["rotated 10°"](dot, rng)[0].argmax(), (21, 21))
    assert (row, column) == (9, 18)


def test_edits_never_leave_the_range():
    for images in (NOISE, COLOURS, COLOURS > 128):
        for name, edit in ImageDomain().edits().items():
            stack = np.stack(list(edit(images, np.random.default_rng(0))))
            assert stack.dtype == images.dtype, name
            assert stack.min() >= 0, name
            assert stack.max() <= (255 if images.dtype == np.uint8 else 1), name


@pytest.mark.parametrize("level", [0, 255])
def test_values_at_the_end_of_the_range_do_not_turn_over(level):
    images = np.full((3, 9, 9), level, dtype=np.uint8)
    images[0, 0, 0] = 255 - level
    for name, edit in ImageDomain().edits().items():
        stack = np.stack(list(edit(images, np.random.default_rng(0))))
        assert np.abs(stack[1:].astype(int) - level).max() <= 80, name
    for way in ("noise", "mix", "paste"):
        made, _ = ImageSampler(way).fit(images[1:]).draw(20, np.random.default_rng(0))
        assert np.abs(np.stack(list(made)).astype(int) - level).max() <= 130, way


def reasons(contributions, outputs=("yes",)):
    rows = [(0, 0, "(base)", "a usual row", output, 0.5) for output in outputs]
    rows += [(0, 1, name, f"{name} = 1", output, value) for output in outputs for name, value in contributions.items()]
    return pd.DataFrame(rows, columns=["row", "step", "term", "reason", "output", "contribution"])


def test_the_picture_sums_to_the_contributions():
    kinds = ["prototypes", "regions", "shape", "edges"]
    images = np.where(NOISE > 0.7, NOISE, 0.0)
    columns = ImageColumns(kinds, n_prototypes=4).fit(images, np.eye(2)[np.arange(60) % 2], ["a", "b"])
    names = columns.get_feature_names_out()
    contributions = dict(zip(names, RNG.normal(size=len(names)), strict=True))
    places, whole = contribution_map(images[0], columns, reasons(contributions))
    assert places.sum() + whole.sum() == pytest.approx(sum(contributions.values()))
    assert {"holes", "separate pieces"} & set(whole.index)
    only = contribution_map(images[0], columns, reasons({"ink, top left": 2.0}))[0]
    assert only[:3, :4].sum() == pytest.approx(2.0)


@pytest.mark.parametrize("images", [NOISE, COLOURS, RNG.normal(5, 30, (30, 6, 6))], ids=["floats", "colours", "wild"])
def test_show_draws_images_of_any_range(images):
    domain = ImageDomain(n_prototypes=4)
    columns = domain.columns().fit(images, np.eye(2)[np.arange(len(images)) % 2], ["cat", "dog $1"])
    table = reasons(dict.fromkeys(columns.prototype_names_, 1.0), outputs=("cat", "dog $1"))
    shown = domain.show(images[0], columns, table)
    titles = [ax.get_title() for ax in shown.axes]
    assert shown.startswith('<figure style="margin:0"><img')
    assert 'alt="Image, where it counted, and typical images, answer: cat; unlike a typical' in shown
    assert str(pickle.loads(pickle.dumps(shown))) == str(shown)
    assert titles[0] == "answer: cat"
    assert titles[2].startswith("closer to this:\ntypical")
    assert titles[3].startswith("than to that:\ntypical")
    assert titles[2].split()[4] != titles[3].split()[4]


def test_columns_can_be_pickled_and_cloned():
    columns = ImageDomain().columns().fit(NOISE, np.eye(2)[np.arange(60) % 2])
    again = pickle.loads(pickle.dumps(columns))
    assert again.transform(NOISE).equals(columns.transform(NOISE))
    assert clone(columns).fit(NOISE).transform(NOISE).shape[0] == 60
    assert not [value for value in vars(columns).values() if isinstance(value, np.ndarray) and len(value) == 60]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kinds": "regions"}, "must be a list of"),
        ({"kinds": ["region"]}, "did you mean 'regions'"),
        ({"ink": "black"}, "ink must be"),
        ({"min_group_size": 1}, "min_group_size must be a whole number of at least 2"),
        ({"n_prototypes": 0}, "n_prototypes"),
    ],
)
def test_parameters_are_checked(options, message):
    with pytest.raises(InvalidInputError, match=message):
        ImageDomain(**options).columns().fit(NOISE)


def test_a_sampler_by_its_name():
    assert ImageDomain(sampling=None).sampler() is None
    assert ImageDomain().sampler().way == "paste"
    assert ImageDomain(sampling="mix").sampler().way == "mix"
    with pytest.raises(InvalidInputError, match="sampling must be None or one of"):
        ImageDomain(sampling="cutout").sampler()


DIGITS = np.where(RNG.random((40, 8, 8)) < 0.3, RNG.integers(1, 17, (40, 8, 8)), 0).astype(float)  # most are ground
MASKS = (RNG.random((40, 8, 8)) < 0.4).astype(np.uint8)


@pytest.mark.parametrize(
    ("fit", "shown", "message"),
    [
        (NOISE * 255, NOISE, r"those of fit, \S+ to 25\S+; none of these 60 images goes beyond 0\.99\d+: bring them"),
        (NOISE * 255, NOISE[:1], r"image 0 does not go beyond 0\.9"),
        (DIGITS / 16, DIGITS * 16, r"0 to 1; image 0 goes up to 2\d\d:"),
        (DIGITS / 16, DIGITS, r"image 0 goes up to 1\d:"),
        (DIGITS, DIGITS * 16, r"0 to 16; image 0 goes up to 2\d\d:"),
        (DIGITS, DIGITS / 16, "none of these 40 images goes beyond 1"),
        (DIGITS.astype(int), (DIGITS / 16).round().astype(int), "none of these 40 images goes beyond 1"),
        (COLOURS, (COLOURS / 255).astype(np.uint8), "0 to 255; none of these 40 images goes beyond 1"),
        (MASKS, MASKS * 255, "0 to 1; image 0 goes up to 255"),
        (MASKS * 255, MASKS, "none of these 40 images goes beyond 1"),
        (NOISE, NOISE * 2 - 1, r"0 to 1; image 0 goes down to -0\.9"),
        (NOISE * 255, NOISE * 255 - 128, r"image 0 goes down to -12\d"),
    ],
)
def test_images_of_another_scale_are_refused_both_ways(fit, shown, message):
    columns = ImageColumns(["prototypes", "regions"]).fit(fit)
    assert np.isfinite(columns.transform(fit).to_numpy()).all()
    with pytest.raises(InvalidInputError, match=message):
        columns.transform(shown)
    with pytest.raises(InvalidInputError, match=message):
        silenced(shown, columns, columns.get_feature_names_out()[0])


def test_what_may_be_of_the_same_scale_is_read():
    """A black image, a dim one among others, and numbers about 0: nobody can tell."""
    columns = ImageColumns(["prototypes", "regions"]).fit(NOISE * 255)
    about_zero = ImageColumns(["prototypes"]).fit(NOISE * 4 - 2)
    with_a_dim_one = ImageColumns(["prototypes"]).fit(np.concatenate([NOISE * 255, NOISE[:1] * 2]))
    for read, shown in (
        (columns, np.zeros((3, 12, 16))),
        (columns, np.concatenate([NOISE[:1], NOISE[1:2] * 255])),
        (columns, NOISE * 255 - 3),  # noise about black
        (about_zero, NOISE),
        (with_a_dim_one, NOISE),
    ):
        table = read.transform(shown)
        assert len(table) == len(shown)
        assert np.isfinite(table.to_numpy()).all()


def test_masks_of_bytes_are_black_and_white():
    columns = ImageColumns(["regions"], n_regions=1, ink="bright").fit(MASKS)
    assert columns.transform(MASKS).iloc[:, 0].to_numpy() == pytest.approx(MASKS.mean(axis=(1, 2)))
    assert ImageColumns(["regions"]).fit(MASKS * 200).pixels_.high == 255.0
    for name, edit in ImageDomain().edits().items():
        assert set(np.unique(np.stack(list(edit(MASKS, np.random.default_rng(0)))))) <= {0, 1}, name
