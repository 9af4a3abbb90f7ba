import hashlib
import re
import threading
from pathlib import Path

import pytest

from civiloop_cli.errors import JarsUnavailableError
from civiloop_cli.runtime import jars
from civiloop_cli.runtime.jars import ENDPOINT, Jar, committed_jars, ensure_jars, is_intact, missing_jars


class _Counted:
    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []

    def advance(self, done: int, total: int) -> None:
        self.seen.append((done, total))

    def note(self, text: str) -> None: ...


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Two jars are committed; a Maven mirror is named where nobody listens."""
    content = {"one": b"first jar", "two": b"second jar"}
    listed = [Jar("org.example", name, "1.0", hashlib.sha256(text).hexdigest()) for name, text in content.items()]
    monkeypatch.setattr(jars, "committed_jars", lambda: listed)
    monkeypatch.setenv("CIVILOOP_MAVEN_URL", "http://127.0.0.1:9/maven")
    return content


def _fill(folder: Path, content: dict[str, bytes]) -> None:
    folder.mkdir()
    for name, text in content.items():
        (folder / f"{name}-1.0.jar").write_bytes(text)


def test_every_committed_jar_has_a_full_sum_and_stands_once() -> None:
    listed = committed_jars()
    assert all(re.fullmatch(r"[0-9a-f]{64}", jar.sha256) for jar in listed)
    assert len({jar.filename for jar in listed}) == len(listed) > 40


def test_the_committed_jars_hold_what_the_endpoint_asks_for() -> None:
    coordinates = {f"{jar.group}:{jar.artifact}:{jar.version}" for jar in committed_jars()}
    assert set(ENDPOINT.split("+")) <= coordinates


def test_a_jar_of_other_content_is_not_intact(tmp_path: Path) -> None:
    path = tmp_path / "a.jar"
    path.write_bytes(b"content")
    assert is_intact(path, hashlib.sha256(b"content").hexdigest())
    path.write_bytes(b"contend")
    assert not is_intact(path, hashlib.sha256(b"content").hexdigest())


def test_a_damaged_jar_counts_as_missing(tmp_path: Path, repository: dict[str, bytes]) -> None:
    _fill(tmp_path / "cache", {**repository, "two": b"tampered"})
    assert [jar.artifact for jar in missing_jars(jars.committed_jars(), tmp_path / "cache")] == ["two"]


def test_nothing_is_fetched_when_all_are_intact(tmp_path: Path, repository: dict[str, bytes]) -> None:
    _fill(tmp_path / "cache", repository)
    step = _Counted()
    found = ensure_jars(step, stop=threading.Event(), folder=tmp_path / "cache")
    assert [path.name for path in found] == ["one-1.0.jar", "two-1.0.jar"]
    assert step.seen == []


@pytest.mark.usefixtures("repository")
def test_what_cannot_be_fetched_is_said_with_the_two_ways_out(tmp_path: Path) -> None:
    with pytest.raises(JarsUnavailableError) as error:
        ensure_jars(_Counted(), stop=threading.Event(), folder=tmp_path / "cache")
    hints = "\n".join(error.value.hints)
    assert "KAFKA_BOOTSTRAP_SERVERS" in hints
    assert "docker compose up" in hints


def test_a_jar_of_another_sum_is_fetched_and_not_used(
    tmp_path: Path, repository: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    class _Maven:
        """Stands for a repository that gives other files than those that were committed."""

        def project(self, _group: str, artifact: str) -> "_Maven":
            self.name = artifact
            return self

        def at_version(self, _version: str) -> "_Maven":
            return self

        def artifact(self) -> "_Maven":
            return self

        def resolve(self) -> Path:
            path = tmp_path / "fetched.jar"
            path.write_bytes(b"something else")
            return path

    _fill(tmp_path / "cache", {"one": repository["one"]})
    monkeypatch.setattr(jars, "_maven_context", lambda _scratch: _Maven())
    with pytest.raises(JarsUnavailableError, match="not the file whose SHA-256"):
        ensure_jars(_Counted(), stop=threading.Event(), folder=tmp_path / "cache")
    assert not (tmp_path / "cache" / "two-1.0.jar").exists()


def test_the_cache_lies_outside_the_checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CIVILOOP_CACHE_DIR", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert jars.cache_dir() == tmp_path / "civiloop"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert jars.cache_dir() == tmp_path / ".cache" / "civiloop"
    monkeypatch.setattr("sys.platform", "darwin")
    assert jars.cache_dir() == tmp_path / "Library" / "Caches" / "civiloop"
