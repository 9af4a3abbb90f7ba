"""Make or renew `.venv` with nothing but a Python: `python3 shared/civiloop-cli/bootstrap.py [--dev]`.

Installs the hashed lock, then the six packages of this checkout, and leaves a stamp, so that nothing is done when
nothing has changed. Uses the standard library only. `make` looks for a Python that is new enough.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOG = VENV / "setup.log"
PACKAGES = (
    "shared/civiloop-shared",
    "shared/civiloop-cli",
    "services/feedback-api",
    "services/metrics-collector",
    "services/evaluation-engine",
    "services/reporting",
)
LOCKS = {"run": "requirements.lock", "dev": "requirements-dev.lock"}
# Settings that would send the packages elsewhere than into .venv; index, proxy, certificate and cache settings stay.
HARMFUL = (
    "PIP_USER",
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_REQUIREMENT",
    "PIP_CONSTRAINT",
    "PIP_REQUIRE_HASHES",
)
SHOWN_EVERY_S = 5.0


def say(text: str) -> None:
    """Print one line at once."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def main() -> int:
    """Return 0 when `.venv` is as the lock wants it."""
    kind = "dev" if "--dev" in sys.argv[1:] else "run"
    if any(read(stamp_path(done)) == fingerprint(done) for done in (("dev",) if kind == "dev" else ("run", "dev"))):
        return 0
    try:
        make_venv()
        install(kind)
    except SetupError as error:
        say(f"Error: {error}")
        return 1
    stamp_path(kind).write_text(fingerprint(kind))
    return 0


class SetupError(Exception):
    """What stands in the way and what to do about it."""


def stamp_path(kind: str) -> Path:
    """Where it is kept what was installed."""
    return VENV / f".civiloop-{kind}"


def fingerprint(kind: str) -> str:
    """Changes with the lock, a package's metadata, this file, the Python, and the place of the checkout."""
    digest = hashlib.sha256()
    files = [ROOT / LOCKS[kind], Path(__file__), *(ROOT / package / "pyproject.toml" for package in PACKAGES)]
    for file in files:
        digest.update(file.read_bytes())
    digest.update(str(ROOT).encode())
    digest.update(read(VENV / "pyvenv.cfg").encode())
    return digest.hexdigest()


def read(path: Path) -> str:
    """The text of a file, empty when it is not there."""
    try:
        return path.read_text()
    except OSError:
        return ""


def venv_is_whole() -> bool:
    """True when `.venv` works, has pip, and was made at this place."""
    if not PYTHON.exists() or str(VENV) not in read(VENV / "bin" / "activate"):
        return False
    probe = [str(PYTHON), "-c", "import pip, sys; sys.exit(sys.version_info < (3, 11))"]
    return subprocess.call(probe, env=environment(), stderr=subprocess.DEVNULL) == 0


def make_venv() -> None:
    """Make `.venv` unless it is whole."""
    if venv_is_whole():
        return
    try:
        import ensurepip  # noqa: F401
        import venv
    except ImportError as error:
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        raise SetupError(
            f"Python's module {error.name} is missing (on Debian and Ubuntu: apt install {package})"
        ) from error
    say(f"Making .venv with Python {sys.version_info[0]}.{sys.version_info[1]} ...")
    if VENV.exists():
        shutil.rmtree(str(VENV))
    base = getattr(sys, "_base_executable", None) or sys.executable
    code = subprocess.call([base, "-m", "venv", str(VENV)], env=environment())
    if code != 0:
        raise SetupError(f"the virtual environment could not be made with {venv.__name__}")


def install(kind: str) -> None:
    """Install the lock, then our packages without looking for anything more."""
    lock = ROOT / LOCKS[kind]
    count = sum(1 for line in lock.read_text().splitlines() if "==" in line)
    LOG.write_text("")
    pip(f"Installing {count} packages from {lock.name}", ["--require-hashes", "-r", str(lock)], count)
    ours = [word for package in PACKAGES for word in ("-e", str(ROOT / package))]
    pip("Installing Civiloop's own packages", ["--no-deps", "--no-build-isolation", *ours], 0)


def environment() -> dict[str, str]:
    """The caller's environment without what would lead pip out of `.venv`."""
    dropped = (*HARMFUL, "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    kept.update(PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1", PIP_ROOT_USER_ACTION="ignore", PIP_USER="0")
    return kept


def pip(title: str, arguments: list[str], count: int) -> None:
    """Run `pip install` with its output in a log and a word about progress now and then."""
    say(title + " ...")
    begun = shown = time.time()
    seen = 0
    with LOG.open("a") as log:
        process = subprocess.Popen(
            [str(PYTHON), "-m", "pip", "install", "--progress-bar", "off", *arguments],
            env=environment(),
            cwd=str(ROOT),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for line in process.stdout or ():
            log.write(line)
            seen += line.startswith(("Collecting ", "Requirement already satisfied"))
            if line.startswith("Installing collected packages"):
                say("  all fetched, unpacking ...")
                count = 0
            elif count and time.time() - shown > SHOWN_EVERY_S:
                shown = time.time()
                say(f"  {seen} of {count} fetched")
        code = process.wait()
    if code != 0:
        fail()
    say(f"  done in {time.time() - begun:.0f} s")


def fail() -> None:
    """Raise with the end of pip's output."""
    lines = [line for line in read(LOG).splitlines() if line.strip()][-8:]
    shown = "\n    ".join(lines)
    raise SetupError(
        f"pip could not install the packages:\n    {shown}\n"
        f"  → all of its output: {LOG}\n"
        "  → behind a proxy set HTTPS_PROXY; a mirror is named by PIP_INDEX_URL, its certificate by PIP_CERT"
    )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        say("interrupted; the next run goes on from here")
        sys.exit(130)
