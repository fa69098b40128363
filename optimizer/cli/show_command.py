"""`optimizer show`: the plan in force."""

from optimizer.cli.common_options import (
    AtOption,
    ConfigOption,
    CsvOption,
    JsonOption,
    WideOption,
    load_config,
    moment,
)


def show(
    at: AtOption = None, wide: WideOption = False, csv: CsvOption = None,
    as_json: JsonOption = False, config: ConfigOption = None,
) -> None:  # fmt: skip
    """Show the plan in force in phases, the present one marked with '>'."""
    from optimizer.app.current_plan import plan_in_force
    from optimizer.cli.plan_output import print_plan

    settings, now = load_config(config), moment(at)
    plan, capacity_wh = plan_in_force(settings, now), settings.battery.capacity_wh
    print_plan(plan, capacity_wh, settings.zone, now=now, csv=csv, as_json=as_json, wide=wide)
