"""Kafka's jars: fetched by jgo into a cache outside the checkout, verified against committed sums.

`kafka.jars` names every jar (group:artifact:version, SHA-256). `python -m civiloop_cli.runtime.jars` resolves the
endpoint anew and rewrites it.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import ssl
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from civiloop_cli.errors import JarsUnavailableError
from civiloop_cli.progress import Step

KAFKA_VERSION = "4.3.1"
ENDPOINT = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}+org.apache.kafka:kafka-clients:{KAFKA_VERSION}"
    "+org.apache.logging.log4j:log4j-core:2.24.3+org.apache.logging.log4j:log4j-slf4j-impl:2.24.3"
)
MIRROR_VARIABLE = "CIVILOOP_MAVEN_URL"
AT_ONCE = 4
WAYS_OUT = (
    "give a Kafka that runs elsewhere: KAFKA_BOOTSTRAP_SERVERS=host:9092 civiloop up",
    "or start the platform on Docker: docker compose up",
)


@dataclass(frozen=True, slots=True)
class Jar:
    """One jar as it is committed."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def filename(self) -> str:
        """The name in the cache."""
        return f"{self.artifact}-{self.version}.jar"

    def __str__(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version} {self.sha256}"


def committed_jars() -> list[Jar]:
    """The jars that this version runs, in the order of the class path."""
    text = resources.files("civiloop_cli.runtime").joinpath("kafka.jars").read_text()
    return [_parse(line) for line in text.splitlines() if line and not line.startswith("#")]


def _parse(line: str) -> Jar:
    coordinate, sha256 = line.split()
    group, artifact, version = coordinate.split(":")
    return Jar(group, artifact, version, sha256)


def cache_dir() -> Path:
    """CIVILOOP_CACHE_DIR, or the place where this system keeps caches."""
    given = os.environ.get("CIVILOOP_CACHE_DIR")
    if given:
        return Path(given).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "civiloop"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "civiloop"


def is_intact(path: Path, sha256: str) -> bool:
    """True when the file is there and has the committed sum."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == sha256
    except OSError:
        return False


def missing_jars(jars: list[Jar], folder: Path) -> list[Jar]:
    """Those that have to be fetched; a damaged one counts as missing."""
    return [jar for jar in jars if not is_intact(folder / jar.filename, jar.sha256)]


def ensure_jars(step: Step, *, stop: threading.Event, folder: Path | None = None) -> list[Path]:
    """Fetch what is missing and return the class path; every jar in it has the committed sum.

    Raises:
        JarsUnavailableError: a jar can't be fetched, or is not the one that was committed.
    """
    target = folder or cache_dir() / "jars"
    jars = committed_jars()
    missing = missing_jars(jars, target)
    if missing:
        try:
            target.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise JarsUnavailableError(
                f"the cache {target} can't be written: {error.strerror}", hints=WAYS_OUT
            ) from error
        _fetch_all(missing, target, step, stop)
    return [target / jar.filename for jar in jars]


def _fetch_all(missing: list[Jar], target: Path, step: Step, stop: threading.Event) -> None:
    with (
        _system_certificates(),
        tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetch-") as scratch,
        ThreadPoolExecutor(AT_ONCE, thread_name_prefix="jars") as pool,
    ):
        context = _maven_context(Path(scratch))
        futures = [pool.submit(_fetch, context, jar, target, stop) for jar in missing]
        try:
            for done, future in enumerate(as_completed(futures), 1):
                future.result()
                step.advance(done, len(missing))
        finally:
            for future in futures:
                future.cancel()


@contextmanager
def _system_certificates() -> Iterator[None]:
    """Let requests trust what pip and the system trust: networks that inspect TLS have an authority of their own."""
    given = [os.environ.get(name) for name in ("REQUESTS_CA_BUNDLE", "PIP_CERT", "SSL_CERT_FILE")]
    bundle = next(
        (path for path in (*given, ssl.get_default_verify_paths().cafile) if path and Path(path).exists()), None
    )
    before = os.environ.get("REQUESTS_CA_BUNDLE")
    if bundle is None or bundle == before:
        yield
        return
    os.environ["REQUESTS_CA_BUNDLE"] = bundle
    try:
        yield
    finally:
        del os.environ["REQUESTS_CA_BUNDLE"]
        if before is not None:
            os.environ["REQUESTS_CA_BUNDLE"] = before


def _fetch(context: Any, jar: Jar, target: Path, stop: threading.Event) -> None:
    """Fetch into the scratch folder, verify, then move into the cache at once: others may fetch the same."""
    if stop.is_set():
        return
    try:
        found = context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
    except Exception as error:
        # jgo raises bare RuntimeError and whatever requests raises.
        raise JarsUnavailableError(
            f"{jar.filename} of Kafka can't be fetched: {_short(error)}", hints=_hints()
        ) from error
    if not is_intact(found, jar.sha256):
        raise JarsUnavailableError(
            f"{jar.filename} was fetched but is not the file whose SHA-256 is committed; it was not used",
            hints=_hints(),
        )
    shutil.move(found, target / f".{jar.filename}.{os.getpid()}")
    (target / f".{jar.filename}.{os.getpid()}").replace(target / jar.filename)


def _maven_context(scratch: Path) -> Any:
    from jgo.maven import MavenContext, PythonResolver

    logging.getLogger("jgo").setLevel(logging.ERROR)
    mirror = os.environ.get(MIRROR_VARIABLE, "").rstrip("/")
    remote = {"mirror": mirror} if mirror else None
    return MavenContext(resolver=PythonResolver(), repo_cache=scratch, remote_repos=remote, timeout=60)


def _short(error: Exception) -> str:
    words = str(error).split("{")[0].strip() or type(error).__name__
    return words[:200]


def _hints() -> tuple[str, ...]:
    return (
        "behind a proxy set HTTPS_PROXY; a certificate authority of your own is named by REQUESTS_CA_BUNDLE",
        f"a Maven mirror of your own is named by {MIRROR_VARIABLE}",
        *WAYS_OUT,
    )


def resolve_endpoint(scratch: Path) -> list[Jar]:
    """Resolve the endpoint with all it needs at run time, and sum what was fetched."""
    from jgo.parse import Endpoint

    context = _maven_context(scratch)
    given = [replace(c, scope=c.scope or "compile") for c in Endpoint.parse(ENDPOINT).coordinates]
    inputs, transitive = context.resolver.resolve([context.create_dependency(c) for c in given])
    chosen = [*inputs, *(d for d in transitive if d.scope in ("compile", "runtime"))]
    return [_summed(dependency.artifact) for dependency in chosen]


def _summed(artifact: Any) -> Jar:
    with artifact.resolve().open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Jar(artifact.groupId, artifact.artifactId, artifact.version, digest)


def main() -> None:
    """Rewrite the committed list next to this module."""
    with tempfile.TemporaryDirectory() as scratch:
        jars = resolve_endpoint(Path(scratch))
    head = f"# Made by `python -m civiloop_cli.runtime.jars` from {ENDPOINT}\n"
    Path(__file__).with_name("kafka.jars").write_text(head + "".join(f"{jar}\n" for jar in jars))


if __name__ == "__main__":
    main()
