"""Who is shown how far work has come: a bar in terminals and notebooks, lines of text, or a caller's function."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

from explaindistill.asking.progress_report import Progress
from explaindistill.errors import InvalidTypeError

if TYPE_CHECKING:
    from explaindistill.asking.progress import Work

__all__ = ["Display", "Heartbeat", "display_for"]

BEAT = 0.5
"""Seconds between two signs of life: what people take for a stop begins at one or two."""
PATIENCE = 2.0
"""Seconds before a bar appears that nobody asked for: shorter work would only flicker."""
LINE_SECONDS = 10.0
"""Seconds between two lines of one stage where there is no terminal: a log is to be read afterwards."""
SWITCH = "EXPLAINDISTILL_PROGRESS"
"""Environment variable: 0 means that no bar appears that was not asked for."""


class Display(Protocol):
    """What is shown to somebody; called from one thread at a time."""

    def show(self, report: Progress) -> None:
        """Show how far it is."""

    def close(self) -> None:
        """Take away what must not stay."""


def display_for(progress: Any, nested: bool = False) -> Display | None:
    """Who is shown it: see :func:`explaindistill.asking.progress.under_way`; None for nobody.

    Work inside of other work shows nothing by itself unless it was asked to.

    Examples
    --------
    >>> display_for(False) is None
    True
    >>> display_for("yes")
    Traceback (most recent call last):
        ...
    explaindistill.errors.InvalidTypeError: progress must be None, True, False or a function of one argument, got 'yes'
    """
    if callable(progress):
        return _Call(progress)
    if progress is not None and not isinstance(progress, bool):
        raise InvalidTypeError(f"progress must be None, True, False or a function of one argument, got {progress!r}")
    if progress is False or (progress is None and (nested or not _is_watched())):
        return None
    if not _has_screen():
        return _Lines() if progress else None
    return _Bar(0.0 if progress else PATIENCE)


def _is_watched() -> bool:
    """Whether bars that nobody asked for may appear: in the main thread of the main process, and not switched off."""
    main = threading.current_thread() is threading.main_thread() and multiprocessing.parent_process() is None
    return main and os.environ.get(SWITCH) != "0"


def _has_screen() -> bool:
    from rich.console import Console

    console = Console(stderr=True)
    if console.is_jupyter:  # there a bar of rich is a widget, and without these each one is a warning with a path
        return find_spec("ipywidgets") is not None
    return sys.stderr.isatty() and not console.is_dumb_terminal


class Heartbeat:
    """A thread that shows how far work is, whether or not the work says anything: a teacher may take minutes."""

    def __init__(self, work: Work, display: Display) -> None:
        self._work, self._display = work, display
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="explaindistill progress", daemon=True)
        self._thread.start()

    def _beat(self) -> None:
        while not self._over.is_set():
            try:
                self._display.show(self._work.report())
            except Exception as error:  # of a caller's own function: raised in the thread that works
                self._work.error = error
                return
            self._over.wait(BEAT)

    def stop(self) -> None:
        """End the thread and take the display away."""
        self._over.set()
        self._thread.join()
        self._display.close()

    def last(self, report: Progress) -> None:
        """Tell the caller's function that all is done, or raise what it raised."""
        if self._work.error is not None:
            raise self._work.error
        if isinstance(self._display, _Call):
            self._display.show(report)


class _Call:
    def __init__(self, function: Callable[[Progress], object]) -> None:
        self._function = function

    def show(self, report: Progress) -> None:
        self._function(report)

    def close(self) -> None:
        """Nothing is left of a call."""


class _Lines:
    """A line for each stage, and one every ten seconds."""

    def __init__(self) -> None:
        self._stage, self._next = "", 0.0

    def show(self, report: Progress) -> None:
        if report.stage != self._stage or report.seconds >= self._next:
            self._stage, self._next = report.stage, report.seconds + LINE_SECONDS
            sys.stderr.write(f"[{report.seconds:.0f} s] {report.words()}\n")
            sys.stderr.flush()

    def close(self) -> None:
        """Lines stay."""


class _Bar:
    """A bar of the library rich, on standard error or in the cell of a notebook."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._bar: Any = None

    def show(self, report: Progress) -> None:
        if self._bar is None and report.seconds < self._patience:
            return
        if self._bar is None:
            self._bar = _opened_bar()
        words = {"stage": report.stage, "asked": f"{report.n_asked:,} rows asked" if report.n_asked else ""}
        # until a share can be told the bar moves to and fro
        total = 1.0 if report.share > 0 else None
        self._bar.update(self._bar.task_ids[0], total=total, completed=report.share, left=report.left(), **words)
        self._bar.refresh()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.stop()


def _opened_bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, ProgressColumn, Task, TaskProgressColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar
    from rich.text import Text

    class Field(ProgressColumn):
        """Plain words, of which none is read as markup."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self._name = name

        def render(self, task: Task) -> Text:
            return Text(str(task.fields.get(self._name, "")))

    columns = (Field("stage"), BarColumn(), TaskProgressColumn(), Field("asked"), TimeElapsedColumn(), Field("left"))
    # one thread shows all: that of the heartbeat
    bar = Bar(*columns, console=Console(stderr=True), auto_refresh=False, transient=True)
    bar.add_task("", total=None, stage="", asked="", left="")
    bar.start()
    return bar
