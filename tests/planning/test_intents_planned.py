"""What each step of a plan is for, the band that control may use, and the reason in figures.

Rows are (buy, sell, load, roof) in EUR/kWh and W; 10 kWh without losses unless said, one hour each.
"""

import pytest

ALL = (-10_000, 10_000)


def outcome(step):
    """(intent, planned power, band) of a step, to the watt."""
    return step.intent.value, round(step.battery_w), (round(step.lowest_w), round(step.highest_w))


CHARGE = [(0.10, 0.08, 500, 0), (0.50, 0.08, 2_000, 0)]
HOLD = [(0.40, 0.08, 1_000, 0), (0.44, 0.08, 1_000, 0)]
DEFER = [(0.30, 0.08, 0, 4_000), (0.30, 0.00, 0, 4_000)]
DISCHARGE = [(0.42, 0.40, 500, 0), (0.20, 0.08, 500, 0)]
NIGHT = [(0.30, 0.08, 500, 0)]

CASES = {
    # An hour at 10 ct before one at 50 ct: the house's 500 W and 2,000 W for later are bought.
    "charge": (CHARGE, {"soc_percent": 0}, ("charge", -2_000, (-10_000, -2_000))),
    "charge all it can": (
        CHARGE,
        {"soc_percent": 0, "max_charge_w": 1_500},
        ("charge", -1_500, (-1_500, -1_500)),
    ),
    # One kWh is left, and it saves 44 ct later instead of 40 ct now.
    "hold": (HOLD, {"soc_percent": 10}, ("hold", 0, (-10_000, 0))),
    # Four kWh of room: feed-in is paid now and not later, so the room is kept.
    "defer": (DEFER, {"soc_percent": 60, "end_value": 0.2}, ("defer", 0, (0, 10_000))),
    # Seven kWh of room: the later hour fills four, three have to come now.
    "limit": (DEFER, {"soc_percent": 30, "end_value": 0.2}, ("limit", -3_000, (-3_000, 10_000))),
    # Selling earns 40 ct now, keeping would save 20 ct later.
    "discharge": (
        DISCHARGE,
        {"soc_percent": 50, "rule": "mixed"},
        ("discharge", 5_000, (5_000, 10_000)),
    ),
    "left alone: the battery carries the house": (NIGHT, {}, ("self_consumption", 500, ALL)),
    "left alone: the roof's surplus is stored": (
        [(0.30, 0.08, 500, 2_000)],
        {"end_value": 0.2},
        ("self_consumption", -1_500, ALL),
    ),
    "left alone: empty": (NIGHT, {"soc_percent": 0}, ("self_consumption", 0, ALL)),
    "left alone: empty at its lower edge": (
        NIGHT,
        {"soc_percent": 20, "min_soc_percent": 20},
        ("self_consumption", 0, ALL),
    ),
    "left alone: soon empty": (NIGHT, {"soc_percent": 2}, ("self_consumption", 200, ALL)),
    "left alone: full": (
        [(0.30, 0.08, 500, 2_000)],
        {"soc_percent": 100, "end_value": 0.2},
        ("self_consumption", 0, ALL),
    ),
    "left alone: soon full": (
        [(0.30, 0.08, 500, 2_000)],
        {"soc_percent": 95, "end_value": 0.2},
        ("self_consumption", -500, ALL),
    ),
    "left alone: largest discharging power": (
        [(0.30, 0.08, 12_000, 0)],
        {"soc_percent": 100, "max_discharge_w": 5_000},
        ("self_consumption", 5_000, (-10_000, 5_000)),
    ),
    "left alone: largest charging power": (
        [(0.30, 0.08, 0, 9_000)],
        {"soc_percent": 0, "max_charge_w": 2_000, "end_value": 0.2},
        ("self_consumption", -2_000, (-2_000, 10_000)),
    ),
    "left alone: the roof just covers the house": (
        [(0.30, 0.08, 1_000, 1_000)],
        {"end_value": 0.2},
        ("self_consumption", 0, ALL),
    ),
    "left alone: part now, the rest in a dearer hour": (
        [(0.42, 0.08, 1_000, 0), (0.44, 0.08, 1_000, 0)],
        {"soc_percent": 15},
        ("self_consumption", 500, ALL),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_first_step_is_for(plan_of, name):
    rows, options, expected = CASES[name]
    assert outcome(plan_of(rows, **options).steps[0]) == expected


INTENT_NAMES = {
    "charge": (
        "cheap before the peak (50.0 ct at 15:00): a kWh stored now costs 10.0 ct, "
        "later it is worth at least {marginal_value}"
    ),
    "hold": (
        "keep for dearer hours (44.0 ct at 15:00): "
        "a stored kWh is worth {marginal_value} then, 40.0 ct now"
    ),
    "defer": (
        "keep room: selling pays 8.0 ct now, the roof still fills the battery by 16:00 "
        "when selling pays 0.0 ct"
    ),
    "limit": (
        "charge gently: the rest is sold for 8.0 ct, the roof still fills the battery by 16:00 "
        "when selling pays 0.0 ct"
    ),
    "discharge": "sell: a stored kWh earns 40.0 ct now, it is worth {marginal_value} later",
    "left alone: the battery carries the house": "the battery carries the house",
    "left alone: the roof's surplus is stored": "the roof covers the house, the rest is stored",
    "left alone: empty": (
        "the battery is empty: the house buys, charging would not pay after losses"
    ),
    "left alone: soon empty": "the battery carries the house until it is empty",
    "left alone: full": "the battery is full: the roof covers the house, the rest is sold",
    "left alone: soon full": "the battery is full: the roof covers the house, the rest is sold",
    "left alone: largest discharging power": (
        "the battery gives all it can, the house buys the rest"
    ),
    "left alone: the roof just covers the house": "the roof just covers the house",
    "left alone: part now, the rest in a dearer hour": (
        "the battery carries part of the house, the rest is kept for dearer hours "
        "(44.0 ct at 15:00)"
    ),
}


@pytest.mark.parametrize("name", INTENT_NAMES)
def test_the_reason_is_given_in_words_and_cents(plan_of, name):
    rows, options, _ = CASES[name]
    step = plan_of(rows, **options).steps[0]
    assert step.why == INTENT_NAMES[name].format(
        marginal_value=f"{100 * step.stored_value_eur_per_kwh:.1f} ct"
    )


def test_losses_are_in_the_figures_that_are_compared(plan_of):
    losses = {"charge_efficiency": 0.8, "discharge_efficiency": 0.5}
    charge = plan_of([(0.10, 0.08, 0, 0), (0.90, 0.08, 5_000, 0)], soc_percent=0, **losses)
    assert charge.steps[0].why.startswith(
        "cheap before the peak (90.0 ct at 15:00): a kWh stored now costs 12.5 ct, "
    )
    hold = plan_of([(0.40, 0.08, 1_000, 0), (0.44, 0.08, 1_000, 0)], soc_percent=20, **losses)
    assert hold.steps[0].why.endswith("20.0 ct now")
    sell = plan_of([(0.42, 0.40, 500, 0)], soc_percent=50, rule="mixed", **losses)
    assert sell.steps[0].why.startswith("sell: a stored kWh earns 20.0 ct now")


def test_a_battery_that_stands_still_at_its_own_consumption_holds(plan_of):
    plan = plan_of(HOLD, soc_percent=10.5, standby_w=50)
    assert outcome(plan.steps[0]) == ("hold", -50, (-10_000, 0))


def test_the_intents_of_a_whole_day_read_as_one_would_expect(plan_of):
    night, noon = (0.20, 0.08, 500, 0), (0.25, 0.08, 500, 5_000)
    evening, late = (0.40, 0.08, 1_500, 0), (0.30, 0.08, 500, 0)
    plan = plan_of(
        [night, night, noon, noon, evening, evening, late], soc_percent=10, end_value=0.10,
        charge_efficiency=0.95, discharge_efficiency=0.95,
    )  # fmt: skip
    assert [step.intent.value for step in plan.steps] == ["self_consumption"] * 7
    dark = (0.21, 0.08, 500, 0)
    plan = plan_of(
        [night, night, dark, dark, evening, evening, late], soc_percent=10, end_value=0.10,
        charge_efficiency=0.95, discharge_efficiency=0.95,
    )  # fmt: skip
    intents = [step.intent.value for step in plan.steps]
    assert intents == [
        "charge",
        "charge",
        "hold",
        "hold",
        "self_consumption",
        "self_consumption",
        "self_consumption",
    ]
