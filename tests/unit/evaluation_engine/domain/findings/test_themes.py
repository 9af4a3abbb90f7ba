"""Findings about what people write: told by counts, tested with all others."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from civiloop_shared.contracts.evaluations import FindingKind
from evaluation_engine.domain.findings import theme
from evaluation_engine.domain.findings.discover import discover
from evaluation_engine.domain.findings.finding import Finding
from evaluation_engine.domain.findings.scene import Scene
from tests.support.made_up_services import Service

THEMES = ("payment", "documents", "waiting", "staff", "language", "ease")


def comments(dice: np.random.Generator, n: int, shares: dict[str, float], low: frozenset[str] = frozenset()) -> Any:
    """Comments with themes independent of each other; those with a theme of `low` rate worse."""
    found: dict[str, int] = {"comment.n": n}

    def add(name: str) -> None:
        found[name] = found.get(name, 0) + 1

    for _ in range(n):
        having = [one for one, share in shares.items() if dice.random() < share]
        rating = int(np.clip(round(dice.normal(2.2 if low & set(having) else 3.7, 1)), 1, 5))
        add(f"comment.rating.{rating}")
        for one in having:
            add(f"theme.{one}.n")
            add(f"theme.{one}.rating.{rating}")
    return found


def scene(flat: Scene, seed: int, shares: dict[str, float], low: frozenset[str] = frozenset()) -> Scene:
    dice = np.random.default_rng(seed)
    usual = dict.fromkeys(THEMES, 0.1)
    before = tuple(comments(dice, 150, usual, low) for _ in range(12))
    now = {**flat.now, **comments(dice, 150, usual | shares, low)}
    return replace(flat, now=now, before=before, themes={"payment": "Payment"})


def told(candidates: Any) -> list[Finding]:
    return [one.finding for one in candidates if one.finding is not None]


@pytest.mark.requirement("C5")
def test_a_theme_that_rises_is_the_first_finding_of_its_service() -> None:
    flat = Service(21, a_day=10).scene()

    found, *others = discover(scene(flat, 21, {"payment": 0.32}))

    assert (found.kind, found.cause) == (FindingKind.THEME_RISING, "theme=payment")
    assert "“Payment”" in found.statement
    assert found.q_value is not None
    assert found.q_value < 0.05
    assert found.link("permit") == "/v1/services/permit/themes?period=2026-09-01/2026-10-01"
    assert others == []


def test_a_theme_that_goes_with_low_scores_is_told_with_its_interval() -> None:
    flat = Service(22, a_day=10).scene()

    (found,) = discover(scene(flat, 22, {"documents": 0.1}, frozenset({"documents"})))

    assert (found.kind, found.cause) == (FindingKind.THEME_DRIVER, "theme=documents")
    assert found.interval is not None
    assert found.interval.low is not None
    assert found.interval.low > 0


def test_new_is_told_as_new() -> None:
    flat = Service(23, a_day=10).scene()
    dice = np.random.default_rng(23)
    before = tuple(comments(dice, 100, {"staff": 0.1}) for _ in range(8))
    [found] = told(theme.rising(replace(flat, now=comments(dice, 100, {"staff": 0.1, "queue": 0.2}), before=before)))

    assert found.numbers["new"] == 1
    assert "did not come up in 800 before" in found.statement


def test_over_a_hundred_flat_services_few_have_a_finding_about_themes() -> None:
    flat = Service(24, a_day=10).scene()

    told_of = [seed for seed in range(100) if discover(scene(flat, 1_000 + seed, {}))]

    assert len(told_of) <= 9


def test_without_comments_nothing_is_tested() -> None:
    flat = Service(25, a_day=10).scene()

    assert [*theme.rising(flat), *theme.drivers(flat)] == []
