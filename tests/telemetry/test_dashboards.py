"""The dashboards in `data/dashboards` name only what the executor publishes, and all of it."""

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from jinja2.sandbox import SandboxedEnvironment

from optimizer.fems.client import CallCounts
from optimizer.model.battery import Battery
from optimizer.model.grid import Grid
from optimizer.model.snapshot import Decision, Reason, Snapshot
from optimizer.planning.planner import PlanRequest, make_plan
from optimizer.planning.task import ForecastStep
from optimizer.telemetry import home_assistant_mqtt, prometheus
from optimizer.telemetry.cycle_report import CycleReport
from optimizer.telemetry.home_assistant_mqtt import Address, Broker
from optimizer.telemetry.prometheus import PrometheusPage

FOLDER = Path(__file__).parents[2] / "data" / "dashboards"
START = datetime(2026, 1, 15, 1, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
BERLIN = ZoneInfo("Europe/Berlin")
METRIC = r"optimizer_\w+"


@pytest.fixture(scope="module")
def cycle():
    steps = tuple(
        ForecastStep(START + n * HOUR, START + (n + 1) * HOUR, buy, 0.08, 1_000.0, 0.0)
        for n, buy in enumerate([0.30, 0.10, 0.12, 0.40, 0.45, 0.30])
    )
    plan = make_plan(
        steps, PlanRequest(START, "home", Battery(capacity_wh=10_000), Grid(), 20.0), lambda: 0.0
    )
    now = START + timedelta(minutes=90)
    return CycleReport(
        Decision(now, None, Reason.SELF_CONSUMPTION), Snapshot(now, soc_percent=41.0), plan, 10_000,
        BERLIN,
    )  # fmt: skip


@pytest.fixture(scope="module")
def published(cycle):
    """Names of the metrics with the labels of each, as Prometheus reads them."""
    page = PrometheusPage("home", "0.1", CallCounts(taken=1, failed=1, read_s=0.01))
    page.update(cycle)
    later = cycle.decision.at + timedelta(seconds=10)
    page.update(CycleReport(Decision(later, None, Reason.NO_PLAN), None, None, 10_000))
    found: dict[str, set[str]] = {}
    for line in page.page().decode().splitlines():
        if not line.startswith("#"):
            name, _, labels = line.rsplit(" ", 1)[0].partition("{")
            found.setdefault(name, set()).update(re.findall(r"(\w+)=", labels))
    return found


@pytest.fixture(scope="module")
def board():
    return json.loads((FOLDER / "grafana.json").read_text())


@pytest.fixture(scope="module")
def cards():
    return yaml.safe_load((FOLDER / "home-assistant.yaml").read_text())


# Grafana ------------------------------------------------------------------------------------------


def test_grafana_asks_for_what_is_published_and_leaves_nothing_out(board, published):
    asked = set()
    for panel in board["panels"]:
        assert panel["targets"]
        for target in panel["targets"]:
            names = set(re.findall(METRIC, target["expr"]))
            assert names
            assert names <= published.keys(), target["expr"]
            asked |= names
            labels = set(re.findall(r"by \((\w+)\)|\{\{(\w+)\}\}", target["expr"]))
            labels |= set(re.findall(r"()\{\{(\w+)\}\}", target["legendFormat"]))
            wanted = {one or other for one, other in labels}
            assert wanted <= set().union(*(published[name] for name in names)), target
    assert asked == published.keys()
    assert {f"optimizer_{name}" for name in prometheus.GAUGES} <= asked


def test_grafanas_panels_have_their_own_place_and_say_what_they_show(board):
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        assert panel["description"].endswith((".", ","))
        assert panel["datasource"]["uid"] == "${datasource}"
    for one, other in combinations([panel["gridPos"] for panel in panels], 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below


def test_grafana_needs_no_address_of_a_house(board):
    text = json.dumps(board)
    assert "http" not in text
    assert [item["name"] for item in board["templating"]["list"]] == ["datasource"]


# Home Assistant -----------------------------------------------------------------------------------


def slug(text):
    """The part of an entity's id that Home Assistant makes of a name."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def announced():
    """Entities as Home Assistant names them: device, then entity."""
    broker = Broker(Address("127.0.0.1"), "home", "0.1", 10)
    return {
        f"{topic.split('/')[1]}.{slug(text['device']['name'])}_{slug(text['name'])}"
        for topic, text in broker.announcements()
        if text is not None
    }


def all_cards(card):
    yield card
    for inner in [*card.get("cards", []), *([card["card"]] if "card" in card else [])]:
        yield from all_cards(inner)


def test_the_cards_name_entities_that_are_announced_and_all_of_them():
    text = (FOLDER / "home-assistant.yaml").read_text()
    named = set(re.findall(r"\b(?:binary_)?sensor\.\w+", text))
    assert named == announced()


def test_the_cards_are_home_assistants_own(cards):
    kinds = {card["type"] for card in all_cards(cards)}
    assert kinds == {"vertical-stack", "entities", "markdown", "history-graph", "conditional"}


def test_the_next_phases_are_those_of_the_plan(cards, cycle):
    (content,) = (
        card["content"] for card in all_cards(cards) if card.get("title") == "What comes next"
    )
    sent = json.loads(home_assistant_mqtt.attributes(cycle))
    environment = SandboxedEnvironment(trim_blocks=False)
    environment.globals |= {
        "state_attr": lambda entity, name: sent.get(name) if entity.endswith("_action") else None,
        "as_datetime": datetime.fromisoformat,
        "as_local": lambda moment: moment.astimezone(BERLIN),
        "now": lambda: cycle.decision.at,
    }
    shown = environment.from_string(content).render()
    ahead = [row for row in sent["plan"] if datetime.fromisoformat(row["end"]) > cycle.decision.at]
    lines = [line.strip() for line in shown.splitlines() if line.strip()]
    assert len(lines) == len(ahead) > 1
    for line, row in zip(lines, ahead, strict=True):
        local = datetime.fromisoformat(row["start"]).astimezone(BERLIN)
        assert line == f"- **{local:%a %H:%M}** {row['words']}"
    sent.clear()
    assert "There is no plan for now." in environment.from_string(content).render()
