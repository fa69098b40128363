"""What energy costs: `[prices]` and `[tariff]`."""

from datetime import date
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from optimizer.config.types import EurPerKwh, Number, Section, TimeOfDay, Watts
from optimizer.model.tariff import Export, ExportKind, FeeWindow, Peak, Tariff


class Prices(Section):
    """Where prices come from."""

    sources: Annotated[tuple[str, ...], Field(min_length=1)] = ("csv",)
    zone: str = "DE-LU"
    file: Path | None = None


class Window(Section):
    """A time of day with its own grid fee."""

    months: Annotated[tuple[Annotated[int, Field(ge=1, le=12)], ...], Field(min_length=1)] = tuple(
        range(1, 13)
    )
    from_: Annotated[TimeOfDay, Field(alias="from")]
    to: TimeOfDay
    grid_fee_eur_per_kwh: EurPerKwh


class ExportSection(Section):
    """How fed-in energy is paid."""

    kind: ExportKind = ExportKind.FIXED
    eur_per_kwh: EurPerKwh = 0
    zero_when_spot_negative: bool = False


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"'{name}' is not a time zone such as Europe/Berlin") from error
    return name


class PeakSection(Section):
    """A price for the highest power drawn."""

    eur_per_kw: Annotated[Number, Field(ge=0, le=1000)]
    period: Literal["month", "year"] = "month"
    reached_w: Watts = 0
    usual_w: Watts = 0


class TariffSection(Section):
    """Net parts of the price, all in EUR/kWh."""

    valid_to: date | None = None
    time_zone: Annotated[str, AfterValidator(_zone)] = "Europe/Berlin"
    markup_eur_per_kwh: EurPerKwh = 0
    levies_eur_per_kwh: EurPerKwh = 0
    tax_eur_per_kwh: EurPerKwh = 0
    concession_eur_per_kwh: EurPerKwh = 0
    grid_fee_eur_per_kwh: EurPerKwh = 0
    vat_percent: Annotated[Number, Field(ge=0, le=50)] = 0
    window: tuple[Window, ...] = ()
    export: ExportSection = ExportSection()
    peak: PeakSection | None = None

    def tariff(self) -> Tariff:
        """The model's tariff."""
        parts = self.model_dump(exclude={"time_zone", "window", "export", "peak"})
        windows = tuple(
            FeeWindow(w.from_, w.to, w.grid_fee_eur_per_kwh, frozenset(w.months))
            for w in self.window
        )
        export = Export(**self.export.model_dump())
        zone = ZoneInfo(self.time_zone)
        peak = None if self.peak is None else Peak(**self.peak.model_dump(), zone=zone)
        return Tariff(**parts, windows=windows, export=export, zone=zone, peak=peak)
