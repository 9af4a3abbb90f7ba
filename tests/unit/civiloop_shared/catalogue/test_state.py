"""What the records of the catalogue topic add up to."""

from civiloop_shared.catalogue.state import CatalogueState, Change
from tests.support.catalogue import key_record, service_record


def test_the_last_record_of_a_service_wins() -> None:
    state = CatalogueState()
    state.apply([Change(*service_record("permit", version=1)), Change(*service_record("permit", version=2))])
    assert state.services["permit"].version == 2


def test_a_null_value_ends_a_service_and_a_key() -> None:
    state = CatalogueState()
    record, _ = key_record("abcdefgh1234")
    state.apply([Change(*service_record("permit")), Change(*record)])
    state.apply([Change(b"service/permit", None), Change(record[0], None)])
    assert not state.services
    assert not len(state.keys)


def test_what_is_known_already_is_no_news() -> None:
    state = CatalogueState()
    change = Change(*service_record("permit"))
    assert state.apply([change]) == [change]
    assert state.apply([change]) == []
    assert state.apply([Change(b"service/other", None)]) == []


def test_records_that_can_not_be_read_are_skipped_and_counted() -> None:
    state = CatalogueState()
    good = Change(*service_record("permit"))
    bad = [
        Change(b"service/tax", b"no json"),
        Change(b"service/tax", service_record("permit")[1]),
        Change(b"nonsense/x", b"{}"),
        Change(b"\xff\xfe", b"{}"),
        Change(b"key/abcdefgh", service_record("permit")[1]),
    ]
    assert state.apply([*bad, good]) == [good]
    assert state.skipped == len(bad)


def test_a_record_that_can_not_be_read_leaves_the_last_good_one_in_force() -> None:
    state = CatalogueState()
    state.apply([Change(*service_record("permit")), Change(b"service/permit", b"broken")])
    assert "permit" in state.services
