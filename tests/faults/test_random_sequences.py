"""The promises through random sequences of faults; every seed can be run again by itself.

`FAULT_SEQUENCES=1000000 pytest tests/faults/test_random_sequences.py` makes it a long campaign
(about two hours on two cores); one is repeated by
`python -m tests.faults.sequences --first SEED --count 1`.
"""

import os

import pytest

from tests.faults import sequences

SEQUENCES = int(os.environ.get("FAULT_SEQUENCES", "4000"))
JOBS = min(4, os.cpu_count() or 1)
pytestmark = pytest.mark.no_cover


def test_no_promise_is_broken_in_any_random_sequence(campaign):
    share = -(-SEQUENCES // JOBS)
    jobs = [campaign("sequences", "--first", job * share, "--count", share) for job in range(JOBS)]
    outputs = [job.communicate() for job in jobs]
    assert [(job.returncode, error) for job, (_, error) in zip(jobs, outputs, strict=True)] == [
        (0, "")
    ] * JOBS, outputs
    assert all(f"{share} sequences, " in out for out, _ in outputs)


def test_every_trouble_met_something_that_was_held():
    """A campaign in which nothing is held when trouble comes would prove nothing."""
    found = sequences.campaign(range(600))
    kinds = {*sequences.READING_TROUBLES, *sequences.LINK_TROUBLES, *sequences.ONE_TIME}
    assert {name for name in kinds if found.hits[name] < 3} == set()
    assert found.holding > 0.2 * found.cycles


def test_a_seed_gives_the_same_sequence_again():
    first, again = (sequences.campaign([17, 18]) for _ in range(2))
    assert first == again
