"""ENTSO-E Transparency Platform: day-ahead prices of all Europe, with a free token.

`GET https://web-api.tp.entsoe.eu/api` with the document type A44, from local midnight to local
midnight in UTC. The XML counts positions from the start of a period; with curve type A03 a
position whose price equals the one before is left out. Sequence 1 is the auction that suppliers
bill; others are not used. "No matching data found" comes with status 200 or 400.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from xml.etree import ElementTree

import pandas as pd

from optimizer.errors import ConfigError
from optimizer.http.failures import NotPublishedError, RejectedError
from optimizer.http.service_client import ServiceClient
from optimizer.model.moments import QUARTER
from optimizer.sources import parsing
from optimizer.sources.parsing import StepValue
from optimizer.sources.source_settings import PriceSettings, Span

NAME = "entsoe"
URL = "https://web-api.tp.entsoe.eu/api"
ZONES = {
    "DE-LU": "10Y1001A1001A82H", "AT": "10YAT-APG------L", "CH": "10YCH-SWISSGRIDZ",
    "NL": "10YNL----------L", "BE": "10YBE----------2", "FR": "10YFR-RTE------C",
    "CZ": "10YCZ-CEPS-----N", "PL": "10YPL-AREA-----S", "HU": "10YHU-MAVIR----U",
    "SI": "10YSI-ELES-----O", "SK": "10YSK-SEPS-----K", "HR": "10YHR-HEP------M",
    "DK1": "10YDK-1--------W", "DK2": "10YDK-2--------M", "FI": "10YFI-1--------U",
    "SE1": "10Y1001A1001A44P", "SE2": "10Y1001A1001A45N", "SE3": "10Y1001A1001A46L",
    "SE4": "10Y1001A1001A47J", "NO1": "10YNO-1--------2", "NO2": "10YNO-2--------T",
    "NO3": "10YNO-3--------J", "NO4": "10YNO-4--------9", "NO5": "10Y1001A1001A48H",
    "ES": "10YES-REE------0", "PT": "10YPT-REN------W", "IT-North": "10Y1001A1001A73I",
    "EE": "10Y1001A1001A39I", "LV": "10YLV-1001A00074", "LT": "10YLT-1001A0008Q",
    "RO": "10YRO-TEL------P", "BG": "10YCA-BULGARIA-R", "GR": "10YGR-HTSO-----Y",
}  # fmt: skip
"""Our name of a bidding zone: its EIC code."""
MOST_POINTS = 100_000
"""Most prices of one resolution; a year of quarter-hours has 35,136."""
STEPS = {"PT15M": 15, "PT30M": 30, "PT60M": 60}


def fetch(settings: PriceSettings, span: Span, http: ServiceClient) -> pd.DataFrame:
    """Spot prices of the bidding zone."""
    token, code = settings.entsoe_token, ZONES.get(settings.zone)
    if not token:
        raise ConfigError("prices: the source 'entsoe' needs a key 'entsoe_token'")
    if code is None:
        raise ConfigError(
            f"prices.zone: {NAME} has {', '.join(sorted(ZONES))}, not '{settings.zone}'"
        )
    start, end = (f"{at:%Y%m%d%H%M}" for at in parsing.whole_days(span))
    parameters = {
        "securityToken": token, "documentType": "A44", "in_Domain": code, "out_Domain": code,
        "periodStart": start, "periodEnd": end, "contract_MarketAgreement.type": "A01",
        "classificationSequence_AttributeInstanceComponent.position": "1",
    }  # fmt: skip
    answer = http.get(URL, parameters, secrets=[token], own=(400,))
    return parse(answer.text, span)


def parse(text: str, span: Span | None = None) -> pd.DataFrame:
    """`spot_eur_per_kwh` of an answer; where series overlap the finer one counts.

    Parameters
    ----------
    span
        Only what lies within its local days is read; None reads all.
    """
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise RejectedError(f"{NAME} answered with a web page instead of data")
    with parsing.documented(NAME):
        try:
            root = ElementTree.fromstring(text)  # noqa: S314 no entities, at most 2 MB
        except ElementTree.ParseError as error:
            raise RejectedError(f"{NAME} answered with something else than XML") from error
        for element in root.iter():
            element.tag = element.tag.rpartition("}")[2]
        if root.tag == "Acknowledgement_MarketDocument":
            raise _acknowledged(root)
        points: dict[str, list[StepValue]] = {}
        for series in root.findall("TimeSeries"):
            for resolution, point in _points(series, span):
                points.setdefault(resolution, []).append(point)
                if len(points[resolution]) > MOST_POINTS:
                    raise RejectedError(f"{NAME} answered with more than {MOST_POINTS} prices")
        return parsing.series_frame(_finest(points), "spot_eur_per_kwh", NAME)


def _acknowledged(root: ElementTree.Element) -> Exception:
    """The failure that an answer without data means."""
    code, text = (
        root.findtext("Reason/code"),
        " ".join((root.findtext("Reason/text") or "").split()),
    )
    if code == "999" and "no matching data" in text.lower():
        return NotPublishedError(f"{NAME} has no prices for this time yet")
    return RejectedError(
        f"{NAME} rejects the request ({code}): {re.sub(r'[^ -~]', ' ', text)[:120]}"
    )


def _points(series: ElementTree.Element, span: Span | None) -> Iterator[tuple[str, StepValue]]:
    """Resolution and value of every position of a series within the span."""
    sequence = series.findtext("classificationSequence_AttributeInstanceComponent.position", "1")
    if sequence != "1":
        return
    unit = (series.findtext("currency_Unit.name"), series.findtext("price_Measure_Unit.name"))
    if unit != ("EUR", "MWH"):
        raise RejectedError(f"{NAME}: prices are in {unit[0]}/{unit[1]}, not in EUR/MWH: not used")
    for period in series.findall("Period"):
        resolution = period.findtext("resolution", "")
        step = timedelta(minutes=STEPS[resolution])
        start = parsing.moment(period.findtext("timeInterval/start", ""))
        count = (parsing.moment(period.findtext("timeInterval/end", "")) - start) // step
        listed = {
            int(point.findtext("position", "")): parsing.number(
                float(point.findtext("price.amount", ""))
            )
            for point in period.findall("Point")
        }
        if listed and not 1 <= min(listed) <= max(listed) <= count:
            raise ValueError("a position outside of its period")
        places = range(count) if span is None else _within(span, start, step, count)
        carried = series.findtext("curveType") == "A03"
        before = max((place for place in listed if place <= places.start), default=None)
        price = None if before is None or not carried else listed[before]
        for place in places:
            price = listed.get(place + 1, price if carried else None)
            at = start + place * step
            yield resolution, StepValue(at, at + step, None if price is None else price / 1000)


def _within(span: Span, start: datetime, step: timedelta, count: int) -> range:
    """The places of a period, counted from 0, that touch the local days of a span."""
    begin, end = parsing.whole_days(span)
    return range(max(0, (begin - start) // step), min(count, -((start - end) // step)))


def _finest(points: dict[str, list[StepValue]]) -> list[StepValue]:
    """All points, without those that a finer series also has."""
    kept: list[StepValue] = []
    known: set[datetime] = set()
    for resolution in sorted(points, key=lambda name: STEPS[name]):
        added = [point for point in points[resolution] if known.isdisjoint(_quarters(point))]
        kept += added
        known.update(at for point in added for at in _quarters(point))
    return kept


def _quarters(point: StepValue) -> list[datetime]:
    """Starts of the quarter-hours of a step."""
    return [point.start + n * QUARTER for n in range((point.end - point.start) // QUARTER)]
