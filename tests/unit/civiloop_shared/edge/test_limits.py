from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from civiloop_shared.edge.limits import RateLimiter, address_bucket
from civiloop_shared.edge.policy import Limit
from civiloop_shared.settings import LimitSetting

SLOW = Limit("slow", per_second=2, burst=4)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_then_the_steady_rate() -> None:
    clock = Clock()
    limiter = RateLimiter(clock=clock)
    assert [limiter.take(SLOW, "a") for _ in range(4)] == [0.0] * 4
    assert abs(limiter.take(SLOW, "a") - 0.5) < 1e-9
    clock.now += 0.5
    assert limiter.take(SLOW, "a") == 0.0
    assert limiter.take(SLOW, "a") > 0


def test_callers_do_not_take_from_each_other() -> None:
    limiter = RateLimiter(clock=Clock())
    for _ in range(5):
        limiter.take(SLOW, "a")
    assert limiter.take(SLOW, "b") == 0.0


def test_waiting_as_long_as_told_is_enough() -> None:
    clock = Clock()
    limiter = RateLimiter(clock=clock)
    while not (wait := limiter.take(SLOW, "a")):
        pass
    clock.now += wait
    assert limiter.take(SLOW, "a") == 0.0


@given(st.lists(st.floats(0, 3), min_size=1, max_size=200))
def test_never_more_than_burst_and_rate_allow(pauses: list[float]) -> None:
    clock = Clock()
    limiter = RateLimiter(clock=clock)
    taken = 0
    for pause in pauses:
        clock.now += pause
        taken += limiter.take(SLOW, "a") == 0.0
    assert taken <= SLOW.burst + SLOW.per_second * sum(pauses) + 1e-6


def test_a_batch_larger_than_the_bucket_is_let_through_once_and_paid_off() -> None:
    clock = Clock()
    limiter = RateLimiter(clock=clock)
    assert limiter.take(SLOW, "a", 40) == 0.0
    assert limiter.take(SLOW, "a") > 17
    clock.now += 20
    assert limiter.take(SLOW, "a", 40) == 0.0


def test_memory_is_bounded_and_recent_callers_are_not_forgotten() -> None:
    clock = Clock()
    limiter = RateLimiter(clock=clock, max_buckets=100)
    for _ in range(4):
        limiter.take(SLOW, "greedy")
    for number in range(10_000):
        limiter.take(SLOW, f"stranger-{number}")
        if number % 50 == 0:
            clock.now += 0.5
            limiter.take(SLOW, "greedy")
    assert len(limiter) <= 200
    assert limiter.take(SLOW, "greedy") > 0


def test_settings_replace_the_numbers_of_a_class() -> None:
    limiter = RateLimiter({"slow": LimitSetting(per_second=1, burst=1)}, clock=Clock())
    assert [limiter.take(SLOW, "a") > 0 for _ in range(2)] == [False, True]


def test_an_ipv6_customer_is_one_caller_and_a_mapped_address_is_its_own() -> None:
    assert address_bucket("2001:db8:1:2:3::4") == address_bucket("2001:db8:1:2::ffff")
    assert address_bucket("2001:db8:1:2::1") != address_bucket("2001:db8:1:3::1")
    assert address_bucket("::ffff:192.0.2.1") == address_bucket("192.0.2.1")
