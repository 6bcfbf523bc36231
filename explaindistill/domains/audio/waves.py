"""Sounds as they come: what is a sound, and how its samples are read and written back."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from explaindistill.domains._containers import check_order, check_unmasked, way_out_of
from explaindistill.errors import InvalidInputError

__all__ = ["as_waves", "centred", "like_samples", "same_scale", "samples", "single"]

Wave = NDArray[Any]
LOUDEST = 1e100
"""Samples beyond have an energy that no number holds."""


def as_waves(X: Any) -> NDArray[np.object_]:
    """Sounds ``(n,)`` out of a list or Series of arrays ``(t,)``, whose lengths may differ, or an array ``(n, t)``.

    Raises
    ------
    InvalidInputError
        For what is no sound, has another type of numbers than the first, no samples, or samples that are NaN.

    Examples
    --------
    >>> [len(wave) for wave in as_waves([np.zeros(3), np.zeros(5)])]
    [3, 5]
    >>> as_waves([np.zeros((100, 2))])
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: sound 0 has the shape (100, 2), and a sound has one axis; of two ...
    """
    if isinstance(X, str | bytes | pd.DataFrame) or X is None:
        raise InvalidInputError(
            f"X must be a list of sounds, each an array (t,), got {type(X).__name__}; where a column of a frame holds "
            "them, say AudioDomain(column=…)"
        )
    check_order(X, "sounds")
    if isinstance(X, np.ndarray) and X.dtype != object:
        if X.ndim != 2:
            way_out = "one sound is [X]" if X.ndim == 1 else "an axis of channels goes with X.mean(axis=…)"
            raise InvalidInputError(
                f"X must be a list of sounds (t,) or an array (n, t), got an array of shape {X.shape}; {way_out}"
            )
        if X.shape[1] == 2 and len(X) > 2:
            raise InvalidInputError(
                f"X of shape {X.shape} looks like one sound in stereo; a sound has one axis: [X.mean(axis=1)]"
            )
    values = list(X)
    waves = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        waves[i] = _wave(value, i)
        if waves[i].dtype != waves[0].dtype:
            raise InvalidInputError(
                "sounds must have one type of numbers, since 16-bit samples and shares of 1 differ in scale: sound "
                f"{i} has {waves[i].dtype}, sound 0 {waves[0].dtype}"
            )
    return waves


def samples(wave: Wave) -> NDArray[np.float64]:
    """Samples in shares of full scale: of 8, 16 or 32 bits from -1 to 1; of floats as they are.

    Examples
    --------
    >>> samples(np.array([16384, -32768], dtype=np.int16)).tolist()
    [0.5, -1.0]
    >>> samples(np.array([128, 192], dtype=np.uint8)).tolist()
    [0.0, 0.5]
    """
    middle, scale = _scale(wave.dtype)
    return (wave.astype(np.float64) - middle) / scale


def centred(waves: NDArray[np.object_]) -> list[Wave]:
    """Samples as they are written, with silence at 0, where unsigned bytes have it at 128.

    Examples
    --------
    >>> [wave.tolist() for wave in centred(as_waves([np.array([128, 192], dtype=np.uint8)]))]
    [[0.0, 64.0]]
    """
    return [wave if (middle := _scale(wave.dtype)[0]) == 0 else wave - middle for wave in waves]


def like_samples(values: NDArray[np.float64], wave: Wave) -> Wave:
    """Samples in the type of a sound; whole numbers are rounded, and clipped where the type ends.

    Examples
    --------
    >>> like_samples(np.array([0.5, 2.0]), np.zeros(1, dtype=np.int16)).tolist()
    [16384, 32767]
    """
    middle, scale = _scale(wave.dtype)
    scaled = values * scale + middle
    if wave.dtype.kind in "iu":
        info = np.iinfo(wave.dtype)
        # the largest 64-bit whole number is no float: the float below it is taken
        scaled = np.clip(np.rint(scaled), info.min, np.nextafter(float(info.max) + 1, 0))
    return scaled.astype(wave.dtype)


def single(wave: Any) -> NDArray[np.object_]:
    """One sound as objects ``(1,)``."""
    waves = np.empty(1, dtype=object)
    waves[0] = wave
    return waves


def _wave(value: Any, i: int) -> Wave:
    if isinstance(value, tuple) and len(value) == 2 and any(np.ndim(side) == 0 for side in value):
        raise InvalidInputError(
            f"sound {i} is a pair of samples and rate; give the samples alone, and the rate as AudioDomain(rate=…)"
        )
    check_unmasked(value, "sound", i)
    try:
        wave = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InvalidInputError(f"sound {i} cannot be read as an array: {error}") from error
    if wave.dtype.kind not in "iuf":
        raise InvalidInputError(
            f"a sound must be an array (t,) of numbers, got {type(value).__name__} of type {wave.dtype} as sound "
            f"{i}{_way_out(value)}"
        )
    if wave.ndim == 0:
        raise InvalidInputError("X must be a list of sounds, and its first value is a number; one sound is [X]")
    if wave.ndim != 1:
        raise InvalidInputError(
            f"sound {i} has the shape {wave.shape}, and a sound has one axis; of two channels take one, or their "
            "mean, and of an axis of length 1 wave.squeeze()"
        )
    if wave.size == 0:
        raise InvalidInputError(f"sound {i} has no samples; leave it out")
    if wave.dtype.kind == "f" and (bad := int((~np.isfinite(wave)).sum())):
        raise InvalidInputError(
            f"sound {i} has {bad:,} samples that are NaN or infinite; mend them, or leave the sound out"
        )
    if wave.dtype.kind == "f" and (peak := float(np.abs(wave).max())) > LOUDEST:
        raise InvalidInputError(f"sound {i} goes up to {peak:.1e}, too loud to be measured; bring it to shares of 1")
    return np.ascontiguousarray(wave)


def _way_out(value: Any) -> str:
    if isinstance(value, str | bytes | PathLike):
        return "; read the file first, as with scipy.io.wavfile.read"
    if isinstance(value, Mapping):
        return "; give the samples that it holds, and the rate as AudioDomain(rate=…)"
    return way_out_of(value)


def same_scale(waves: NDArray[np.object_], dtype: np.dtype[Any]) -> None:
    """Refuse sounds of another full scale than those of fit: a teacher that knows 16 bits hears nothing in shares of 1.

    Raises
    ------
    InvalidInputError

    Examples
    --------
    >>> same_scale(as_waves([np.zeros(3)]), np.dtype(np.int16))
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidInputError: sounds must have the type of numbers of fit, int16, got float64; ...
    """
    if len(waves) and _scale(waves[0].dtype) != _scale(dtype):
        raise InvalidInputError(
            f"sounds must have the type of numbers of fit, {dtype}, got {waves[0].dtype}; full scale is "
            f"{_scale(dtype)[1]:,.0f} there and {_scale(waves[0].dtype)[1]:,.0f} here: turn them into that type"
        )


def _scale(dtype: np.dtype[Any]) -> tuple[float, float]:
    """What silence is, and what full scale: 128 and 128 of unsigned bytes, as files hold them."""
    if dtype.kind == "f":
        return 0.0, 1.0
    half = float(2 ** (8 * dtype.itemsize - 1))
    return (half, half) if dtype.kind == "u" else (0.0, half)
