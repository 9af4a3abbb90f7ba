"""The README's commands, run as they stand there, on other addresses."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from civiloop_cli.platform import Platform
from tests.support.described import client, describe, eventually
from tests.support.platform import RunningPlatform
from tests.support.tools import ROOT, program

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```bash\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)
SERVICE = "parking-permit"
NEXT = "--- next block ---"
A_READERS_PAUSE = "sleep 2.5"


@pytest.fixture(scope="module")
def addresses(platform: RunningPlatform) -> Platform:
    describe(platform.addresses, SERVICE)
    return platform.addresses


@pytest.fixture(scope="module")
def answered_before(addresses: Platform) -> int:
    return answered(addresses)


@pytest.fixture(scope="module")
def said(addresses: Platform, answered_before: int) -> list[str]:
    """What each block prints."""
    places = {
        "http://127.0.0.1:8601": addresses.feedback_url,
        "http://127.0.0.1:8602": addresses.collector_url,
        "http://127.0.0.1:8604": addresses.reporting_url,
        ".venv/bin/": f"{Path(sys.executable).parent}/",
    }
    script = f"\necho '{NEXT}'; {A_READERS_PAUSE}\n".join(BLOCKS)
    for written, real in places.items():
        assert written in script
        script = script.replace(written, real)
    environment = {
        **os.environ,
        "CIVILOOP_ENGINE_URL": addresses.engine_url,
        "CIVILOOP_KEY": addresses.admin_key,
        "NO_PROXY": "127.0.0.1",
    }
    done = subprocess.run(
        [program("bash"), "-euo", "pipefail", "-c", script],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split(f"{NEXT}\n")


def answered(addresses: Platform) -> int:
    """How many ratings the scorecard of the service counts."""
    with client(addresses.reporting_url, addresses) as reporting:
        card = reporting.get(f"/v1/services/{SERVICE}/scorecard")
    if card.status_code == httpx.codes.NOT_FOUND:
        return 0
    results = card.raise_for_status().json()["results"]
    return next((int(one["n"]) for one in results if one["kpi"] == "csat"), 0)


@pytest.mark.requirement("U4")
def test_the_first_event_is_accepted_and_gives_a_receipt(said: list[str], addresses: Platform) -> None:
    answer = json.loads(said[1])

    assert answer["status"] == "accepted"
    receipt = httpx.get(f"{addresses.feedback_url}{answer['receipt_url']}", trust_env=False)
    assert receipt.json()["answers"]["rating"] == 5


@pytest.mark.requirement("U3")
def test_the_first_event_ends_in_the_scorecard(said: list[str], addresses: Platform, answered_before: int) -> None:
    assert said
    eventually(lambda: answered(addresses), lambda n: n == answered_before + 1)


def test_the_command_for_the_scorecard_shows_the_satisfaction(said: list[str]) -> None:
    assert "'kpi': 'csat'" in said[2]


def test_the_journey_is_accepted(said: list[str]) -> None:
    assert json.loads(said[3])["accepted"] == 1


@pytest.mark.requirement("U4")
def test_a_front_end_gets_a_series_and_a_table(said: list[str]) -> None:
    series, _, table = said[4].partition("}service")

    assert json.loads(series + "}")["kpi"] == "csat"
    assert ",csat," in table


@pytest.mark.requirement("U4")
def test_prometheus_finds_the_event_counted(said: list[str]) -> None:
    assert f'civiloop_feedback_accepted_total{{service="{SERVICE}"}}' in said[5]
