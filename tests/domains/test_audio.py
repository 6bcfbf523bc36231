"""Sounds: what goes in, what each column says of a tone whose truth is known, and what silencing leaves alone."""

from __future__ import annotations

import io
import pickle
import re
import wave as wav
from base64 import b64decode

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from explaindistill.domains.audio import AudioColumns, AudioDomain, ShownSound
from explaindistill.domains.audio.spectrum import Layout, band_edges, spectrum, waveform
from explaindistill.domains.audio.stretching import stretched, whispered
from explaindistill.domains.audio.voice import voice
from explaindistill.errors import InvalidInputError
from explaindistill.protocols import Domain

RATE = 8000
RNG = np.random.default_rng(0)


def tone(hertz, seconds=0.5, rate=RATE):
    return np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def buzz(hertz, seconds=0.5):
    """A tone with its overtones, as a voice has them."""
    return sum(tone(hertz * k, seconds) / k for k in range(1, int(RATE / 2 / hertz) + 1))


def ragged(n=30):
    """Noise, tones and buzzes of lengths that differ."""
    sounds = []
    for i in range(n):
        t = 0.2 + 0.02 * i
        sounds.append(0.2 * (buzz(90 + 7 * i, t) + 0.3 * RNG.normal(size=round(t * RATE))))
    return sounds


SOUNDS = ragged()


def fitted(*kinds, sounds=SOUNDS, **options):
    return AudioColumns(RATE, kinds or ("bands",), **options).fit(sounds)


def silenced(sounds, columns, name, seed=0):
    return columns.silenced(sounds, name, np.random.default_rng(seed))


def test_it_is_a_domain():
    domain = AudioDomain(RATE, bands=[100, 1000])
    assert isinstance(domain, Domain)
    assert clone(domain).get_params() == domain.get_params()
    assert domain.sampler() is None


CONTAINERS = {
    "list": SOUNDS,
    "tuple": tuple(SOUNDS),
    "series": pd.Series(SOUNDS, index=[f"s{i}" for i in range(len(SOUNDS))]),
    "lists of numbers": [sound.tolist() for sound in SOUNDS],
    "strided": [np.repeat(sound, 2)[::2] for sound in SOUNDS],
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_container_is_read_alike(name):
    objects = AudioDomain(RATE).objects(CONTAINERS[name])
    assert [len(o) for o in objects] == [len(s) for s in SOUNDS]
    assert [AudioDomain(RATE).key(o) for o in objects] == [AudioDomain(RATE).key(s) for s in SOUNDS]
    assert fitted().transform(CONTAINERS[name]).equals(fitted().transform(SOUNDS))


def test_the_teacher_gets_what_came_in_and_copies_of_it():
    domain = AudioDomain(RATE)
    objects = domain.objects(SOUNDS)
    for copy in domain.restore(objects, []):
        copy[:] = 0
    assert all(np.array_equal(a, b) for a, b in zip(objects, SOUNDS, strict=True))
    even = np.stack([s[:1000] for s in SOUNDS])
    assert np.array_equal(domain.restore(domain.objects(even), even[:0]), even)
    slower = domain.edits()["slower"](domain.objects(even), np.random.default_rng(0))
    assert {len(s) for s in slower} == {1100}
    assert domain.restore(slower, even[:0]).shape == even.shape
    bytes_ = np.full((2, 5), 128, dtype=np.uint8)
    assert domain.restore(domain.objects([bytes_[0, :2]]), bytes_[:0]).tolist() == [[128] * 5]


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros(800), r"one sound is \[X\]"),
        ([0.1, 0.2], r"one sound is \[X\]"),
        (np.zeros((800, 2)), "stereo"),
        ([np.zeros((800, 2))], "of two channels take one"),
        ([np.zeros((1, 800))], "squeeze"),
        ([(8000, np.zeros(800))], "pair of samples and rate"),
        ([(np.zeros(800), 8000)], "pair of samples and rate"),
        ([np.zeros(5), np.zeros(0)], "sound 1 has no samples"),
        ([np.array([0.0, np.nan])], "1 samples that are NaN or infinite"),
        ([np.zeros(5), np.zeros(5, np.int16)], "sound 1 has int16, sound 0 float64"),
        (["a.wav"], "must be an array.*read the file first"),
        ([b"RIFF"], "read the file first"),
        ([{"array": np.zeros(800), "sampling_rate": 8000}], "the samples that it holds, and the rate"),
        (np.zeros((3, 1, 800)), "an axis of channels"),
        ("a.wav", "must be a list of sounds"),
        ([np.zeros(5, complex)], "complex128"),
        (pd.DataFrame({"a": [1]}), "column="),
    ],
)
def test_what_is_no_sound_is_refused_with_a_way_out(X, message):
    with pytest.raises(InvalidInputError, match=message):
        AudioDomain(RATE).objects(X)


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.uint8, np.float32])
def test_samples_of_every_kind_say_the_same(dtype):
    sounds = [0.9 * s / np.abs(s).max() for s in SOUNDS]
    scale, middle = {np.int16: (32768, 0), np.int32: (2**31, 0), np.uint8: (128, 128), np.float32: (1, 0)}[dtype]
    others = [(s * scale + middle).astype(dtype) for s in sounds]
    near = 1.0 if dtype == np.uint8 else 0.05  # eight bits add noise of their own
    assert np.abs(fitted(sounds=others).transform(others) - fitted().transform(sounds)).to_numpy().max() < near
    if dtype != np.float32:  # a teacher that was asked in shares of 1 would hear noise, or nothing
        with pytest.raises(InvalidInputError, match=f"of fit, float64, got {np.dtype(dtype)}; full scale is 1 there"):
            fitted().transform(others)
    for name, edit in AudioDomain(RATE).edits().items():
        assert {s.dtype for s in edit(others, np.random.default_rng(0))} == {np.dtype(dtype)}, name


def test_loudness_does_not_count():
    columns = fitted("bands", "variation", "shape", "voice", "length")
    quiet = [s / 50 for s in SOUNDS]
    assert np.allclose(columns.transform(quiet), columns.transform(SOUNDS), equal_nan=True)


def test_what_is_too_loud_is_clipped_and_not_turned_over():
    loud = [np.full(100, 30000, dtype=np.int16), np.full(100, -30000, dtype=np.int16)]
    made = AudioDomain(RATE).edits()["louder"](loud, np.random.default_rng(0))
    assert [int(made[0].max()), int(made[1].min())] == [32767, -32768]


def test_silence_has_values():
    columns = fitted("bands", "variation", "shape", "voice", "length")
    values = columns.transform([np.zeros(4000)]).iloc[0]
    assert (values.filter(like="–") == 0).all()
    assert values.filter(like="middle of").isna().all()
    assert np.isnan(values["pitch, in Hz"])
    assert values["duration, in seconds"] == 0.5
    for name in columns.get_feature_names_out():
        changed = silenced([np.zeros(4000)], columns, name)[0]
        assert np.isfinite(changed).all(), name
    for name, edit in AudioDomain(RATE).edits().items():
        assert not edit([np.zeros(4000)], np.random.default_rng(0))[0].any(), name


def test_an_offset_without_sound_has_no_pitch():
    assert np.isnan(voice(np.full(4000, 0.3), RATE).pitch)


@pytest.mark.parametrize("n", [1, 2, 5, 63, 64, 65, 255, 300])
def test_sounds_shorter_than_the_window_are_read(n):
    short = RNG.normal(size=n)
    columns = fitted("bands", "variation", "shape", "voice", "length")
    values = columns.transform([short]).iloc[0]
    assert np.isfinite(values.filter(like="–")).all()
    assert values["duration, in seconds"] == n / RATE
    for name in columns.get_feature_names_out():
        assert np.isfinite(silenced([short], columns, name)[0]).all()
    for edit in AudioDomain(RATE).edits().values():
        assert len(edit([short], np.random.default_rng(0))[0]) in (n, round(1.1 * n))


@pytest.mark.parametrize("rate", [500, 11025, 16000, 44100, 192000.0])
def test_rates(rate):
    columns = AudioColumns(rate, ["bands", "shape", "voice"], bands=10, n_parts=3)
    t = np.arange(int(rate * 0.3)) / rate
    sounds = [np.sin(2 * np.pi * share * rate / 2 * t) for share in (0.1, 0.5, 0.9)]
    values = columns.fit(sounds).transform(sounds)
    bands = values.filter(like="–").T.groupby(lambda name: name.split(" Hz")[0], sort=False).mean().T
    for share, band in zip((0.1, 0.5, 0.9), bands.idxmax(axis=1), strict=True):
        low, high = (float(edge.replace(",", "")) for edge in band.split("–"))
        assert low <= share * rate / 2 <= high
    assert columns.layout_.edges[-1] == rate / 2


def test_a_tone_is_in_its_band_and_part():
    sound = np.concatenate([np.zeros(1600), tone(1500, 0.2), np.zeros(4800)])
    columns = AudioColumns(RATE, ["bands"], bands=[0, 1000, 2000, 4000], n_parts=5, parts="time")
    columns.fit([sound, RNG.normal(size=8000)])
    values = columns.transform([sound]).iloc[0]
    assert values.idxmax() == "1,000–2,000 Hz, 2nd fifth"
    assert abs(values.sum()) < 1e-9


def test_levels_are_decibels():
    loud = np.concatenate([tone(500, 1.0), 0.1 * tone(500, 1.0)])
    columns = AudioColumns(RATE, ["bands"], bands=[0, 1000], n_parts=2, parts="time")
    columns.fit([loud, RNG.normal(size=8000)])
    first, second = columns.transform([loud]).iloc[0]
    assert first - second == pytest.approx(20, abs=1)


def test_a_stopped_band_is_gone_and_the_others_are_not():
    columns = fitted(bands=6, n_parts=5, parts="time")
    cells = len(columns.layout_.edges) - 1, 5
    for name in columns.get_feature_names_out()[::4]:
        changed = silenced(SOUNDS[-5:], columns, name)
        at = columns.cell(name)
        for before, after in zip(SOUNDS[-5:], changed, strict=True):
            old, new = (columns.layout_.energies(spectrum(s, RATE)) for s in (before, after))
            ratio = new / old
            assert ratio[at] < 0.5  # of a louder neighbour some is seen across the edge
            far = np.ones(cells, dtype=bool)
            far[max(at[0] - 1, 0) : at[0] + 2, max(at[1] - 1, 0) : at[1] + 2] = False
            assert np.allclose(ratio[far], 1.0, atol=0.02)


def test_parts_hold_as_much_of_what_is_heard():
    """Counted sample by sample: a moment weighs 1, and its loudness over the mean as much again."""
    sound = np.concatenate([np.zeros(2000), 0.5 * buzz(150, 0.3), 0.01 * RNG.normal(size=1500), buzz(200, 0.2)])
    stft = spectrum(sound, RATE)
    columns = fitted(n_parts=3)
    bands = stft.power @ Layout(RATE, band_edges(RATE, 10), 1).bins(stft.values.shape[1]).T
    level = np.log10(np.maximum(bands, bands.max() * 1e-7)).mean(axis=1)
    loudness = level - level.min()
    weight = 1 + loudness / loudness.mean()
    passed = np.cumsum([weight[round(i / stft.hop - 1e-9)] for i in range(len(sound))])
    ends = columns.layout_.ends(stft)
    for share, end in zip((1 / 3, 2 / 3), ends[1:-1], strict=True):
        assert end == pytest.approx(np.searchsorted(passed, share * passed[-1]), abs=3)
    assert (ends[0], ends[-1]) == (0, len(sound))
    assert ends[1] > len(sound) / 3  # the pause before it weighs little


def test_pauses_around_a_word_move_its_parts_less_than_by_time():
    word = np.concatenate([tone(hertz, 0.2) for hertz in (400, 1500, 3000)]) + 1e-3 * RNG.normal(size=4800)
    late = np.concatenate([1e-3 * RNG.normal(size=2400), word])
    moved = {}
    for parts in ("heard", "time"):
        values = fitted(sounds=[word, late, *SOUNDS], bands=10, n_parts=3, parts=parts).transform([word, late])
        moved[parts] = float((values.iloc[1] - values.iloc[0]).abs().mean())
    assert moved["heard"] < 0.8 * moved["time"]


@pytest.mark.parametrize("sound", [np.zeros(4000), np.full(4000, 0.2), np.ones(1), RNG.normal(size=3)])
def test_parts_of_what_is_alike_all_along_last_equally_long(sound):
    stft = spectrum(sound, RATE)
    ends = fitted(n_parts=3).layout_.ends(stft)
    assert ends[0] == 0
    assert ends[-1] == len(sound)
    assert (np.diff(ends) > 0).all()
    if not sound.any():
        assert ends == pytest.approx(len(sound) * np.arange(4) / 3)


def test_variation_is_the_deviation_of_the_level_along_the_sound():
    """Half of the sound 20 dB below the other half: the level lies 10 dB about its mean."""
    halves = np.concatenate([tone(500, 1.0), 0.1 * tone(500, 1.0)])
    columns = AudioColumns(RATE, ["variation"], bands=[0, 500, 1000, 4000], n_parts=2).fit([halves, *SOUNDS])
    names = ["how much 0–1,000 Hz varies, in dB", "how much 1,000–4,000 Hz varies, in dB"]
    assert columns.get_feature_names_out().tolist() == names
    assert columns.transform([halves])[names[0]].item() == pytest.approx(10, abs=0.3)
    assert columns.transform([tone(500, 1.0)])[names[0]].item() < 1.5  # but for its beginning and its end
    assert columns.cells(names[0]) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert columns.cells(names[1]) == [(2, 0), (2, 1)]


def test_silenced_variation_is_as_usual_and_other_bands_stay():
    fading = [np.exp(-np.arange(4000) / length) * RNG.normal(size=4000) for length in range(500, 4500, 200)]
    columns = fitted("variation", bands=[50, 400, 1000, 2500, 4000], sounds=fading)
    before = columns.transform(fading)
    for name in columns.get_feature_names_out():
        after = columns.transform(silenced(fading, columns, name))
        assert after[name].std() < 0.5 * before[name].std()
        for other in set(before) - {name}:
            assert after[other].corr(before[other]) > 0.9


def test_the_spectrum_of_a_third_becomes_the_usual_one():
    sounds = [tone(hertz, 0.8) + 0.3 * RNG.normal(size=6400) for hertz in range(300, 3900, 300)]
    columns = fitted("shape", sounds=sounds)
    names = [name for name in columns.get_feature_names_out() if "2nd third" in name]
    assert len(names) == 2
    for name in names:
        before = columns.transform(sounds)
        after = columns.transform(silenced(sounds, columns, name))
        assert after[name].std() < 0.35 * before[name].std()
        others = [n for n in columns.get_feature_names_out() if "2nd third" not in n]
        assert (after[others].corrwith(before[others]) > 0.99).all()


def test_length_and_pitch_become_usual():
    voices = [buzz(hertz, seconds) for hertz, seconds in ((110, 0.4), (150, 0.5), (200, 0.6), (240, 0.7))]
    columns = fitted("voice", "length", sounds=[*voices, 0.1 * RNG.normal(size=4000)])
    length = columns.transform(silenced(voices, columns, "duration, in seconds"))
    assert np.ptp(length["duration, in seconds"]) < 0.001
    assert length["pitch, in Hz"].tolist() == pytest.approx([110, 150, 200, 240], rel=0.03)
    pitch = columns.transform(silenced(voices, columns, "pitch, in Hz"))
    assert pitch["pitch, in Hz"].tolist() == pytest.approx([columns.usual_["pitch, in Hz"]] * 4, rel=0.04)
    assert pitch["duration, in seconds"].tolist() == pytest.approx([0.4, 0.5, 0.6, 0.7], abs=0.001)
    whispers = columns.transform(silenced(voices, columns, "voiced share"))
    assert whispers["voiced share"].max() < 0.3


@pytest.mark.parametrize("hertz", [75, 100, 160, 250, 390])
def test_pitch_is_the_one_that_was_made(hertz):
    heard = voice(buzz(hertz), RATE)
    assert heard.pitch == pytest.approx(hertz, rel=0.01)
    assert heard.voiced > 0.95
    noise = voice(RNG.normal(size=8000), RATE)
    assert noise.voiced < 0.3


def test_pauses_count_neither_way():
    sound = np.concatenate([buzz(120), np.zeros(8000), buzz(120)])
    assert voice(sound, RATE).voiced == pytest.approx(1.0, abs=0.06)


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.1, 2.0])
def test_stretching_changes_the_length_alone(factor):
    sound = buzz(140, 0.8)
    longer = stretched(sound, RATE, factor)
    assert len(longer) == round(len(sound) * factor)
    assert voice(longer, RATE).pitch == pytest.approx(140, rel=0.02)
    assert longer.std() == pytest.approx(sound.std(), rel=0.25)


def test_a_whisper_keeps_the_loudness_and_loses_the_voice():
    sound = buzz(140, 0.8)
    whisper = whispered(sound, RATE, np.random.default_rng(0))
    assert whisper.std() == pytest.approx(sound.std(), rel=0.3)
    assert voice(whisper, RATE).voiced < 0.3


def test_the_spectrum_gives_the_sound_back():
    for n in (1, 100, 8001):
        sound = RNG.normal(size=n)
        stft = spectrum(sound, RATE)
        assert np.allclose(waveform(stft, stft.values), sound)


def test_edits_do_what_they_are_called():
    edits = {n: e([buzz(200, 1.0), SOUNDS[3]], np.random.default_rng(0)) for n, e in AudioDomain(RATE).edits().items()}
    sound = buzz(200, 1.0)
    for name, decibels in (("20 dB noise", 20), ("20 dB noise, control", 60)):
        noise = edits[name][0] - sound
        assert 20 * np.log10(sound.std() / noise.std()) == pytest.approx(decibels, abs=0.5)
    assert np.allclose(edits["louder"][0], 2 * sound)
    assert np.allclose(edits["quieter"][0], sound / 2)
    assert len(edits["slower"][0]) == 8800
    telephone = np.abs(np.fft.rfft(edits["telephone band"][0]))
    assert telephone[200] < 0.02 * telephone[400]
    assert telephone[3600] < 0.02 * telephone[3200]


def reasons(contributions):
    rows = [(0, 0, "(base)", "a usual row", output, 0.0) for output in ("yes", "no")]
    for name, value in contributions.items():
        rows += [(0, 1, name, f"{name} = 1", "yes", value), (0, 1, name, f"{name} = 1", "no", -abs(value))]
    return pd.DataFrame(rows, columns=["row", "step", "term", "reason", "output", "contribution"])


class TestShow:
    SOUND = np.concatenate([tone(500, 0.4), tone(3000, 0.4)])
    DOMAIN = AudioDomain(RATE, bands=[0, 1000, 2000, 4000], n_parts=2)
    COLUMNS = DOMAIN.columns().fit([SOUND, SOUND[::-1], RNG.normal(size=6400)])
    REASONS = reasons({"0–1,000 Hz, 1st half": 3.0, "2,000–4,000 Hz, 2nd half": -1.0, "1,000–2,000 Hz, 1st half": 0.1})

    def test_the_rest_is_removed(self):
        shown = self.DOMAIN.show(self.SOUND, self.COLUMNS, self.REASONS)
        assert isinstance(shown, ShownSound)
        assert shown.audible == ["0–1,000 Hz, 1st half"]
        assert len(shown.heard) == len(self.SOUND)
        assert np.allclose(shown.heard[400:2800], self.SOUND[400:2800], atol=0.05)
        assert np.abs(shown.heard[3600:]).max() < 0.05

    def test_no_player_but_where_it_is_asked_for(self):
        shown = self.DOMAIN.show(self.SOUND, self.COLUMNS, self.REASONS)
        assert "<audio" not in shown
        assert "data:audio" not in shown
        assert 'alt="Spectrogram, answer: yes; 0–1,000 Hz, 1st half +3.00; ' in shown
        with_player = clone(self.DOMAIN).set_params(player=True).show(self.SOUND, self.COLUMNS, self.REASONS)
        (data,) = re.findall(r'src="data:audio/wav;base64,([^"]+)"', with_player)
        with wav.open(io.BytesIO(b64decode(data))) as file:
            assert file.getframerate() == RATE
            heard = np.frombuffer(file.readframes(10**6), dtype="<i2")
        assert np.corrcoef(heard, shown.heard)[0, 1] > 0.999

    def test_names_are_text(self):
        table = self.REASONS.assign(output=self.REASONS["output"].replace("yes", "<b>yes</b>"))
        assert "<b>" not in self.DOMAIN.show(self.SOUND, self.COLUMNS, table)

    def test_silence_and_nothing_that_counted(self):
        shown = self.DOMAIN.show(np.zeros(4000), self.COLUMNS, reasons({}))
        assert shown.audible == []
        assert "no column counted" in shown
        assert not shown.heard.any()

    def test_pickle(self):
        shown = self.DOMAIN.show(self.SOUND, self.COLUMNS, self.REASONS)
        again = pickle.loads(pickle.dumps(shown))
        assert (again, again.audible) == (shown, shown.audible)
        assert np.array_equal(again.heard, shown.heard)


def test_columns_can_be_pickled_and_cloned_and_hold_no_sound():
    columns = fitted("bands", "shape", "voice", "length")
    again = pickle.loads(pickle.dumps(columns))
    assert again.transform(SOUNDS).equals(columns.transform(SOUNDS))
    assert clone(columns).fit(SOUNDS).usual_.equals(columns.usual_)
    assert len(pickle.dumps(columns)) < 20_000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate": 0}, "rate must be a number above 0"),
        ({"rate": "8000"}, "rate must be a number above 0"),
        ({"kinds": "bands"}, "must be a list of"),
        ({"kinds": ["band"]}, "did you mean 'bands'"),
        ({"bands": 0}, "bands must be a whole number"),
        ({"bands": [0, 9000]}, "at most 4,000 Hz"),
        ({"bands": [500, 100]}, "edges that rise"),
        ({"n_parts": 0}, "n_parts"),
        ({"parts": "hear"}, "did you mean 'heard'"),
    ],
)
def test_parameters_are_checked(options, message):
    with pytest.raises(InvalidInputError, match=message):
        AudioDomain(**({"rate": RATE} | options)).columns().fit(SOUNDS)


def test_equal_sounds_are_refused():
    with pytest.raises(InvalidInputError, match="differs between the 3 sounds"):
        fitted(sounds=[SOUNDS[0]] * 3)
    with pytest.raises(InvalidInputError, match="no column '0 Hz'"):
        silenced(SOUNDS, fitted(), "0 Hz")


SHARES = [0.9 * sound / np.abs(sound).max() for sound in SOUNDS]
AS_FLOATS = [np.rint(32768 * sound) for sound in SHARES]


@pytest.mark.parametrize(
    ("fit", "shown", "message"),
    [
        (SHARES, AS_FLOATS, r"whose samples go up to 0\.9; sound 0 goes up to 29,491: bring them .* wave / 32768"),
        (AS_FLOATS, SHARES, "29,491; none of these 30 sounds goes beyond 0.9"),
        (AS_FLOATS, SHARES[:1], "sound 0 does not go beyond 0.9"),
        (
            [sound.astype(np.int16) for sound in AS_FLOATS],
            [np.rint(sound).astype(np.int16) for sound in SHARES],
            "none of these 30 sounds goes beyond 1",
        ),
    ],
)
def test_sounds_of_another_scale_are_refused_both_ways(fit, shown, message):
    """Columns are the same at any loudness; a network that was trained on shares of 1 hears noise, or nothing."""
    columns = fitted(sounds=fit)
    with pytest.raises(InvalidInputError, match=message):
        columns.transform(shown)
    with pytest.raises(InvalidInputError, match=message):
        silenced(shown, columns, columns.get_feature_names_out()[0])


def test_loud_quiet_and_silent_sounds_are_of_the_same_scale():
    for sounds in (SHARES, AS_FLOATS):
        columns = fitted(sounds=sounds)
        edited = [edit(sounds, np.random.default_rng(0)) for edit in AudioDomain(RATE).edits().values()]
        for shown in ([np.zeros(4000)], [4 * sound for sound in sounds], [sounds[0], sounds[1] / 30_000], *edited):
            assert len(columns.transform(shown)) == len(shown)
