from __future__ import annotations

import pytest
from pydantic import Field, ValidationError

from civiloop_shared.settings import BootstrapServers, CommonSettings, DatabaseUrl, checked_only, load_settings


class Needy(CommonSettings):
    database_url: DatabaseUrl = Field(validation_alias="DATABASE_URL", repr=False)
    kafka_bootstrap_servers: BootstrapServers = Field(validation_alias="KAFKA_BOOTSTRAP_SERVERS")
    receipt_secret: str = Field(min_length=32, repr=False)


GOOD = {
    "DATABASE_URL": "postgresql://u:hidden@localhost:5432/civiloop",
    "KAFKA_BOOTSTRAP_SERVERS": "a:9092,b:9092",
    "CIVILOOP_RECEIPT_SECRET": "s" * 32,
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_settings_come_from_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CIVILOOP_TRUSTED_PROXIES", "10.0.0.0/8, 192.168.1.1,fd00::/8")
    environment.setenv("CIVILOOP_LIMITS", '{"read": {"per_second": 5, "burst": 10}}')
    environment.setenv("CIVILOOP_PORT", "")
    settings = load_settings(Needy)
    assert settings.database_url == GOOD["DATABASE_URL"]
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.0/8", "192.168.1.1/32", "fd00::/8"]
    assert settings.limits["read"].burst == 10
    assert settings.port == 8600


def test_secrets_do_not_show_in_a_representation(environment: pytest.MonkeyPatch) -> None:
    shown = repr(load_settings(Needy))
    assert "hidden" not in shown
    assert "s" * 32 not in shown


def test_settings_are_frozen(environment: pytest.MonkeyPatch) -> None:
    settings = load_settings(Needy)
    with pytest.raises(ValidationError):
        setattr(settings, "port", 1)  # noqa: B010 - the type checker refuses the plain form


def test_all_faults_are_listed_at_once_without_a_value(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("DATABASE_URL", "mysql://canary")
    environment.delenv("KAFKA_BOOTSTRAP_SERVERS")
    environment.setenv("CIVILOOP_RECEIPT_SECRET", "canary")
    environment.setenv("CIVILOOP_PORT", "canary")
    environment.setenv("CIVILOOP_TRUSTED_PROXIES", "canary")
    environment.setenv("CIVILOOP_LIMITS", '{"read": {"per_second": -5, "burst": 10}}')
    with pytest.raises(SystemExit) as caught:
        load_settings(Needy)
    assert caught.value.code == 2
    told = capsys.readouterr().err
    for name in (
        "DATABASE_URL",
        "KAFKA_BOOTSTRAP_SERVERS",
        "CIVILOOP_RECEIPT_SECRET",
        "CIVILOOP_PORT",
        "CIVILOOP_TRUSTED_PROXIES",
        "CIVILOOP_LIMITS",
    ):
        assert name in told
    assert "canary" not in told


def test_a_limit_that_is_not_json_is_named_without_its_value(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("CIVILOOP_LIMITS", "canary")
    with pytest.raises(SystemExit) as caught:
        load_settings(Needy)
    assert caught.value.code == 2
    told = capsys.readouterr().err
    assert "CIVILOOP_LIMITS" in told
    assert "canary" not in told


def test_check_says_that_the_settings_are_good_and_ends(environment: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit) as caught:
        checked_only(Needy, ["--check"])
    assert caught.value.code == 0
    assert checked_only(Needy, []).port == 8600
