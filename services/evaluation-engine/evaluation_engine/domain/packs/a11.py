"""OMB Circular A-11, section 280 (United States), second version of the survey: trust by thumb, and its drivers."""

from __future__ import annotations

from civiloop_shared.contracts.catalogue import QuestionDefined
from evaluation_engine.domain.kpi import Definition
from evaluation_engine.domain.kpi_measures import Proportion, Terms
from evaluation_engine.domain.packs.pack import Pack, asked, three

_SOURCE = "OMB Circular A-11, section 280 (2023 and later): trust and drivers of experience"
_DIMENSIONS = ("channel", "language", "assisted", "segment", "step")

DRIVERS = {
    "effectiveness": three("My need was addressed", "Η ανάγκη μου καλύφθηκε", "نیازم برآورده شد"),
    "ease": three("It was easy", "Ήταν εύκολο", "آسان بود"),
    "efficiency": three("It took a reasonable time", "Πήρε λογικό χρόνο", "زمان معقولی برد"),
    "transparency": three("I understood what was asked", "Κατάλαβα τι ζητήθηκε", "فهمیدم چه خواسته شد"),
    "humanity": three("Staff were helpful", "Το προσωπικό βοήθησε", "کارکنان یاری کردند"),
}

TRUST = Definition(
    id="a11-trust",
    version=1,
    title=three("Trust (A-11)", "Εμπιστοσύνη (A-11)", "اعتماد (A-11)"),
    family="customer_satisfaction",
    outcome="citizen",
    aspect="effectiveness",
    nature="qualitative",
    goal="Using the service makes people trust the office more.",
    signal="The share of thumbs up goes up.",
    formula="thumbs up / (thumbs up + thumbs down) × 100; no answer is neither",
    source=_SOURCE,
    measure=Proportion(Terms(("q.a11-trust.up",)), Terms(("q.a11-trust.up", "q.a11-trust.down"))),
    unit="%",
    direction="up",
    scale=(0.0, 100.0),
    needs=(asked("a11-trust", "up, down"),),
    interval="wilson",
    dimensions=_DIMENSIONS,
    pack="a11",
)


def _driver(driver: str, *, up: bool) -> Definition:
    question = "a11-liked" if up else "a11-disliked"
    mark = ("👍", "+") if up else ("👎", "−")
    return Definition(
        id=f"a11-{'liked' if up else 'disliked'}-{driver}",
        version=1,
        title={language: f"{text} {mark[1]} (A-11)" for language, text in DRIVERS[driver].items()},
        family="customer_satisfaction",
        outcome="citizen",
        aspect="effectiveness",
        nature="qualitative",
        goal="It is known what makes people trust the service, and what doesn't.",
        signal=f"The share who tick {driver} after thumbs {'up goes up' if up else 'down goes down'}.",
        formula=(
            f"{driver} ticked / people who were offered it after thumbs {'up' if up else 'down'} × 100; "
            "who was not offered it is not counted"
        ),
        source=_SOURCE,
        measure=Proportion(Terms((f"q.{question}.{driver}.ticked",)), Terms((f"q.{question}.{driver}.offered",))),
        unit="%",
        direction="up" if up else "down",
        scale=(0.0, 100.0),
        needs=(asked(question, f"list of {', '.join(DRIVERS)}"),),
        interval="wilson",
        dimensions=_DIMENSIONS,
        pack="a11",
    )


PACK = Pack(
    id="a11",
    title=three("A-11 section 280 (United States)", "A-11 ενότητα 280 (ΗΠΑ)", "A-11 بخش ۲۸۰ (آمریکا)"),
    source=_SOURCE,
    definitions=(TRUST, *(_driver(one, up=True) for one in DRIVERS), *(_driver(one, up=False) for one in DRIVERS)),
    questions=(
        QuestionDefined(
            id="a11-trust",
            kind="choice",
            values=("up", "down"),
            title=three(
                "This increased my trust in the office", "Αυτό αύξησε την εμπιστοσύνη μου", "این اعتمادم را بیشتر کرد"
            ),
        ),
        QuestionDefined(
            id="a11-liked",
            kind="multi",
            values=tuple(DRIVERS),
            title=three("What went well?", "Τι πήγε καλά;", "چه چیزی خوب بود؟"),
        ),
        QuestionDefined(
            id="a11-disliked",
            kind="multi",
            values=tuple(DRIVERS),
            title=three("What went wrong?", "Τι πήγε στραβά;", "چه چیزی بد بود؟"),
        ),
    ),
)
