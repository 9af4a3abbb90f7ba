"""Numbers that carry their own proof, against published examples."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback_api.domain.check_digits import (
    dutch_citizen_number,
    greek_insurance_number,
    greek_tax_number,
    iban,
    iranian_national_number,
    luhn,
    payment_card,
)

DIGITS = st.text("0123456789", min_size=12, max_size=18)


@pytest.mark.parametrize("number", ["4111111111111111", "5500005555555559", "340000000000009", "6037991234567893"])
def test_a_payment_card_passes_luhn(number: str) -> None:
    assert payment_card(number)


@pytest.mark.parametrize("number", ["4111111111111112", "411111111111", "0000000000000000"])
def test_what_fails_luhn_or_is_too_short_is_no_card(number: str) -> None:
    assert not payment_card(number)


@given(DIGITS)
def test_exactly_one_last_digit_completes_a_luhn_number(digits: str) -> None:
    assert sum(luhn(f"{digits}{last}") for last in range(10)) == 1


@pytest.mark.parametrize(
    "account",
    ["GR1601101250000000012300695", "NL91ABNA0417164300", "gb82west12345698765432", "IR062960000000100324200001"],
)
def test_an_iban_of_its_country_s_length_passes(account: str) -> None:
    assert iban(account)


@pytest.mark.parametrize("account", ["GR1601101250000000012300696", "NL91ABNA041716430", "ZZ91ABNA0417164300"])
def test_a_wrong_digit_length_or_country_is_no_iban(account: str) -> None:
    assert not iban(account)


@pytest.mark.parametrize(
    ("test", "valid", "invalid"),
    [
        (greek_tax_number, "094014201", "094014202"),
        (greek_insurance_number, "01013099997", "01013099998"),
        (greek_insurance_number, "01013099997", "01133099997"),
        (iranian_national_number, "0499370899", "0499370898"),
        (iranian_national_number, "0013542419", "1111111111"),
        (dutch_citizen_number, "111222333", "111252333"),
    ],
)
def test_national_numbers_are_told_by_their_check_digit(test: Callable[[str], bool], valid: str, invalid: str) -> None:
    assert test(valid)
    assert not test(invalid)
