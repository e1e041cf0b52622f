"""The demo's arithmetic must be able to see what it says is not there."""

from __future__ import annotations

from headrace.cli.demo_data import Flight, generated
from headrace.cli.demo_report import Delivery, make_report


def flights(*keys: str | None) -> list[Flight]:
    return [Flight(row, key, "AA", row, {}) for row, key in enumerate(keys)]


def in_order(count: int) -> list[Delivery]:
    return [Delivery(0, row, row) for row in range(count)]


def test_all_well():
    sent = flights("a", "b", None)
    report = make_report(sent, in_order(3), 3)
    assert report.ok
    assert report.stream_means == report.file_means
    assert report.stream_means["AA"].mean == 1.0


def test_lost():
    report = make_report(flights("a", "b"), in_order(1), 1)
    assert (report.lost, report.ok) == (1, False)
    assert report.stream_means != report.file_means


def test_duplicated_is_another_offset_redelivered_is_the_same():
    sent = flights("a", "b")
    again = make_report(sent, [*in_order(2), Delivery(0, 1, 1)], 2)
    assert (again.duplicated, again.redelivered, again.ok) == (0, 1, True)
    twice = make_report(sent, [*in_order(2), Delivery(0, 2, 1)], 3)
    assert (twice.duplicated, twice.redelivered, twice.ok) == (1, 0, False)


def test_order_is_judged_by_key_and_in_the_log():
    swapped = [Delivery(0, 0, 1), Delivery(0, 1, 0)]
    assert make_report(flights("a", "a"), swapped, 2).reordered == 1
    assert make_report(flights("a", "b"), swapped, 2).reordered == 0
    assert make_report(flights(None, None), swapped, 2).reordered == 0
    assert make_report(flights("a", "a"), list(reversed(in_order(2))), 2).reordered == 0


def test_a_record_that_nobody_was_given_shows_in_the_log():
    assert not make_report(flights("a"), in_order(1), 2).ok


def test_generated_flights_are_the_same_every_time_and_have_gaps():
    first, again = list(generated(5000)), list(generated(5000))
    assert first == again
    assert any(flight.tail_number is None for flight in first)
    assert any(flight.arrival_delay is None for flight in first)
    assert len({flight.tail_number for flight in first}) > 1000
