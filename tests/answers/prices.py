"""Answers of price services, written here in the documented shape for any day and any prices.

A writer takes the starts of the day's steps, their length and prices in EUR/kWh (None: a hole),
and gives what the service would say: requests with what has to be in them, status and body.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from responses import matchers

BERLIN = ZoneInfo("Europe/Berlin")
TOKEN = "kanari3nvogel"
Values = Sequence[float | None]


def midnight(day: date, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def day_of(day: date, minutes: int, zone: ZoneInfo = BERLIN) -> list[datetime]:
    """Starts of a local day's steps: 92, 96 or 100 quarters."""
    begin, end = midnight(day, zone), midnight(day + timedelta(days=1), zone)
    step = timedelta(minutes=minutes)
    return [begin + n * step for n in range((end - begin) // step)]


def z(at: datetime, form: str = "%Y-%m-%dT%H:%MZ") -> str:
    return at.astimezone(UTC).strftime(form)


def per_mwh(value: float | None, factor: float = 1000) -> float | None:
    return None if value is None else round(value * factor, 6)


@dataclass(frozen=True)
class Service:
    """One price service: how it is asked, and what it says."""

    name: str
    column: str
    steps: tuple[int, ...]
    """Lengths of step that it is documented for [min]."""
    settings: dict[str, Any]
    url: str
    parameters: Callable[[date, date], dict[str, str]]
    """What has to be in the request for these local days, the last one included."""
    write: Callable[[list[datetime], int, Values], Any]
    empty: Any
    """What it says before it has published."""
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    empty_status: int = 200
    shown: str = "432.1"
    """How it writes a price of 0.4321 EUR/kWh."""
    wrong_unit: tuple[str, str] = ("", "")
    """A piece of the answer, and the same in another unit."""
    body: Any = None
    text: bool = False
    """Whether the answer is no JSON."""

    def answer(self, starts: list[datetime], minutes: int, values: Values) -> str:
        document = self.write(starts, minutes, values)
        return document if self.text else json.dumps(document)

    def serve(self, service: Any, body: str, *, days: tuple[date, date], **more: Any) -> None:
        match = [matchers.header_matcher(self.headers)] if self.headers else []
        if self.body is not None:
            match.append(matchers.json_params_matcher(self.body))
        else:
            match.append(matchers.query_param_matcher(self.parameters(*days)))
        if self.name == "smard":
            week = _monday(days[0])
            service.get(f"{self.url}/index_quarterhour.json", **({"json": {"timestamps": [week]}}
                        if more.get("status", 200) == 200 else {"body": body, **more}))  # fmt: skip
            if more.get("status", 200) == 200:
                service.get(f"{self.url}/4169_DE-LU_quarterhour_{week}.json", body=body, **more)
            return
        service.add(self.method, self.url, body=body, match=match, **more)


def _monday(day: date) -> int:
    return int(midnight(day - timedelta(days=day.weekday())).timestamp() * 1000)


def _energy_charts(starts: list[datetime], minutes: int, values: Values) -> Any:
    return {
        "license_info": "CC BY 4.0 (creativecommons.org/licenses/by/4.0) from Bundesnetzagentur",
        "unix_seconds": [int(at.timestamp()) for at in starts],
        "price": [per_mwh(value) for value in values],
        "unit": "EUR / MWh",
        "deprecated": False,
    }


def _smard(starts: list[datetime], minutes: int, values: Values) -> Any:
    pairs = zip(starts, values, strict=True)
    rows = [[int(at.timestamp() * 1000), per_mwh(value)] for at, value in pairs]
    end = rows[-1][0] + minutes * 60_000
    unknown = [[end + n * minutes * 60_000, None] for n in range(8)]
    return {"meta_data": {"version": 1, "created": 1}, "series": rows + unknown}


def _awattar(starts: list[datetime], minutes: int, values: Values) -> Any:
    rows = [
        {
            "start_timestamp": int(at.timestamp() * 1000),
            "end_timestamp": int(at.timestamp() * 1000) + minutes * 60_000,
            "marketprice": per_mwh(value),
            "unit": "Eur/MWh",
        }
        for at, value in zip(starts, values, strict=True)
        if value is not None
    ]
    return {"object": "list", "data": rows, "url": "/de/v1/marketdata"}


def tibber_home(name: str, today: list[Any], tomorrow: list[Any]) -> Any:
    info = {"priceInfo": {"today": today, "tomorrow": tomorrow}}
    return {"id": name, "timeZone": "Europe/Berlin", "currentSubscription": info}


def tibber_rows(starts: list[datetime], values: Values, currency: str = "EUR") -> list[Any]:
    return [
        {
            "total": value, "energy": round(value - 0.2, 6), "tax": 0.2, "currency": currency,
            "startsAt": at.astimezone(BERLIN).isoformat(timespec="milliseconds"),
        }
        for at, value in zip(starts, values, strict=True)
        if value is not None
    ]  # fmt: skip


def tibber(*homes: Any) -> Any:
    return {"data": {"viewer": {"homes": list(homes)}}}


def _tibber(starts: list[datetime], minutes: int, values: Values) -> Any:
    return tibber(tibber_home("home-1", tibber_rows(starts, values), []))


def _swiss(starts: list[datetime], minutes: int, values: Values) -> Any:
    zurich, step = ZoneInfo("Europe/Zurich"), timedelta(minutes=minutes)
    rows = [
        {
            "start_timestamp": at.astimezone(zurich).isoformat(),
            "end_timestamp": (at + step).astimezone(zurich).isoformat(),
            "integrated": [
                {"unit": "CHF_m", "value": 3.0},
                {"unit": "CHF_kWh", "value": round(value / 1.081, 8)},
            ],
        }
        for at, value in zip(starts, values, strict=True)
        if value is not None
    ]
    return {"publication_timestamp": "2026-11-21T18:00:00+01:00", "prices": rows}


def _octopus(starts: list[datetime], minutes: int, values: Values) -> Any:
    step = timedelta(minutes=minutes)
    rows = [
        {
            "value_exc_vat": round(value * 100 / 1.05, 6), "value_inc_vat": round(value * 100, 6),
            "valid_from": z(at, "%Y-%m-%dT%H:%M:%SZ"),
            "valid_to": z(at + step, "%Y-%m-%dT%H:%M:%SZ"), "payment_method": None,
        }
        for at, value in zip(starts, values, strict=True)
        if value is not None
    ]  # fmt: skip
    return {"count": len(rows), "next": None, "previous": None, "results": rows[::-1]}


def entsoe_series(
    starts: list[datetime], minutes: int, values: Values, *, sequence: int = 1,
    curve: str = "A03", unit: str = "MWH",
) -> str:  # fmt: skip
    """A TimeSeries; equal prices in a row are left out as curve type A03 wants it."""
    points, before = [], None
    for place, value in enumerate(values, start=1):
        if value is not None and (value != before or curve == "A01"):
            points.append(
                f"<Point><position>{place}</position>"
                f"<price.amount>{per_mwh(value)}</price.amount></Point>"
            )
        before = value
    end = starts[-1] + timedelta(minutes=minutes)
    return (
        "<TimeSeries><mRID>1</mRID><auction.type>A01</auction.type>"
        "<classificationSequence_AttributeInstanceComponent.position>"
        f"{sequence}</classificationSequence_AttributeInstanceComponent.position>"
        "<currency_Unit.name>EUR</currency_Unit.name>"
        f"<price_Measure_Unit.name>{unit}</price_Measure_Unit.name><curveType>{curve}</curveType>"
        f"<Period><timeInterval><start>{z(starts[0])}</start><end>{z(end)}</end></timeInterval>"
        f"<resolution>PT{minutes}M</resolution>{''.join(points)}</Period></TimeSeries>"
    )


def entsoe(*series: str, version: str = "7:3") -> str:
    space = f"urn:iec62325.351:tc57wg16:451-3:publicationdocument:{version}"
    return (
        f'<?xml version="1.0" encoding="utf-8"?><Publication_MarketDocument xmlns="{space}">'
        f"<type>A44</type>{''.join(series)}</Publication_MarketDocument>"
    )


def entsoe_no(code: str, text: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><Acknowledgement_MarketDocument '
        'xmlns="urn:iec62325.351:tc57wg16:451-1:acknowledgementdocument:7:0">'
        f"<Reason><code>{code}</code><text>{text}</text></Reason></Acknowledgement_MarketDocument>"
    )


NOTHING = entsoe_no("999", "No matching data found for Data item DAY_AHEAD_PRICES_R3")


def _entsoe(starts: list[datetime], minutes: int, values: Values) -> str:
    curve = "A01" if None in values else "A03"
    return entsoe(entsoe_series(starts, minutes, values, curve=curve))


def _span(day: date, last: date) -> tuple[datetime, datetime]:
    return midnight(day), midnight(last + timedelta(days=1))


def _swiss_parameters(day: date, last: date) -> dict[str, str]:
    begin, end = (at.astimezone(BERLIN).isoformat() for at in _span(day, last))
    return {
        "tariff_type": "integrated", "tariff_name": "integrated_400D",
        "start_timestamp": begin, "end_timestamp": end,
    }  # fmt: skip


def _entsoe_parameters(day: date, last: date) -> dict[str, str]:
    begin, end = (z(at, "%Y%m%d%H%M") for at in _span(day, last))
    return {
        "securityToken": TOKEN, "documentType": "A44", "in_Domain": "10Y1001A1001A82H",
        "out_Domain": "10Y1001A1001A82H", "periodStart": begin, "periodEnd": end,
        "contract_MarketAgreement.type": "A01",
        "classificationSequence_AttributeInstanceComponent.position": "1",
    }  # fmt: skip


SERVICES = {
    service.name: service
    for service in (
        Service(
            "energy-charts", "spot_eur_per_kwh", (15, 60), {}, "https://api.energy-charts.info/price",
            lambda day, last: {"bzn": "DE-LU", "start": f"{day}", "end": f"{last}"},
            _energy_charts, {"detail": "no content"}, empty_status=404,
            wrong_unit=("EUR / MWh", "ct / kWh"),
        ),
        Service(
            "smard", "spot_eur_per_kwh", (15, 60), {},
            "https://www.smard.de/app/chart_data/4169/DE-LU", lambda day, last: {}, _smard,
            {"meta_data": {}, "series": [[1, None], [900_001, None]]},
        ),
        Service(
            "entsoe", "spot_eur_per_kwh", (15, 30, 60), {"entsoe_token": TOKEN},
            "https://web-api.tp.entsoe.eu/api", _entsoe_parameters, _entsoe, NOTHING, text=True,
            wrong_unit=(">MWH<", ">KWH<"),
        ),
        Service(
            "awattar", "spot_eur_per_kwh", (60,), {}, "https://api.awattar.de/v1/marketdata",
            lambda day, last: {
                "start": str(int(_span(day, last)[0].timestamp() * 1000)),
                "end": str(int(_span(day, last)[1].timestamp() * 1000)),
            },
            _awattar, {"object": "list", "data": [], "url": "/de/v1/marketdata"},
            wrong_unit=("Eur/MWh", "Eur/kWh"),
        ),
        Service(
            "tibber", "buy_eur_per_kwh", (15, 60), {"tibber_token": TOKEN},
            "https://api.tibber.com/v1-beta/gql", lambda day, last: {}, _tibber,
            tibber(tibber_home("home-1", [], [])), method="POST", shown="0.4321",
            headers={"Authorization": f"Bearer {TOKEN}"}, wrong_unit=('"EUR"', '"SEK"'),
            body={
                "query": "{viewer{homes{id timeZone currentSubscription{priceInfo(resolution:"
                "QUARTER_HOURLY){today{total energy tax startsAt currency} "
                "tomorrow{total energy tax startsAt currency}}}}}}"
            },
        ),
        Service(
            "swiss", "buy_eur_per_kwh", (15, 60), {"swiss": "ekz"},
            "https://api.tariffs.ekz.ch/v1/tariffs", _swiss_parameters, _swiss,
            {"publication_timestamp": "", "prices": []}, shown="0.39972248",
            wrong_unit=("CHF_kWh", "Rp_kWh"),
        ),
        Service(
            "octopus", "buy_eur_per_kwh", (30,), {"octopus_tariff": "E-1R-AGILE-24-10-01-C"},
            "https://api.octopus.energy/v1/products/AGILE-24-10-01/electricity-tariffs/"
            "E-1R-AGILE-24-10-01-C/standard-unit-rates/",
            lambda day, last: {
                "period_from": z(_span(day, last)[0]), "period_to": z(_span(day, last)[1]),
                "page_size": "1500",
            },
            _octopus, {"count": 0, "next": None, "previous": None, "results": []}, shown="43.21",
        ),
    )
}  # fmt: skip
