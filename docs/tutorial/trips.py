"""The app of docs/tutorial.md: trips are booked, paid, and called off."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from milepost import App, Event, Failure, NonRetriableError, Retry, Step

app = App("trips")


@app.event("trips/trip.requested", keys=("trip_id",))
class TripRequested(Event):
    trip_id: str
    travellers: Sequence[str]
    hotel: str
    leaves_at: datetime


@app.event("trips/trip.paid", keys=("trip_id",))
class TripPaid(Event):
    trip_id: str
    method: str


@dataclass(frozen=True)
class Booking:
    reference: str
    seats: int


class SoldOut(Exception):
    """The hotel has no room left."""


def book_flight(trip_id: str, seats: int) -> Booking:
    return Booking(reference=f"flight-{trip_id}", seats=seats)


def book_hotel(trip_id: str, hotel: str) -> Booking:
    if hotel == "Grand":
        raise SoldOut(f"the {hotel} has no room left")
    return Booking(reference=f"hotel-{trip_id}", seats=1)


CALLED_OFF: list[str] = []


def call_off(booking: Booking) -> None:
    CALLED_OFF.append(booking.reference)


def make_voucher(traveller: str) -> str:
    return f"voucher for {traveller}"


def send_mail(text: str) -> None:
    print(f"mail: {text}")


@app.function(on=TripRequested)
def confirm(event: TripRequested, step: Step) -> str:
    flight = step.run("hold seats", book_flight, event.trip_id, len(event.travellers))
    step.run("mail", send_mail, f"{flight.seats} seats are held as {flight.reference}")
    return flight.reference


@app.function(on=TripRequested)
def remind(event: TripRequested, step: Step) -> None:
    step.sleep_until("the day before", event.leaves_at - timedelta(days=1))
    step.run("mail", send_mail, f"trip {event.trip_id} leaves tomorrow")


def apologise(event: TripRequested, step: Step, failure: Failure) -> None:
    step.run("mail", send_mail, f"trip {event.trip_id} cannot be booked: {failure.error}")


@app.function(on=TripRequested, waits_for=[TripPaid], on_failure=apologise)
def book(event: TripRequested, step: Step) -> list[str]:
    flight = step.options(compensate=call_off).run("flight", book_flight, event.trip_id, len(event.travellers))
    careful = step.options(retry=Retry(retries=5, give_up_on=(SoldOut,)), compensate=call_off)
    hotel = careful.run("hotel", book_hotel, event.trip_id, event.hotel)
    paid = step.wait_for_event("payment", TripPaid, trip_id=event.trip_id, timeout=timedelta(days=2))
    if paid is None:
        raise NonRetriableError(f"{flight.reference} and {hotel.reference} were not paid within two days")
    vouchers = step.map("voucher", make_voucher, event.travellers)
    step.parallel(
        "tell",
        lambda branch: branch.run("mail", send_mail, f"trip {event.trip_id} is paid by {paid.method}"),
        lambda branch: survey(event.trip_id, branch),
    )
    return vouchers


def survey(trip_id: str, step: Step) -> None:
    step.sleep("let them travel", timedelta(days=30))
    step.run("mail", send_mail, f"how was trip {trip_id}?")
