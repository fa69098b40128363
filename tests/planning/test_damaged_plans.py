"""A plan's JSON that is not whole is refused."""

import json
from math import nan

import pytest

from optimizer.errors import NoPlanError
from optimizer.model import plan_json


@pytest.mark.parametrize("change", ["values", "table", "naive", "list"])
def test_damaged_plan_json_is_refused(plan_of, change):
    data = json.loads(json.dumps(plan_json.to_json(plan_of([(0.3, 0.08, 500, 0)]))))
    if change == "values":
        data["steps"][0]["values_eur_per_kwh"][3] = nan
    elif change == "table":
        data["value_soc_wh"][0] = None
    elif change == "naive":
        data["steps"][0]["start"] = "2026-03-28T13:00:00"
        data["steps"][0]["end"] = "2026-03-28T14:00:00"
    else:
        data = [data]
    with pytest.raises(NoPlanError):
        plan_json.from_json(data)
