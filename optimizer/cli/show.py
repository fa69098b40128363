"""`optimizer show`: the plan in force."""

from optimizer.cli.options import (
    AtOption,
    ConfigOption,
    CsvOption,
    JsonOption,
    load_config,
    moment,
)


def show(
    at: AtOption = None, csv: CsvOption = None, as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:  # fmt: skip
    """Show the plan in force, the present step marked with '>'."""
    from optimizer.cli.output import print_plan, zone_of
    from optimizer.store import database, plans

    settings, now = load_config(config), moment(at)
    connection = database.connect(settings.store.folder)
    try:
        plan = plans.in_force(connection, now)
    finally:
        connection.close()
    capacity_wh, zone = settings.battery.capacity_wh, zone_of(settings)
    print_plan(plan, capacity_wh, zone, now=now, csv=csv, as_json=as_json)
