"""Progress of the steps of a command: a live line in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import Progress as RichBars
from rich.progress import SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

SHOWN_AFTER_S = 1.0
NOTED_AFTER_S = 4.0
NOTE_LENGTH = 40


class Step(Protocol):
    """One step under way."""

    def advance(self, done: int, total: int) -> None:
        """Say how far the step is."""

    def note(self, text: str) -> None:
        """Say what the step is waiting for."""


class Progress(Protocol):
    """Shows steps and single lines; several steps may be under way at once."""

    def step(self, title: str, *, done: str = "") -> AbstractContextManager[Step]:
        """Show `title` while the block runs and `done` (or the title) with its duration afterwards."""

    def line(self, text: str, *, style: str = "") -> None:
        """Show one line that stays."""


class PlainProgress:
    """For logs and pipes: one line when a step begins and one when it took over a second."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is open."""

    @contextmanager
    def step(self, title: str, *, done: str = "") -> Iterator[Step]:
        """Print the begin and the end of a step."""
        self.line(f"{title} …")
        begun = time.monotonic()
        yield _PlainStep(self, title)
        taken = time.monotonic() - begun
        if taken > SHOWN_AFTER_S or done:
            self.line(f"{done or title} ({taken:.1f} s)")

    def line(self, text: str, *, style: str = "") -> None:
        """Print one line, never wrapped."""
        self._console.print(text, style=style or None, markup=False, highlight=False, soft_wrap=True)


class _PlainStep:
    """Prints at most one line every five seconds."""

    def __init__(self, progress: PlainProgress, title: str) -> None:
        self._progress = progress
        self._title = title
        self._next_at = time.monotonic() + 5

    def advance(self, done: int, total: int) -> None:
        self._say(f"{self._title} … {done} of {total}")

    def note(self, text: str) -> None:
        self._say(f"{self._title} … {text}")

    def _say(self, text: str) -> None:
        if time.monotonic() >= self._next_at:
            self._next_at = time.monotonic() + 5
            self._progress.line(text)


class LiveProgress:
    """For terminals: a spinner for every open step."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._open = 0
        self._bars = RichBars(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}", style="dim"),
            console=console,
            transient=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the live lines away."""
        self._bars.stop()

    @contextmanager
    def step(self, title: str, *, done: str = "") -> Iterator[Step]:
        """Show a spinner while the block runs and a tick afterwards; nothing is redrawn while no step is open."""
        if self._open == 0:
            self._bars.start()
        self._open += 1
        task = self._bars.add_task(title, total=None, note="")
        begun = time.monotonic()
        try:
            yield _LiveStep(self._bars, task)
        finally:
            self._bars.remove_task(task)
            self._open -= 1
            if self._open == 0:
                self._bars.stop()
        self._console.print(f"[green]✓[/] {done or title} [dim]{time.monotonic() - begun:.1f} s[/]", highlight=False)

    def line(self, text: str, *, style: str = "") -> None:
        """Print one line above the live ones."""
        self._console.print(text, style=style or None, markup=False, highlight=False, soft_wrap=True)


class _LiveStep:
    """Notes are shown when the step takes long enough to wonder."""

    def __init__(self, bars: RichBars, task: TaskID) -> None:
        self._bars = bars
        self._task = task
        self._begun = time.monotonic()

    def advance(self, done: int, total: int) -> None:
        self._bars.update(self._task, note=f"{done} of {total}")

    def note(self, text: str) -> None:
        if time.monotonic() - self._begun > NOTED_AFTER_S:
            self._bars.update(self._task, note=text[:NOTE_LENGTH])


def progress_on(console: Console) -> PlainProgress | LiveProgress:
    """Live in a terminal, plain otherwise (rich itself heeds NO_COLOR, TERM and FORCE_COLOR)."""
    return LiveProgress(console) if console.is_terminal else PlainProgress(console)
