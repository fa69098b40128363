"""From gathered prices to the owner's: tariff, what is refused without one, and what is said."""

from datetime import UTC, date, datetime, timedelta

import pytest

from optimizer.errors import DataError
from optimizer.forecast.tariff_prices import priced_by_tariff
from optimizer.model import frames
from optimizer.model.moments import QUARTER
from optimizer.model.tariff import Export, ExportKind, Tariff
from optimizer.sources.price_chain import ChainPrices

START = datetime(2026, 11, 22, 17, 30, tzinfo=UTC)
FEES = Tariff(grid_fee_eur_per_kwh=0.10, vat_percent=19, export=Export(ExportKind.FIXED, 0.08))


def gathered(hours=30, basis="net", past_days=0, **prices):
    prices = prices or {"spot_eur_per_kwh": 0.10}
    begin = START - timedelta(days=past_days)
    quarters = frames.steps(begin, START + timedelta(hours=hours), QUARTER)
    return ChainPrices(quarters.assign(**prices, origin="published x"), basis=basis, used=["x"])


def test_net_prices_with_a_stated_tariff():
    made = priced_by_tariff(gathered(), FEES, START)
    assert made.grid_charging
    assert made.frame["buy_eur_per_kwh"].iloc[0] == pytest.approx(0.20 * 1.19)
    assert set(made.frame["sell_eur_per_kwh"]) == {0.08}
    assert made.notes == ()
    assert set(made.frame["origin"]) == {"published x"}


@pytest.mark.parametrize("tariff", [None, Tariff(stated=False)], ids=["none", "empty"])
def test_net_prices_without_the_parts_are_not_charged_at(tariff):
    made = priced_by_tariff(gathered(), tariff, START)
    assert not made.grid_charging
    assert 'planned with rule = "pv_only", without charging from the grid' in made.notes[0]


def test_all_in_prices_need_no_parts():
    made = priced_by_tariff(gathered(basis="all-in", buy_eur_per_kwh=0.3), None, START)
    assert made.grid_charging
    assert made.frame["buy_eur_per_kwh"].iloc[0] == pytest.approx(0.3)
    assert set(made.frame["sell_eur_per_kwh"]) == {0.0}
    assert made.notes == ("there is no [tariff.export]: fed-in energy is counted with 0 ct",)


def test_all_in_prices_get_no_vat_and_no_fee_on_top_but_the_owners_pay():
    made = priced_by_tariff(gathered(basis="all-in", buy_eur_per_kwh=0.3), FEES, START)
    assert made.frame["buy_eur_per_kwh"].iloc[0] == pytest.approx(0.3)
    assert set(made.frame["sell_eur_per_kwh"]) == {0.08}


def test_pay_by_spot_price_beside_an_all_in_price():
    rule = Tariff(export=Export(ExportKind.SPOT, 0.01))
    both = gathered(basis="all-in", buy_eur_per_kwh=0.3, spot_eur_per_kwh=0.1)
    assert priced_by_tariff(both, rule, START).frame["sell_eur_per_kwh"].iloc[0] == pytest.approx(
        0.09
    )
    with pytest.raises(DataError, match="follows the spot price, which this price source does not"):
        priced_by_tariff(gathered(basis="all-in", buy_eur_per_kwh=0.3), rule, START)


def test_nothing_is_known_of_the_start():
    assert priced_by_tariff(ChainPrices(), FEES, START) is None
    assert priced_by_tariff(gathered(hours=-1, past_days=1), FEES, START) is None


@pytest.mark.parametrize(
    ("valid_to", "text"),
    [
        (date(2026, 11, 21), "the tariff's parts were valid to 2026-11-21: look at section"),
        (date(2026, 11, 22), "the tariff's parts are known to 2026-11-22: add a [[tariff.change]]"),
        (date(2026, 12, 5), "the tariff's parts are known to 2026-12-05: add a [[tariff.change]]"),
        (date(2026, 12, 6), None),
        (None, None),
    ],
)
def test_parts_that_end_are_noted_two_weeks_before(valid_to, text):
    made = priced_by_tariff(gathered(), Tariff(valid_to=valid_to), START)
    assert [note[: len(text or "")] for note in made.notes] == ([text] if text else [])


@pytest.mark.parametrize("hours", [5, 24])
def test_the_day_after_the_published_prices_comes_from_like_days(hours):
    made, end = (
        priced_by_tariff(gathered(hours=hours, past_days=28), FEES, START),
        timedelta(hours=hours),
    )
    assert made.frame["end"].iloc[-1] == START + end
    assert made.tail.index[0] == START + end
    assert made.tail["end"].iloc[-1] == START + end + timedelta(hours=24)
    assert made.tail["buy_eur_per_kwh"].tolist() == pytest.approx([0.238] * 96)
    assert set(made.tail["origin"]) == {"forecast like days"}


def test_without_any_like_day_there_is_no_outlook():
    assert priced_by_tariff(gathered(hours=5), FEES, START).tail is None


def test_failures_say_whether_kept_prices_stand_in():
    made = gathered()
    made.failures["x"] = DataError("x is down")
    made.frame.loc[START, "origin"] = "cached x"
    made.failures["y"] = DataError("y is down")
    assert priced_by_tariff(made, FEES, START).notes == (
        "price source 'x': x is down; what was kept of it is used",
        "price source 'y' was skipped: y is down",
    )
