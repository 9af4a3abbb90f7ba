import os
import time
from io import StringIO

from rich.console import Console

from civiloop_cli.progress import LiveProgress, PlainProgress, progress_on


def test_without_a_terminal_lines_are_plain() -> None:
    out = StringIO()
    progress = progress_on(Console(file=out))
    assert isinstance(progress, PlainProgress)
    with progress.step("Starting Kafka", done="Kafka is ready"):
        pass
    assert out.getvalue().startswith("Starting Kafka …\nKafka is ready (0.0 s)\n")


def test_long_lines_are_not_broken() -> None:
    out = StringIO()
    progress_on(Console(file=out, width=20)).line("a path " + "x" * 80)
    assert out.getvalue().count("\n") == 1


def test_a_terminal_sees_the_open_step_and_then_a_tick() -> None:
    out = StringIO()
    console = Console(file=out, force_terminal=True, width=80, _environ={**os.environ, "TERM": "xterm"})
    with progress_on(console) as progress:
        assert isinstance(progress, LiveProgress)
        with progress.step("Starting Kafka") as step:
            step.advance(1, 2)
            time.sleep(0.25)
        with progress.step("Starting again"):
            pass
    assert "Starting Kafka" in out.getvalue()
    assert "✓" in out.getvalue()


def test_no_color_is_heeded() -> None:
    out = StringIO()
    environment = {"NO_COLOR": "1", "TERM": "xterm"}
    console = Console(file=out, force_terminal=True, width=80, _environ=environment)
    with progress_on(console) as progress:
        progress.line("careful", style="yellow")
    assert "\x1b[33m" not in out.getvalue()
