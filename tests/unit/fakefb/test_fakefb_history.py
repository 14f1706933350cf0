"""An audience's memory of its uploads, and the columns of its chart."""

from hypothesis import given
from hypothesis import strategies as st

from fakefb.history import UPLOADS_MAX, History, Upload
from fakefb.matching import NAMES, KeyMatches, Matching, match_rows
from fakefb.page_history import COLUMNS_MAX, columns_of
from fakefb.people import Person, Population
from tests.unit.fakefb.client import FakeClient, sha


def upload(time: float = 0.0, added: int = 0, removed: int = 0, people: int = 0) -> Upload:
    return Upload(
        time=time,
        operation="add",
        session_id="1",
        rows=1,
        people_added=added,
        people_removed=removed,
        people=people,
        invalid={"empty": 1},
        by_key={"EMAIL": KeyMatches(2, 1)},
    )


def test_oldest_uploads_go_and_the_sums_stay() -> None:
    history = History()
    for number in range(UPLOADS_MAX + 5):
        history.keep(upload(time=number, added=2, removed=1))
    assert len(history.uploads) == UPLOADS_MAX
    assert history.uploads[0].time == 5
    total = UPLOADS_MAX + 5
    assert (history.people_added, history.people_removed) == (2 * total, total)
    assert history.invalid == {"empty": total}
    assert (history.values["EMAIL"], history.matched["EMAIL"]) == (2 * total, total)


def test_columns_begin_before_the_first_upload_and_have_no_gap() -> None:
    uploads = [upload(10, added=5, people=5), upload(13, removed=2, people=3)]
    assert columns_of(uploads) == {
        "times": [9, 10, 11, 12, 13],
        "people": [0, 5, 5, 5, 3],
        "added": [0, 5, 0, 0, 0],
        "removed": [0, 0, 0, 0, 2],
    }


@given(st.lists(st.floats(min_value=0, max_value=4e9), min_size=1, max_size=50))
def test_columns_are_few_and_lose_nothing(times: list[float]) -> None:
    uploads = [upload(time, added=1, people=i + 1) for i, time in enumerate(sorted(times))]
    columns = columns_of(uploads)
    assert len({len(values) for values in columns.values()}) == 1
    assert len(columns["times"]) <= COLUMNS_MAX + 2
    assert sum(columns["added"]) == len(times)
    assert columns["people"][-1] == len(times)


def test_a_clock_set_back_breaks_no_chart() -> None:
    columns = columns_of([upload(1_000, added=1, people=1), upload(10, added=1, people=2)])
    assert sum(columns["added"]) == 2


def test_match_rate_counts_values_and_those_known() -> None:
    population = Population()
    person = Person(
        person_id="ann",
        emails=("ann@example.com",),
        single={"first_name": "Ann", "last_name": "Lee", "zip": "12345", "country": "US"},
    )
    population.add(person, default_region="US", this_year=2026)
    columns = {
        "EMAIL": [sha("ann@example.com"), "", sha("x@x.org")],
        "FN": [sha("ann")] * 3,
        "LN": [sha("lee")] * 3,
        "ZIP": ["", sha("12345"), sha("99999")],
    }
    by_key = match_rows(columns, population, Matching.ANY_STRONG).by_key
    assert by_key == {"EMAIL": KeyMatches(2, 1), NAMES: KeyMatches(2, 1)}


async def test_uploads_are_remembered_with_people_in_and_out(fake: FakeClient) -> None:
    await fake.people(
        {"person_id": "ann", "emails": ["ann@example.com", "lee@example.com"]},
        {"person_id": "bob", "emails": ["bob@example.com"]},
    )
    audience = await fake.create()
    mails = ("ann@example.com", "lee@example.com", "bob@example.com", "x@x.org")
    await fake.add(audience, ["EMAIL"], [*([sha(mail)] for mail in mails), [""]])
    await fake.remove(audience, ["EMAIL"], [[sha("bob@example.com")]])
    put_in, taken_out = fake.state.audiences.by_id[audience].history.uploads
    assert (put_in.people_added, put_in.people_removed, put_in.people) == (2, 0, 2)
    assert put_in.by_key == {"EMAIL": KeyMatches(4, 3)}
    assert put_in.invalid == {"all values are empty": 1}
    assert (taken_out.people_added, taken_out.people_removed, taken_out.people) == (0, 1, 1)
    assert (put_in.operation, taken_out.operation) == ("add", "remove")


async def test_history_is_right_when_identifiers_are_removed(fake: FakeClient) -> None:
    await fake.switch(removal="identifiers")
    await fake.people({"person_id": "ann", "emails": ["ann@example.com", "lee@example.com"]})
    audience = await fake.create()
    for mail in ("ann@example.com", "lee@example.com"):
        await fake.add(audience, ["EMAIL"], [[sha(mail)]])
    for mail in ("ann@example.com", "lee@example.com"):
        await fake.remove(audience, ["EMAIL"], [[sha(mail)]])
    uploads = fake.state.audiences.by_id[audience].history.uploads
    assert [upload.people for upload in uploads] == [1, 1, 1, 0]
    assert [upload.people_removed for upload in uploads] == [0, 0, 0, 1]
