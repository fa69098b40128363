"""From the exchange's price to the owner's, in figures."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from optimizer.model.tariff import Export, ExportKind, Tariff

BERLIN = ZoneInfo("Europe/Berlin")
EVENING = datetime(2026, 1, 15, 18, tzinfo=BERLIN)

PARTS = {
    "markup_eur_per_kwh": 0.018,
    "levies_eur_per_kwh": 0.02946,
    "tax_eur_per_kwh": 0.0205,
    "concession_eur_per_kwh": 0.0166,
    "grid_fee_eur_per_kwh": 0.07664,
}
"""16.12 ct in all."""


def test_the_worked_example_84_30_eur_per_mwh():
    """(0.0843 + 0.1612) x 1.19 = 0.2921 EUR/kWh."""
    tariff = Tariff(**PARTS, vat_percent=19)
    assert sum(PARTS.values()) == pytest.approx(0.1612)
    assert round(tariff.buy(0.0843, EVENING), 4) == 0.2921


@pytest.mark.parametrize("name", PARTS)
def test_every_part_is_added_before_vat(name):
    tariff = Tariff(**{name: 0.05}, vat_percent=20)
    assert tariff.buy(0.10, EVENING) == pytest.approx(0.15 * 1.2)


def test_a_negative_spot_price_lowers_the_price_and_its_vat():
    assert Tariff(vat_percent=19).buy(-0.10, EVENING) == pytest.approx(-0.119)
    assert Tariff(**PARTS, vat_percent=19).buy(-0.10, EVENING) == pytest.approx(0.0612 * 1.19)


def test_without_any_part_the_price_is_the_spot_price():
    assert Tariff().buy(0.0843, EVENING) == 0.0843


@pytest.mark.parametrize(
    ("export", "at_10_ct", "at_0", "at_minus_2_ct"),
    [
        (Export(ExportKind.FIXED, 0.0778), 0.0778, 0.0778, 0.0778),
        (Export(ExportKind.FIXED, 0.0778, zero_when_spot_negative=True), 0.0778, 0.0778, 0.0),
        (Export(ExportKind.SPOT, 0.004), 0.096, -0.004, -0.024),
        (Export(ExportKind.SPOT, 0.004, zero_when_spot_negative=True), 0.096, -0.004, 0.0),
        (Export(), 0.0, 0.0, 0.0),
    ],
    ids=["fixed", "fixed, none when negative", "spot", "spot, none when negative", "unpaid"],
)
def test_pay_for_feed_in(export, at_10_ct, at_0, at_minus_2_ct):
    prices = [export.price(0.10), export.price(0.0), export.price(-0.02)]
    assert prices == pytest.approx([at_10_ct, at_0, at_minus_2_ct])


@pytest.mark.parametrize(
    ("at", "expired"),
    [
        (datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC), False),  # 23:59:59 in Berlin
        (datetime(2026, 12, 31, 23, 0, tzinfo=UTC), True),  # midnight in Berlin
        (datetime(2026, 6, 1, tzinfo=UTC), False),
        (datetime(2027, 6, 1, tzinfo=UTC), True),
    ],
)
def test_parts_expire_with_their_last_local_day(at, expired):
    assert Tariff(valid_to=date(2026, 12, 31)).expired(at) is expired


def test_parts_without_a_last_day_never_expire():
    assert Tariff().expired(datetime(2099, 1, 1, tzinfo=UTC)) is False
