"""What other programs got wrong with the same services (one test each that we do not)."""

from datetime import UTC, date, datetime, timedelta

import pytest
import responses
from answers import prices as written
from answers.prices import SERVICES, TOKEN, day_of, midnight, z

from optimizer.errors import ConfigError
from optimizer.http.failures import KeyRefusedError, NotPublishedError, RejectedError
from optimizer.http.service_client import ServiceClient
from optimizer.model import frames
from optimizer.sources import energy_charts, entsoe, octopus, parsing, registry, swiss, tibber
from optimizer.sources.source_settings import PriceSettings, Span

DAY = date(2026, 11, 22)
QUARTER, HOUR = timedelta(minutes=15), timedelta(hours=1)


def charts(starts, prices):
    return energy_charts.parse(SERVICES["energy-charts"].write(starts, 15, prices))


def lengths(frame):
    pairs = zip(frames.starts_of(frame), frames.ends_of(frame), strict=True)
    return [end - start for start, end in pairs]


def test_swiss_hours_are_whole_hours_and_not_quarters_with_holes():
    assert lengths(charts(day_of(DAY, 60), [0.1] * 24)) == [HOUR] * 24


def test_a_missing_row_does_not_stretch_the_step_before_it():
    starts = day_of(DAY, 15)
    assert set(lengths(charts(starts[:7] + starts[9:], [0.1] * 94))) == {QUARTER}


def test_the_night_when_hours_became_quarters():
    starts = day_of(date(2025, 9, 30), 60) + day_of(date(2025, 10, 1), 15)
    made = charts(starts, [0.1] * len(starts))
    assert lengths(made) == [HOUR] * 24 + [QUARTER] * 96


def test_nulls_are_holes_and_no_fault():
    prices = [0.1] * 90 + [None] * 6
    assert len(charts(day_of(DAY, 15), prices)) == 90


def test_only_nulls_are_not_published():
    with pytest.raises(NotPublishedError):
        charts(day_of(DAY, 15), [None] * 96)


@pytest.mark.parametrize("unit", ["EUR/MWh", "EUR / MWh"])
def test_both_spellings_of_the_unit(unit):
    document = SERVICES["energy-charts"].write(day_of(DAY, 15), 15, [0.1] * 96)
    assert len(energy_charts.parse(document | {"unit": unit})) == 96


def test_lists_of_different_lengths_are_rejected():
    document = SERVICES["energy-charts"].write(day_of(DAY, 15), 15, [0.1] * 96)
    document["price"].pop()
    with pytest.raises(RejectedError, match="another shape than documented"):
        energy_charts.parse(document)


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)])
@pytest.mark.parametrize("version", ["7:0", "7:3", "8:1"])
def test_positions_are_counted_to_the_end_of_the_period(day, version):
    """A constant of 96 is wrong on both days, and the namespace's version changes."""
    starts = day_of(day, 15)
    values = [0.05] * 40 + [0.07] * (len(starts) - 40)
    made = entsoe.parse(written.entsoe(written.entsoe_series(starts, 15, values), version=version))
    assert frames.starts_of(made) == starts
    assert made["spot_eur_per_kwh"].tolist() == pytest.approx(values)


def test_a_position_left_out_repeats_the_price_before_to_the_very_end():
    text = written.entsoe_series(day_of(DAY, 60), 60, [0.1] * 23 + [0.2])
    assert text.count("<Point>") == 2
    made = entsoe.parse(written.entsoe(text))
    assert made["spot_eur_per_kwh"].tolist() == [0.1] * 23 + [0.2]


def test_the_other_auction_is_not_used():
    starts = day_of(DAY, 15)
    first = written.entsoe_series(starts, 15, [0.1] * 96)
    second = written.entsoe_series(starts, 15, [0.3] * 96, sequence=2)
    for text in (first + second, second + first):
        assert set(entsoe.parse(written.entsoe(text))["spot_eur_per_kwh"]) == {0.1}
    with pytest.raises(NotPublishedError):
        entsoe.parse(written.entsoe(second))


def test_where_hours_and_quarters_overlap_the_quarters_count():
    starts = day_of(DAY, 15)
    fine = written.entsoe_series(starts[:48], 15, [0.1] * 48)
    rough = written.entsoe_series(day_of(DAY, 60), 60, [0.3] * 24)
    made = entsoe.parse(written.entsoe(rough, fine))
    assert lengths(made) == [QUARTER] * 48 + [HOUR] * 12
    assert made["spot_eur_per_kwh"].tolist() == [0.1] * 48 + [0.3] * 12


@pytest.mark.parametrize("status", [200, 400])
def test_not_published_may_come_with_either_status(status):
    with responses.RequestsMock() as internet:
        internet.get(SERVICES["entsoe"].url, body=written.NOTHING, status=status)
        span = Span(midnight(DAY), midnight(DAY) + timedelta(days=1))
        with pytest.raises(NotPublishedError):
            entsoe.fetch(PriceSettings(entsoe_token=TOKEN), span, ServiceClient())


def test_another_acknowledgement_is_told():
    text = written.entsoe_no("999", "The amount of requested data exceeds allowed limit")
    with pytest.raises(RejectedError, match=r"rejects the request \(999\): The amount of"):
        entsoe.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "<!DOCTYPE html><html/>",
        '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>',
        "<open>",
        written.entsoe(written.entsoe_series(day_of(DAY, 15), 15, [0.1] * 96).replace(
            "<position>1<", "<position>0<")),
        written.entsoe(written.entsoe_series(day_of(DAY, 15), 15, [0.1] * 96).replace(
            "PT15M", "P1D")),
    ],
)  # fmt: skip
def test_xml_that_is_not_a_price_document(text):
    with pytest.raises(RejectedError):
        entsoe.parse(text)


def test_quarters_that_are_not_on_the_hour_are_kept():
    starts, prices = day_of(DAY, 15), [0.1, 0.2, 0.3, 0.4] * 24
    assert charts(starts, prices)["spot_eur_per_kwh"].tolist() == pytest.approx(prices)


@pytest.mark.parametrize(
    ("day", "begin"), [(date(2026, 7, 1), "+02:00"), (date(2026, 12, 1), "+01:00")]
)
def test_swiss_windows_carry_the_offset_of_their_season(day, begin):
    span = Span(midnight(day), midnight(day + timedelta(days=1)))
    with responses.RequestsMock() as internet:
        document = SERVICES["swiss"].write(day_of(day, 15), 15, [0.2] * 96)
        internet.get(SERVICES["swiss"].url, json=document)
        swiss.fetch(PriceSettings(swiss="ekz"), span, ServiceClient())
        sent = internet.calls[0].request.params
    assert sent["start_timestamp"] == f"{day}T00:00:00{begin}"
    assert sent["end_timestamp"] == f"{day + timedelta(days=1)}T00:00:00{begin}"


def test_swiss_components_are_chosen_by_unit_in_any_order():
    document = SERVICES["swiss"].write(day_of(DAY, 15), 15, [0.2] * 96)
    for row in document["prices"][::2]:
        row["integrated"].reverse()
    made = swiss.parse(document, 8.1)
    assert made["buy_eur_per_kwh"].tolist() == pytest.approx([0.2] * 96)


def test_swiss_stamps_without_seconds():
    document = SERVICES["swiss"].write(day_of(DAY, 60), 60, [0.2] * 24)
    for row in document["prices"]:
        for key in ("start_timestamp", "end_timestamp"):
            row[key] = z(datetime.fromisoformat(row[key]))
    assert frames.starts_of(swiss.parse(document, 8.1)) == day_of(DAY, 60)


def test_the_next_swiss_format_is_named():
    with pytest.raises(RejectedError, match="version 2 of the tariff format"):
        swiss.parse({"prices": {"integrated": []}}, 8.1)


def test_groupe_e_uses_the_second_version_and_no_name():
    span = Span(midnight(DAY), midnight(DAY) + timedelta(days=1))
    with responses.RequestsMock() as internet:
        url = "https://api.tariffs.groupe-e.ch/v2/tariffs"
        internet.get(url, json=SERVICES["swiss"].write(day_of(DAY, 15), 15, [0.2] * 96))
        swiss.fetch(PriceSettings(swiss="groupe-e"), span, ServiceClient())
        assert "tariff_name" not in internet.calls[0].request.params


def test_tibber_with_two_homes_wants_one_named():
    rows = written.tibber_rows(day_of(DAY, 15), [0.3] * 96)
    other = written.tibber_rows(day_of(DAY, 15), [0.4] * 96)
    document = written.tibber(
        written.tibber_home("one", rows, []), written.tibber_home("two", other, [])
    )
    with pytest.raises(ConfigError, match=r"prices\.tibber_home: name one .*: one, two"):
        tibber.parse(document)
    assert set(tibber.parse(document, "two")["buy_eur_per_kwh"]) == {0.4}
    with pytest.raises(ConfigError):
        tibber.parse(document, "three")


@pytest.mark.parametrize(
    "subscription", [None, {"priceInfo": None}], ids=["no contract", "no prices"]
)
def test_tibber_without_a_contract(subscription):
    home = {"id": "one", "currentSubscription": subscription}
    with pytest.raises(RejectedError, match="no contract in force"):
        tibber.parse(written.tibber(home))


@pytest.mark.parametrize(
    ("code", "kind"), [("UNAUTHENTICATED", KeyRefusedError), ("BAD_USER_INPUT", RejectedError)]
)
@pytest.mark.parametrize("status", [200, 400])
def test_tibber_tells_errors_with_either_status(code, kind, status):
    document = {"data": None, "errors": [{"message": TOKEN, "extensions": {"code": code}}]}
    with responses.RequestsMock() as internet:
        internet.post(SERVICES["tibber"].url, json=document, status=status)
        with pytest.raises(kind) as caught:
            tibber.fetch(PriceSettings(tibber_token=TOKEN), None, ServiceClient())
    assert TOKEN not in str(caught.value)


def test_tibber_brings_the_net_share_too():
    rows = written.tibber_rows(day_of(DAY, 15), [0.3] * 96)
    made = tibber.parse(written.tibber(written.tibber_home("one", rows, [])))
    assert set(made["spot_eur_per_kwh"]) == {0.1}


def agile(values, **more):
    return SERVICES["octopus"].write(day_of(DAY, 30), 30, values) | more


def test_octopus_pages_and_newest_first():
    url = SERVICES["octopus"].url
    starts, values = day_of(DAY, 30), [round(0.1 + n / 100, 2) for n in range(48)]
    late = SERVICES["octopus"].write(starts[24:], 30, values[24:]) | {"next": f"{url}?page=2"}
    early = SERVICES["octopus"].write(starts[:24], 30, values[:24])
    with responses.RequestsMock() as internet:
        internet.get(f"{url}?page=2", json=early)
        internet.get(url, json=late)
        span = Span(midnight(DAY), midnight(DAY) + timedelta(days=1))
        made = octopus.fetch(PriceSettings(**SERVICES["octopus"].settings), span, ServiceClient())
    assert made["buy_eur_per_kwh"].tolist() == pytest.approx(values)


@pytest.mark.parametrize("url", ["https://elsewhere.example/", SERVICES["octopus"].url])
def test_octopus_pages_that_lead_elsewhere_or_never_end(url):
    with responses.RequestsMock() as internet:
        internet.get(SERVICES["octopus"].url, json=agile([0.1] * 48, next=url))
        span = Span(midnight(DAY), midnight(DAY) + timedelta(days=1))
        with pytest.raises(RejectedError, match="leads to another place, or to endless pages"):
            octopus.fetch(PriceSettings(**SERVICES["octopus"].settings), span, ServiceClient())
        assert len(internet.calls) <= octopus.MOST_PAGES


def test_octopus_rows_by_payment_method():
    document = agile([0.1] * 48)
    document["results"] += [
        row | {"payment_method": "NON_DIRECT_DEBIT", "value_inc_vat": 99.0}
        for row in document["results"]
    ]
    assert set(octopus.parse([document])["buy_eur_per_kwh"]) == {0.1}


def test_octopus_with_pay_for_feeding_in():
    settings = PriceSettings(
        octopus_tariff="E-1R-AGILE-24-10-01-C",
        octopus_export="E-1R-AGILE-OUTGOING-19-05-13-C",
    )
    span = Span(midnight(DAY), midnight(DAY) + timedelta(days=1))
    export = (
        "https://api.octopus.energy/v1/products/AGILE-OUTGOING-19-05-13/electricity-tariffs/"
        "E-1R-AGILE-OUTGOING-19-05-13-C/standard-unit-rates/"
    )
    with responses.RequestsMock() as internet:
        internet.get(SERVICES["octopus"].url, json=agile([0.1] * 48))
        internet.get(export, json=agile([0.05] * 48))
        made = octopus.fetch(settings, span, ServiceClient())
    assert set(made["sell_eur_per_kwh"]) == {0.05}


def test_octopus_rates_that_hold_for_hours_or_without_an_end():
    """A night rate of five hours, then a rate until further notice (`valid_to` is null)."""
    begin, end = midnight(DAY), midnight(DAY) + timedelta(days=1)
    row = {"value_exc_vat": 1.0, "payment_method": None}
    rates = [
        row | {"value_inc_vat": 28.0, "valid_from": z(begin + timedelta(hours=5)),
               "valid_to": None},
        row | {"value_inc_vat": 9.0, "valid_from": z(begin - timedelta(days=400)),
               "valid_to": z(begin + timedelta(hours=5))},
    ]  # fmt: skip
    document = {"count": 2, "next": None, "previous": None, "results": rates}
    made = octopus.parse([document], days=(begin, end))
    assert frames.starts_of(made) == day_of(DAY, 30)
    assert made["buy_eur_per_kwh"].tolist() == [0.09] * 10 + [0.28] * 38
    with pytest.raises(RejectedError):
        octopus.parse([document])
    with responses.RequestsMock() as internet:
        internet.get(SERVICES["octopus"].url, json=document)
        settings = PriceSettings(**SERVICES["octopus"].settings)
        assert len(octopus.fetch(settings, Span(begin, end), ServiceClient())) == 48


@pytest.mark.parametrize(("supplier", "key"), [("ekz", "feed_in"), ("groupe-e", "feed-in")])
def test_swiss_pay_for_feeding_in_has_no_vat(supplier, key):
    span = Span(midnight(DAY), midnight(DAY) + timedelta(days=1))
    bought = SERVICES["swiss"].write(day_of(DAY, 15), 15, [0.2] * 96)
    sold = SERVICES["swiss"].write(day_of(DAY, 15), 15, [0.1081] * 96)
    for row in sold["prices"]:
        row[key] = row.pop("integrated")
    settings = PriceSettings(swiss=supplier, swiss_export=True, swiss_export_tariff="pv")
    with responses.RequestsMock() as internet:
        url = swiss.SUPPLIERS[supplier][0]
        internet.get(url, json=bought)
        internet.get(url, json=sold)
        made = swiss.fetch(settings, span, ServiceClient())
        asked = internet.calls[1].request.params
    assert (asked["tariff_type"], asked["tariff_name"]) == (key, "pv")
    assert made["sell_eur_per_kwh"].tolist() == pytest.approx([0.1] * 96)
    assert made["buy_eur_per_kwh"].tolist() == pytest.approx([0.2] * 96)
    assert settings.identity != PriceSettings(swiss=supplier).identity


def test_swiss_rows_without_the_asked_kind_are_rejected():
    document = SERVICES["swiss"].write(day_of(DAY, 15), 15, [0.2] * 96)
    with pytest.raises(RejectedError, match="no 'feed_in'"):
        swiss.parse(document, 0.0, swiss.FEED_IN, "sell_eur_per_kwh")


def test_tibber_in_another_currency():
    rows = written.tibber_rows(day_of(DAY, 15), [3.1] * 96, "SEK")
    document = written.tibber(written.tibber_home("one", rows, []))
    assert set(tibber.parse(document, currency="SEK")["buy_eur_per_kwh"]) == {3.1}
    with pytest.raises(RejectedError, match=r"in SEK, not in EUR.*set \[prices\] currency"):
        tibber.parse(document)


def test_hours_stay_hours_and_are_not_copied_into_quarters():
    document = SERVICES["awattar"].write(day_of(DAY, 60), 60, [0.1] * 24)
    made = registry.awattar.parse(document)
    assert lengths(made) == [HOUR] * 24


@pytest.mark.parametrize("text", ["2026-11-22T00:00:00", "22.11.2026 00:00", ""])
def test_a_stamp_without_offset_is_refused(text):
    with pytest.raises(ValueError, match=r"offset|isoformat"):
        parsing.moment(text)


def test_one_value_alone_does_not_tell_its_step():
    with pytest.raises(ValueError, match="cannot be known from one value"):
        parsing.begun([(datetime(2026, 1, 1, tzinfo=UTC), 0.1)])


def test_prices_for_buying_and_selling_of_different_days():
    noon = midnight(DAY) + 12 * HOUR
    later = noon + HOUR
    buy = parsing.series_frame([parsing.StepValue(noon, later, 0.1)], "buy_eur_per_kwh", "x")
    sell = parsing.series_frame(
        [parsing.StepValue(later, later + HOUR, 0.1)], "sell_eur_per_kwh", "x"
    )
    with pytest.raises(RejectedError, match="different times"):
        parsing.with_sell(buy, sell)
