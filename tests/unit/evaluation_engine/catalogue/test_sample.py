"""The sample catalogue that comes with the command is a good one, and shows what a catalogue can say."""

from __future__ import annotations

from importlib.resources import files

from evaluation_engine.domain import rule as rules
from evaluation_engine.domain.kpi_catalogue import BY_ID
from evaluation_engine.domain.redesign.benchmark import faults
from evaluation_engine.ports.catalogue import StoredCatalogue
from evaluation_engine.service.catalogue.checking import Checked, Known, check_files
from evaluation_engine.service.catalogue.documents import to_json
from evaluation_engine.service.catalogue.reading import SourceFile
from evaluation_engine.service.evaluate.yardstick import yardsticks


def sample() -> Checked:
    folder = files("civiloop_cli") / "sample" / "catalogue"
    sources = [SourceFile(one.name, one.read_text(encoding="utf-8")) for one in folder.iterdir()]
    return check_files(sources, Known("local", {one.id: one.direction for one in BY_ID.values()}))


def test_the_sample_has_neither_faults_nor_warnings() -> None:
    assert sample().faults == ()


def test_every_service_of_the_sample_has_goals_of_two_kinds_targets_and_an_approved_benchmark() -> None:
    checked = sample()
    stored = StoredCatalogue(1, {name: to_json(one) for name, one in checked.documents.items()})
    found = yardsticks("local", stored)
    assert len(found) == 4
    for name, one in found.items():
        goals = {d.outcome for (kind, _), d in checked.documents.items() if kind == "goal" and d.service == name}  # type: ignore[union-attr]
        assert len(goals) >= 2
        assert len(one.targets) >= 3
        assert any(not benchmark.draft for benchmark in one.benchmarks)
        assert set(one.document.languages) == {"en", "el", "fa"} == set(one.document.title)
        for benchmark in one.benchmarks:
            assert faults(benchmark, BY_ID) == []
            assert rules.faults(benchmark.rules(), BY_ID) == []
    assert any(benchmark.draft for benchmark in found["business-licence"].benchmarks)
