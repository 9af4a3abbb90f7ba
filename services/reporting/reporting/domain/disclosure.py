"""Which results the public may see.

A cell of fewer than ``MINIMUM_CELL`` people is hidden, with everything that is computed from it, and so is a group
whose members all answered alike. The total, which is shown, less the cells that are shown leaves the hidden ones
together: so at least two cells are hidden, of at least ``MINIMUM_CELL`` people together, and more are hidden where
that needs it (complementary suppression, see Hundepool et al., "Statistical Disclosure Control", 2012, chapter 4).
"""

from __future__ import annotations

from collections.abc import Iterable

from civiloop_shared.contracts.evaluations import KpiResult, ResultState

MINIMUM_CELL = 10
"""Fewer people than this are never shown apart."""


def publishable(result: KpiResult) -> KpiResult:
    """Return the result as the public may see it: unchanged, or without its numbers when too few are behind it."""
    return result if result.n == 0 or _big_enough(result) else _hidden(result)


def publishable_cuts(results: Iterable[KpiResult], total: int | None = None) -> tuple[KpiResult, ...]:
    """Return the cells of one KPI over one dimension as the public may see them: small ones and give-aways hidden.

    ``total`` is the number of people behind the KPI as a whole. Those of them who are in no cell are hidden as it is.
    """
    cells = tuple(results)
    hidden = {index for index, cell in enumerate(cells) if cell.n > 0 and not _big_enough(cell)}
    apart = max(0, total - sum(cell.n for cell in cells)) if total is not None else 0
    shown = sorted(
        (index for index, cell in enumerate(cells) if cell.n > 0 and index not in hidden),
        key=lambda index: (cells[index].n, cells[index].cut),
    )
    while shown and _gives_away([cells[index].n for index in hidden], apart):
        hidden.add(shown.pop(0))
    return tuple(_hidden(cell) if index in hidden else cell for index, cell in enumerate(cells))


def _gives_away(hidden: list[int], apart: int) -> bool:
    """Say whether total less shown tells too much: one hidden group alone, or a few people in several."""
    if not hidden:
        return 0 < apart < MINIMUM_CELL
    return len(hidden) + (apart > 0) == 1 or sum(hidden) + apart < MINIMUM_CELL


def _big_enough(result: KpiResult) -> bool:
    return result.n >= MINIMUM_CELL and not (result.cut and _unanimous(result))


def _unanimous(result: KpiResult) -> bool:
    """Say whether all of a group answered alike: then the share says it of each of them."""
    shares = result.unit == "%" and result.numerator is not None and result.denominator
    return bool(shares) and result.numerator in (0, result.denominator)


def _hidden(result: KpiResult) -> KpiResult:
    return result.model_copy(
        update={
            "state": ResultState.SUPPRESSED,
            "reason": f"fewer than {MINIMUM_CELL} people",
            "value": None,
            "n": 0,
            "eligible": None,
            "response_rate": None,
            "interval": None,
            "numerator": None,
            "denominator": None,
            "channels_reporting": (),
            "details": {},
        }
    )
