"""Keys go to the partitions that the Java client would choose."""

import pytest
from aiokafka.partitioner import murmur2 as reference
from hypothesis import given
from hypothesis import strategies as st

from civiloop_shared.kafka.partitioner import murmur2, partition_for

# From org.apache.kafka.common.utils.UtilsTest.
GOLDEN = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize(("data", "expected"), GOLDEN.items())
def test_the_hash_is_that_of_the_java_client(data: bytes, expected: int) -> None:
    assert murmur2(data) == expected & 0xFFFFFFFF


@given(st.binary(max_size=200))
def test_any_key_is_hashed_as_the_slow_reference_does(data: bytes) -> None:
    assert murmur2(data) == reference(data) & 0xFFFFFFFF


@given(st.binary(max_size=50), st.integers(min_value=1, max_value=50))
def test_every_key_has_a_partition_of_the_topic(key: bytes, partitions: int) -> None:
    assert 0 <= partition_for(key, partitions) < partitions


def test_golden_partitions_do_not_move() -> None:
    keys = [b"city/j-1", b"city/j-2", b"service/permit", b"", b"\x00\xff", "ύδρα".encode()]
    assert [partition_for(key, 12) for key in keys] == [1, 11, 2, 9, 1, 7]
