"""The picture: price, power and stored energy on one time axis, over the phases of the plan.

One renderer for all pages. It is drawn twice, for wide and for narrow screens; the page's style
sheet shows one of them, and gives the colours, light, dark and for print.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from markupsafe import Markup

from optimizer.model import sun
from optimizer.report.picture_inputs import HEADROOM, Band, Picture, power_limits, within
from optimizer.report.svg import (
    Point,
    Scale,
    TimeAxis,
    TimeSpan,
    area_path,
    element,
    join,
    line_path,
    step_path,
)
from optimizer.text.local_time import clock

CHARACTER_PX = 7.0
"""Mean width of a character of the labels [px]."""

SHORT_WORDS = {"self-consumption": "self-cons."}
"""Words of phases for where there is no room for the whole one."""

MINUS = "\N{MINUS SIGN}"

HATCHES = {"charge": "M0,8L8,0", "hold": "M0,0L8,8", "defer": "M0,4H8", "discharge": "M4,0V8"}
"""Lines of a pattern of 8 px by intent; the others have none."""

LEGEND_PX = 6.2
"""Mean width of a character of a legend [px]."""

FULL_PERCENT = 0.6
"""Distance to a limit that counts as full or empty [%]."""


@dataclass(frozen=True, slots=True)
class Size:
    """Measures of a drawing [px]."""

    name: str
    width: float
    left: float
    price: float
    power: float
    stored: float
    tick: float
    """Least distance of two labels of the time axis."""
    legend: float
    """Distance of the legend from the axis."""
    key: float
    """Length of a line in the legend."""


WIDE = Size("wide", 960.0, 40.0, 130.0, 170.0, 110.0, 52.0, 72.0, 18.0)
NARROW = Size("narrow", 360.0, 32.0, 110.0, 140.0, 95.0, 38.0, 54.0, 10.0)
GAP, CHIPS, FOOT, RIGHT = 32.0, 40.0, 40.0, 10.0
"""Space above a panel, above the first one, below the last one, and on the right [px]."""

CHIP_TOP = CHIPS - 22.0
"""Upper edge of the names of the phases [px]."""


def draw(picture: Picture) -> Markup:
    """The picture for wide and for narrow screens, as SVG elements."""
    return join([_Drawing(picture, size).svg() for size in (WIDE, NARROW)])


def patterns() -> Markup:
    """Hatching of the phases, once a page, so that they differ without colours too."""
    return element("svg", element("defs", *(
        element(
            "pattern", element("path", d=path), id=f"hatch-{style}", width=8, height=8,
            patternUnits="userSpaceOnUse",
        )
        for style, path in HATCHES.items()
    )), class_="patterns", aria_hidden="true", width=0, height=0)  # fmt: skip


class _Drawing:
    """One drawing: its axes, and a method for each part."""

    def __init__(self, picture: Picture, size: Size) -> None:
        self.picture, self.size = within(picture), size
        self.axis = TimeAxis(
            picture.begin, picture.end, size.left, size.width - RIGHT, picture.zone
        )
        self.price_top = CHIPS + 24.0
        self.power_top = self.price_top + size.price + GAP
        self.stored_top = self.power_top + size.power + GAP
        self.bottom = self.stored_top + size.stored

    def svg(self) -> Markup:
        """The whole drawing."""
        height = self.bottom + FOOT
        drawn = [*self._price(), *self._power(), *self._stored(), *self._foot()]
        # labels last: their halo keeps the line of the moment out of them
        texts = [part for part in drawn if part.startswith("<text")]
        shapes = [part for part in drawn if not part.startswith("<text")]
        return element(
            "svg", element("title", self.picture.title), *self._background(),
            *shapes, *self._now(), *texts,
            class_=f"picture {self.size.name}", data_left=self.axis.left,
            data_right=self.axis.right, viewBox=f"0 0 {self.size.width:.0f} {height:.0f}",
            role="img",
        )  # fmt: skip

    def _background(self) -> list[Markup]:
        """Nights, phases and days behind all panels."""
        spans = self._panels()
        parts = [
            self._rect(begin, end, top, height, "night")
            for begin, end in self._nights()
            for top, height in spans
        ]
        for band in self.picture.bands:
            parts += [self._band(band, top, height) for top, height in spans]
            parts.append(self._hatch(band))
            parts += self._chip(band)
        return parts

    def _band(self, band: Band, top: float, height: float) -> Markup:
        return self._rect(band.begin, band.end, top, height, f"band {band.style}")

    def _hatch(self, band: Band) -> Markup:
        """Hatching of a phase over the lowest panel, in which the plan is best seen."""
        if band.style not in HATCHES:
            return Markup()
        x, end = self.axis.x(band.begin), self.axis.x(band.end)
        return element(
            "rect", x=x, y=self.stored_top, width=end - x, height=self.size.stored, class_="hatch",
            fill=f"url(#hatch-{band.style})",
        )  # fmt: skip

    def _chip(self, band: Band) -> list[Markup]:
        x, end = self.axis.x(band.begin), self.axis.x(band.end)
        top, width = CHIP_TOP, max(0.5, end - x - 1)
        box = element(
            "rect", element("title", band.word), x=x, y=top, width=width, height=18.0, rx=3,
            class_=f"chip {band.style}",
        )  # fmt: skip
        for word in (band.word, SHORT_WORDS.get(band.word, band.word)):
            if len(word) * CHARACTER_PX + 6 <= width:
                at = {"x": (x + end) / 2, "y": top + 13}
                return [box, element("text", word, **at, class_=f"word {band.style}")]
        return [box]

    def _price(self) -> list[Markup]:
        picture, top = self.picture, self.price_top
        values = [value for _, _, value in (*picture.buy_price, *picture.sell_price)] or [0.0]
        low, high = min(0.0, *values), max(0.0, *values)
        room = (HEADROOM - 1) * (high - low)
        y = self._y(low - (room if low < 0 else 0.0), (high + room) or 1.0, top, self.size.price)
        below = [(start, end, min(value, 0.0)) for start, end, value in picture.buy_price]
        above = [(start, end, max(value, 0.0)) for start, end, value in picture.buy_price]
        return [
            *self._frame(y, top, self.size.price, f"Price {picture.money.price_unit}/kWh", 5),
            *self._legend(top, [("buy", "buying", picture.buy_price), ("sell", "selling",
                                                                    picture.sell_price)]),
            self._path(area_path(above, self.axis, y), "area buy"),
            self._path(area_path(below, self.axis, y) if low < 0 else "", "area below"),
            self._path(step_path(picture.sell_price, self.axis, y), "line sell"),
            self._path(step_path(picture.buy_price, self.axis, y), "line buy"),
            *self._extremes(y),
        ]  # fmt: skip

    def _extremes(self, y: Scale) -> list[Markup]:
        """The lowest and the highest price, labelled."""
        spans = self.picture.buy_price
        if not spans:
            return []
        low, high = (pick(spans, key=lambda span: span[2]) for pick in (min, max))
        parts = self._label(high, y, f"highest {high[2]:z.1f}", -6.0)
        return parts if low[2] == high[2] else parts + self._label(
            low, y, f"lowest {low[2]:z.1f}", -6.0 if 0 <= low[2] <= 0.25 * high[2] else 15.0
        )  # fmt: skip

    def _label(self, span: TimeSpan, y: Scale, text: str, below_px: float) -> list[Markup]:
        x, height = (self.axis.x(span[0]) + self.axis.x(span[1])) / 2, y(span[2])
        return [
            element("circle", cx=x, cy=height, r=3, class_="dot"),
            self._text(text, x, height + below_px, "label strong"),
        ]

    def _power(self) -> list[Markup]:
        picture, top = self.picture, self.power_top
        given = [(start, end, max(value, 0.0)) for start, end, value in picture.battery_kw]
        taken = [(start, end, min(value, 0.0)) for start, end, value in picture.battery_kw]
        high, low = power_limits(picture)
        y = self._y(low, high, top, self.size.power)
        return [
            *self._frame(y, top, self.size.power, "Power kW", 8),
            *self._legend(top, [
                ("pv", "PV", picture.pv_kw), ("load", "house", picture.load_kw),
                ("give", "battery gives", picture.battery_kw),
                ("take", "takes", picture.battery_kw), ("grid", "grid", picture.grid_kw),
            ]),
            self._path(area_path(picture.pv_kw, self.axis, y), "area pv"),
            self._path(area_path(given, self.axis, y), "area give"),
            self._path(area_path(taken, self.axis, y), "area take"),
            self._path(step_path(picture.grid_kw, self.axis, y), "line grid"),
            self._path(step_path(picture.load_kw, self.axis, y), "line load"),
            *self._bursts(y),
        ]  # fmt: skip

    def _bursts(self, y: Scale) -> list[Markup]:
        """Names of the powers that the scale cuts off."""
        picture = self.picture
        beyond = [
            (max, "house up to", picture.load_kw, 13.0), (max, "PV up to", picture.pv_kw, 13.0),
            (max, "gives up to", picture.battery_kw, 27.0),
            (min, "takes up to", picture.battery_kw, -5.0),
        ]  # fmt: skip
        parts = []
        for pick, words, spans, down in beyond:
            if not spans:
                continue
            start, _, value = pick(spans, key=lambda span: span[2])
            if not y.low - 1e-9 <= value <= y.high + 1e-9:
                edge = y(value) + down
                text = f"{words} {abs(value):.1f} kW"
                parts.append(self._text(text, self.axis.x(start), edge, "label strong"))
        return parts

    def _stored(self) -> list[Markup]:
        picture, top = self.picture, self.stored_top
        y = self._y(0.0, 100.0, top, self.size.stored)
        main = picture.planned_percent or picture.measured_percent
        filled = "".join(self._filled(run, y) for run in main)
        return [
            *self._frame(y, top, self.size.stored, "Stored %", 3),
            *self._legend(top, [
                ("planned", "planned", picture.planned_percent),
                ("measured", "measured", picture.measured_percent),
                ("reference", "left to itself", picture.reference_percent),
            ]),
            self._path(filled, "area planned"),
            *self._limits(y),
            self._path(line_path(picture.reference_percent, self.axis, y), "line reference"),
            self._path(line_path(picture.planned_percent, self.axis, y), "line planned"),
            self._path(line_path(picture.measured_percent, self.axis, y), "line measured"),
            *self._turns([point for run in main for point in run], y),
        ]  # fmt: skip

    def _filled(self, run: Sequence[Point], y: Scale) -> str:
        if not run:
            return ""
        first, last = (self.axis.x(run[place][0]) for place in (0, -1))
        line = line_path([run], self.axis, y).removeprefix("M")
        return f"M{first:.1f},{y(0.0):.1f}L{line}L{last:.1f},{y(0.0):.1f}Z"

    def _limits(self, y: Scale) -> list[Markup]:
        """Reserve and upper limit as bands."""
        picture, parts = self.picture, []
        for low, high, word in (
            (0.0, picture.lowest_percent, "reserve"), (picture.highest_percent, 100.0, "limit"),
        ):  # fmt: skip
            if high - low < 0.5:
                continue
            parts.append(self._rect(picture.begin, picture.end, y(high), y(low) - y(high), "limit"))
            edge = high if word == "reserve" else low
            parts.append(element(
                "text", f"{word} {edge:.0f} %", x=self.axis.left + 3, y=y(edge) - 3.0,
                class_="label soft",
            ))  # fmt: skip
        return parts

    def _turns(self, points: Sequence[Point], y: Scale) -> list[Markup]:
        """Moments at which the battery becomes full or empty, labelled where there is room."""
        parts, last_x = [], -1e9
        for (_, before), (at, value) in pairwise(points):
            word = self._reached(before, value)
            x = self.axis.x(at)
            text = f"{word} {clock(at, self.picture.zone)}"
            middle = self._middle(text, x)
            if not word or middle - last_x < (len(text) + 1) * CHARACTER_PX:
                continue
            last_x, down = middle, 15.0 if word == "full" else -18.0
            parts.append(element("circle", cx=x, cy=y(value), r=3, class_="dot"))
            parts.append(self._text(text, x, y(value) + down, "label strong"))
        return parts

    def _reached(self, before: float, value: float) -> str:
        full = self.picture.highest_percent - FULL_PERCENT
        empty = self.picture.lowest_percent + FULL_PERCENT
        if before < full <= value:
            return "full"
        return "empty" if value <= empty < before else ""

    def _foot(self) -> list[Markup]:
        """Hours, days and a change of the clock below the panels."""
        parts = [
            element(
                "text", f"{at.astimezone(self.picture.zone):%H:%M}", x=self.axis.x(at),
                y=self.bottom + 15, class_="tick middle",
            )
            for at in self.axis.ticks(self.size.tick)
            if self.axis.x(at) < self.size.width - 14
        ]  # fmt: skip
        parts += [
            self._vertical(at, "day") for at in self.axis.midnights() if at < self.picture.end
        ]
        parts += self._day_names()
        for at, words in self.axis.clock_changes():
            parts.append(self._vertical(at, "change"))
            parts.append(self._text(words, self.axis.x(at), self.price_top + 12, "label strong"))
        return parts

    def _day_names(self) -> list[Markup]:
        edges = [self.picture.begin, *self.axis.midnights(), self.picture.end]
        form = "%A %-d %B" if self.size is WIDE else "%a %-d %b"
        parts = []
        for begin, end in pairwise(edges):
            name = format(begin.astimezone(self.picture.zone), form)
            x, after = self.axis.x(begin), self.axis.x(end)
            if after - x > len(name) * CHARACTER_PX:
                parts.append(element("text", name, x=x + 3, y=self.bottom + 32, class_="dayname"))
        return parts

    def _now(self) -> list[Markup]:
        now = self.picture.now
        if now is None or not self.picture.begin <= now <= self.picture.end:
            return []
        words = f"now {clock(now, self.picture.zone)}"
        x = self.axis.x(now)
        return [
            # down to the phases, not through their words
            element("line", x1=x, x2=x, y1=13.0, y2=CHIP_TOP, class_="now"),
            self._vertical(now, "now"),
            self._text(words, x, 11.0, "label now"),
        ]

    def _frame(self, y: Scale, top: float, height: float, title: str, most: int) -> list[Markup]:
        """Grid, axis labels and name of a panel."""
        left, right = self.axis.left, self.axis.right
        parts = [
            element("line", x1=x, x2=x, y1=top, y2=top + height, class_="grid")
            for x in map(self.axis.x, self.axis.ticks(self.size.tick))
        ]
        ticks = y.ticks(most)
        decimals = 0 if all(abs(value - round(value)) < 1e-9 for value in ticks) else 1
        for value in ticks:
            kind = "zero" if abs(value) < 1e-9 else "grid"
            parts.append(element("line", x1=left, x2=right, y1=y(value), y2=y(value), class_=kind))
            text = f"{value:z.{decimals}f}".replace("-", MINUS)
            parts.append(element("text", text, x=left - 5, y=y(value) + 4, class_="tick end"))
        name, _, unit = title.partition(" ")
        parts.append(element(
            "text", name, element("tspan", f" {unit}", class_="unit"), x=2, y=top - 8,
            class_="name",
        ))  # fmt: skip
        return parts

    def _legend(
        self, top: float, entries: Sequence[tuple[str, str, Sequence[object]]]
    ) -> list[Markup]:
        """Names of the series that are shown, right of the panel's name."""
        x, parts, size = self.axis.left + self.size.legend, [], self.size
        for style, words, series in entries:
            if not series:
                continue
            shown = words if size is WIDE else words.removeprefix("battery ")
            line = f"M{x:.0f},{top - 12:.0f}h{size.key:.0f}"
            parts.append(element("path", d=line, class_=f"key {style}"))
            parts.append(element("text", shown, x=x + size.key + 4, y=top - 8, class_="legend"))
            x += size.key + 0.4 * size.key + 8 + len(shown) * LEGEND_PX
        return parts

    def _y(self, low: float, high: float, top: float, height: float) -> Scale:
        return Scale(low, high, top + height, top)

    def _nights(self) -> list[tuple[datetime, datetime]]:
        """Dark spans, to a quarter of an hour."""
        spans: list[tuple[datetime, datetime]] = []
        step, at = timedelta(minutes=15), self.picture.begin
        while at < self.picture.end:
            if sun.is_night(at, at + step, *self.picture.place):
                joined = spans and spans[-1][1] == at
                begin = spans.pop()[0] if joined else at
                spans.append((begin, at + step))
            at += step
        return spans

    def _rect(
        self, begin: datetime, end: datetime, top: float, height: float, style: str
    ) -> Markup:
        x, after = self.axis.x(begin), self.axis.x(end)
        return element("rect", x=x, y=top, width=after - x, height=height, class_=style)

    def _path(self, d: str, style: str) -> Markup:
        return element("path", d=d, class_=style) if d else Markup()

    def _vertical(self, at: datetime, style: str) -> Markup:
        """A line through all panels, but not through the words between them."""
        x = f"{self.axis.x(at):.1f}"
        d = "".join(f"M{x},{top:.0f}v{height:.0f}" for top, height in self._panels())
        return element("path", d=d, class_=style)

    def _panels(self) -> list[tuple[float, float]]:
        """Top and height of each panel [px]."""
        size = self.size
        tops = (self.price_top, self.power_top, self.stored_top)
        return list(zip(tops, (size.price, size.power, size.stored), strict=True))

    def _text(self, text: str, x: float, y: float, style: str) -> Markup:
        """A label centred at a coordinate, moved to where it is not cut off."""
        middle = self._middle(text, x)
        return element("text", text, x=middle, y=y, class_=f"{style} middle")

    def _middle(self, text: str, x: float) -> float:
        """Middle of a label that is wanted at a coordinate, where it is not cut off."""
        half = len(text) * CHARACTER_PX / 2
        return min(max(x, self.axis.left + half + 2), self.size.width - half - 2)
