"""What energy costs: `[prices]` and `[tariff]`."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, SecretStr, model_validator

from optimizer.config.types import EurPerKwh, Number, Section, TimeOfDay, Watts
from optimizer.model.tariff import Export, ExportKind, FeeWindow, Peak, Tariff

OCTOPUS_CODE = r"^E-[12]R-[A-Z0-9-]+-[A-P]$"
PARTS = (
    "markup_eur_per_kwh", "levies_eur_per_kwh", "tax_eur_per_kwh", "concession_eur_per_kwh",
    "grid_fee_eur_per_kwh", "vat_percent",
)  # fmt: skip
"""Keys that make a spot price the owner's price."""
Day = Literal["mo", "tu", "we", "th", "fr", "sa", "su"]
DAYS: tuple[Day, ...] = ("mo", "tu", "we", "th", "fr", "sa", "su")


class Prices(Section):
    """Where prices come from."""

    sources: Annotated[tuple[str, ...], Field(min_length=1)] = ("csv",)
    zone: str = "DE-LU"
    file: Path | None = None
    entsoe_token: SecretStr | None = None
    tibber_token: SecretStr | None = None
    tibber_home: str | None = None
    swiss: str | None = None
    swiss_tariff: str | None = None
    swiss_vat_percent: Annotated[Number, Field(ge=0, le=50)] = 8.1
    octopus_tariff: Annotated[str, Field(pattern=OCTOPUS_CODE)] | None = None
    octopus_export: Annotated[str, Field(pattern=OCTOPUS_CODE)] | None = None
    patience_s: Annotated[Number, Field(ge=0, le=7200)] = 60

    def settings(self) -> dict[str, Any]:
        """What price sources are told, secrets in the clear."""
        values = self.model_dump(exclude={"sources", "patience_s"})
        return {
            key: value.get_secret_value() if isinstance(value, SecretStr) else value
            for key, value in values.items()
        }


class Window(Section):
    """A time of day with its own grid fee."""

    months: Annotated[tuple[Annotated[int, Field(ge=1, le=12)], ...], Field(min_length=1)] = tuple(
        range(1, 13)
    )
    days: Annotated[tuple[Day, ...], Field(min_length=1)] = DAYS
    from_: Annotated[TimeOfDay, Field(alias="from")]
    to: TimeOfDay
    grid_fee_eur_per_kwh: EurPerKwh

    def window(self) -> FeeWindow:
        """The model's window."""
        days = frozenset(DAYS.index(day) for day in self.days)
        months = frozenset(self.months)
        return FeeWindow(self.from_, self.to, self.grid_fee_eur_per_kwh, months, days)


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


class Change(Section):
    """Parts that are other ones from a day on; what is not named stays as it was."""

    valid_from: date
    valid_to: date | None = None
    markup_eur_per_kwh: EurPerKwh | None = None
    levies_eur_per_kwh: EurPerKwh | None = None
    tax_eur_per_kwh: EurPerKwh | None = None
    concession_eur_per_kwh: EurPerKwh | None = None
    grid_fee_eur_per_kwh: EurPerKwh | None = None
    vat_percent: Annotated[Number, Field(ge=0, le=50)] | None = None
    window: tuple[Window, ...] | None = None
    export: ExportSection | None = None


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
    change: tuple[Change, ...] = ()

    @model_validator(mode="after")
    def _order(self) -> "TariffSection":
        days = [change.valid_from for change in self.change]
        if sorted(set(days)) != days:
            raise ValueError("change: name each valid_from once, the earliest first")
        return self

    def tariff(self) -> Tariff:
        """The model's tariff, with the changes that follow it."""
        zone = ZoneInfo(self.time_zone)
        now = Tariff(
            **self.model_dump(include=set(PARTS) | {"valid_to"}),
            windows=tuple(window.window() for window in self.window),
            export=Export(**self.export.model_dump()),
            zone=zone,
            peak=None if self.peak is None else Peak(**self.peak.model_dump(), zone=zone),
            stated=bool(self.model_fields_set & {*PARTS, "window"}),
        )
        changes: list[Tariff] = []
        for change in self.change:
            new = change.model_dump(include=set(PARTS), exclude_none=True)
            new |= {"valid_from": change.valid_from, "valid_to": change.valid_to}
            if change.window is not None:
                new["windows"] = tuple(window.window() for window in change.window)
            if change.export is not None:
                new["export"] = Export(**change.export.model_dump())
            changes.append(replace([now, *changes][-1], **new))
        return replace(now, changes=tuple(changes))
