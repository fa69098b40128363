"""The suite's own teeth: each planted fault is seen, by the campaign and the promise it names."""

import pytest

from tests.faults import campaigns
from tests.faults.planted import plant
from tests.faults.planted.faults import FAULTS
from tests.faults.planted.plant import NotPlantedError, Planted

pytestmark = pytest.mark.no_cover


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_caught(campaign, name):
    process = campaign("planted.run", name)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, out + err
    assert out.startswith(FAULTS[name].promise)


@pytest.mark.parametrize("name", ["wire", "end", "slow end", "hang"])
def test_without_a_planted_fault_nothing_is_seen(name):
    assert list(campaigns.CAMPAIGNS[name]()) == []


def test_a_fault_whose_text_is_gone_is_no_longer_planted():
    with pytest.raises(NotPlantedError, match="has 0 times: 'no such text'"):
        plant.check(Planted("optimizer.control.law", (("no such text", ""),), "pure", "STEP"))
    with pytest.raises(NotPlantedError, match="no module"):
        plant.check(Planted("optimizer.no_such_module", (), "pure", "STEP"))
    with pytest.raises(NotPlantedError, match="already imported"):
        plant.plant(FAULTS["no clamp"])
