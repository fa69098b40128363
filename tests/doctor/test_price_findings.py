"""What the doctor says of price sources."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from optimizer.doctor import source_findings
from optimizer.doctor.finding import Level
from optimizer.doctor.source_findings import AskedSource
from optimizer.errors import ConfigError, ExitCode
from optimizer.http.failures import BusyError
from optimizer.model import frames

NOW = datetime(2026, 11, 22, 17, 35, tzinfo=UTC)
BEGIN, MIDNIGHT = datetime(2026, 11, 21, 23, tzinfo=UTC), datetime(2026, 11, 23, 23, tzinfo=UTC)
STEP = timedelta(minutes=15)


def answer(count, begin=BEGIN, without=(), column="spot_eur_per_kwh"):
    starts = [begin + n * STEP for n in range(count) if n not in without]
    frame = frames.frame_of(starts, [at + STEP for at in starts], **{column: [0.1] * len(starts)})
    return AskedSource(lambda: frame, "CC BY 4.0")


def broken(error, kept_days=0):
    def ask():
        raise error

    return AskedSource(ask, "none stated", kept_days)


def poll(stated=True, **chain):
    zone = ZoneInfo("Europe/Berlin")
    return list(source_findings.sources(chain, NOW, MIDNIGHT, zone, stated=stated))


def test_span_step_holes_age_and_licence():
    (item,) = poll(smard=answer(192, without=(100, 101, 150)))
    assert item.level is Level.OK
    assert item.text == (
        "smard: 189 steps of 15 min, 22.11. 00:00 to 24.11. 00:00, 2 gaps; net, of the exchange; "
        "CC BY 4.0; 29 h ahead"
    )


def test_tomorrow_is_not_there_yet():
    (item,) = poll(smard=answer(96))
    assert (item.level, item.exit_code) == (Level.WARN, ExitCode.OK)
    assert item.text.endswith("24.11. 00:00 was expected")


BUSY = BusyError("api.example does not work now (503): ask again later")


def test_one_source_that_answers_is_enough():
    first, second = poll(a=broken(BUSY, 35), b=answer(192))
    assert (first.level, first.exit_code) == (Level.WARN, ExitCode.OK)
    assert first.text == "a: api.example does not work now (503) (35 days of it are kept)"
    assert first.fix == "ask again later"
    assert second.level is Level.OK


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (broken(BUSY), ExitCode.BAD_DATA),
        (broken(ConfigError("no key: name one")), ExitCode.CONFIG),
        (answer(96, begin=BEGIN - timedelta(days=9)), ExitCode.BAD_DATA),
        (answer(96, begin=BEGIN + timedelta(days=9)), ExitCode.BAD_DATA),
    ],
)
def test_none_that_answers_is_a_failure(asked, code):
    (item,) = poll(a=asked)
    assert (item.level, item.exit_code) == (Level.FAIL, code)


def test_exchange_prices_without_fees_are_told():
    *_, item = poll(stated=False, a=answer(192))
    assert "nothing is charged from the grid" in item.text
    assert len(poll(stated=False, a=answer(192, column="buy_eur_per_kwh"))) == 1
