"""Owns the story of a match: key by key, why one row found whom it found."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fakefb.cells import fault_of
from fakefb.extern_links import ExternLinks, find_linked
from fakefb.matching import Columns, Found, Matching, find_people
from fakefb.payload import Payload, judge
from fakefb.people import Population
from fakefb.schema_keys import CELL_KINDS, ID_KEYS, STRONG_KEYS, WEAK_KEYS

Row = Mapping[str, str]
"""Cells as they are sent, by schema key."""

MATCHED: Final = "matched"
BLANK: Final = "blank"
NOBODY: Final = "nobody has this value"
PASSED_OVER: Final = "passed over: an earlier strong key matched"
ROW_INVALID: Final = "not looked at: the row is invalid"
WITH_NAMES: Final = "counts with the names"
NO_FINDER: Final = "never finds people"
NO_LINK: Final = "no upload of the audience's ad account has linked this id to anybody"
LINK_UNUSED: Final = "not looked at: another key found somebody"
STRONG_FOUND: Final = "not looked at: a strong key matched"
NO_NAMES: Final = "FN and LN are not both there"
NO_PLACE: Final = "neither ZIP nor CT is there"
NO_NAMESAKE: Final = "nobody has this first and last name"


@dataclass(frozen=True, slots=True)
class KeyStory:
    """What one cell did; `person_ids` are those whom this key alone knows."""

    key: str
    verdict: str
    person_ids: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowStory:
    """What one row did; `person_ids` are those whom the row matches in the end."""

    invalid_reason: str | None
    person_ids: list[str]
    keys: list[KeyStory]
    names: str
    """What the names did; they count where no strong key knows anybody."""
    numbers: frozenset[int]
    """The people matched, as numbers of the population."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """What a row is matched against; `links` are those of the ad account, None = of none."""

    population: Population
    matching: Matching
    lenient: bool = False
    links: ExternLinks | None = None
    now: float = 0.0
    """Unix seconds."""


def explain_row(row: Row, grounds: Grounds) -> RowStory:
    """Tell what a row does, by the same rules as an upload."""
    payload = Payload(
        schema=tuple(row),
        is_multi_key=True,
        columns={key: [value] for key, value in row.items()},
        rows=[list(row.values())],
    )
    judged = judge(payload, lenient=grounds.lenient)
    found: frozenset[int] = frozenset()
    if not judged.invalid:
        found = found.union(*_found(judged.columns, grounds).values())
    knowing = _knowing(row, grounds)
    names = _names_story(
        row, grounds.population, strong_found=any(knowing.get(key) for key in STRONG_KEYS)
    )
    return RowStory(
        invalid_reason=judged.invalid.get(0),
        person_ids=grounds.population.ids(found),
        keys=_key_stories(row, knowing, grounds, is_valid=not judged.invalid),
        names=ROW_INVALID if judged.invalid else names,
        numbers=found,
    )


def _found(columns: Columns, grounds: Grounds) -> Found:
    population, matching = grounds.population, grounds.matching
    if "EXTERN_ID" in columns:
        links = grounds.links or ExternLinks()
        return find_linked(
            columns, population, matching, links=links, learns=False, now=grounds.now
        )
    by_uid = {uid: population.by_id(uid) for uid in columns.get("UID", ())}
    return {**find_people(columns, population, matching), **by_uid}


def _knowing(row: Row, grounds: Grounds) -> dict[str, tuple[int, ...]]:
    """Return by key whom it alone knows."""
    population = grounds.population
    people = {k: population.by_strong[k].get(row[k], ()) for k in row if k in STRONG_KEYS}
    if "UID" in row:
        people["UID"] = population.by_id(row["UID"])
    if "EXTERN_ID" in row and grounds.links is not None:
        linked = grounds.links.found(row["EXTERN_ID"], grounds.now)
        people["EXTERN_ID"] = tuple(sorted({i for numbers in linked.values() for i in numbers}))
    return people


def _key_stories(
    row: Row, knowing: Mapping[str, tuple[int, ...]], grounds: Grounds, *, is_valid: bool
) -> list[KeyStory]:
    stories: list[KeyStory] = []
    has_found = False
    for key, value in row.items():
        people = knowing.get(key, ())
        verdict = _verdict(key, value, people)
        if not is_valid and fault_of(CELL_KINDS[key], value) is None:
            verdict = ROW_INVALID
        elif verdict == MATCHED and key == "EXTERN_ID" and _others_found(row, grounds):
            verdict = LINK_UNUSED
        elif verdict == MATCHED and key in STRONG_KEYS:
            passes = has_found and grounds.matching is Matching.FIRST_STRONG
            verdict = PASSED_OVER if passes else MATCHED
            has_found = True
        stories.append(KeyStory(key, verdict, grounds.population.ids(people)))
    return stories


def _others_found(row: Row, grounds: Grounds) -> bool:
    columns = {key: [value] for key, value in row.items() if key != "EXTERN_ID"}
    return bool(columns) and bool(find_people(columns, grounds.population, grounds.matching))


def _verdict(key: str, value: str, people: tuple[int, ...]) -> str:
    fault = fault_of(CELL_KINDS[key], value)
    if fault is not None:
        return fault
    if not value:
        return BLANK
    if key in WEAK_KEYS:
        return WITH_NAMES
    if key not in STRONG_KEYS and key not in ID_KEYS:
        return NO_FINDER
    if key == "EXTERN_ID" and not people:
        return NO_LINK
    return MATCHED if people else NOBODY


def _names_story(row: Row, population: Population, *, strong_found: bool) -> str:
    if strong_found:
        return STRONG_FOUND
    given = {key: row[key] for key in WEAK_KEYS if row.get(key)}
    if "FN" not in given or "LN" not in given:
        return NO_NAMES
    if "ZIP" not in given and "CT" not in given:
        return NO_PLACE
    namesakes = population.by_name.get((given["FN"], given["LN"]), ())
    if not namesakes:
        return NO_NAMESAKE
    return _namesakes_story(given, [population.weak[number] for number in namesakes])


def _namesakes_story(given: Row, namesakes: list[Row]) -> str:
    differing: Counter[str] = Counter()
    agreeing = 0
    for person in namesakes:
        shared = given.keys() & person.keys()
        different = {key for key in shared if given[key] != person[key]}
        if "ZIP" not in shared and "CT" not in shared:
            different.add("ZIP or CT, not known of them")
        differing.update(different)
        agreeing += not different
    story = f"{agreeing} of {len(namesakes)} with this name agree in every other weak key"
    if differing:
        story += "; different: " + ", ".join(f"{k} ({n})" for k, n in sorted(differing.items()))
    return story
