"""The picture: axes, labels, scales and phases, read back from the SVG as XML."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest

import optimizer
from optimizer.backtest.comparison import OURS, Comparison, ConfidenceInterval, StrategyResult
from optimizer.report import backtest_page, html, picture_inputs
from optimizer.report.picture import NARROW, WIDE, draw
from optimizer.report.picture_inputs import Band, Picture, power_limits
from optimizer.report.svg import Scale, TimeAxis, area_path, line_path, step_path
from optimizer.simulation import sample_data

ZONE = ZoneInfo("Europe/Berlin")
QUARTER = timedelta(minutes=15)
DAY = datetime(2026, 1, 14, 23, tzinfo=UTC)


def flat(value, count=96, start=DAY):
    return [(start + n * QUARTER, start + (n + 1) * QUARTER, value) for n in range(count)]


def picture(**changed):
    values = {
        "title": "a day", "begin": DAY, "end": DAY + timedelta(days=1), "zone": ZONE,
        "buy_price": flat(30.0), "sell_price": flat(8.0), "load_kw": flat(1.0), "pv_kw": flat(0.0),
        "battery_kw": flat(0.0), "grid_kw": flat(1.0),
        "planned_percent": [[(DAY, 50.0), (DAY + timedelta(days=1), 50.0)]],
    }  # fmt: skip
    return Picture(**values | changed)


def drawings(made):
    """The wide and the narrow drawing as XML trees."""
    return ET.fromstring(f"<all>{draw(made)}</all>")  # noqa: S314 made here


def texts(made, place=0):
    return ["".join(node.itertext()) for node in drawings(made)[place].iter("text")]


def of_class(made, name, place=0):
    return [node for node in drawings(made)[place].iter() if node.get("class") == name]


def test_every_panel_has_its_axis_with_unit_and_ticks():
    wide, narrow = (texts(picture(), place) for place in (0, 1))
    for name in ("Price ct/kWh", "Power kW", "Stored %"):
        assert name in wide
        assert name in narrow
    assert {"0", "20", "50", "100"} <= set(wide)
    hours = [text for text in wide if re.fullmatch(r"\d\d:00", text)]
    assert hours == [f"{hour:02d}:00" for hour in range(0, 24, 2)]
    assert len([text for text in narrow if re.fullmatch(r"\d\d:00", text)]) <= 8
    assert "Thursday 15 January" in wide
    assert "Thu 15 Jan" in narrow


def test_lowest_and_highest_price_are_labelled_and_negative_ones_have_a_colour_of_their_own():
    prices = flat(30.0)
    prices[10] = (*prices[10][:2], -5.0)
    prices[70] = (*prices[70][:2], 57.04)
    made = picture(buy_price=prices)
    assert {"lowest -5.0", "highest 57.0"} <= set(texts(made))
    assert len(of_class(made, "area below")) == 1
    assert of_class(picture(), "area below") == []


def test_a_burst_does_not_flatten_the_house():
    burst = [*flat(1.0, 94), *flat(11.0, 2, DAY + 94 * QUARTER)]
    charge = [*flat(-10.0, 4), *flat(0.5, 92, DAY + 4 * QUARTER)]
    made = picture(load_kw=burst, battery_kw=charge)
    low, high = power_limits(made)[1], power_limits(made)[0]
    assert 1.0 < high < 2.5
    assert -2.5 < low < -1.0
    assert {"house up to 11.0 kW", "takes up to 10.0 kW"} <= set(texts(made))
    assert not [text for text in texts(picture()) if "up to" in text]


def test_a_sunny_days_powers_are_drawn_whole():
    sunny = picture(pv_kw=[*flat(0.0, 40), *flat(9.0, 56, DAY + 40 * QUARTER)],
                    battery_kw=flat(-8.0))  # fmt: skip
    high, low = power_limits(sunny)
    assert (high > 9.0, low < -8.0) == (True, True)


@pytest.mark.parametrize(
    ("begin", "hours", "words"),
    [
        (datetime(2025, 10, 25, 22, tzinfo=UTC), 25, "clock back: CET"),
        (datetime(2026, 3, 28, 23, tzinfo=UTC), 23, "clock forward: CEST"),
    ],
)
def test_the_night_of_a_clock_change_is_labelled_and_has_all_its_hours(begin, hours, words):
    end = begin + timedelta(hours=hours)
    axis = TimeAxis(begin, end, 0.0, 2_500.0, ZONE)
    named = [at.astimezone(ZONE).strftime("%H") for at in axis.ticks(50.0)][:-1]
    assert len(named) == hours
    assert named.count("02") == {25: 2, 23: 0}[hours]
    made = picture(begin=begin, end=end, buy_price=flat(30.0, 4 * hours, begin))
    assert words in texts(made)
    assert words not in texts(picture())


def test_phases_are_bands_with_a_word_where_it_fits_and_hatching():
    third = timedelta(hours=8)
    bands = [
        Band(DAY, DAY + third, "charge", "charge"),
        Band(DAY + third, DAY + 2 * third, "self_consumption", "self-consumption"),
        Band(DAY + 2 * third, DAY + 2 * third + QUARTER, "hold", "hold"),
    ]
    made = picture(bands=bands)
    assert {"charge", "self-consumption"} <= set(texts(made))
    assert "hold" not in texts(made)  # a quarter of an hour is too narrow for it
    assert len(of_class(made, "band charge")) == 3
    fills = [node.get("fill") for node in of_class(made, "hatch")]
    assert fills == ["url(#hatch-charge)", "url(#hatch-hold)"]


def test_the_word_of_a_phase_has_a_short_form():
    """Of 910 px a day has, 2 h 15 min are 85: too few for "self-consumption"."""
    begin = DAY + timedelta(hours=15)
    for hours, word in ((1.5, None), (2.25, "self-cons."), (4, "self-consumption")):
        end = begin + timedelta(hours=hours)
        made = picture(bands=[Band(begin, end, "self_consumption", "self-consumption")])
        words = [node.text for node in of_class(made, "word self_consumption")]
        assert words == ([] if word is None else [word])


def test_now_is_a_line_only_within_the_picture():
    now = DAY + timedelta(hours=15, minutes=30)
    assert "now 15:30" in texts(picture(now=now))
    assert not [text for text in texts(picture(now=DAY - QUARTER)) if text.startswith("now")]


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("hour", [4.0, 6.5, 12.0, 15.75, 20.0])
def test_now_crosses_no_word_of_a_phase(hour, place):
    third = timedelta(hours=8)
    bands = [
        Band(DAY + n * third, DAY + (n + 1) * third, "hold", word)
        for n, word in enumerate(("charge", "keep room", "hold"))
    ]
    made = picture(bands=bands, now=DAY + timedelta(hours=hour))
    words = [
        node for node in drawings(made)[place].iter("text") if node.get("class") == "word hold"
    ]
    assert len(words) == 3
    (mark,) = [node for node in of_class(made, "now", place) if node.tag == "line"]
    (line,) = [node for node in of_class(made, "now", place) if node.tag == "path"]
    spans = [(float(mark.get("y1")), float(mark.get("y2")))]
    spans += [
        (float(top), float(top) + float(down))
        for top, down in re.findall(r"M[\d.]+,([\d.]+)v([\d.]+)", line.get("d"))
    ]
    assert len(spans) == 4  # the mark above the phases, and three panels
    for word in words:
        base = float(word.get("y"))  # 11 px of height
        assert not [span for span in spans if span[0] < base + 3 and span[1] > base - 11]


def test_labels_are_drawn_over_the_line_of_the_moment():
    made = picture(now=DAY + timedelta(hours=12))
    for tree in drawings(made):
        nodes = list(tree)
        line = max(n for n, node in enumerate(nodes) if node.get("class") == "now")
        labels = [n for n, node in enumerate(nodes) if node.get("class", "").startswith("label s")]
        assert labels
        assert min(labels) > line


def test_reserve_full_and_empty_are_labelled():
    moments = [DAY + timedelta(hours=6 * n) for n in range(5)]
    run = list(zip(moments, (50.0, 95.0, 60.0, 10.0, 10.0), strict=True))
    made = picture(planned_percent=[run], lowest_percent=10.0, highest_percent=95.0)
    assert {"reserve 10 %", "limit 95 %", "full 06:00", "empty 18:00"} <= set(texts(made))


def test_nights_are_shaded_by_the_sun():
    night = of_class(picture(), "night")
    assert len(night) == 2 * 3  # before sunrise and after sunset, in three panels
    polar = of_class(picture(place=(78.0, 15.0)), "night")
    assert len(polar) == 3


def test_no_label_leaves_the_drawing():
    prices = flat(30.0)
    prices[0], prices[-1] = (*prices[0][:2], 10.0), (*prices[-1][:2], 60.0)
    made = picture(buy_price=prices, now=DAY + timedelta(hours=24))
    for place, size in enumerate((WIDE, NARROW)):
        for node in drawings(made)[place].iter("text"):
            if "strong" in (node.get("class") or ""):
                half = 3.3 * len("".join(node.itertext()))
                assert half <= float(node.get("x")) <= size.width - half


def test_a_gap_in_time_is_a_gap_in_lines_and_areas():
    axis, y = TimeAxis(DAY, DAY + 4 * QUARTER, 0.0, 400.0, ZONE), Scale(0.0, 1.0, 100.0, 0.0)
    spans = [(DAY, DAY + QUARTER, 1.0), (DAY + 2 * QUARTER, DAY + 3 * QUARTER, 0.5)]
    assert step_path(spans, axis, y) == "M0,0H100M200,50H300"
    assert area_path(spans, axis, y) == "M0,100V0H100V100ZM200,100V50H300V100Z"
    assert line_path([[(DAY, 0.0)], [], [(DAY + QUARTER, 1.0)]], axis, y) == "M0,100M100,0"


def test_an_empty_picture_has_axes_only():
    empty = Picture("nothing", DAY, DAY + timedelta(days=1), ZONE)
    assert "Power kW" in texts(empty)
    assert "buying" not in texts(empty)


def test_what_lies_outside_of_the_time_is_left_out():
    prices = [*flat(30.0), *flat(99.0, 4, DAY + timedelta(days=1))]
    late = Band(DAY + timedelta(days=1), DAY + timedelta(days=2), "hold", "hold")
    made = picture(buy_price=prices, bands=[late])
    assert "highest 30.0" in texts(made)
    assert of_class(made, "band hold") == []


def test_a_file_of_its_own_has_its_style_and_stands_alone():
    alone = ET.fromstring(html.picture_file(picture()))  # noqa: S314 made here
    assert alone.tag == "{http://www.w3.org/2000/svg}svg"
    assert (alone.get("width"), alone.get("class")) == ("960", "picture")
    assert "prefers-color-scheme" not in "".join(alone.itertext())


def test_titles_stay_text():
    assert "<script" not in draw(picture(title="<script>alert(1)</script>"))


def test_the_picture_of_a_plan_shows_the_plans_figures():
    begin, _ = sample_data.days(sample_data.folder() / "winter")
    plan = optimizer.sample_site("winter").make_plan(begin + timedelta(days=2), soc_percent=30)
    series = picture_inputs.of_plan(plan, 22_000, ZONE)
    made = Picture("plan", plan.steps[0].start, plan.steps[-1].end, ZONE, **series)
    highest = max(step.buy_eur_per_kwh for step in plan.steps)
    assert f"highest {100 * highest:.1f}" in texts(made)
    bands = series["bands"]
    assert (bands[0].begin, bands[-1].end) == (plan.steps[0].start, plan.steps[-1].end)
    assert len(draw(made)) < 50_000


def comparison(months):
    year = ConfidenceInterval(100.0, float("nan"), float("nan"))
    ours = StrategyResult(OURS, 30.0, sum(months.values()), year, None, 200.0, 0, months)
    return Comparison("<script>", 30.0, 0.2, 40.0, 50.0, 25.0, (ours,), (("other", year),))


def test_the_back_tests_bars_keep_their_size():
    one = backtest_page.bars({"2026-01": 4.39})
    assert ET.fromstring(one).get("viewBox") == "0 0 124 198"  # noqa: S314 made here
    page = backtest_page.render([comparison({"2026-01": 4.39, "2026-02": -1.0})])
    assert "<script" not in page
    assert ">4.39</text>" in page
    assert ">-1.00</text>" in page
    assert "This program saves <b>3.39 EUR</b>" in page
    assert page.count('class="bar less"') == 1
    assert "<rect" not in backtest_page.render([replace(comparison({}), outcomes=())])
