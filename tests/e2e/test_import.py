"""A customer list, a sync, the next day's list and a sync: the right people, by the difference alone."""

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from audiencesync.v1 import audience_sync_pb2 as pb
from typer.testing import CliRunner

from service.cli.client import call
from service.cli.demo_people import Customer, DemoPeople, make_people
from service.cli.import_sync import SyncsBeside
from service.cli.main import app
from tests.e2e.conftest import AUDIENCE_ID, Stack, run_command

pytestmark = pytest.mark.calm

COLUMNS = (
    *("user_id", "emails", "phones", "idfa", "firstName", "lastName", "gender", "birthday"),
    *("city", "state", "zip_code", "country_code"),
)


@pytest.fixture
def people() -> DemoPeople:
    return make_people(1_200, seed=7)


def write_list(path: Path, customers: Sequence[Customer]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="")
    writer.writeheader()
    for one in customers:
        several = {
            "emails": ";".join(one["emails"]),
            "phones": ";".join(one["phones"]),
            "idfa": ";".join(one["mobile_ad_ids"]),
        }
        writer.writerow({"user_id": one["member_id"], **several, **one["traits"]})
    path.write_text(text.getvalue())
    return str(path)


def import_file(stack: Stack, path: str, *options: str) -> str:
    done = run_command("import", AUDIENCE_ID, path, "--server", stack.service.server, *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def member_count(stack: Stack) -> int:
    request = pb.GetAudienceRequest(audience_id=AUDIENCE_ID)
    return call(stack.service.stub.GetAudience, request).audience.member_count


def test_two_days_of_lists_end_exact_and_the_second_sends_only_the_difference(
    stack: Stack, people: DemoPeople, tmp_path: Path
) -> None:
    stack.admin.post("people", {"people": people.population})
    audience = stack.connect()
    first_list = write_list(tmp_path / "customers.csv", people.first_day)

    told = import_file(stack, first_list, "--batch-size", "500")
    assert "1,200 members sent: 1,200 changed" in told
    assert "not an email" in told
    first = stack.sync()
    wanted, _ = stack.admin.match(people.first_day)
    assert stack.admin.people_inside(audience.custom_audience_id) == wanted
    assert first.calls <= 1
    rows_of_first_day = first.rows_added

    second_day = people.second_day()
    stayed = {one["member_id"] for one in second_day}
    gone = [one for one in people.first_day if one["member_id"] not in stayed]
    import_file(stack, write_list(tmp_path / "customers-day2.csv", second_day))
    import_file(stack, write_list(tmp_path / "gone.csv", gone), "--operation", "remove")
    second = stack.sync()

    wanted, _ = stack.admin.match(second_day)
    assert stack.admin.people_inside(audience.custom_audience_id) == wanted
    assert second.calls == 2, "one call of removals and one of additions"
    assert 0 < second.rows_added + second.rows_removed < rows_of_first_day
    assert second.rows_invalid == second.rows_carried_over == second.rows_unknown == 0


def test_a_list_is_taken_in_and_with_facebook_by_one_command(
    stack: Stack, people: DemoPeople, tmp_path: Path
) -> None:
    stack.admin.post("people", {"people": people.population})
    audience = stack.connect()
    path = write_list(tmp_path / "customers.csv", people.first_day)
    told = import_file(stack, path, "--sync").splitlines()
    assert told[0].startswith("1,200 members sent: 1,200 changed")
    assert f"{AUDIENCE_ID}: succeeded" in told[-1]
    wanted, _ = stack.admin.match(people.first_day)
    assert stack.admin.people_inside(audience.custom_audience_id) == wanted


@pytest.mark.parametrize(
    ("options", "told"), [((), [0, 500, 1_000, 1_200, 1_200]), (("--replace",), [])]
)
def test_syncs_are_asked_for_as_the_list_gets_durable_unless_it_replaces_all(
    stack: Stack,
    people: DemoPeople,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    told: list[int],
) -> None:
    stack.connect()
    path = write_list(tmp_path / "customers.csv", people.first_day)
    durable: list[int] = []
    monkeypatch.setattr(SyncsBeside, "acknowledged", lambda _self, members: durable.append(members))
    arguments = ("import", AUDIENCE_ID, path, "--server", stack.service.server, "--sync")
    done = CliRunner().invoke(app, [*arguments, "--batch-size", "500", *options])
    assert (done.exit_code, durable) == (0, told)


def test_importing_the_same_list_again_changes_nothing_and_sends_nothing(
    stack: Stack, people: DemoPeople, tmp_path: Path
) -> None:
    stack.connect()
    path = write_list(tmp_path / "customers.csv", people.first_day[:100])
    import_file(stack, path)
    stack.sync()
    assert "100 members sent: 0 changed, 100 unchanged" in import_file(stack, path)
    again = stack.sync()
    assert (again.rows_added, again.rows_removed) == (0, 0)


def test_a_list_that_was_taken_back_counts_when_it_is_sent_again(
    stack: Stack, people: DemoPeople, tmp_path: Path
) -> None:
    stack.connect()
    path = write_list(tmp_path / "customers.csv", people.first_day[:50])
    import_file(stack, path)
    import_file(stack, path, "--operation", "remove")
    assert "50 members sent: 50 changed" in import_file(stack, path)


def test_a_broken_line_is_named_and_what_was_sent_before_stays(
    stack: Stack, people: DemoPeople, tmp_path: Path
) -> None:
    stack.connect()
    path = tmp_path / "customers.csv"
    write_list(path, people.first_day[:25])
    path.write_text(path.read_text() + "customer-x,only two\n")
    arguments = ("import", AUDIENCE_ID, str(path), "--server", stack.service.server)

    broken = run_command(*arguments, "--batch-size", "10")
    assert broken.returncode == 1
    assert broken.stderr.count("\n") == 1
    assert "customers.csv, line 27: 2 columns where the header line has 12" in broken.stderr
    assert "20 members were sent before" in broken.stderr

    write_list(path, people.first_day[:25])
    mended = run_command(*arguments, "--batch-size", "10")
    assert "25 members sent: 5 changed, 20 unchanged" in mended.stdout


def test_a_list_that_replaces_everybody_is_first_counted_and_then_sent_as_a_difference(
    stack: Stack, people: DemoPeople, tmp_path: Path
) -> None:
    stack.admin.post("people", {"people": people.population})
    audience = stack.connect()
    first_list = write_list(tmp_path / "first.csv", people.first_day[:300])
    import_file(stack, first_list, "--replace")
    stack.sync()
    second = people.first_day[30:300]
    second_list = write_list(tmp_path / "second.csv", second)

    told = import_file(stack, second_list, "--replace", "--dry-run")
    assert "270 members sent: would have 30 changed, 270 unchanged" in told
    assert member_count(stack) == 300
    assert "30 changed" in import_file(stack, second_list, "--replace", "--batch-size", "100")
    assert member_count(stack) == 270
    stack.sync()
    wanted, _ = stack.admin.match(second)
    assert stack.admin.people_inside(audience.custom_audience_id) == wanted


def test_a_list_that_replaces_everybody_goes_on_after_a_mistake_in_it_is_mended(
    stack: Stack, people: DemoPeople, tmp_path: Path
) -> None:
    stack.connect()
    import_file(stack, write_list(tmp_path / "before.csv", people.first_day[:5]))
    path = tmp_path / "customers.csv"
    write_list(path, people.first_day[10:35])
    whole = path.read_text()
    path.write_text(whole + "customer-x,only two\n")
    options = ("--server", stack.service.server, "--replace", "--batch-size", "10")
    arguments = ("import", AUDIENCE_ID, str(path), *options)

    broken = run_command(*arguments)
    assert "line 27: 2 columns" in broken.stderr
    assert "nothing has changed, 20 members wait for the rest of the list" in broken.stderr
    assert member_count(stack) == 5
    path.write_text(whole)
    refused = run_command(*arguments)
    assert (refused.returncode, "REPLACE_UNDER_WAY" in refused.stderr) == (1, True)

    (resume,) = re.findall(r"--resume (\w+)", broken.stderr)
    assert resume in refused.stderr
    resumed = run_command(*arguments, "--resume", resume)
    assert "25 members sent: 30 changed, 0 unchanged" in resumed.stdout
    assert member_count(stack) == 25
    again = run_command(*arguments, "--resume", resume)
    assert again.stdout == resumed.stdout, "a finished import tells its result again"
