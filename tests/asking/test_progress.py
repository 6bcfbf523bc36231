"""How far work is: shares, time that is left, who is shown it, and work inside of other work."""

import io
import sys
import threading
import time

import pytest

from explaindistill.asking import progress_display
from explaindistill.asking.progress import Stage, Work, current_work, enter, tell, under_way
from explaindistill.asking.progress_report import Progress
from explaindistill.errors import InvalidTypeError


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands until somebody moves it."""
    now = [0.0]
    monkeypatch.setattr("explaindistill.asking.progress.time.perf_counter", lambda: now[0])
    return now


def test_time_that_is_left_is_told_at_the_pace_of_the_teacher_and_of_the_rest(clock):
    work = Work([Stage("asking", work=0, rows=100), Stage("fitting", work=3), Stage("measuring", work=1, rows=50)])
    assert work.report() == Progress("asking", 0.0, 0, 0.0, pytest.approx(float("nan"), nan_ok=True))
    work.sent(100)
    with work.waiting():
        clock[0] = 20.0
    work.answered(100)
    work.enter("fitting")
    clock[0] = 50.0
    work.enter("measuring")
    # 3 parts took 30 s, so that the last one takes 10 s; 100 rows took 20 s, so that 50 take 10 s
    assert work.report() == Progress("measuring", pytest.approx(50 / 70), 100, 50.0, pytest.approx(20.0))


def test_a_question_under_way_counts_as_waiting(clock):
    work = Work([Stage("asking", work=1, rows=100), Stage("fitting", work=1)])
    work.answered(10)
    with work.waiting():
        clock[0] = 30.0
        assert work.report().seconds_remaining >= 30.0 / 10 * 90


def test_a_share_never_falls(clock):
    work = Work([Stage("asking", work=0, rows=10)])
    with work.waiting():
        clock[0] = 1.0
    work.answered(5)
    share = work.report().share
    assert share == pytest.approx(0.5)
    clock[0] = 100.0
    with work.waiting():
        clock[0] = 200.0
    assert work.report().share >= share


def test_rows_of_a_store_are_not_waited_for(clock):
    work = Work([Stage("asking", work=0, rows=100)])
    work.stored(60)
    with work.waiting():
        clock[0] = 20.0
    work.answered(20)
    assert work.report().seconds_remaining == pytest.approx(20.0)


def test_inner_work_tells_its_stages_to_the_outer_one():
    reports = []
    with under_way(reports.append, [Stage("one"), Stage("two")]) as outer:
        with under_way(None, [Stage("inner"), Stage("further")]) as inner:
            assert current_work() is outer
            inner.enter("further")
            assert outer.report().stage == "one: further"
        enter("two")
        tell("half", 0.5)
        assert outer.report().stage == "two: half"
    assert current_work() is None
    assert reports[-1].share == 1.0


def test_inner_work_with_a_function_of_its_own_tells_both():
    outer, inner = [], []
    with under_way(outer.append, [Stage("outer")]), under_way(inner.append, [Stage("inner")]) as work:
        work.sent(3)
    assert (outer[-1].stage, outer[-1].n_asked) == ("outer", 3)
    assert (inner[-1].stage, inner[-1].n_asked) == ("inner", 3)


def test_there_is_a_sign_of_life_while_nothing_is_said():
    times = []
    with under_way(lambda _: times.append(time.perf_counter()), [Stage("sleeping")]):
        time.sleep(4.4 * progress_display.BEAT)
    assert len(times) >= 4


def test_work_of_another_thread_is_not_mistaken_for_this_one():
    seen = []
    with under_way(False, [Stage("here")]):
        thread = threading.Thread(target=lambda: seen.append(current_work()))
        thread.start()
        thread.join()
    assert seen == [None]


def test_an_error_of_the_work_is_passed_on_and_ends_the_thread():
    with pytest.raises(ZeroDivisionError), under_way(lambda _: None, [Stage("dividing")]):
        raise ZeroDivisionError
    assert not any(t.name == "explaindistill progress" for t in threading.enumerate())


def test_an_error_of_the_function_that_is_told_is_raised_again_until_the_work_ends():
    work = Work([Stage("first"), Stage("second")])
    work.error = ZeroDivisionError()
    work.answered(3)  # answers that came are kept first
    work.sent(-3)  # rows that never left are taken back
    for _ in range(2):  # whoever takes the first one for its own stops at the next
        with pytest.raises(ZeroDivisionError):
            work.sent(3)
    with pytest.raises(ZeroDivisionError):
        work.enter("second")


def test_what_progress_may_be():
    with pytest.raises(InvalidTypeError, match="progress must be None, True, False or a function"), under_way(3, []):
        pass


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def test_a_bar_appears_in_a_terminal_after_two_seconds_and_not_before(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("EXPLAINDISTILL_PROGRESS", "1")
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    display = progress_display.display_for(None)
    display.show(Progress("asking [bold]", 0.2, 1200, 1.9, 9.0))
    assert terminal.getvalue() == ""
    display.show(Progress("asking [bold]", 0.2, 1200, 2.1, 9.0))
    display.close()
    for words in ("asking [bold]", "20%", "1,200 rows asked", "about 9 s left"):
        assert words in terminal.getvalue()
    monkeypatch.setenv("EXPLAINDISTILL_PROGRESS", "0")
    assert progress_display.display_for(None) is None
    assert progress_display.display_for(True) is not None


def test_no_bar_is_shown_in_a_pipe_nor_by_another_thread(monkeypatch):
    monkeypatch.setenv("EXPLAINDISTILL_PROGRESS", "1")
    assert progress_display.display_for(None) is None
    monkeypatch.setattr(sys, "stderr", Terminal())
    shown = []
    thread = threading.Thread(target=lambda: shown.append(progress_display.display_for(None)))
    thread.start()
    thread.join()
    assert shown == [None]


def test_lines_of_a_pipe_are_few(capsys):
    lines = progress_display.display_for(True)
    for seconds in range(25):
        lines.show(Progress("asking" if seconds < 12 else "fitting", 0.5, 0, float(seconds), 1.0))
    assert [line.split(",")[0] for line in capsys.readouterr().err.splitlines()] == [
        "[0 s] asking", "[10 s] asking", "[12 s] fitting", "[22 s] fitting",
    ]  # fmt: skip


@pytest.mark.parametrize("has_widgets", [True, False])
def test_a_notebook_without_widgets_has_no_bar(monkeypatch, has_widgets):
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    monkeypatch.setattr(progress_display, "find_spec", lambda name: object() if has_widgets else None)
    assert progress_display._has_screen() is has_widgets
