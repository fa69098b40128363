"""Overlapping windows: the narrower one counts; what is undecided, or never counts, is told."""

from datetime import date, datetime, time
from random import Random
from zoneinfo import ZoneInfo

import pytest

from optimizer.config.loading import validate
from optimizer.errors import ConfigError
from optimizer.model import local_hours
from optimizer.model.local_hours import DAYS, MONTHS
from optimizer.model.tariff import FeeWindow, Peak, Tariff

BERLIN = ZoneInfo("Europe/Berlin")
WINTER = (1, 2, 3, 10, 11, 12)
NIGHT = FeeWindow(time(0), time(5), 0.04)
DEEP = FeeWindow(time(2, 30), time(5), 0.01, months=WINTER)


def local(text):
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def config_of(tariff):
    return validate(
        {
            "fems": {"url": "http://fems", "password": "kanari3nvogel"},
            "battery": {"capacity_wh": 22_000}, "tariff": tariff,
        }
    )  # fmt: skip


def written(start, end, fee=0.01, **more):
    return {"from": start, "to": end, "grid_fee_eur_per_kwh": fee, **more}


@pytest.mark.parametrize("windows", [(NIGHT, DEEP), (DEEP, NIGHT)], ids=["wide first", "last"])
def test_the_one_with_fewer_hours_a_year_counts_in_any_order(windows):
    fees = Tariff(grid_fee_eur_per_kwh=0.08, window=windows)
    assert fees.grid_fee(local("2026-01-14 03:00")) == 0.01
    assert fees.grid_fee(local("2026-01-14 02:00")) == 0.04
    assert fees.grid_fee(local("2026-06-14 03:00")) == 0.04
    assert fees.grid_fee(local("2026-06-14 05:00")) == 0.08
    assert fees.window_at(local("2026-01-14 03:00")) is DEEP
    assert fees.window_at(local("2026-01-14 12:00")) is None


def test_equal_ones_that_overlap_are_an_error_with_both():
    with pytest.raises(ConfigError) as caught:
        config_of({"window": [written("00:00", "04:00"), written("03:00", "07:00", 0.02)]})
    text = str(caught.value)
    assert "window 1 (00:00 to 04:00) and window 2 (03:00 to 07:00) overlap" in text
    assert text.count("\n") == 0


@pytest.mark.parametrize(
    "pair",
    [
        (written("00:00", "04:00"), written("04:00", "08:00")),
        (written("00:00", "04:00", months=[1]), written("00:00", "04:00", months=[3])),
        (written("00:00", "04:00", days=["mo"]), written("02:00", "06:00", days=["tu"])),
    ],
)
def test_equal_ones_that_do_not_overlap_are_none(pair):
    assert len(config_of({"window": list(pair)}).tariff.window) == 2


def test_hours_over_midnight_meet_those_of_the_next_day():
    pair = [written("22:00", "02:00", days=["mo"]), written("01:00", "05:00", days=["tu"])]
    with pytest.raises(ConfigError, match="overlap"):
        config_of({"window": pair})


def test_a_window_that_never_counts_is_an_error_with_those_that_cover_it():
    windows = [written("00:00", "06:00"), written("00:00", "03:00"), written("03:00", "06:00")]
    with pytest.raises(ConfigError) as caught:
        config_of({"window": windows})
    assert (
        "window 1 (00:00 to 06:00) never applies: window 2 (00:00 to 03:00) and window 3 (03:00 to "
        "06:00) with fewer hours" in str(caught.value)
    )


def test_a_change_is_checked_like_the_tariff():
    pair = [written("00:00", "04:00"), written("03:00", "07:00", 0.02)]
    with pytest.raises(ConfigError, match=r"change\.0 .*overlap"):
        config_of({"change": [{"valid_from": "2027-01-01", "window": pair}]})


def test_midnight_may_be_written_as_the_days_end_and_never_as_its_beginning():
    tariff = config_of({"window": [written("18:00", "24:00")]}).tariff
    assert tariff.window == (FeeWindow(time(18), time(0), 0.01),)
    assert str(tariff.window[0]) == "18:00 to 24:00"
    assert tariff.grid_fee(local("2026-01-14 23:59")) == 0.01
    assert tariff.grid_fee(local("2026-01-15 00:00")) == 0.0
    assert config_of({"peak": {"eur_per_kw": 5, "to": "24:00"}}).tariff.peak.to == time(0)
    for start, end in (("24:00", "06:00"), ("18:00", "24:15"), ("18:00", "25:00")):
        with pytest.raises(ConfigError, match=r"tariff\.window\.0\.(from|to)"):
            config_of({"window": [written(start, end)]})


def test_random_sets_agree_with_counting_each_quarter_hour():
    """Cells against a plain count over a year of 96 quarters a day: who counts, who never does."""
    rng = Random(7)  # noqa: S311
    quarters = [time(n // 4, n % 4 * 15) for n in range(96)]
    for _ in range(300):
        windows = [
            FeeWindow(
                rng.choice(quarters[::12]), rng.choice(quarters[::12]), n / 100,
                months=tuple(rng.sample(MONTHS, rng.choice([1, 6, 12]))),
                days=tuple(rng.sample(DAYS, rng.choice([2, 5, 7]))),
            )
            for n in range(3)
        ]  # fmt: skip
        hours = [window.hours_a_year for window in windows]
        won, tied = set(), False
        for month in MONTHS:
            for day in range(1, 8):
                for clock in quarters[::12]:
                    at = datetime.combine(date(2026, month, day + 7), clock, BERLIN)
                    inside = [n for n, one in enumerate(windows) if one.covers(at)]
                    least = [n for n in inside if hours[n] == min(hours[m] for m in inside)]
                    tied |= len(least) > 1
                    won.update(least[:1])
        never = any(n not in won for n in range(3))
        try:
            local_hours.check(windows, "window")
        except ValueError:
            assert tied or never
        else:
            assert not tied
            assert not never


HOLIDAYS = ("DE", "DE-BY", "AT", "CH-ZH", "ES", "DK", "PL")


@pytest.mark.parametrize("code", HOLIDAYS)
def test_a_public_holiday_counts_as_a_sunday(code):
    pytest.importorskip("holidays")
    weekend = FeeWindow(time(0), time(0), 0.01, days=("sa", "su"))
    fees = Tariff(grid_fee_eur_per_kwh=0.08, window=(weekend,), holidays=code)
    christmas = local("2026-12-25 12:00")  # a Friday
    assert fees.grid_fee(christmas) == 0.01
    assert fees.holiday(christmas)
    assert fees.grid_fee(local("2026-12-23 12:00")) == 0.08
    assert fees.holiday(local("2026-12-23 12:00")) is None
    assert Tariff(grid_fee_eur_per_kwh=0.08, window=(weekend,)).grid_fee(christmas) == 0.08


def test_hours_that_begin_on_a_holiday_last_into_the_next_day():
    pytest.importorskip("holidays")
    night = FeeWindow(time(22), time(6), 0.01, days=("su",))
    fees = Tariff(grid_fee_eur_per_kwh=0.08, window=(night,), holidays="DE")
    assert fees.grid_fee(local("2026-05-01 23:00")) == 0.01  # a Friday, Labour Day
    assert fees.grid_fee(local("2026-05-02 05:00")) == 0.01
    assert fees.grid_fee(local("2026-04-30 23:00")) == 0.08


def test_a_peak_knows_the_holidays_of_its_tariff():
    pytest.importorskip("holidays")
    peak = {"eur_per_kw": 5, "days": ["mo", "tu", "we", "th", "fr"]}
    made = config_of({"holidays": "DE", "peak": peak}).tariff.peak
    assert isinstance(made, Peak)
    assert not made.counts(local("2026-05-01 12:00"))
    assert made.counts(local("2026-04-30 12:00"))


@pytest.mark.parametrize(
    ("code", "text"),
    [("Bavaria", "no country such as DE, AT, CH or ES"), ("DE-XX", "the parts of DE are: BB, BE")],
)
def test_a_place_without_known_holidays_is_one_sentence(code, text):
    pytest.importorskip("holidays")
    with pytest.raises(ConfigError, match=rf"^tariff\.holidays is '{code}', [^\n]*{text}[^\n]*$"):
        config_of({"holidays": code})
