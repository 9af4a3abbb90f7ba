"""A CSV of journeys through the command into the real collector."""

from __future__ import annotations

import csv
import json
import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

from .conftest import Collector, now

MAPPING = """\
kind: journeys
source: urn:test:{run}
observed_until: {until}
times: {{formats: ["%d/%m/%Y %H:%M"], zone: Europe/Athens}}
fields:
  service: {{column: service, values: {{Permit: permit, Parking: parking, Ferry: ferry}}}}
  journey_id: {{column: case}}
  channel: {{column: how, values: {{Desk: counter, Internet: web}}}}
events:
  - {{kind: started, id: [case], occurred_at: {{column: start}}}}
  - {{kind: step, id: [task], occurred_at: {{column: at}}, step: {{column: activity}}}}
  - {{kind: fulfilled, id: [case], only_when: end, occurred_at: {{column: end}}}}
"""
HEADER = ["case", "service", "how", "start", "task", "activity", "at", "end"]
ROWS = [
    ["c1", "Permit", "Desk", "01/03/2011 09:00", "t1", "Check", "01/03/2011 10:00", "05/03/2011 12:00"],
    ["c1", "Permit", "Desk", "01/03/2011 09:00", "t2", "Decide", "02/03/2011 10:00", "05/03/2011 12:00"],
    ["c2", "Permit", "Pigeon", "01/03/2011 09:00", "t3", "-Check", "01/03/2011 10:00", ""],
    ["c3", "Ferry", "Internet", "01/03/2011 09:00", "t4", "Check", "01/03/2011 10:00", ""],
    ["c4", "Parking", "Internet", "01/03/2011 09:00", "t5", "Check", "31/02/2011 10:00", ""],
]


class Desk:
    """Runs the command in a folder of its own."""

    def __init__(self, collector: Collector, folder: Path) -> None:
        self.collector = collector
        self.folder = folder
        self.run = secrets.token_hex(4)
        self.mapping = folder / "map.yaml"
        self.mapping.write_text(MAPPING.format(run=self.run, until=now()), encoding="utf-8")

    def write(self, name: str, rows: list[list[str]], header: list[str] = HEADER) -> Path:
        path = self.folder / name
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *rows])
        return path

    def import_file(self, path: Path, *options: str) -> tuple[int, dict[str, Any]]:
        env = {
            **os.environ,
            "CIVILOOP_COLLECTOR_URL": str(self.collector.client.base_url),
            "CIVILOOP_KEY": self.collector.keys["city"],
        }
        command = [sys.executable, "-m", "civiloop_cli", "import", "journeys", str(path)]
        options = ("--mapping", str(self.mapping), "--json", *options)
        done = subprocess.run([*command, *options], env=env, capture_output=True, text=True, timeout=60, check=False)
        assert done.stdout, done.stderr
        return done.returncode, dict(json.loads(done.stdout))

    def ids(self) -> list[str]:
        """The ids of this run that are on the topic."""
        return sorted(e.id for e in self.collector.written() if e.source == f"urn:test:{self.run}")


def test_good_rows_are_in_and_rejected_ones_can_be_mended_and_imported_again(
    collector: Collector, tmp_path: Path
) -> None:
    desk = Desk(collector, tmp_path)
    code, report = desk.import_file(desk.write("log.csv", ROWS))
    assert code == 1
    assert (report["rows"], report["taken_rows"], report["rejected_rows"]) == (5, 2, 3)
    assert sorted((fault["row"], fault["field"]) for fault in report["rejected"]) == [
        (4, "channel"),
        (5, "service"),
        (6, "occurred_at"),
    ]
    assert desk.ids() == ["fulfilled/c1", "started/c1", "step/t1", "step/t2"]

    rejected = Path(report["rejected_file"])
    text = rejected.read_text(encoding="utf-8-sig")
    mended = text.replace("Pigeon", "Desk").replace("Ferry", "Parking").replace("31/02", "28/02")
    (tmp_path / "mended.csv").write_text(mended, encoding="utf-8")
    code, report = desk.import_file(tmp_path / "mended.csv")
    assert (code, report["taken_rows"]) == (0, 3), report
    assert len(desk.ids()) == 4 + 2 * 3
    [odd] = [envelope for envelope in collector.written() if envelope.data.get("step") == "-Check"]
    assert odd.data["occurred_at"] == "2011-03-01T08:00:00Z"


def test_the_same_file_twice_gives_the_same_events(collector: Collector, tmp_path: Path) -> None:
    desk = Desk(collector, tmp_path)
    path = desk.write("log.csv", ROWS[:2])
    assert desk.import_file(path) == desk.import_file(path)
    ids = desk.ids()
    assert len(ids) == 2 * len(set(ids))
    payloads = {(e.id, json.dumps(e.data)) for e in collector.written() if e.source == f"urn:test:{desk.run}"}
    assert len(payloads) == len(set(ids))


def test_a_dry_run_tells_of_the_same_faults_and_writes_nothing(collector: Collector, tmp_path: Path) -> None:
    desk = Desk(collector, tmp_path)
    code, report = desk.import_file(desk.write("log.csv", ROWS), "--dry-run", "--rejected", str(tmp_path / "bad.csv"))
    assert (code, report["dry_run"], report["rejected_rows"]) == (1, True, 3)
    assert desk.ids() == []
    assert (tmp_path / "bad.csv").exists()


def test_what_stands_in_the_way_is_told_and_nothing_is_written(collector: Collector, tmp_path: Path) -> None:
    desk = Desk(collector, tmp_path)
    code, answer = desk.import_file(desk.write("log.csv", [], ["case"]))
    assert code == 1
    assert answer["error"]["code"] == "mapping_invalid"
    assert "log.csv has no column 'service'" in answer["error"]["message"]
