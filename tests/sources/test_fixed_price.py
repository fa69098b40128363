"""Stated prices: flat or by the hour, net or all-in, the exchange's beside them for selling."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import responses
from answers.prices import SERVICES, day_of

from optimizer.app import price_now, source_diagnosis
from optimizer.config.loading import validate
from optimizer.config.sections import StoreSection
from optimizer.doctor.finding import Level
from optimizer.errors import ConfigError, DataError, OptimizerError
from optimizer.forecast import forecast_frame
from optimizer.http.service_client import ServiceClient
from optimizer.model import frames
from optimizer.model.tariff import Export, ExportKind, Tariff
from optimizer.sources import price_chain, registry, swiss
from optimizer.sources.cached_source import CachedSources
from optimizer.sources.price_chain import PriceChain
from optimizer.sources.source_settings import Span

AT = datetime(2026, 1, 14, 12, 0, tzinfo=UTC)
DAY_NIGHT = {
    "sources": ["fixed"], "eur_per_kwh": 0.32,
    "window": [{"from": "22:00", "to": "06:00", "eur_per_kwh": 0.24}],
}  # fmt: skip
FEES = {"grid_fee_eur_per_kwh": 0.1, "vat_percent": 20}


def config_of(prices, tariff=None):
    tables = {
        "fems": {"url": "http://fems", "password": "kanari3nvogel"},
        "battery": {"capacity_wh": 22_000}, "prices": prices,
    }  # fmt: skip
    return validate(tables if tariff is None else tables | {"tariff": tariff})


def gather(prices, tariff=None):
    config = config_of(prices, tariff)
    sources = CachedSources(ServiceClient(), None, AT)
    chain = PriceChain(config.prices.sources, config.prices, sources)
    made = chain.gather(Span(AT, AT + timedelta(hours=48), config.zone))
    return made, config.tariff or Tariff(stated=False)


def bought(made, tariff):
    known = made.published(AT)
    return forecast_frame.all_in(known, tariff)


def test_a_flat_price_takes_the_exchanges_place_in_the_tariff():
    made, tariff = gather({"sources": ["fixed"], "eur_per_kwh": 0.15}, FEES)
    priced = bought(made, tariff)
    assert made.basis == "net"
    assert set(priced["buy_eur_per_kwh"].round(6)) == {round((0.15 + 0.1) * 1.2, 6)}
    assert frames.ends_of(priced)[-1] >= AT + timedelta(hours=48)
    assert made.notes == []


def test_day_and_night_all_in():
    made, tariff = gather(DAY_NIGHT | {"all_in": True}, FEES)
    priced = bought(made, tariff)["buy_eur_per_kwh"]
    assert made.basis == "all-in"
    local = priced.index.tz_convert("Europe/Berlin")
    night = (local.hour >= 22) | (local.hour < 6)
    assert set(priced[night]) == {0.24}
    assert set(priced[~night]) == {0.32}


def exchange(internet, price, days=2):
    starts = [at for n in range(days) for at in day_of(AT.date() + timedelta(days=n), 15)]
    prices = [price if at.hour != 12 else -0.05 for at in starts]
    body = SERVICES["energy-charts"].answer(starts, 15, prices)
    internet.add("GET", SERVICES["energy-charts"].url, body=body)
    return starts


def test_the_exchange_beside_it_feeds_the_export_rule_alone():
    prices = {"sources": ["fixed"], "eur_per_kwh": 0.3, "all_in": True,
              "spot_sources": ["energy-charts"]}  # fmt: skip
    export = {"kind": "fixed", "eur_per_kwh": 0.08, "zero_when_spot_negative": True}
    with responses.RequestsMock() as internet:
        starts = exchange(internet, 0.11)
        made, tariff = gather(prices, {"export": export})
    priced = bought(made, tariff)
    assert set(priced["buy_eur_per_kwh"]) == {0.3}
    paid = priced["sell_eur_per_kwh"]
    assert set(paid[paid.index.hour == 12]) == {0.0}
    assert set(paid[paid.index.hour != 12]) == {0.08}
    assert frames.ends_of(priced)[-1] == starts[-1] + timedelta(minutes=15)
    assert made.used == ["fixed", "energy-charts"]


def test_an_exchange_in_eur_is_taken_at_the_rate_and_a_customers_own_prices_as_they_are():
    prices = {"sources": ["energy-charts"], "currency": "SEK", "eur_rate": 11}
    with responses.RequestsMock() as internet:
        exchange(internet, 0.11)
        made, _ = gather(prices)
    assert made.failures == {}
    spot = made.published(AT)["spot_eur_per_kwh"]
    assert set(spot[spot.index.hour != 12].round(6)) == {1.21}
    rows = SERVICES["tibber"].write(day_of(AT.date(), 15), 15, [3.2] * 96)
    for home in rows["data"]["viewer"]["homes"]:
        for row in home["currentSubscription"]["priceInfo"]["today"]:
            row["currency"] = "SEK"
    tables = prices | {"sources": ["tibber", "energy-charts"], "tibber_token": "t0ken"}
    with responses.RequestsMock() as internet:
        internet.post(SERVICES["tibber"].url, json=rows)
        found = registry.fetch(
            registry.PRICES, "tibber", config_of(tables).prices,
            Span(AT, AT + timedelta(hours=1)), ServiceClient(),
        )  # fmt: skip
    assert set(found["buy_eur_per_kwh"].round(6)) == {3.2}


def test_without_the_exchange_an_export_rule_that_follows_it_is_refused():
    export = {"kind": "fixed", "eur_per_kwh": 0.08, "zero_when_spot_negative": True}
    made, tariff = gather({"sources": ["fixed"], "eur_per_kwh": 0.3}, {"export": export})
    with pytest.raises(DataError, match='sources = \\["fixed"\\] name spot_sources'):
        bought(made, tariff)


def test_an_exchange_that_does_not_answer_leaves_no_price_and_its_reason():
    prices = {"sources": ["fixed"], "eur_per_kwh": 0.3, "spot_sources": ["energy-charts"]}
    with responses.RequestsMock() as internet:
        internet.add("GET", SERVICES["energy-charts"].url, status=503)
        made, _ = gather(prices)
        assert made.published(AT).empty
        assert isinstance(made.failures["energy-charts"], OptimizerError)


def test_all_in_prices_are_no_exchange_prices():
    prices = {"sources": ["fixed"], "eur_per_kwh": 0.3, "spot_sources": ["swiss"], "swiss": "ekz"}
    config = config_of(prices)
    stated = gather({"sources": ["fixed"], "eur_per_kwh": 0.3})[0].frame
    with responses.RequestsMock() as internet:
        body = SERVICES["swiss"].answer(day_of(AT.date(), 15), 15, [0.2] * 96)
        internet.add("GET", SERVICES["swiss"].url, body=body)
        with pytest.raises(ConfigError, match="those prices are all-in"):
            price_chain.exchange_beside(
                stated, config.prices, Span(AT, AT + timedelta(hours=1)), ServiceClient()
            )


@pytest.mark.parametrize(
    ("factor", "words"), [(1, ""), (10, "are they 10 times"), (0.1, "are they a 10th of")]
)
def test_init_and_check_tell_a_factor_beside_the_price_of_now(factor, words):
    """Two days of an exchange's prices that nothing else is known of."""
    config = config_of({"sources": ["csv"], "file": "x.csv"}, FEES)
    starts = [AT + n * timedelta(hours=1) for n in range(48)]
    prices = [factor * round(0.06 + 0.0007 * ((n * 7) % 48) + 1e-5 * n, 5) for n in range(48)]
    frame = frames.frame_of(starts, [at + timedelta(hours=1) for at in starts],
                            spot_eur_per_kwh=[round(price, 7) for price in prices])  # fmt: skip
    found = price_now.price_in(frame, config, AT)
    assert (found.level is Level.WARN) is bool(words)
    assert words in found.text
    assert ("read prices --explain" in found.fix) is bool(words)


def test_stated_prices_with_what_bkw_pays_for_energy_fed_in():
    """BKW answers feed-in prices alone, and refuses any parameter."""
    prices = {"sources": ["fixed"], "eur_per_kwh": 0.3, "all_in": True, "spot_sources": ["swiss"],
              "swiss": "bkw"}  # fmt: skip
    config = config_of(prices)
    assert config.prices.money.code == "CHF"
    document = SERVICES["swiss"].write(day_of(AT.date(), 15), 15, [0.0912] * 96)
    for row in document["prices"]:
        row["feed_in"] = row.pop("integrated")
    tariff = Tariff(export=Export(ExportKind.SERIES))
    with responses.RequestsMock() as internet:
        url = swiss.FEED_IN_ONLY["bkw"]
        internet.get(url, json=document, match=[responses.matchers.query_param_matcher({})])
        made, _ = gather(prices)
        known = forecast_frame.all_in(made.published(AT), tariff)
    assert known["buy_eur_per_kwh"].iloc[0] == 0.3
    assert known["sell_eur_per_kwh"].iloc[0] == pytest.approx(0.0912 / 1.081)
    alone = frames.frame_of([AT], [AT + timedelta(minutes=15)], sell_eur_per_kwh=[0.09])
    with pytest.raises(DataError, match=r'name your own prices by sources = \["fixed"\]'):
        forecast_frame.all_in(alone, tariff)


@pytest.mark.parametrize(
    ("prices", "text"),
    [
        ({"sources": ["fixed"]}, "has no price for 00:00 on 'mo' in month 1: write eur_per_kwh"),
        ({"sources": ["fixed", "smard"], "eur_per_kwh": 0.3}, "names other sources beside 'fixed'"),
        ({"sources": ["smard"], "eur_per_kwh": 0.3}, 'which are for sources = \\["fixed"\\]'),
        ({"sources": ["smard"], "all_in": True}, 'which are for sources = \\["fixed"\\]'),
        ({"sources": ["fixed"], "eur_per_kwh": 30}, "should be at most 5"),
        (
            {"sources": ["fixed"], "window": [{"from": "06:00", "to": "24:00", "eur_per_kwh": 1}]},
            "has no price for 00:00 on 'mo' in month 1",
        ),
    ],
)  # fmt: skip
def test_prices_that_say_too_little_or_too_much(prices, text):
    with pytest.raises(ConfigError, match=text):
        config_of(prices)


def test_windows_of_a_whole_day_need_no_other_price():
    windows = [
        {"from": "06:00", "to": "22:00", "eur_per_kwh": 0.3},
        {"from": "22:00", "to": "06:00", "eur_per_kwh": 0.2},
    ]
    made, tariff = gather({"sources": ["fixed"], "window": windows, "all_in": True})
    assert set(bought(made, tariff)["buy_eur_per_kwh"]) == {0.2, 0.3}


def test_nothing_is_added_to_an_all_in_price_so_fees_by_the_hour_are_an_error():
    window = {"from": "10:00", "to": "14:00", "grid_fee_eur_per_kwh": 0.03}
    prices = {"sources": ["fixed"], "eur_per_kwh": 0.3, "all_in": True}
    with pytest.raises(ConfigError, match="grid fees by the hour"):
        config_of(prices, {"window": [window]})
    with pytest.raises(ConfigError, match="grid fees by the hour"):
        config_of(prices, {"change": [{"valid_from": "2027-01-01", "window": [window]}]})
    with pytest.raises(ConfigError, match="grid fees by the hour"):
        config_of(prices, {"grid_operator": "netze-bw"})
    assert json.dumps(config_of(prices, {"vat_percent": 19}).prices.all_in) == "true"


def test_holidays_count_as_sundays_in_a_stated_price_too():
    pytest.importorskip("holidays")
    windows = [{"from": "00:00", "to": "24:00", "days": ["sa", "su"], "eur_per_kwh": 0.2}]
    prices = {"sources": ["fixed"], "eur_per_kwh": 0.3, "window": windows, "all_in": True}
    config = config_of(prices, {"holidays": "DE-BY"})
    at = datetime(2026, 1, 6, 11, tzinfo=UTC)  # Epiphany, a Tuesday, in Bavaria alone
    chain = PriceChain(("fixed",), config.prices, CachedSources(ServiceClient(), None, at))
    made = chain.gather(Span(at, at + timedelta(hours=2), config.zone))
    assert made.frame.loc[at, "buy_eur_per_kwh"] == 0.2
    assert made.frame.loc[at + timedelta(days=1), "buy_eur_per_kwh"] == 0.3


def test_the_doctor_shows_the_stated_price_now_beside_an_hourly_exchange(tmp_path):
    """At 12:40 the exchange's hour counts, although its step began at 12:00."""
    prices = {"sources": ["fixed"], "eur_per_kwh": 0.3, "all_in": True,
              "spot_sources": ["awattar"]}  # fmt: skip
    export = {"kind": "spot", "eur_per_kwh": 0.01}
    config = replace(config_of(prices, {"export": export}), store=StoreSection(folder=tmp_path))
    now = AT + timedelta(minutes=40)
    with responses.RequestsMock() as internet:
        starts = day_of(AT.date(), 60) + day_of(AT.date() + timedelta(days=1), 60)
        values = [0.09 if at != AT else 0.05 for at in starts]
        body = SERVICES["awattar"].answer(starts, 60, values)
        internet.add("GET", SERVICES["awattar"].url, body=body)
        found = list(source_diagnosis.price_sources(config, now))
        internet.add("GET", SERVICES["awattar"].url, body=body)
        alone = price_now.price_now(config, now)
    assert [item.level for item in found] == [Level.OK] * 3
    assert "your own price" in found[0].text
    assert found[-1].text == alone.text == "30.0 ct/kWh to buy, 4.0 to sell"
