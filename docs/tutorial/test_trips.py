"""The tests of docs/tutorial.md."""

from datetime import UTC, datetime, timedelta

import pytest

from docs.tutorial.trips import CALLED_OFF, Booking, TripPaid, TripRequested, app, book, confirm, remind
from milepost.testing import Sandbox, crash_everywhere

LEAVES = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
TRIP = TripRequested(trip_id="t-1", travellers=("Ada", "Grace"), hotel="Plaza", leaves_at=LEAVES)


def test_the_reminder_goes_out_the_day_before() -> None:
    with Sandbox(app, start=datetime(2026, 1, 1, tzinfo=UTC)) as box:
        box.send(TRIP)
        [run] = box.runs(remind)
        assert run.status == "waiting"

        box.advance(timedelta(days=58, hours=8) - timedelta(seconds=1))
        assert run.status == "waiting"

        box.advance(timedelta(seconds=1))
        assert run.status == "completed"
        assert [(step.name, step.kind) for step in run.steps] == [("the day before", "sleep"), ("mail", "run")]


def test_a_paid_trip_gets_a_voucher_for_each_traveller() -> None:
    with Sandbox(app) as box:
        box.send(TRIP)
        [run] = box.runs(book)
        box.send(TripPaid(trip_id="t-1", method="card"))
        assert run.status == "waiting"  # one branch of "tell" sleeps; the other has sent its mail
        assert "tell/0/mail" in [step.path for step in run.steps]

        box.advance(timedelta(days=30))
        assert run.result == ["voucher for Ada", "voucher for Grace"]


def test_a_payment_that_comes_first_counts_too() -> None:
    with Sandbox(app) as box:
        box.send(TripPaid(trip_id="t-1", method="cash"), TRIP)
        [run] = box.runs(book)
        box.advance(timedelta(days=30))
        assert run.status == "completed"


def test_a_trip_that_nobody_pays_is_called_off_in_reverse() -> None:
    CALLED_OFF.clear()
    with Sandbox(app) as box:
        box.send(TRIP)
        [run] = box.runs(book)
        box.advance(timedelta(days=2))
        assert run.status == "failed"
        assert str(run.error) == "NonRetriableError: flight-t-1 and hotel-t-1 were not paid within two days"
        assert CALLED_OFF == ["hotel-t-1", "flight-t-1"]
        assert [other.status for other in box.runs("book.undo")] == ["completed"]
        assert [other.status for other in box.runs("book.on_failure")] == ["completed"]


def test_a_failing_airline_is_tried_again_and_a_full_hotel_is_not() -> None:
    with Sandbox(app) as box:
        calls: list[str] = []

        def shaky(trip_id: str, seats: int) -> Booking:
            calls.append(trip_id)
            if len(calls) < 3:
                raise ConnectionError("the airline does not answer")
            return Booking(reference=f"flight-{trip_id}", seats=seats)

        box.stub(book, "flight", shaky)
        box.send(TripRequested(trip_id="t-2", travellers=("Ada",), hotel="Grand", leaves_at=LEAVES))
        [run] = box.runs(book)
        assert run.status == "waiting"  # for the first retry, about 15 seconds later
        box.advance(timedelta(minutes=2))
        assert [(step.name, step.status, step.attempts) for step in run.steps] == [("flight", "completed", 3), ("hotel", "failed", 1)]
        assert str(run.error) == "SoldOut: the Grand has no room left (step 'hotel')"


def test_a_failed_trip_is_booked_again_with_another_hotel() -> None:
    with Sandbox(app) as box:
        box.send(TripRequested(trip_id="t-3", travellers=("Ada",), hotel="Grand", leaves_at=LEAVES))
        [run] = box.runs(book)
        assert run.status == "failed"

        again = box.rerun(run, from_step="hotel", input=["t-3", "Plaza"])
        box.send(TripPaid(trip_id="t-3", method="card"))
        box.advance(timedelta(days=30))
        assert again.result == ["voucher for Ada"]
        assert run.status == "failed"  # the original stays as it is


def travel(box: Sandbox) -> None:
    box.send(TRIP, TripPaid(trip_id="t-1", method="card"))
    box.advance(timedelta(days=31))
    [run] = box.runs(book)
    assert run.result == ["voucher for Ada", "voucher for Grace"]


def test_a_paid_trip_survives_anything() -> None:
    crash_everywhere(app, travel)


def travel_by_mail(box: Sandbox) -> list[str]:
    outbox: list[str] = []
    box.stub(confirm, "mail", outbox.append)  # a mail service that takes no key
    travel(box)
    return outbox


def test_a_mail_that_goes_out_twice_is_found() -> None:
    with pytest.raises(AssertionError, match="step 'mail' of confirm is not idempotent"):
        crash_everywhere(app, travel_by_mail)
