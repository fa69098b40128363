"""From the store to accounts, and to the owner: prices and plans of then, closing, the report."""

import json
import re
from dataclasses import replace
from datetime import date, timedelta

import pytest

from optimizer.forecast import forecast_frame
from optimizer.model.override import Override, OverrideKind
from optimizer.model.plan import iso
from optimizer.model.snapshot import Decision, Reason
from optimizer.model.tariff import Peak
from optimizer.planning.arrays import forecast_steps
from optimizer.planning.planner import PlanRequest, make_plan
from optimizer.report import owner_report
from optimizer.savings import daily_accounts
from optimizer.savings.battery_path import AccountingRules
from optimizer.savings.measured_day import QuarterPrice
from optimizer.simulation import minute_simulation, sample_data
from optimizer.simulation.minute_simulation import Disturbance, Trouble
from optimizer.sources import owner_csv
from optimizer.store import database, overrides, plan_store
from optimizer.store.journal import Journal, ticks_between
from optimizer.store.overrides import StoredOverride
from optimizer.text import account_text

HOUSE = daily_accounts.AccountInputs(
    "sample house", AccountingRules(sample_data.BATTERY, sample_data.GRID), sample_data.ZONE
)
DAY = date(2026, 1, 13)
BEGIN, END = daily_accounts.bounds(DAY, sample_data.ZONE)
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """Two winter days; in the first the FEMS is away for two hours."""
    folder = tmp_path_factory.mktemp("lived")
    connection = database.connect(folder)
    away = Trouble(Disturbance.OUTAGE, BEGIN - 20 * HOUR, BEGIN - 18 * HOUR)
    minute_simulation.simulate_minutes(
        connection, sample_data.folder() / "winter", days=2, troubles=(away,)
    )
    connection.close()
    return folder


@pytest.fixture
def store(simulated, tmp_path):
    """A copy that a test may change."""
    connection = database.connect(simulated)
    connection.execute("VACUUM INTO ?", (str(tmp_path / database.FILE_NAME),))
    connection.close()
    copy = database.connect(tmp_path)
    yield copy
    copy.close()


@pytest.fixture
def plan_within_a_step():
    """The plan of a moment in steps of an hour."""

    def make(at):
        week = sample_data.folder() / "winter"
        load = owner_csv.read_power(week / "load_forecast.csv", "load_w")
        frame = forecast_frame.forecast(sample_data.prices(week), load, None, at, 14 * HOUR, HOUR)
        request = PlanRequest(
            at, "sample house", sample_data.BATTERY, sample_data.GRID, 50.0, step_s=3600
        )
        return make_plan(forecast_steps(frame), request, lambda: 0.0)

    return make


def test_each_quarter_hour_goes_by_the_plan_in_force_at_its_start(store):
    known = daily_accounts.known(store, BEGIN, END)
    publication = BEGIN + 14 * HOUR
    before, after = known.plans[publication - HOUR], known.plans[publication]
    assert (before.made_at, after.made_at) == (publication - 24 * HOUR, publication)
    assert len(known.plans) == len(known.quarters) == 96


def test_a_plan_counts_from_the_quarter_hour_after_it_was_made(store):
    """Made at 14:07 for the step from 14:00 on: that step began under the plan before."""
    publication = BEGIN + 14 * HOUR
    made = iso(publication + timedelta(minutes=7))
    store.execute("UPDATE plan SET made_at = ? WHERE made_at = ?", (made, iso(publication)))
    known = daily_accounts.known(store, BEGIN, END)
    assert known.plans[publication].made_at == publication - 24 * HOUR
    assert known.plans[publication + timedelta(minutes=15)].made_at == publication


def test_a_plan_that_cannot_be_read_gives_way_to_the_one_before(store):
    store.execute("UPDATE plan SET body = x'00' WHERE id = (SELECT max(id) FROM plan)")
    known = daily_accounts.known(store, BEGIN, END)
    assert known.plans[BEGIN + 15 * HOUR].made_at == BEGIN - 10 * HOUR
    store.execute("UPDATE plan SET body = x'00'")
    day = daily_accounts.of_day(store, HOUSE, DAY, END)
    assert (day.unplanned, day.planning_eur) == (96, 0)


def test_prices_of_other_steps_are_brought_to_quarter_hours(store):
    store.execute("DELETE FROM price")
    rows = [
        ("2026-01-12T23:00:00Z", 3600, "2026-01-12T10:00:00Z", 0.3, 0.1),
        ("2026-01-12T23:15:00Z", 900, "2026-01-12T12:00:00Z", 0.5, 0.2),
        ("2026-01-12T23:30:00Z", 300, "2026-01-12T13:00:00Z", 0.6, 0.1),
        ("2026-01-12T23:35:00Z", 300, "2026-01-12T13:00:00Z", 0.7, 0.1),
        ("2026-01-12T23:40:00Z", 300, "2026-01-12T13:00:00Z", 0.8, 0.1),
    ]
    store.executemany("INSERT INTO price VALUES (?, ?, ?, ?, ?)", rows)
    known = daily_accounts.known(store, BEGIN, END)
    quarter = timedelta(minutes=15)
    assert known.prices == {
        BEGIN: QuarterPrice(0.3, 0.1),
        BEGIN + quarter: QuarterPrice(0.5, 0.2),
        BEGIN + 2 * quarter: pytest.approx(QuarterPrice(0.7, 0.1)),
        BEGIN + 3 * quarter: QuarterPrice(0.3, 0.1),
    }
    store.execute(
        "INSERT INTO price VALUES ('2026-01-12T23:30:00Z', 900, '2026-01-12T14:00:00Z', 0.9, 0.1)"
    )
    assert daily_accounts.known(store, BEGIN, END).prices[BEGIN + 2 * quarter] == QuarterPrice(
        0.9, 0.1
    )


def test_a_plan_within_a_step_counts_from_the_next_quarter_hour_on(store, plan_within_a_step):
    """Planned in hours at 00:20:12: its price is one of the rest of the hour, not of all of it."""
    before, quarter = daily_accounts.known(store, BEGIN, END), timedelta(minutes=15)
    plan = plan_within_a_step(BEGIN + timedelta(minutes=20, seconds=12))
    plan_store.save(store, plan, {})
    after = daily_accounts.known(store, BEGIN, END)
    rest = QuarterPrice(plan.steps[0].buy_eur_per_kwh, plan.steps[0].sell_eur_per_kwh)
    prices = [after.prices[BEGIN + n * quarter] for n in range(4)]
    assert prices == [before.prices[BEGIN], rest, rest, rest]
    planned = [after.plans[BEGIN + n * quarter] == plan for n in range(4)]
    assert planned == [False, False, True, True]
    day = daily_accounts.of_day(store, HOUSE, DAY, END)
    assert (day.quarters, day.counted, day.unplanned) == (96, 96, 0)


def test_today_is_accounted_for_as_far_as_it_has_come(store):
    assert daily_accounts.of_day(store, HOUSE, DAY, BEGIN) is None
    assert daily_accounts.of_day(store, HOUSE, DAY, BEGIN + timedelta(minutes=14)) is None
    noon = daily_accounts.of_day(store, HOUSE, DAY, BEGIN + 12 * HOUR + timedelta(minutes=7))
    assert (noon.quarters, noon.counted) == (48, 48)
    whole = daily_accounts.of_day(store, HOUSE, DAY, END)
    assert (whole.quarters, whole.counted) == (96, 96)
    assert whole.bill_eur > noon.bill_eur


def test_days_are_closed_while_their_plans_are_kept_and_stay_so(store):
    before = daily_accounts.days(store, HOUSE, END, 3)
    assert [day.day for day in before] == ["2026-01-12", "2026-01-13"]
    assert daily_accounts.close(store, HOUSE, END + timedelta(minutes=59)) == 1
    assert daily_accounts.close(store, HOUSE, END + HOUR) == 1
    assert daily_accounts.close(store, HOUSE, END + 48 * HOUR) == 0
    store.execute("DELETE FROM plan")
    store.execute("UPDATE price SET buy_eur_per_kwh = 9")
    assert daily_accounts.days(store, HOUSE, END + 5 * HOUR, 3) == before


def taken(store, since, until, cost_eur, number=1):
    override = Override(number, OverrideKind.HOLD, since, until, "owner")
    with database.transaction(store):
        overrides.take(store, StoredOverride(override, cost_eur))
    return override


def test_an_override_is_an_item_of_its_own_and_the_account_still_adds_up(store):
    free = daily_accounts.of_day(store, HOUSE, DAY, END)
    taken(store, BEGIN + 10 * HOUR, BEGIN + 14 * HOUR, 0.80)
    day = daily_accounts.of_day(store, HOUSE, DAY, END)
    assert day.override_eur == pytest.approx(-0.80)
    assert day.planning_eur == pytest.approx(free.planning_eur + 0.80)
    assert day.saving_eur == free.saving_eur
    parts = day.planning_eur + day.override_eur + day.forecast_eur + day.execution_eur
    assert parts == pytest.approx(day.saving_eur, abs=1e-9)
    noon = daily_accounts.of_day(store, HOUSE, DAY, BEGIN + 12 * HOUR)
    assert noon.override_eur == pytest.approx(-0.40)
    table = account_text.lines([day], 22_000)
    assert table[1].endswith("  override")
    assert table[2].endswith("     -0.80")
    assert "override" not in account_text.lines([free], 22_000)[1]
    daily_accounts.close(store, HOUSE, END + HOUR)
    assert day in daily_accounts.days(store, HOUSE, END + 5 * HOUR, 3)


def with_peak(eur_per_kw=10.0, **given):
    peak = Peak(eur_per_kw, **given)
    return replace(HOUSE, terms=replace(HOUSE.terms, peak=peak))


def test_the_account_closes_with_overrides_peak_and_wear_in_it(store):
    """Both sums, to a billionth of a euro, on the figures and on their cents."""
    taken(store, BEGIN + 10 * HOUR, BEGIN + 14 * HOUR, 0.80)
    day = daily_accounts.of_day(store, with_peak(usual_w=2_000.0), DAY, END)
    free = daily_accounts.of_day(store, HOUSE, DAY, END)
    for item in (day.override_eur, day.less_peak_eur, day.worn_eur, day.stored_eur):
        assert abs(item) > 0.01
    parts = day.planning_eur + day.override_eur + day.forecast_eur + day.execution_eur
    assert parts == pytest.approx(day.saving_eur, abs=1e-9)
    assert day.saving_eur == pytest.approx(
        day.self_consumption_bill_eur - day.bill_eur + day.self_consumption_wear_eur
        - day.wear_eur + day.self_consumption_peak_eur - day.peak_eur + day.stored_eur, abs=1e-9,
    )  # fmt: skip
    assert day.saving_eur - day.less_peak_eur == pytest.approx(free.saving_eur, abs=1e-9)
    cents = account_text.Cents.of(day)
    assert cents.saved == (
        cents.self_consumption - cents.bill + cents.stored + cents.wear + cents.peak
    ) == cents.planning + cents.override + cents.forecast + cents.execution  # fmt: skip


def test_the_days_of_a_month_add_up_to_its_peak_by_meter_and_by_self_consumption(store):
    """Each day adds what it exceeds the days before by; closed days and the running one alike."""
    house = with_peak()
    first, second = daily_accounts.days(store, house, END, 3)
    assert first.day < second.day == DAY.isoformat()
    quarters = daily_accounts.known(store, BEGIN - 24 * HOUR, END).quarters
    highest_w = max(4 * q.drawn_wh for q in quarters if q.seconds >= 855)
    assert 1_000 * (first.peak_eur + second.peak_eur) / 10 == pytest.approx(highest_w)
    own = first.self_consumption_peak_eur + second.self_consumption_peak_eur
    assert 100 * own == pytest.approx(
        max(first.self_consumption_peak_w, second.self_consumption_peak_w)
    )
    assert daily_accounts.close(store, house, END + HOUR) == 2
    assert daily_accounts.of_day(store, house, DAY, END) == second
    reached = daily_accounts.of_day(store, with_peak(reached_w=30_000.0), DAY, END)
    assert (reached.peak_eur, reached.self_consumption_peak_eur) == (0, 0)


def test_a_peak_that_costs_nothing_has_no_column(store):
    free = daily_accounts.of_day(store, HOUSE, DAY, END)
    paid = daily_accounts.of_day(store, with_peak(), DAY, END)
    assert account_text.lines([free], 22_000)[1] + "    peak" == account_text.lines([paid], 1)[1]
    rules = dict(account_text.footnotes([paid], with_peak().terms))
    assert rules["peak"].startswith("10.00 EUR a kW for the highest quarter-hour of the month")
    assert rules["wear"].startswith("1.0 ct for each kWh out of the cells")
    assert rules["saved"].startswith("to itself - bill + stored + wear + peak; also plan")
    free_rules = dict(account_text.footnotes([free], HOUSE.terms))
    assert set(rules) - set(free_rules) == {"peak"}
    shown = {"no battery", "to itself", "bill", "stored", "wear", "saved", "plan", "forecast",
             "execution"}  # fmt: skip
    assert set(free_rules) == shown
    assert account_text.footnotes([], HOUSE.terms) == []


def test_a_price_falls_to_the_time_that_an_override_was_meant_to_last(store):
    """Replaced after one of four hours it has cost a quarter; each day has its part."""
    taken(store, BEGIN + 10 * HOUR, BEGIN + 14 * HOUR, 0.80)
    taken(store, BEGIN + 11 * HOUR, BEGIN + 13 * HOUR, 0.10, number=2)
    overrides.close(store, BEGIN + 12 * HOUR, overrides.Ending.REACHED)
    found = daily_accounts.known(store, BEGIN, END).override_eur
    assert sum(found.values()) == pytest.approx(0.80 / 4 + 0.10)
    taken(store, END - HOUR, END + 3 * HOUR, 1.0, number=3)
    found = daily_accounts.known(store, BEGIN, END).override_eur
    assert sum(found.values()) == pytest.approx(0.80 / 4 + 0.10 + 1.0 / 4)


def test_days_that_were_closed_before_there_were_overrides_are_still_read(store):
    daily_accounts.close(store, HOUSE, END + HOUR)
    store.execute("UPDATE ledger_day SET body = json_remove(body, '$.override_eur')")
    assert daily_accounts.days(store, HOUSE, END + 5 * HOUR, 3)[-1].override_eur == 0.0


def story(store, **changed):
    known = daily_accounts.known(store, BEGIN, END)
    changes = [t for t in ticks_between(store, BEGIN - 24 * HOUR, END) if t.kind == "change"]
    values = {
        "site": "<script>alert(1)</script>",
        "now": END,
        "zone": sample_data.ZONE,
        "capacity_wh": 22_000,
        "state": "Following: why",
        "plan": plan_store.in_force(store, END),
        "no_plan": "",
        "days": daily_accounts.days(store, HOUSE, END, 3),
        "quarters": known.quarters,
        "prices": known.prices,
        "without_plan": daily_accounts.self_consumption_charge(known, BEGIN, END, HOUSE),
        "reasons": owner_report.interruptions(changes, END),
        "attributions": ["Somebody & co."],
    }
    return owner_report.OwnerReport(**values | changed)


def test_the_report_opens_offline_and_tells_the_accounts(store):
    reported = story(store)
    html = owner_report.render(reported)
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "http:" not in html
    assert "https:" not in html
    assert "src=" not in html
    assert "default-src 'none'" in html
    for day in reported.days:
        assert day.day in html
        for cents in (account_text.Cents.of(day).saved, account_text.Cents.of(day).bill):
            assert f"{account_text.eur(cents)}<" in html
    assert "saved 0." in html
    assert "2 h 01 min: the FEMS does not answer" in html
    assert "Somebody &amp; co." in html
    assert html.count('class="picture wide"') == html.count('class="picture narrow"') == 2
    assert f"All {len(reported.plan.steps)} steps" in html
    assert len(html) < 150_000


def test_a_report_without_anything_says_so(store):
    html = owner_report.render(
        story(store, plan=None, no_plan="there is no plan yet", days=[], quarters=[], reasons=[],
              attributions=[])
    )  # fmt: skip
    assert "there is no plan yet" in html
    assert "Nothing can be accounted yet" in html
    assert "no measurements" in html
    assert "<h2>Data" not in html


def test_a_gap_in_the_measurements_is_a_gap_in_the_picture(store):
    store.execute("DELETE FROM quarter WHERE start = '2026-01-13T10:00:00Z'")
    store.execute("UPDATE quarter SET pv_wh = NULL, first_soc_wh = NULL")
    html = owner_report.render(story(store, plan=None))
    grid = re.findall(r'<path d="([^"]*)" class="line grid"/>', html)
    assert [path.count("M") for path in grid] == [2, 2]  # two runs, wide and narrow
    assert 'class="line load"' not in html  # unknown without the PV power
    assert 'class="line measured"' not in html


def test_the_report_says_what_the_plan_does_now_and_next(store):
    plan = plan_store.in_force(store, END)
    html = owner_report.render(story(store, now=plan.steps[0].start + timedelta(minutes=20)))
    assert "Planned now: " in html
    assert "; then " in html
    assert html.count('<tr class="now">') == 1


def test_how_long_nothing_could_be_held(tmp_path):
    connection = database.connect(tmp_path)
    journal = Journal(connection)
    reasons = (Reason.SELF_CONSUMPTION, Reason.UNREACHABLE, Reason.HOLDING, Reason.UNKNOWN)
    for place, reason in enumerate(reasons):
        journal.note(Decision(BEGIN + place * HOUR, None, reason), None)
    journal.flush()
    changes = [t for t in ticks_between(connection, BEGIN, END) if t.kind == "change"]
    assert owner_report.interruptions(changes, BEGIN + 5 * HOUR) == [
        ("a reading is missing", 2 * HOUR), ("the FEMS does not answer", HOUR),
    ]  # fmt: skip
    assert owner_report.interruptions([], END) == []
    connection.close()


def test_accounts_are_json(store):
    days = daily_accounts.days(store, HOUSE, END, 3)
    data = json.loads(json.dumps(account_text.as_json(days)))
    assert data["days"][1]["counted"] == 96
    total = data["total"]
    parts = total["planning_eur"] + total["forecast_eur"] + total["execution_eur"]
    assert parts == pytest.approx(total["saved_eur"])
