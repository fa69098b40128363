"""The executor's settings from a configuration."""

from pathlib import Path

from optimizer.app.reloading import change_of
from optimizer.config import loading
from optimizer.model.grid import Rule

CONFIG = """
[fems]
url = "http://127.0.0.1:9"
password = "env:FEMS_PASSWORD"
[battery]
capacity_wh = 12_000
max_charge_w = 4_000
[grid]
max_sell_w = 3_000
rule = "pv_only"
[prices]
sources = ["csv"]
file = "prices.csv"
[tariff]
grid_fee_eur_per_kwh = 0.10
[tariff.peak]
eur_per_kw = 9
[control]
interval_s = 7
follow = "intent"
write = "bounds"
replan_minutes = 45
"""


def test_every_setting_of_control_reaches_the_executor(tmp_path: Path) -> None:
    path = tmp_path / "optimizer.toml"
    path.write_text(CONFIG)
    path.chmod(0o600)
    config = loading.load(path, {"FEMS_PASSWORD": "owner"})
    battery = config.battery.battery(hybrid=True)
    change = change_of(config, battery, None)
    law = change.settings
    assert (law.battery, law.battery.max_charge_w, law.battery.hybrid) == (battery, 4_000, True)
    assert (law.grid.max_sell_w, law.grid.rule) == (3_000, Rule.PV_ONLY)
    assert (law.follow, law.write, law.site) == ("intent", "bounds", config.site)
    assert law.peak is not None
    assert law.peak.eur_per_kw == 9
    assert change.interval_s == 7
    assert change_of(config, battery, "power").settings.follow == "power"
