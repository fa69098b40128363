"""Answers of services that tell load or roof, written here in the documented shape.

A writer takes the starts of steps and means in W (None: a hole) and gives what the service says.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from answers.prices import BERLIN, TOKEN
from responses import matchers

from optimizer.model.sun import is_night
from optimizer.sources.registry import LOAD, PV, Source
from optimizer.sources.source_settings import LoadSettings, PvPlane, PvSettings

PLACE = (48.8, 13.1)
PLANE = PvPlane(kwp=9.9, tilt_degrees=30, compass_degrees=180)
PV_OF = {"latitude": PLACE[0], "longitude": PLACE[1], "planes": (PLANE,)}
Values = Sequence[float | None]


@dataclass(frozen=True)
class Service:
    """One service: how it is asked, and what it says."""

    name: str
    registry: Mapping[str, Source[Any]]
    column: str
    minutes: int
    settings: dict[str, Any]
    method: str
    url: str
    write: Callable[[list[datetime], int, Values], Any]
    empty: Any
    parameters: Callable[[datetime, datetime], dict[str, str]] = lambda start, end: {}
    body: Callable[[datetime, datetime], Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    shown: tuple[str, str] = ("", "")
    """A piece of the answer, and the same in another unit or form."""
    empty_status: int = 200

    @property
    def reported(self) -> LoadSettings | PvSettings:
        kind = LoadSettings if self.registry is LOAD else PvSettings
        return kind(**self.settings)

    def answer(self, starts: list[datetime], values: Values) -> str:
        return json.dumps(self.write(starts, self.minutes, values))

    def serve(self, mock: Any, body: str, start: datetime, end: datetime, **more: Any) -> None:
        match = [matchers.header_matcher(self.headers)]
        if self.body is None:
            match.append(matchers.query_param_matcher(self.parameters(start, end)))
        else:
            match.append(matchers.json_params_matcher(self.body(start, end)))
        mock.add(self.method, self.url, body=body, match=match, **more)


def sunshine(watts: float) -> tuple[float, float]:
    """Sun [W/m²] on the plane and air [°C] at which it gives so much: its cells have 25 °C."""
    sun = watts / (PLANE.kwp * 0.8)
    return sun, 25 - 0.04 * sun


def open_meteo(starts: list[datetime], minutes: int, values: Values) -> Any:
    weather = [(None, None) if value is None else sunshine(value) for value in values]
    return {
        "latitude": 48.8, "longitude": 13.1, "utc_offset_seconds": 0, "timezone": "GMT",
        "minutely_15_units": {
            "time": "unixtime", "global_tilted_irradiance": "W/m²", "temperature_2m": "°C",
        },
        "minutely_15": {
            "time": [int(at.timestamp()) + minutes * 60 for at in starts],
            "global_tilted_irradiance": [sun for sun, _ in weather],
            "temperature_2m": [air for _, air in weather],
        },
    }  # fmt: skip


def forecast_solar(starts: list[datetime], minutes: int, values: Values) -> Any:
    """Stamps name the end; hours without sun are left out."""
    step = timedelta(minutes=minutes)
    wh = {
        (at + step).isoformat(): None if value is None else value * minutes / 60
        for at, value in zip(starts, values, strict=True)
        if not is_night(at, at + step, *PLACE)
    }
    instant = dict.fromkeys(wh, 4321)
    ratelimit = {"zone": "IP 192.0.2.1", "period": 3600, "limit": 12, "remaining": 11}
    message = {"code": 0, "type": "success", "text": "", "ratelimit": ratelimit}
    days = {"2026-11-22": 9100}
    result = {"watts": instant, "watt_hours_period": wh, "watt_hours": wh, "watt_hours_day": days}
    return {"result": result, "message": message}


def solcast(starts: list[datetime], minutes: int, values: Values) -> Any:
    step = timedelta(minutes=minutes)
    rows = [
        {
            "pv_estimate": None if value is None else value / 1000,
            "pv_estimate10": None if value is None else value / 2000,
            "pv_estimate90": None if value is None else value / 800,
            "period_end": (at + step).strftime("%Y-%m-%dT%H:%M:%S.0000000Z"),
            "period": f"PT{minutes}M",
        }
        for at, value in zip(starts, values, strict=True)
    ]
    return {"forecasts": rows}


def home_assistant(starts: list[datetime], minutes: int, values: Values) -> Any:
    step = timedelta(minutes=minutes)
    rows = [
        {
            "start": at.isoformat(), "end": (at + step).isoformat(),
            "change": value * minutes / 60 / 1000,
        }
        for at, value in zip(starts, values, strict=True)
        if value is not None
    ]  # fmt: skip
    statistics = {"sensor.house": rows} if rows else {}
    return {"changed_states": [], "service_response": {"statistics": statistics}}


def influxdb(starts: list[datetime], minutes: int, values: Values) -> Any:
    rows = [
        [int(at.timestamp()), value]
        for at, value in zip(starts, values, strict=True)
        if value is not None
    ]
    series = [{"name": "data", "columns": ["time", "v"], "values": rows}]
    return {"results": [{"statement_id": 0} | ({"series": series} if rows else {})]}


def fems(starts: list[datetime], minutes: int, values: Values, **more: Values) -> Any:
    channels = {"_sum/ConsumptionActivePower": values, **more}
    data = {name: list(column) for name, column in channels.items()}
    stamps = [at.strftime("%Y-%m-%dT%H:%M:%SZ") for at in starts]
    return {"jsonrpc": "2.0", "id": "0", "result": {"timestamps": stamps, "data": data}}


def _hour(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def _question(start: datetime, end: datetime) -> str:
    return (
        'SELECT mean("_sum/ConsumptionActivePower") AS v FROM "data" '  # noqa: S608 not run
        f"WHERE time >= {int(start.timestamp())}s AND time < {int(end.timestamp())}s "
        "GROUP BY time(15m) fill(none)"
    )


BEARER = {"Authorization": f"Bearer {TOKEN}"}

SERVICES = {
    service.name: service
    for service in (
        Service(
            "open-meteo", PV, "pv_w", 15, PV_OF, "GET",
            "https://api.open-meteo.com/v1/forecast", open_meteo, open_meteo([], 15, []),
            lambda start, end: {
                "latitude": "48.8", "longitude": "13.1", "tilt": "30", "azimuth": "0",
                "minutely_15": "global_tilted_irradiance,temperature_2m", "past_days": "14",
                "forecast_days": "3" if (end - start) > timedelta(days=1) else "2",
                "timezone": "GMT", "timeformat": "unixtime",
            },
            shown=('"W/m\\u00b2"', '"kW/m\\u00b2"'),
        ),
        Service(
            "forecast-solar", PV, "pv_w", 60, PV_OF | {"key": TOKEN}, "GET",
            f"https://api.forecast.solar/{TOKEN}/estimate/48.8/13.1/30/0/9.9", forecast_solar,
            {"result": {"watts": {}, "watt_hours_period": {}}, "message": {"code": 0}},
            lambda start, end: {"time": "utc", "no_sun": "1"},
            shown=("+00:00", ""),
        ),
        Service(
            "solcast", PV, "pv_w", 30, {"key": TOKEN, "site": "ab12-cd34"}, "GET",
            "https://api.solcast.com.au/rooftop_sites/ab12-cd34/forecasts", solcast,
            {"forecasts": []}, lambda start, end: {"format": "json", "hours": "48"},
            headers=BEARER, shown=("PT30M", "P30"),
        ),
        Service(
            "home-assistant", LOAD, "load_w", 60,
            {"url": "http://192.168.0.30:8123", "token": TOKEN, "sensor": "sensor.house"}, "POST",
            "http://192.168.0.30:8123/api/services/recorder/get_statistics", home_assistant,
            {"changed_states": [], "service_response": {"statistics": {}}},
            body=lambda start, end: {
                "statistic_ids": ["sensor.house"], "start_time": _hour(start),
                "end_time": _hour(end), "period": "hour", "types": ["change", "mean"],
                "units": {"energy": "kWh", "power": "kW"},
            },
            headers=BEARER, shown=('"change"', '"sum"'),
        ),
        Service(
            "influxdb", LOAD, "load_w", 15, {"url": "http://192.168.0.31:8086", "token": TOKEN},
            "GET", "http://192.168.0.31:8086/query", influxdb, influxdb([], 15, []),
            lambda start, end: {"db": "openems", "epoch": "s", "q": _question(start, end)},
            headers={"Authorization": f"Token {TOKEN}"}, shown=("values", "value"),
        ),
    )
}  # fmt: skip

LOCAL = {"csv", "meter", "excel", "fems", "journal"}
"""Sources that ask no service over HTTP: files, device and store have tests of their own."""

__all__ = ["BERLIN", "LOCAL", "SERVICES", "TOKEN"]
