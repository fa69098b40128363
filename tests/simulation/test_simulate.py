"""The one loop of simulations, and the spans of a sample week."""

from datetime import UTC, datetime, timedelta

import pytest

from optimizer.simulation import sample_data
from optimizer.simulation.simulate import SimulatedSpan, sample_spans, simulate

HOUR = timedelta(hours=1)


class Diary:
    """A controller that notes what it is asked to do."""

    def __init__(self, at):
        self.at, self.asked = at, []

    def plan(self, at, known_to):
        assert at == self.at, "a plan is made at the moment to which the house has come"
        self.asked.append(("plan", at, known_to))

    def run(self, until):
        self.asked.append(("run", self.at, until))
        self.at = until


def test_a_plan_is_made_before_its_span_and_the_meters_are_read_after_it():
    begin = datetime(2026, 1, 14, tzinfo=UTC)
    ends = [begin + hours * HOUR for hours in (1, 3)]
    diary = Diary(begin)
    spans = [SimulatedSpan(begin, ends[0]), SimulatedSpan(ends[0], ends[1], ends[1] + HOUR)]
    simulate(diary, spans, lambda span: diary.asked.append(("read", diary.at, span.until)))
    assert diary.asked == [
        ("run", begin, ends[0]), ("read", ends[0], ends[0]), ("plan", ends[0], ends[1] + HOUR),
        ("run", ends[0], ends[1]), ("read", ends[1], ends[1]),
    ]  # fmt: skip


@pytest.mark.parametrize("daily", [False, True])
@pytest.mark.parametrize(
    "monday", ["2026-01-12", "2026-03-23", "2026-10-19"], ids=["winter", "spring", "autumn"]
)
def test_spans_cover_a_week_without_holes_and_plan_at_two_by_the_clock_on_the_wall(monday, daily):
    start = sample_data.midnight(datetime.fromisoformat(f"{monday}T12:00+01:00"))
    last = sample_data.midnight(start, 7)
    spans = sample_spans(start, last, last, daily=daily)
    assert [span.until for span in spans] == [*(span.begin for span in spans[1:]), last]
    assert spans[0].begin == start
    planned = [span.begin.astimezone(sample_data.ZONE) for span in spans if span.known_to]
    assert [moment.hour for moment in planned] == [0] + [14] * 7
    for span in spans:
        local = span.begin.astimezone(sample_data.ZONE)
        if local.hour == 14:
            assert span.known_to == min(sample_data.midnight(span.begin, 2), last)
    midnights = [span.begin for span in spans if span.begin == sample_data.midnight(span.begin)]
    assert len(midnights) == (7 if daily else 1)


def test_a_span_that_begins_after_the_publication_is_planned_once_with_what_is_known():
    start = datetime(2026, 1, 12, 15, tzinfo=UTC)
    last = sample_data.midnight(start, 3)
    spans = sample_spans(start, start + 2 * HOUR, last)
    assert spans == [SimulatedSpan(start, start + 2 * HOUR, sample_data.midnight(start, 2))]
