"""1,434 real permit cases over HTTP: the platform's numbers are those of a plain computation on the same file."""

from __future__ import annotations

import csv
import json
import os
import statistics
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from lifelines import KaplanMeierFitter
from lifelines.utils import restricted_mean_survival_time
from statsmodels.duration.survfunc import CumIncidenceRight

from tests.support.platform import Infra, RunningPlatform, running_platform

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "permit-receipts"
FILE = Path(os.environ.get("CIVILOOP_REAL_DATA") or ROOT.parent / "shared" / "data") / "permit-receipts.csv"
SERVICE = "permit-receipts"
PERIOD = "2010-10-01/2012-02-01"
CHANNELS = {"Internet": "web", "Desk": "counter", "Post": "letter", "e-mail": "email", "Intern": "internal"}
OBSERVED_UNTIL = datetime.fromisoformat("2012-01-23T15:42:54.644+01:00")
SILENCE = timedelta(hours=8784)
DAY_MS = 86_400_000
RAN_DRY = (
    "The number of journeys fell about the week of 28 December 2011: 19.6 a week in the 17 weeks before, "
    "2.2 a week since."
)
FAULTY = {"case-10862", "case-8267"}

pytestmark = pytest.mark.skipif(
    not FILE.exists(), reason=f"real data is not here: {FILE.name} (say where it lies with CIVILOOP_REAL_DATA)"
)


@dataclass(frozen=True)
class Case:
    """One case as the file tells it."""

    id: str
    channel: str
    start: datetime
    end: datetime | None
    last: datetime
    steps: tuple[tuple[str, datetime], ...]

    def ended_before(self, at: datetime) -> bool:
        return self.end is not None and not self.is_faulty and self.end < at

    @property
    def is_faulty(self) -> bool:
        return self.end is not None and self.end < self.start

    @property
    def duration_ms(self) -> int:
        assert self.end is not None
        return _ms(self.end - self.start)

    @property
    def followed(self) -> tuple[int, int]:
        """How long it was followed in ms, and why no longer: fulfilled 1, fallen silent 2, still open 0."""
        if self.end is not None:
            return self.duration_ms, 1
        silent = self.last + SILENCE
        return (_ms(silent - self.start), 2) if silent <= OBSERVED_UNTIL else (_ms(OBSERVED_UNTIL - self.start), 0)


def _ms(time: timedelta) -> int:
    return round(time / timedelta(milliseconds=1))


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    """Read the file as plainly as can be."""
    rows: dict[str, list[dict[str, str]]] = defaultdict(list)
    with FILE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rows[row["case:concept:name"]].append(row)
    moment = datetime.fromisoformat
    return [
        Case(
            case_id,
            CHANNELS[lines[0]["case:channel"]],
            moment(lines[0]["case:startdate"]),
            moment(lines[0]["case:enddate"]) if lines[0]["case:enddate"] else None,
            max(moment(line["time:timestamp"]) for line in lines),
            tuple((line["concept:name"], moment(line["time:timestamp"])) for line in lines),
        )
        for case_id, lines in rows.items()
    ]


@pytest.fixture(scope="module")
def finished(cases: list[Case]) -> list[Case]:
    return [case for case in cases if case.end is not None and not case.is_faulty]


@pytest.fixture(scope="module")
def imported(infra: Infra) -> Iterator[RunningPlatform]:
    """A platform of its own into which the file was imported."""
    with running_platform(infra) as platform:
        text = (EXAMPLE / "catalogue" / "permit-receipts.yaml").read_text(encoding="utf-8")
        files = [{"path": "permit-receipts.yaml", "text": text}]
        with api(platform, platform.addresses.engine_url) as engine:
            answer = engine.post("/v1/catalogue/apply", json={"files": files, "keep_missing": True})
        assert answer.is_success, answer.text
        first = until(lambda: import_file(platform), lambda report: report.get("taken_rows") == 8_577)
        assert first["items"] == 1_434 + 8_577 + 1_329
        assert first["rejected_rows"] == 0
        yield platform


@pytest.fixture(scope="module")
def scorecard(imported: RunningPlatform, finished: list[Case]) -> dict[str, Any]:
    """The scorecard of the whole log, once everything is counted."""
    with api(imported, imported.addresses.reporting_url) as reporting:

        def ask() -> dict[str, Any]:
            answer = reporting.get(f"/v1/services/{SERVICE}/scorecard", params={"period": PERIOD})
            return dict(answer.json()) if answer.is_success else {"answer": answer.text}

        until(ask, lambda card: result(card, "fulfilment-time-mean").get("n") == len(finished))
        evaluate(imported)
        return until(ask, lambda card: bool(card.get("cuts")))


def evaluate(platform: RunningPlatform) -> dict[str, Any]:
    """Have the whole log evaluated and stored, every channel by itself."""
    with api(platform, platform.addresses.engine_url) as engine:
        answer = engine.post(f"/v1/services/{SERVICE}/evaluations", json={"period": PERIOD})
    assert answer.is_success, answer.text
    return dict(answer.json())


def api(platform: RunningPlatform, url: str) -> httpx.Client:
    headers = {"authorization": f"Bearer {platform.admin_key}"}
    return httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=30)


def import_file(platform: RunningPlatform) -> dict[str, Any]:
    """Run the command as a person does."""
    arguments = ["import", "journeys", str(FILE), "--mapping", str(EXAMPLE / "mapping.yaml"), "--json"]
    rejected = platform.data_dir.root / "rejected.csv"
    env = {**os.environ, "CIVILOOP_COLLECTOR_URL": platform.addresses.collector_url, "CIVILOOP_KEY": platform.admin_key}
    done = subprocess.run(
        [sys.executable, "-m", "civiloop_cli", *arguments, "--rejected", str(rejected)],
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return dict(json.loads(done.stdout)) if done.stdout else {"error": done.stderr}


def until(
    ask: Callable[[], dict[str, Any]], good: Callable[[dict[str, Any]], bool], timeout_s: float = 60
) -> dict[str, Any]:
    """Ask until the answer is good: the catalogue and the engine need a moment."""
    deadline = time.monotonic() + timeout_s
    while not good(answer := ask()):
        assert time.monotonic() < deadline, f"after {timeout_s:g} s still {str(answer)[:2_000]}"
        time.sleep(0.5)
    return answer


def result(card: dict[str, Any], kpi: str, cut: str = "") -> dict[str, Any]:
    listed = card.get("cuts" if cut else "results") or []
    return next((one for one in listed if one["kpi"] == kpi and one["cut"] == cut), {})


def percentile(values: list[int], tenths: int) -> float:
    """Return a decile by linear interpolation (Hyndman and Fan, type 7)."""
    return statistics.quantiles(values, n=10, method="inclusive")[tenths - 1]


def assert_durations(card: dict[str, Any], durations: list[int], cut: str = "") -> None:
    mean = result(card, "fulfilment-time-mean", cut)
    assert mean["n"] == len(durations)
    if len(durations) < mean["minimum_to_show"]:
        assert mean["value"] is None
        return
    assert mean["value"] * DAY_MS == pytest.approx(sum(durations) / len(durations), abs=0.5, rel=0)
    for kpi, tenths in (("fulfilment-time-median", 5), ("fulfilment-time-p90", 9)):
        assert result(card, kpi, cut)["value"] * DAY_MS == pytest.approx(percentile(durations, tenths), rel=0.01)


def test_the_file_is_the_one_that_the_numbers_are_known_of(cases: list[Case], finished: list[Case]) -> None:
    assert len(cases) == 1_434
    assert len(finished) == 1_327
    assert {case.id for case in cases if case.is_faulty} == FAULTY
    assert sum(case.end is None for case in cases) == 105
    assert max(case.last for case in cases) == OBSERVED_UNTIL


@pytest.mark.requirement("F3")
def test_time_to_fulfilment_overall(scorecard: dict[str, Any], finished: list[Case]) -> None:
    assert_durations(scorecard, [case.duration_ms for case in finished])


@pytest.mark.parametrize("channel", sorted(CHANNELS.values()))
def test_time_to_fulfilment_by_channel(scorecard: dict[str, Any], finished: list[Case], channel: str) -> None:
    durations = [case.duration_ms for case in finished if case.channel == channel]
    assert_durations(scorecard, durations, f"channel={channel}")


@pytest.mark.requirement("F3")
@pytest.mark.parametrize("channel", ["", *sorted(CHANNELS.values())])
def test_mean_time_to_citizen_fulfilment_is_that_of_lifelines_on_the_raw_rows(
    scorecard: dict[str, Any], cases: list[Case], channel: str
) -> None:
    rows = [case.followed for case in cases if not case.is_faulty and channel in ("", case.channel)]
    times, why = np.array(rows, dtype=float).T
    cut = f"channel={channel}" if channel else ""
    mean = result(scorecard, "mtcf-mean", cut)
    assert mean["n"] == len(rows)
    if len(rows) < mean["minimum_to_show"]:
        assert mean["value"] is None
        return
    horizon = min(365 * DAY_MS, times.max())
    expected = restricted_mean_survival_time(KaplanMeierFitter().fit(times, why == 1), t=horizon)
    assert mean["value"] * DAY_MS == pytest.approx(expected, rel=1e-12)
    curve = CumIncidenceRight(times, why)
    for kpi, q in (("mtcf-median", 0.5), ("mtcf-p90", 0.9)):
        value = curve.times[np.argmax(curve.cinc[0] >= q)]
        assert result(scorecard, kpi, cut)["value"] * DAY_MS == pytest.approx(value, rel=0.005)


@pytest.mark.requirement("B1")
def test_cases_by_channel(scorecard: dict[str, Any], cases: list[Case]) -> None:
    usable = Counter(case.channel for case in cases if not case.is_faulty)
    counted = {channel: result(scorecard, "completion-rate", f"channel={channel}").get("n") for channel in usable}
    assert counted == dict(usable)


@pytest.mark.requirement("B4")
def test_digital_take_up(scorecard: dict[str, Any], finished: list[Case]) -> None:
    digital = sum(case.channel == "web" for case in finished)
    take_up = result(scorecard, "digital-take-up")
    assert (take_up["numerator"], take_up["denominator"]) == (digital, len(finished))
    assert take_up["value"] == pytest.approx(100 * digital / len(finished))


def test_ends_before_starts_are_visible_and_open_cases_are_followed(
    scorecard: dict[str, Any], cases: list[Case], finished: list[Case]
) -> None:
    details = result(scorecard, "mtcf-mean")["details"]
    still_open = [case for case in cases if case.end is None]
    silent = [case for case in still_open if case.last + SILENCE <= OBSERVED_UNTIL]
    assert details["data_faults"] == 2
    assert details["open"] + details["ends"].get("abandoned", 0) == 105
    assert details["ends"].get("abandoned", 0) == len(silent)
    assert details["ends"]["fulfilled"] == len(finished)


def test_what_lies_outside_of_start_and_end_is_listed_by_kind_and_step(
    imported: RunningPlatform, scorecard: dict[str, Any], cases: list[Case]
) -> None:
    assert scorecard["kpis"]
    with api(imported, imported.addresses.engine_url) as engine:
        report = engine.get(f"/v1/services/{SERVICE}/quality", params={"period": PERIOD}).json()
    affected = {one["check"]: one["numbers"].get("affected") for one in report["checks"]}
    after = {case.id: {step for step, at in case.steps if case.ended_before(at)} for case in cases}
    before = {case.id: {step for step, at in case.steps if at < case.start} for case in cases}
    assert affected["events_after_end"] == sum(map(bool, after.values())) == 143
    assert affected["events_before_start"] == sum(map(bool, before.values())) == 2
    listed = {(one["kind"], one["step"]): one["journeys"] for one in report["out_of_order"]}
    told = {"after_end": after, "before_start": before}
    counted = Counter((kind, step) for kind, by_case in told.items() for steps in by_case.values() for step in steps)
    assert listed == counted | {("end_before_start", None): len(FAULTY)}


def test_hot_steps_and_change_points_of_the_log_are_what_the_findings_page_says(
    imported: RunningPlatform, scorecard: dict[str, Any], cases: list[Case]
) -> None:
    assert scorecard["kpis"]
    found = [one for one in evaluate(imported)["findings"] if one["kind"] in {"hot_step", "change_point"}]
    assert [(one["kind"], one["statement"]) for one in found] == [("change_point", RAN_DRY)]
    page = (ROOT / "docs" / "explanation" / "findings.md").read_text(encoding="utf-8")
    assert RAN_DRY in " ".join(page.split())
    weeks = Counter((date(2012, 2, 1) - case.start.date()).days // 7 for case in cases)
    means = (statistics.mean(weeks[k] for k in range(5, 22)), statistics.mean(weeks[k] for k in range(5)))
    assert f"{means[0]:.1f} a week in the 17 weeks before, {means[1]:.1f} a week since" in RAN_DRY


def test_importing_the_file_again_changes_nothing(imported: RunningPlatform, scorecard: dict[str, Any]) -> None:
    assert import_file(imported)["taken_rows"] == 8_577
    with api(imported, imported.addresses.engine_url) as engine:

        def ledger() -> dict[str, Any]:
            partitions = engine.get("/v1/ledger").json()["partitions"]
            journeys = [one for one in partitions if one["topic"].endswith("telemetry.journeys")]
            return {"duplicate": sum(one["duplicate"] for one in journeys)}

        until(ledger, lambda told: told["duplicate"] >= scorecard_events())
    evaluate(imported)
    with api(imported, imported.addresses.reporting_url) as reporting:
        again = reporting.get(f"/v1/services/{SERVICE}/scorecard", params={"period": PERIOD}).json()
    assert again["number"] == scorecard["number"]
    assert again["revision"] == scorecard["revision"]
    for kpi in ("fulfilment-time-mean", "digital-take-up", "mtcf-p90"):
        assert result(again, kpi)["value"] == result(scorecard, kpi)["value"]
        assert result(again, kpi)["n"] == result(scorecard, kpi)["n"]


def scorecard_events() -> int:
    """Return how many events the file makes."""
    return 1_434 + 8_577 + 1_329
