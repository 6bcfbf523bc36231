"""Names and units of the states and actions of gymnasium's own control tasks, as its pages list them."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["KNOWN", "KnownTask", "known_task"]


@dataclass(frozen=True)
class KnownTask:
    """What the numbers of a task mean.

    Examples
    --------
    >>> known_task("MountainCar-v0").actions
    ('push left', 'coast', 'push right')
    >>> known_task("Custom-v3").names is None
    True
    """

    names: tuple[str, ...] | None = None
    actions: tuple[str, ...] | None = None
    units: dict[str, str] = field(default_factory=dict)


_CAR = {"position": "m", "velocity": "m per step"}
_POLE = {"position": "m", "velocity": "m/s", "angle": "rad", "angular_velocity": "rad/s"}
_LANDER = (
    "x", "y", "x_velocity", "y_velocity", "angle", "angular_velocity", "left_leg_down", "right_leg_down",
)  # fmt: skip
_ARMS = ("cos_1", "sin_1", "cos_2", "sin_2", "angular_velocity_1", "angular_velocity_2")

KNOWN: dict[str, KnownTask] = {
    "CartPole": KnownTask(tuple(_POLE), ("push left", "push right"), _POLE),
    "MountainCar": KnownTask(tuple(_CAR), ("push left", "coast", "push right"), _CAR),
    "MountainCarContinuous": KnownTask(tuple(_CAR), ("force",), _CAR),
    "Acrobot": KnownTask(
        _ARMS,
        ("torque -1", "torque 0", "torque +1"),
        {"angular_velocity_1": "rad/s", "angular_velocity_2": "rad/s"},
    ),
    "Pendulum": KnownTask(("cos", "sin", "angular_velocity"), ("torque",), {"angular_velocity": "rad/s"}),
    "LunarLander": KnownTask(_LANDER, ("do nothing", "fire left", "fire main", "fire right"), {"angle": "rad"}),
    "LunarLanderContinuous": KnownTask(_LANDER, ("main engine", "side engine"), {"angle": "rad"}),
}


def known_task(identifier: str) -> KnownTask:
    """Names of a task by its gymnasium identifier, its version left aside; nothing where it is not known.

    Examples
    --------
    >>> known_task("CartPole-v1").units["angle"]
    'rad'
    """
    return KNOWN.get(identifier.rsplit("/", maxsplit=1)[-1].rpartition("-v")[0], KnownTask())
