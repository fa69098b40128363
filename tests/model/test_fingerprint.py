"""The fingerprint of what bounds a plan: equal limits, equal text."""

from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.plan import fingerprint


def test_whole_numbers_and_fractions_of_one_size_are_one():
    whole, fraction = Battery(9_000, min_soc_percent=5), Battery(9_000.0, min_soc_percent=5.0)
    assert fingerprint.__wrapped__(whole, Grid(7_000)) == fingerprint.__wrapped__(
        fraction, Grid(7_000.0)
    )


def test_another_limit_is_another_plan():
    one = fingerprint(Battery(9_000), Grid())
    assert one != fingerprint(Battery(9_001), Grid())
    assert one != fingerprint(Battery(9_000), Grid(price_curtailment=True))
    assert one != fingerprint(Battery(9_000), Grid(max_buy_w=1))
