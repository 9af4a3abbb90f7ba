"""The sample on a platform of its own: loaded, brought up to now, streamed to; and what the commands make of it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console
from typer.testing import CliRunner

from civiloop_cli import sample
from civiloop_cli.api import Api
from civiloop_cli.app import app
from civiloop_cli.progress import PlainProgress
from civiloop_cli.sample.load import catalogue_files
from civiloop_cli.sample.profiles import PROFILES
from tests.support.platform import Infra, RunningPlatform, running_platform


@pytest.fixture(scope="module")
def loaded(infra: Infra) -> Iterator[RunningPlatform]:
    with running_platform(infra) as platform:
        load(platform)
        yield platform


def load(platform: RunningPlatform) -> None:
    progress = PlainProgress(Console(quiet=True))
    asyncio.run(sample.load(platform.addresses, progress=progress))


def civiloop(platform: RunningPlatform, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[int, str]:
    addresses = platform.addresses
    for name, value in {
        "CIVILOOP_KEY": addresses.admin_key,
        "CIVILOOP_ENGINE_URL": addresses.engine_url,
        "CIVILOOP_REPORTING_URL": addresses.reporting_url,
        "CIVILOOP_FEEDBACK_URL": addresses.feedback_url,
        "CIVILOOP_COLLECTOR_URL": addresses.collector_url,
        "COLUMNS": "200",
    }.items():
        monkeypatch.setenv(name, value)
    done = CliRunner().invoke(app, list(arguments))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    return done.exit_code, done.output


def evaluations(platform: RunningPlatform, service: str) -> list[dict[str, Any]]:
    with Api(platform.addresses.reporting_url, platform.admin_key) as reporting:
        found: list[dict[str, Any]] = reporting.get(f"/v1/services/{service}/evaluations", limit=20)["items"]
        return found


@pytest.mark.requirement("A4")
def test_every_closed_month_of_every_sample_service_is_evaluated(loaded: RunningPlatform) -> None:
    for profile in PROFILES:
        assert [one["number"] for one in evaluations(loaded, profile.service)] == [6, 5, 4, 3, 2, 1]


@pytest.mark.requirement("E5.3.4")
def test_the_sample_shows_a_service_to_keep_and_one_to_redesign(loaded: RunningPlatform) -> None:
    verdicts = {
        profile.service: next(
            one["verdict"]
            for one in evaluations(loaded, profile.service)[0]["benchmarks"]
            if one["benchmark"] == "redesign"
        )
        for profile in PROFILES
    }

    assert verdicts["residence-certificate"] == "keep"
    assert verdicts["business-licence"] in {"redesign", "reimplement"}


@pytest.mark.requirement("U3")
def test_what_was_sent_stands_in_the_books(loaded: RunningPlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out = civiloop(loaded, monkeypatch, "verify", "--json")

    assert (code, json.loads(out)["balanced"]) == (0, True)


def test_loading_the_sample_again_changes_no_evaluation(loaded: RunningPlatform) -> None:
    before = {profile.service: evaluations(loaded, profile.service) for profile in PROFILES}

    load(loaded)

    for service, records in before.items():
        assert [one["inputs_digest"] for one in evaluations(loaded, service)] == [
            one["inputs_digest"] for one in records
        ]


def test_the_scorecard_names_value_interval_sample_target_and_status(
    loaded: RunningPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = evaluations(loaded, "parking-permit")[0]["period"]["end"]

    code, out = civiloop(loaded, monkeypatch, "scorecard", "parking-permit")

    assert code == 0, newest
    assert "completion-rate" in out
    assert "≥ 85.0 %" in out
    assert any(word in out for word in ("missed", "too close to call"))
    assert "redesign:" in out


def test_aggregates_rebuilt_from_facts_are_the_same(loaded: RunningPlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    period = evaluations(loaded, "parking-permit")[0]["period"]
    days = ("--from", period["start"][:10], "--to", period["end"][:10])

    code, out = civiloop(loaded, monkeypatch, "rebuild", "--service", "parking-permit", *days, "--json")

    done = json.loads(out)
    assert (code, done["changed"]) == (0, 0)
    assert done["cells"] > 100


def test_applying_the_sample_catalogue_again_makes_no_new_version(
    loaded: RunningPlatform, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    for file in catalogue_files():
        (tmp_path / file["path"]).write_text(file["text"], encoding="utf-8")

    code, out = civiloop(loaded, monkeypatch, "catalogue", "apply", str(tmp_path), "--json")

    assert code == 0
    assert json.loads(out)["applied"] is False


def test_a_catalogue_with_faults_is_refused_with_file_and_line(
    loaded: RunningPlatform, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("kind: service\nid: Bad Id\ntitle: {en: X}\nzone: Mars/Olympus\n", encoding="utf-8")

    code, out = civiloop(loaded, monkeypatch, "catalogue", "apply", str(bad), "--keep-missing")

    assert code == 1
    assert f"{bad}:2: id" in out
    assert f"{bad}:4: zone" in out


def test_the_demo_streams_events_that_are_counted(loaded: RunningPlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out = civiloop(loaded, monkeypatch, "demo", "--seconds", "3", "--rate", "20")

    assert code == 0, out
    assert "journeys" in out


@pytest.mark.requirement("B22")
def test_a_key_is_made_listed_and_revoked(loaded: RunningPlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    code, made = civiloop(loaded, monkeypatch, "keys", "create", "--scope", "read", "--label", "front end", "--json")
    key = json.loads(made)

    assert code == 0
    assert civiloop(loaded, monkeypatch, "keys", "revoke", key["id"])[0] == 0
    listed = json.loads(civiloop(loaded, monkeypatch, "keys", "list", "--json")[1])
    assert next(one for one in listed if one["id"] == key["id"])["revoked_at"]


def test_the_live_verdict_goes_on_from_the_last_closed_month(loaded: RunningPlatform) -> None:
    with Api(loaded.addresses.reporting_url, loaded.admin_key) as reporting:

        def live() -> str:
            benchmarks = reporting.get("/v1/services/business-licence/scorecard")["benchmarks"]
            return next(str(one["verdict"]) for one in benchmarks if one["benchmark"] == "redesign")

        deadline = time.monotonic() + 10
        while live() not in {"redesign", "reimplement"}:
            assert time.monotonic() < deadline, f"the live verdict is {live()}"
            time.sleep(0.2)


@pytest.mark.requirement("C5")
def test_what_people_write_about_is_shown_with_what_it_costs_and_examples(
    loaded: RunningPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    for service in ("parking-permit", "business-licence"):
        months = evaluations(loaded, service)

        code, out = civiloop(loaded, monkeypatch, "themes", service, "--period", span(months[-1], months[0]), "--json")
        assert code == 0, out
        shown = {one["theme"]: one for one in json.loads(out)["themes"]}
        assert {"payment", "documents", "waiting"} <= shown.keys()
        assert shown["payment"]["impact"] > 0
        assert shown["payment"]["languages"].keys() >= {"el", "en"}
        assert shown["payment"]["quotes"]
        words = [quote["text"] for one in shown.values() for quote in one["quotes"]]
        assert not any(text in json.dumps(months, ensure_ascii=False) for text in words)

        newest = next(one for one in months if one["themes"])
        code, out = civiloop(loaded, monkeypatch, "themes", service, "--period", span(newest, newest), "--json")
        for one in (computed := json.loads(out)["themes"]):
            one.pop("quotes")
        assert (code, computed) == (0, newest["themes"])


@pytest.mark.requirement("B12")
def test_a_quote_is_public_once_it_is_released_by_command_and_until_it_is_withdrawn(
    loaded: RunningPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    months = evaluations(loaded, "parking-permit")
    period = ("--period", span(months[-1], months[0]))
    _, out = civiloop(loaded, monkeypatch, "themes", "parking-permit", *period, "--json")
    quote = next(one for one in json.loads(out)["themes"] if one["theme"] == "payment")["quotes"][0]

    def listed() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(
            civiloop(loaded, monkeypatch, "quotes", "list", "parking-permit", "--json")[1]
        )
        return found

    about = ("parking-permit", quote["id"])
    why = ("--reason", "for the annual report")
    code, out = civiloop(loaded, monkeypatch, "quotes", "release", *about, "--theme", "payment", *period, *why)
    assert code == 0, out
    assert [(one["text"], one["public"], one["reason"]) for one in listed()] == [(quote["text"], True, why[1])]
    assert quote["text"][:20] in civiloop(loaded, monkeypatch, "quotes", "list", "parking-permit")[1]

    assert civiloop(loaded, monkeypatch, "quotes", "withdraw", *about, "--reason", "over")[0] == 0
    assert [one["public"] for one in listed()] == [False]
    assert civiloop(loaded, monkeypatch, "quotes", "withdraw", *about, "--reason", "over")[0] == 1


@pytest.mark.requirement("A7")
def test_phrases_are_shown_by_command_in_two_comparisons(
    loaded: RunningPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    months = evaluations(loaded, "business-licence")
    period = ("--period", span(months[0], months[0]))

    code, out = civiloop(loaded, monkeypatch, "themes", "business-licence", "--phrases", *period, "--json")
    assert code == 0, out
    found = json.loads(out)
    assert found["low_against_high"]["comments"] > 0
    assert found["low_against_high"]["others"] > 0
    phrases = [*found["against_before"]["phrases"], *found["low_against_high"]["phrases"]]
    assert all(one["n"] >= 10 and one["q_value"] <= 0.05 for one in phrases)

    code, out = civiloop(loaded, monkeypatch, "themes", "business-licence", "--phrases", *period)
    assert code == 0, out
    assert "with a low score against" in out
    assert all(one["name"] in out for one in phrases)


def span(first: dict[str, Any], last: dict[str, Any]) -> str:
    """From the start of one evaluation to the end of another, as local days."""
    zone = ZoneInfo(first["period"]["zone"])
    instants = (first["period"]["start"], last["period"]["end"])
    return "/".join(str(datetime.fromisoformat(one).astimezone(zone).date()) for one in instants)
