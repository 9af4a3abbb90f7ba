"""``python -m tests.load``: measure everything, or what is named, on a platform of its own."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from tests.load import estate, evaluations, intake, looks, reading, scale, stream
from tests.load.report import GENEROUS, Figure, Ratio, show
from tests.load.stage import Stage
from tests.support.platform import Infra, running_infra, running_platform

_SECTIONS = ("intake", "visible", "stream", "growth", "memory", "looks", "scale", "evaluate")
_ON_ONE_SERVICE = frozenset(_SECTIONS) - {"looks", "scale", "evaluate"}


def main() -> None:
    """Run the sections and print what they gave."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("sections", nargs="*", choices=[*_SECTIONS, []], help="what to measure; all when none is named")
    parser.add_argument("--rounds", type=int, default=5, help="pairs of each ratio")
    parser.add_argument("--requests", type=int, default=6_000, help="single feedbacks a round")
    parser.add_argument("--batches", type=int, default=40, help="batches of 1,000 journey events a round")
    parser.add_argument("--events", type=int, default=1_000_000, help="events that the scorecard must not feel")
    parser.add_argument("--trials", type=int, default=100, help="feedbacks whose way to the scorecard is timed")
    parser.add_argument("--years", type=int, default=1_000, help="simulated years of hourly looks")
    parser.add_argument("--pairs", type=int, default=2, help="pairs of platforms, with few services and with many")
    parser.add_argument("--services", type=int, default=estate.SERVICES, help="services that are evaluated over a year")
    wanted = parser.parse_args()
    sections = wanted.sections or _SECTIONS
    ratios: list[Ratio] = []
    figures: list[Figure] = []
    if "looks" in sections:
        figures += looks.measure(years=wanted.years)
    if set(sections) - {"looks"}:
        with running_infra() as infra:
            if _ON_ONE_SERVICE & set(sections):
                more_ratios, more_figures = _on_one_service(infra, sections, wanted)
                ratios += more_ratios
                figures += more_figures
            if "scale" in sections:
                ratios += scale.measure(infra, rounds=wanted.pairs, batches=wanted.batches, trials=wanted.trials)
            if "evaluate" in sections:
                more_ratios, more_figures = evaluations.measure(infra, services=wanted.services)
                ratios += more_ratios
                figures += more_figures
    show(ratios, figures)


def _on_one_service(
    infra: Infra, sections: Sequence[str], wanted: argparse.Namespace
) -> tuple[list[Ratio], list[Figure]]:
    ratios: list[Ratio] = []
    figures: list[Figure] = []
    with running_platform(infra, CIVILOOP_LIMITS=GENEROUS) as platform:
        stage = Stage(platform)
        stage.apply_catalogue()
        if "intake" in sections:
            ratios += intake.measure(stage, rounds=wanted.rounds, requests=wanted.requests)
        if "visible" in sections:
            figures += reading.measure_visible(stage, trials=wanted.trials)
        if "stream" in sections:
            ratios += stream.measure(stage, rounds=wanted.rounds, batches=wanted.batches)
        if "growth" in sections:
            ratios += reading.measure_growth(stage, events=wanted.events, rounds=wanted.rounds)
        if "memory" in sections:
            figures += reading.memory(stage)
    return ratios, figures


if __name__ == "__main__":
    main()
