"""How a service runs, from measurements that are reported under fixed names."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import Any

from evaluation_engine.domain.kpi import Definition
from evaluation_engine.domain.kpi_measures import Linear, MeasuredMean, Proportion, Rate, measured
from evaluation_engine.domain.packs.pack import reported, three

_runs: Any = partial(
    Definition,
    version=1,
    family="it_performance",
    outcome="service",
    nature="quantitative",
    anchor="day",
    dimensions=(),
    pack="generic",
)

AVAILABILITY: Definition = _runs(
    id="availability",
    title=three("Availability", "Διαθεσιμότητα", "دسترس‌پذیری"),
    it_kind="technology",
    aspect="effectiveness",
    goal="The service is there whenever people need it.",
    signal="The share of watched time in which it answers goes up.",
    formula="seconds up / seconds watched × 100; time that nobody watched is in neither, and shown",
    source="ITU-T E.800 (availability performance), over watched time",
    measure=Rate(
        measured("up-seconds"), measured("watched-seconds"), factor=100, n_of="m.watched-seconds.n", of_time=True
    ),
    unit="%",
    direction="up",
    scale=(0.0, 100.0),
    needs=(reported("watched-seconds", "a value for each day"), reported("up-seconds", "a value for each day")),
    interval="delta",
    minimum_to_show=1,
    minimum_to_judge=28,
)

_REQUESTS = ("requests-satisfied", "requests-tolerating", "requests-frustrated")


def _total(*parts: tuple[Fraction, str]) -> Linear:
    return Linear(tuple((factor / 1000, f"m.{name}.sum") for factor, name in parts))


APDEX: Definition = _runs(
    id="apdex",
    title=three("Apdex", "Apdex", "Apdex"),
    it_kind="technology",
    aspect="efficiency",
    goal="Nobody waits for the machine.",
    signal="More requests are answered within the time that satisfies.",
    formula="(satisfied + tolerating / 2) / requests; satisfied up to T, tolerating up to 4 T",
    source="Apdex Alliance, Application Performance Index, Technical Specification 1.1",
    measure=Rate(
        _total((Fraction(1), _REQUESTS[0]), (Fraction(1, 2), _REQUESTS[1])),
        _total(*((Fraction(1), name) for name in _REQUESTS)),
    ),
    unit="of 1",
    direction="up",
    scale=(0.0, 1.0),
    needs=tuple(reported(name, "a count for each period") for name in _REQUESTS),
    interval="delta",
)

MTTR: Definition = _runs(
    id="mttr",
    title=three("Mean time to restore", "Μέσος χρόνος αποκατάστασης", "میانگین زمان بازگردانی"),
    it_kind="process",
    aspect="efficiency",
    goal="What breaks is soon mended.",
    signal="The time from the start of an incident to its end goes down.",
    formula="mean of the lengths of incidents that ended in the period, in hours",
    source="DORA, Accelerate State of DevOps: time to restore service",
    measure=MeasuredMean("incident-minutes", Fraction(1, 60)),
    unit="hours",
    direction="down",
    needs=(reported("incident-minutes", "minutes, a value for each incident at the instant of its end"),),
    interval="t",
    minimum_to_show=1,
    minimum_to_judge=10,
)

CHANGE_FAILURE: Definition = _runs(
    id="change-failure-rate",
    title=three("Change failure rate", "Ποσοστό αποτυχημένων αλλαγών", "نرخ شکست تغییرها"),
    it_kind="process",
    aspect="effectiveness",
    goal="A release doesn't hurt anybody.",
    signal="The share of changes that had to be mended or taken back goes down.",
    formula="failed changes / changes × 100, as counts reported; a period without failures is reported as 0",
    source="DORA, Accelerate State of DevOps: change failure rate",
    measure=Proportion(measured("failed-changes"), measured("changes")),
    unit="%",
    direction="down",
    scale=(0.0, 100.0),
    needs=(reported("changes", "a count"), reported("failed-changes", "a count, 0 too")),
    interval="wilson",
    minimum_to_show=5,
    minimum_to_judge=20,
)

DEFINITIONS = (AVAILABILITY, APDEX, MTTR, CHANGE_FAILURE)
