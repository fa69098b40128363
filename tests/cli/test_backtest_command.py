"""`optimizer backtest` over the owner's own configuration."""

import json

SPAN = ("--from", "2026-01-16T00:00:00+01:00", "--to", "2026-01-18T00:00:00+01:00")


def test_the_owners_house_is_tried_with_the_configured_series(optimizer, write_config):
    write_config()
    done = optimizer("backtest", *SPAN, "--json")
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)["trials"]
    assert (found["case"], found["days"]) == ("own house", 2.0)
    assert found["attainable_eur"] < found["self_consumption_eur"] < found["no_battery_eur"]


def test_a_time_has_to_be_said_and_has_to_be_known(optimizer, write_config):
    write_config()
    assert "--from 2026-01-01T00:00:00+01:00" in optimizer("backtest").stderr
    turned = optimizer("backtest", "--from", SPAN[3], "--to", SPAN[1])
    assert turned.returncode == 2
    assert "Invalid value for --to: it has to come after --from" in turned.stderr
    other = [text.replace("2026", "2020") for text in SPAN]
    done = optimizer("backtest", *other)
    assert done.returncode == 8
    assert "known from 2026-01-1" in done.stderr


def test_without_a_tariff_nobody_knows_what_energy_cost(optimizer, write_config):
    write_config(tariff="")
    done = optimizer("backtest", *SPAN)
    assert done.returncode == 3
    assert "needs [tariff]" in done.stderr
