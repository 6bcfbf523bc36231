"""A bar on standard error that shows how far long work has come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["progress_bar"]


@contextmanager
def progress_bar(words: str, total: int, shown: bool, unit: str = "") -> Iterator[Callable[[int], None]]:
    """Show count, rate in ``unit`` per second and time left, or nothing; yields what takes the number of things done.

    Examples
    --------
    >>> with progress_bar("asking the teacher", 10, shown=False) as advance:
    ...     advance(10)
    """
    if not shown or total == 0:
        yield lambda n: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn(words),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=total, rate="")

        def advance(n: int) -> None:
            bar.advance(task, n)
            speed = bar.tasks[0].speed
            bar.update(task, rate="" if speed is None or not unit else f"{speed:,.0f} {unit}/s")

        yield advance
