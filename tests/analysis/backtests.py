"""Small houses for the back-test's tests."""

from bisect import bisect_right


class FixedPlans:
    """Plans that were made elsewhere."""

    def __init__(self, case, plans):
        self.case, self.plans = case, plans

    def at(self, quarter, soc_wh):
        place = bisect_right([plan.made_at for plan in self.plans], self.case.at(quarter))
        return self.plans[place - 1] if place else None
