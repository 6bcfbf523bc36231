"""Trees that act: return in gymnasium against the teacher, cloning, unweighted DAgger and CART in the same loop.

Five students per cell (seeds 0 to 4), each judged in 100 gymnasium episodes that chose nothing; all policies of a cell
run the same episodes, so that differences are paired. Students of other seeds differ, and each has episodes of its own:
limits are Student's t over the five means, of 4 degrees of freedom (with ``--quick``, one student: over its episodes).
Students learn on the same tasks written as functions of many states, which are held against gymnasium's episodes; all
judging is done in gymnasium itself, and LunarLander is learnt there, too.
Teachers: CartPole, one step ahead on the value of the linear-quadratic regulator; MountainCar and Acrobot, value
iteration on a grid, with Q; LunarLander, gymnasium's own heuristic, whose students see two differences and a sum
besides; Pendulum, energy and a linear law. A stopped run goes on;
``--only`` runs one environment, ``--minutes`` begins no cell after so long.
``--quick`` runs one seed, fewer rounds and episodes, without LunarLander and Acrobot.

Published, with other oracles: VIPER (Bastani et al. 2018, arXiv:1805.08328), DQN oracles: CartPole-v0 200 of 200 with 3
nodes, MountainCar -131 with 7 nodes, Acrobot -80.5 with 7 nodes.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
from scipy import stats

sys.path.append(sys.path.pop(0))

import _policy_cells as cells
import _policy_teachers as teachers
from _bars import Bars, kept, options
from _digests import code_digest

from explaindistill import audit_policy
from explaindistill.distillation.policies.acting import RandomPolicy, TeacherPolicy
from explaindistill.distillation.policies.environments import EnvironmentSource
from explaindistill.distillation.policies.episodes import run_episodes

RESULTS = Path(__file__).parent / "results" / "policies"
SEEDS = 5
PEERS = ("cloning", "unweighted", "CART")


def measured(env: str, leaves: int, seeds: int, quick: bool, end: float) -> pd.DataFrame:
    """Returns of all seeds, a row per episode; seeds that nobody has measured are begun before the end only."""
    store, frames = RESULTS / code_digest(Path(cells.__file__)), []
    for seed in range(seeds):
        key = f"{env}-{leaves}-{seed}{'-quick' if quick else ''}"
        if time.monotonic() < end or (store / f"{key}.csv").exists():
            frames.append(kept(store, key, partial(cells.cell, env, leaves, seed, quick)).assign(seed=seed))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def means(frame: pd.DataFrame) -> pd.DataFrame:
    """Mean return of every policy by student; of one student, the returns of its episodes."""
    wide = frame.pivot(index=["seed", "episode"], columns="who", values="value")
    return wide.groupby("seed").mean() if frame["seed"].nunique() > 1 else wide


def limits(values: pd.Series) -> tuple[float, float, float]:
    """Mean of independent values, with Student's limits at 95 %."""
    half = stats.t.ppf(0.975, len(values) - 1) * values.std() / np.sqrt(len(values))
    return float(values.mean()), float(values.mean() - half), float(values.mean() + half)


def words(values: pd.Series, sign: str = "") -> str:
    middle, low, high = limits(values)
    return f"{middle:{sign}.4g} [{low:.4g}, {high:.4g}]"


def judge(bars: Bars, env: str, leaves: int, frame: pd.DataFrame) -> None:
    """Hold one size of one environment against its bars."""
    by_student = means(frame)
    ours, teacher, chance = (by_student[who] for who in ("ours", "teacher", "chance"))
    note = f"return {words(ours)}, teacher {teacher.mean():.4g}, {frame['seed'].nunique()} students"
    name = f"{env}, {leaves} leaves"
    lowest = {("CartPole-v1", 8): 495, ("MountainCar-v0", 8): -105, ("MountainCar-v0", 16): -101}
    apart = {("Acrobot-v1", 8): -8, ("Acrobot-v1", 16): -5}
    share = {("LunarLander-v3", 32): 0.7, ("LunarLander-v3", 64): 0.85, ("Pendulum-v1", 8): 0.85}
    if (env, leaves) in lowest:
        bars.at_least(f"{name}: mean return", lowest[env, leaves], ours.mean(), note=note)
    if (env, leaves) in apart:
        middle, low, _ = limits(ours - teacher)
        bars.at_least(
            f"{name}: return less teacher's, lower end", apart[env, leaves], low, note=f"(mean {middle:.3g}); {note}"
        )
    if (env, leaves) in share:
        # of one denominator for all students: a ratio by student would weigh those with bad luck of chance more
        part = (ours - chance) / (teacher - chance).mean()
        bars.at_least(
            f"{name}: share of the teacher's return over chance", share[env, leaves], part.mean(),
            note=f"{words(part)}; {note}",
        )  # fmt: skip
    for peer in (peer for peer in PEERS if peer in by_student):
        gap = ours - by_student[peer]
        middle, _, high = limits(gap)
        bars.add(f"{name}: ours less {peer}, not wholly below 0", "upper end >= 0", words(gap, "+"), high >= 0)
        if env == "MountainCar-v0" and leaves == 8 and peer != "CART":
            bars.add(f"{name}: above {peer}", "mean > 0", words(gap, "+"), middle > 0)
    seconds = frame[frame["who"] == "ours"].groupby("seed")["cpu_seconds"].first()
    bars.add(f"{name}: processor seconds of one fit", "reported", f"{seconds.median():.0f}", None)


class Walk:
    """A walk on a line that should stay near 0; each of its two steps has two names, so that one may take the other."""

    action_space = SimpleNamespace(n=4)

    def reset(self, seed=None):
        """A start within 3."""
        self.x, self.t = float(np.random.default_rng(seed).uniform(-3, 3)), 0
        return np.array([self.x]), {}

    def step(self, action):
        """Half a step to the left or right."""
        self.x += (-0.5, 0.5, -0.5, 0.5)[action]
        self.t += 1
        return np.array([self.x]), -abs(self.x), abs(self.x) > 5, self.t >= 20, {}


def planted(bars: Bars) -> None:
    """A region from which the student alone runs into danger, and a disagreement that costs nothing."""

    def teacher(S):
        return np.where(S[:, 0] > 0, 0, 1)

    def dangerous(S):
        return np.where(S[:, 0] > 1.8, 1, teacher(S))

    def harmless(S):
        return teacher(S) + np.where(np.abs(S[:, 0]) > 0.1, 2, 0)  # the other name of the same step

    record = audit_policy(
        teacher, {"dangerous": dangerous, "harmless": harmless}, Walk, names=["place"], unsafe=lambda s: s["place"] > 4,
        n_episodes=150, noise=(), random_state=0,
    )  # fmt: skip
    unsafe = record.frames["unsafe"]
    worse = unsafe[(unsafe["metric"] == "unsafe_difference") & (unsafe["verdict"] == "more often")]
    regions = sorted(set(worse.loc[worse["subject"] == "dangerous", "region"]) - {"all starts"})
    right = len(regions) == 1 and "high third" in regions[0] and "harmless" not in set(worse["subject"])
    bars.add("planted unsafe region: found, and no other", "the high third of place", ", ".join(regions), right)
    verdict = record.frames["verdicts"].set_index("subject").loc["harmless"]
    agreement = record.frames["agreement"].query("subject == 'harmless' and states == 'own'")["estimate"].iloc[0]
    measured = f"{verdict['verdict']} at {agreement:.0%} agreement"
    right = verdict["verdict"] == "keeps" and agreement < 0.5
    bars.add("planted harmless disagreement: no failure", "keeps the return", measured, right)


def same_episodes(bars: Bars) -> None:
    """The tasks that students learn on are gymnasium's: the same seeds, starts, states and returns."""
    apart, n = 0.0, 0
    for env in ("CartPole-v1", "MountainCar-v0", "Acrobot-v1", "Pendulum-v1"):
        outside, inside = EnvironmentSource.of(env), EnvironmentSource.of(teachers.known_dynamics(env))
        for actor in (TeacherPolicy(cells.teacher_of(env), outside.actions), RandomPolicy(outside.actions, 0)):
            # chance draws for all states at once: only alone does an episode get the same draws twice
            seeds = range(1, 31, 2) if isinstance(actor, TeacherPolicy) else (1,)
            first = run_episodes(outside, actor, list(seeds))
            again = actor if isinstance(actor, TeacherPolicy) else RandomPolicy(outside.actions, 0)
            second = run_episodes(inside, again, list(seeds))
            same = first.states.shape == second.states.shape and (first.ending == second.ending).all()
            apart = max(apart, float(np.abs(first.returns - second.returns).max()) if same else float("inf"))
            n += len(first.returns)
        outside.close()
    bars.at_most(f"tasks written as functions against gymnasium: returns of {n} episodes", 1e-6, apart)


def same_dynamics(bars: Bars) -> None:
    """The steps that teachers are solved on are gymnasium's own."""
    import gymnasium

    worst = 0.0
    for env, step in (("MountainCar-v0", teachers.mountain_car_step), ("Acrobot-v1", teachers.acrobot_step)):
        made = gymnasium.make(env).unwrapped
        made.reset(seed=0)
        rng = np.random.default_rng(0)
        for _ in range(500):
            before, action = np.array(made.state, dtype=float), int(rng.integers(3))
            terminated = made.step(action)[2]
            after, goal = step(before[None], np.array([action]))
            worst = max(worst, float(np.abs(after[0] - np.array(made.state)).max()), float(bool(goal[0]) != terminated))
            if terminated:
                made.reset()
    bars.at_most("dynamics of solved teachers against gymnasium's, 1,000 steps: largest difference", 1e-9, worst)


def main(argv: list[str] | None = None) -> int:
    parser = options("Return of small students in gymnasium")
    parser.add_argument("--only", choices=list(cells.SIZES), help="one environment")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="students per environment and size")
    parser.add_argument("--minutes", type=float, default=1e9, help="start no cell after so long")
    args = parser.parse_args(argv)
    end, seeds = time.monotonic() + 60 * args.minutes, 1 if args.quick else args.seeds
    bars = Bars(f"policies: {seeds} seeds, {30 if args.quick else cells.EPISODES} gymnasium episodes each")
    for env, sizes in cells.SIZES.items():
        if args.only not in (None, env) or (args.quick and env in ("LunarLander-v3", "Acrobot-v1")):
            continue
        for leaves in sizes[:1] if args.quick else sizes:
            frame = measured(env, leaves, seeds, args.quick, end)
            if frame.empty:
                bars.add(f"{env}, {leaves} leaves", "5 seeds", "no time", None)
            else:
                judge(bars, env, leaves, frame)
    if args.only is None:
        planted(bars)
        same_dynamics(bars)
        same_episodes(bars)
    return bars.finish(args)


if __name__ == "__main__":
    raise SystemExit(main())
