"""Teachers that act: solved on a grid, analytic, or gymnasium's own heuristic; what takes long is kept outside git."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from numba import njit
from scipy.linalg import solve_discrete_are

KEPT = Path(__file__).parent / ".teachers"


def cartpole_step(S, force):
    """One Euler step of gymnasium's CartPole for states (n, 4) and forces (n,)."""
    x, dx, angle, turn = S.T
    cos, sin = np.cos(angle), np.sin(angle)
    push = (force + 0.05 * turn**2 * sin) / 1.1
    angular = (9.8 * sin - cos * push) / (0.5 * (4 / 3 - 0.1 * cos**2 / 1.1))
    linear = push - 0.05 * angular * cos / 1.1
    return np.column_stack([x + 0.02 * dx, dx + 0.02 * linear, angle + 0.02 * turn, turn + 0.02 * angular])


class Balance:
    """CartPole: one step ahead on the value of the linear-quadratic regulator; its scores are no returns."""

    def __init__(self):
        unit, eps = np.eye(4), 1e-6
        A = np.column_stack([(cartpole_step(e[None] * eps, 0.0)[0]) / eps for e in unit])
        B = (cartpole_step(np.zeros((1, 4)), eps)[0] / eps)[:, None]
        self.value = solve_discrete_are(A, B, np.diag([1.0, 0.1, 10.0, 0.1]), np.array([[1e-3]]))

    def __call__(self, S):
        after = [cartpole_step(S, force) for force in (-10.0, 10.0)]
        return np.column_stack([-np.einsum("ni,ij,nj->n", T, self.value, T) for T in after])


def mountain_car_step(S, action):
    """One step of gymnasium's MountainCar for states (n, 2): states, and whether the goal is reached."""
    position, velocity = S.T
    velocity = np.clip(velocity + (action - 1) * 0.001 - 0.0025 * np.cos(3 * position), -0.07, 0.07)
    position = np.clip(position + velocity, -1.2, 0.6)
    velocity = np.where((position <= -1.2) & (velocity < 0), 0.0, velocity)
    return np.column_stack([position, velocity]), (position >= 0.5) & (velocity >= 0)


def acrobot_slope(S, torque):
    """Time derivative of gymnasium's Acrobot ("book" form) for states (n, 4)."""
    t1, t2, d1, d2 = S.T
    m11 = 0.25 + 1 + 0.25 + np.cos(t2) + 2
    m12 = 0.25 + 0.5 * np.cos(t2) + 1
    p2 = 0.5 * 9.8 * np.cos(t1 + t2 - np.pi / 2)
    p1 = -0.5 * d2**2 * np.sin(t2) - d2 * d1 * np.sin(t2) + 1.5 * 9.8 * np.cos(t1 - np.pi / 2) + p2
    a2 = (torque + m12 / m11 * p1 - 0.5 * d1**2 * np.sin(t2) - p2) / (1.25 - m12**2 / m11)
    return np.column_stack([d1, d2, -(m12 * a2 + p1) / m11, a2])


def acrobot_step(S, action):
    """One step of gymnasium's Acrobot, by its one Runge-Kutta step of 0.2 s."""
    torque, h = action - 1.0, 0.2
    k1 = acrobot_slope(S, torque)
    k2 = acrobot_slope(S + h / 2 * k1, torque)
    k3 = acrobot_slope(S + h / 2 * k2, torque)
    T = S + h / 6 * (k1 + 2 * k2 + 2 * k3 + acrobot_slope(S + h * k3, torque))
    T[:, :2] -= 2 * np.pi * np.sign(T[:, :2]) * (np.abs(T[:, :2]) > np.pi)
    T[:, 2] = np.clip(T[:, 2], -4 * np.pi, 4 * np.pi)
    T[:, 3] = np.clip(T[:, 3], -9 * np.pi, 9 * np.pi)
    return T, -np.cos(T[:, 0]) - np.cos(T[:, 1] + T[:, 0]) > 1


@njit
def sweep(value, corner, share, after, offset):
    """One pass of value iteration, in place: the next value of each cell from the corners of where actions lead."""
    change = 0.0
    for s in range(corner.shape[0]):
        top = -1e30
        for a in range(corner.shape[1]):
            q = -1.0
            if after[s, a]:
                for c in range(offset.shape[0]):
                    weight, at = 1.0, corner[s, a]
                    for j in range(share.shape[2]):
                        if offset[c, j] > 0:
                            weight *= share[s, a, j]
                        else:
                            weight *= 1 - share[s, a, j]
                    q += weight * value[at + offset[c, share.shape[2]]]
            top = max(top, q)
        change = max(change, abs(top - value[s]))
        value[s] = top
    return change


class GridValue:
    """Values on a grid over known dynamics, and Q one step ahead: steps until the goal, counted as -1 each."""

    def __init__(self, step, axes, name, observed=None):
        self.step, self.axes, self.observed = step, axes, observed
        self.sizes = np.array([len(axis) for axis in axes])
        self.strides = np.array([int(np.prod(self.sizes[i + 1 :])) for i in range(len(axes))])
        self.origin = np.array([axis[0] for axis in axes])
        self.width = np.array([axis[1] - axis[0] for axis in axes])
        bits = np.array(list(itertools.product((0, 1), repeat=len(axes))))
        self.offset = np.column_stack([bits, bits @ self.strides]).astype(np.int64)
        file = KEPT / f"{name}-{'x'.join(map(str, self.sizes))}.npy"
        if file.exists():
            self.value = np.load(file, allow_pickle=False)
            return
        self.value = self._solved()
        KEPT.mkdir(exist_ok=True)
        np.save(file, self.value)

    def _places(self, S):
        scaled = np.clip((S - self.origin) / self.width, 0, self.sizes - 1.0001)
        low = scaled.astype(np.int64)
        return low @ self.strides, (scaled - low).astype(np.float32)

    def _solved(self):
        cells = np.stack(np.meshgrid(*self.axes, indexing="ij"), -1).reshape(-1, len(self.axes))
        corner, share, after = [], [], []
        for action in range(3):
            T, goal = self.step(cells, np.full(len(cells), action))
            places = self._places(T)
            corner.append(places[0].astype(np.int32))
            share.append(places[1])
            after.append(~goal)
        arrays = np.stack(corner, 1), np.stack(share, 1), np.stack(after, 1)
        value = np.zeros(len(cells))
        for _ in range(500):
            if sweep(value, *arrays, self.offset) < 1e-2:
                break
        return value

    def __call__(self, S):
        S = S if self.observed is None else self.observed(S)
        columns = []
        for action in range(3):
            T, goal = self.step(S, np.full(len(S), action))
            corner, share = self._places(T)
            value = np.zeros(len(S))
            for row in self.offset:
                weight = np.where(row[:-1] > 0, share, 1 - share).prod(axis=1)
                value += weight * self.value[corner + row[-1]]
            columns.append(-1.0 + np.where(goal, 0.0, value))
        return np.column_stack(columns)


def mountain_car():
    """Solved on 181 positions and 141 velocities."""
    return GridValue(mountain_car_step, [np.linspace(-1.2, 0.6, 181), np.linspace(-0.07, 0.07, 141)], "mountain-car")


def acrobot():
    """Solved on a grid of two angles and two angular velocities, which gymnasium shows as cosines and sines."""
    angle = np.linspace(-np.pi, np.pi, 31)
    axes = [angle, angle, np.linspace(-4 * np.pi, 4 * np.pi, 31), np.linspace(-9 * np.pi, 9 * np.pi, 41)]

    def angles(S):
        return np.column_stack([np.arctan2(S[:, 1], S[:, 0]), np.arctan2(S[:, 3], S[:, 2]), S[:, 4], S[:, 5]])

    return GridValue(acrobot_step, axes, "acrobot", angles)


def pendulum_step(S, torque):
    """One step of gymnasium's Pendulum for states (n, 2): angle and angular velocity."""
    angle, turn = S.T
    u = np.clip(torque[:, 0], -2, 2).astype(np.float32)  # as gymnasium takes it, and multiplies it
    around = (angle + np.pi) % (2 * np.pi) - np.pi
    cost = around**2 + 0.1 * turn**2 + 0.001 * u**2
    after = np.clip(turn + (15.0 * np.sin(angle) + 3.0 * u) * 0.05, -8, 8)
    return np.column_stack([angle + after * 0.05, after]), -cost, np.zeros(len(S), dtype=bool)


def single(S):
    """What gymnasium shows of numbers: single precision."""
    return S.astype(np.float32).astype(np.float64)


def drawn(low, high, fill=0):
    """Starts as gymnasium draws them: of each seed by a generator of its own."""
    low, high = np.asarray(low, dtype=float), np.asarray(high, dtype=float)

    def start(seeds):
        rows = np.array([np.random.default_rng(int(seed)).uniform(low, high) for seed in seeds]).reshape(len(seeds), -1)
        return np.column_stack([rows, *[np.zeros(len(rows))] * fill])

    return start


def cartpole_task(S, action):
    T = cartpole_step(S, np.where(action == 1, 10.0, -10.0))
    over = (np.abs(T[:, 0]) > 2.4) | (np.abs(T[:, 2]) > 12 * 2 * np.pi / 360)
    return T, np.ones(len(S)), over


def mountain_car_task(S, action):
    T, goal = mountain_car_step(S, action)
    return T, -np.ones(len(S)), goal


def acrobot_task(S, action):
    T, goal = acrobot_step(S, action)
    return T, np.where(goal, 0.0, -1.0), goal


def arms(S):
    return single(
        np.column_stack([np.cos(S[:, 0]), np.sin(S[:, 0]), np.cos(S[:, 1]), np.sin(S[:, 1]), S[:, 2], S[:, 3]])
    )


def compass(S):
    return single(np.column_stack([np.cos(S[:, 0]), np.sin(S[:, 0]), S[:, 1]]))


def known_dynamics(env):
    """A task of gymnasium as functions of many states: its starts, steps, ends and digits.

    Its episodes are gymnasium's own; ``same_episodes`` of the benchmark holds both together.
    """
    from explaindistill.distillation.policies.dynamics import KnownDynamics
    from explaindistill.distillation.policies.known import known_task

    low, high = np.full(4, -0.05), np.full(4, 0.05)
    torque = SimpleNamespace(low=np.array([-2.0]), high=np.array([2.0]), shape=(1,), dtype=np.dtype("float32"))
    start, step, space, limit, seen = {
        "CartPole-v1": (drawn(low, high), cartpole_task, SimpleNamespace(n=2), 500, single),
        "MountainCar-v0": (drawn(-0.6, -0.4, 1), mountain_car_task, SimpleNamespace(n=3), 200, single),
        "Acrobot-v1": (
            lambda seeds: single(drawn(2 * low, 2 * high)(seeds)),
            acrobot_task,
            SimpleNamespace(n=3),
            500,
            arms,
        ),
        "Pendulum-v1": (drawn([-np.pi, -1.0], [np.pi, 1.0]), pendulum_step, torque, 200, compass),
    }[env]
    words = known_task(env)
    return KnownDynamics(start, step, space, limit, seen, words.names, words.actions, env)


class Discrete:
    """What gymnasium's heuristic asks an environment for."""

    continuous = False

    @property
    def unwrapped(self):
        return self


def lunar_lander(S):
    """Gymnasium's own heuristic, state by state."""
    from gymnasium.envs.box2d.lunar_lander import heuristic

    return np.array([heuristic(Discrete(), state) for state in S])


def pendulum(S):
    """Swing up by energy, then balance: u = k w (E_top - E), and a linear law within reach of the top."""
    cos, sin, turn = S.T
    angle = np.arctan2(sin, cos)
    energy = turn**2 / 6 + 5 * cos
    swing = 2.0 * np.sign(turn + 1e-9) * np.clip((5.2 - energy) * 2, -1, 1)
    balance = -(11.0 * angle + 2.6 * turn)
    near = np.abs(11.0 * angle + 2.6 * turn) < 6.0
    return np.clip(np.where(near & (np.abs(angle) < 0.9), balance, swing), -2, 2)[:, None]
