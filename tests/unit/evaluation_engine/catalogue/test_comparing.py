"""The difference between two catalogues, field by field."""

from __future__ import annotations

from evaluation_engine.service.catalogue.comparing import Change, FieldChange, Stored, compare


def test_equal_catalogues_have_no_changes() -> None:
    assert compare({("goal", "a"): {"x": 1}}, {("goal", "a"): {"x": 1}}) == ()


def test_added_changed_and_removed_are_told_with_services_first() -> None:
    before: Stored = {("goal", "gone"): {"x": 1}, ("service", "s"): {"title": {"en": "A"}, "steps": ["a"]}}
    after: Stored = {
        ("target", "new"): {"x": 1},
        ("service", "s"): {"title": {"en": "B", "el": "Β"}, "steps": ["a", "b"]},
    }
    assert compare(before, after) == (
        Change(
            "service",
            "s",
            "changed",
            (
                FieldChange("steps", ["a"], ["a", "b"]),
                FieldChange("title.el", None, "Β"),
                FieldChange("title.en", "A", "B"),
            ),
        ),
        Change("goal", "gone", "removed"),
        Change("target", "new", "added"),
    )


def test_a_missing_service_is_retired_and_not_removed() -> None:
    assert compare({("service", "s"): {}}, {}) == (Change("service", "s", "retired"),)


def test_criteria_are_compared_by_id_and_not_by_place() -> None:
    before = {("benchmark", "b"): {"criteria": [{"id": "one", "goal": 1}, {"id": "two", "goal": 2}]}}
    after = {("benchmark", "b"): {"criteria": [{"id": "two", "goal": 3}, {"id": "one", "goal": 1}]}}
    assert compare(before, after)[0].fields == (FieldChange("criteria.two.goal", 2, 3),)
