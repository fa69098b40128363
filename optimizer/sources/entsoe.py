"""ENTSO-E Transparency Platform: day-ahead prices of all Europe, with a free token.

`GET https://web-api.tp.entsoe.eu/api` with the document type A44, from local midnight to local
midnight in UTC. The XML counts positions from the start of a period; with curve type A03 a
position whose price equals the one before is left out. Sequence 1 is the auction that suppliers
bill; others are not used. "No matching data found" comes with status 200 or 400.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from xml.etree import ElementTree

import pandas as pd

from optimizer.errors import ConfigError
from optimizer.sources.failures import NotPublishedError, RejectedError
from optimizer.sources.http import Http
from optimizer.sources.series import Point, documented, frame, moment, number, whole_days
from optimizer.sources.settings import PriceSettings, Span

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
STEPS = {"PT15M": 15, "PT30M": 30, "PT60M": 60}


def fetch(settings: PriceSettings, span: Span, http: Http) -> pd.DataFrame:
    """Spot prices of the bidding zone."""
    token, code = settings.entsoe_token, ZONES.get(settings.zone)
    if not token:
        raise ConfigError("prices: the source 'entsoe' needs a key 'entsoe_token'")
    if code is None:
        raise ConfigError(
            f"prices.zone: {NAME} has {', '.join(sorted(ZONES))}, not '{settings.zone}'"
        )
    start, end = (f"{at:%Y%m%d%H%M}" for at in whole_days(span))
    parameters = {
        "securityToken": token, "documentType": "A44", "in_Domain": code, "out_Domain": code,
        "periodStart": start, "periodEnd": end, "contract_MarketAgreement.type": "A01",
        "classificationSequence_AttributeInstanceComponent.position": "1",
    }  # fmt: skip
    answer = http.get(URL, parameters, secrets=[token], own=(400,))
    return parse(answer.text)


def parse(text: str) -> pd.DataFrame:
    """`spot_eur_per_kwh` of an answer; where series overlap the finer one counts."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise RejectedError(f"{NAME} answered with a web page instead of data")
    with documented(NAME):
        try:
            root = ElementTree.fromstring(text)  # noqa: S314 no entities, at most 2 MB
        except ElementTree.ParseError as error:
            raise RejectedError(f"{NAME} answered with something else than XML") from error
        for element in root.iter():
            element.tag = element.tag.rpartition("}")[2]
        if root.tag == "Acknowledgement_MarketDocument":
            raise _acknowledged(root)
        points: dict[str, list[Point]] = {}
        for series in root.findall("TimeSeries"):
            for resolution, point in _points(series):
                points.setdefault(resolution, []).append(point)
        made = frame(_finest(points), "spot_eur_per_kwh", NAME)
    if made.empty:
        raise NotPublishedError(f"{NAME} has no prices for this time yet")
    return made


def _acknowledged(root: ElementTree.Element) -> Exception:
    """What an answer without data means."""
    code, text = (
        root.findtext("Reason/code"),
        " ".join((root.findtext("Reason/text") or "").split()),
    )
    if code == "999" and "no matching data" in text.lower():
        return NotPublishedError(f"{NAME} has no prices for this time yet")
    return RejectedError(
        f"{NAME} rejects the request ({code}): {re.sub(r'[^ -~]', ' ', text)[:120]}"
    )


def _points(series: ElementTree.Element) -> Iterator[tuple[str, Point]]:
    """Resolution and point of every position of a series."""
    sequence = series.findtext("classificationSequence_AttributeInstanceComponent.position", "1")
    if sequence != "1":
        return
    unit = (series.findtext("currency_Unit.name"), series.findtext("price_Measure_Unit.name"))
    if unit != ("EUR", "MWH"):
        raise RejectedError(f"{NAME}: prices are in {unit[0]}/{unit[1]}, not in EUR/MWH: not used")
    for period in series.findall("Period"):
        resolution = period.findtext("resolution", "")
        step = timedelta(minutes=STEPS[resolution])
        start = moment(period.findtext("timeInterval/start", ""))
        count = (moment(period.findtext("timeInterval/end", "")) - start) // step
        listed = {
            int(point.findtext("position", "")): number(float(point.findtext("price.amount", "")))
            for point in period.findall("Point")
        }
        if listed and not 1 <= min(listed) <= max(listed) <= count:
            raise ValueError("a position outside of its period")
        price = None
        for place in range(count):
            price = listed.get(place + 1, price if series.findtext("curveType") == "A03" else None)
            at = start + place * step
            yield resolution, Point(at, at + step, None if price is None else price / 1000)


def _finest(points: dict[str, list[Point]]) -> list[Point]:
    """All points, without those that a finer series has too."""
    kept: list[Point] = []
    for resolution in sorted(points, key=lambda name: STEPS[name]):
        finer = [(point.start, point.end) for point in kept]
        kept += [
            point
            for point in points[resolution]
            if not any(start < point.end and end > point.start for start, end in finer)
        ]
    return kept
