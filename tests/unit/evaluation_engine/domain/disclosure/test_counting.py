from evaluation_engine.domain.disclosure.counting import scale_of, total_only
from evaluation_engine.domain.expression import parse
from evaluation_engine.domain.kpi_measures import Measure, Proportion, Rate
from evaluation_engine.domain.packs import ALL
from evaluation_engine.domain.packs.operations import DEFINITIONS

RATINGS = parse("rating.1 + rating.2 + rating.3 + rating.4 + rating.5")


def test_a_share_that_a_body_defines_of_people_is_one_between_nobody_and_all() -> None:
    unhappy = Proportion(parse("rating.1 + rating.2"), RATINGS)
    assert scale_of(unhappy) == (0, 1)
    assert not total_only(unhappy)


def test_of_weighted_people_and_of_events_only_the_total_is_shown() -> None:
    measures: tuple[Measure, ...] = (
        Proportion(parse("0.5 * rating.4 + rating.5"), RATINGS),
        Proportion(parse("step.pay.errors"), parse("step.pay.reached")),
        Rate(parse("complaints"), parse("j.completed"), factor=1000),
    )
    for measure in measures:
        assert scale_of(measure) is None
        assert total_only(measure)


def test_what_machines_measure_is_shown_by_group() -> None:
    assert not any(total_only(one.measure) for one in DEFINITIONS)


def test_every_kpi_of_the_packs_shows_its_groups() -> None:
    assert [one.id for one in ALL if total_only(one.measure)] == []
