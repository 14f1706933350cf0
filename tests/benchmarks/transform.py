"""Owns what a member costs from a caller's message to Facebook's door: us, and the official SDK.

Both get the same texts and send them to the same server, which reads them and no more. Ours goes
the way of the service: the bytes of a message, the rows of its members, the body, the Graph client
with its log line. The SDK's is `CustomAudience.add_users`. CPU time is that of this process, the
server is another.

The SDK is handed Python values, we have to get ours out of a protobuf message of columns first:
what we cost when handed the same Python values is told beside it. Columns come in `ImportMembership`
alone, so a round is one stream of it: names and places are remembered from message to message.
"""

import asyncio
import gc
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final

from audiencesync.v1 import audience_sync_pb2 as pb
from facebook_business.adobjects.customaudience import CustomAudience
from facebook_business.api import FacebookAdsApi
from facebook_business.session import FacebookSession

from service.graph import Credentials, GraphClient
from service.graph.payload import membership_body
from service.graph.transport import open_http_session
from service.identifiers.column_values import ColumnValues
from service.identifiers.member_reader import MemberReader
from service.rpc.member_columns import ListedMembers, listed_members
from service.rpc.prepare_columns import members_at_once, prepare_columns
from service.rpc.slices import Slices
from service.telemetry import configure_logging
from tests.benchmarks.figures import Figure, Report
from tests.benchmarks.member_texts import MemberTexts, member_texts
from tests.benchmarks.server_process import running

ROUNDS: Final = 7
"""Ours and the SDK's by turns, after one of each to warm up."""
MEMBERS_A_CALL: Final = 10_000

SCHEMA: Final = ("EMAIL", "PHONE", "FN", "LN", "CT", "ST", "ZIP", "COUNTRY")
_CREDENTIALS: Final = Credentials(access_token="token", app_id="1", app_secret="secret")
_AUDIENCE: Final = "120000000000000001"
_NOW: Final = datetime(2026, 11, 27, tzinfo=UTC)

RATIOS: Final = {"one_key": (6.0, 10.0), "eight_keys": (12.0, 20.0)}
"""How many times the SDK's members per CPU-second: at least, and what is aimed at."""


@dataclass(frozen=True, slots=True)
class Case:
    """The same calls as the SDK takes them and as our callers send them."""

    schema: Sequence[str]
    cells: Sequence[Sequence[Sequence[str]]]
    messages: Sequence[bytes]
    values: Sequence[ListedMembers]

    @property
    def members(self) -> int:
        return sum(map(len, self.cells))


@dataclass(slots=True)
class Spent:
    """CPU seconds of one round."""

    sdk: float = 0
    rows: float = 0
    """Of ours: from the bytes of a message to the rows of its members."""
    rows_of_values: float = 0
    """The same from members as Python values."""
    sending: float = 0
    """Of ours: the body and the call."""
    body: float = 0
    """The body once more, alone."""
    prepare: float = 0
    """All that the service does with a message before it stores it."""

    @property
    def ours(self) -> float:
        return self.rows + self.sending

    @property
    def ours_from_values(self) -> float:
        return self.rows_of_values + self.sending


def run(members: int) -> Report:
    """Measure calls of one key and of eight keys."""
    texts = list(member_texts(members))
    cases = {"one_key": _case(texts, 1), "eight_keys": _case(texts, len(SCHEMA))}
    with (
        running("-m", "tests.benchmarks.receipt_sink") as sink,
        Path(os.devnull).open("w", encoding="utf-8") as log,
    ):
        configure_logging(log_format="json", stream=log)
        url = sink.said["graph_url"]
        gc.freeze()  # as the service does when it has started
        rounds = {name: asyncio.run(_rounds(case, url)) for name, case in cases.items()}
    figures = [
        figure for name in cases for figure in _figures(name, rounds[name], cases[name].members)
    ]
    details = {"members": members, "members_a_call": MEMBERS_A_CALL, "rounds": ROUNDS}
    return Report(benchmark="transform", figures=figures, details=details)


async def _rounds(case: Case, url: str) -> Sequence[Spent]:
    FacebookSession.GRAPH = url
    api = FacebookAdsApi.init("1", "secret", "token", crash_log=False)
    audience = CustomAudience(_AUDIENCE, api=api)
    rounds = []
    async with open_http_session() as session:
        client = GraphClient(session, base_url=url)
        for _ in range(ROUNDS + 1):
            spent = Spent()
            await _send(case, client, spent)
            _send_by_sdk(case, audience, spent)
            _read_values(case, spent)
            await _prepare(case, spent)
            rounds.append(spent)
    return rounds[1:]


async def _send(case: Case, client: GraphClient, spent: Spent) -> None:
    values = _values()
    for session_id, encoded in enumerate(case.messages, start=1):
        began = time.process_time()
        columns = pb.MemberColumns.FromString(encoded)
        rows = _rows(listed_members(columns), values)
        have_rows = time.process_time()
        receipt = await client.add_users(_CREDENTIALS, _AUDIENCE, rows, session_id=session_id)
        sent = time.process_time()
        for _ in membership_body(rows, session_id=session_id).pieces():
            pass
        spent.body += time.process_time() - sent
        spent.sending += sent - have_rows
        spent.rows += have_rows - began
        if receipt.num_received != len(columns.member_ids):
            raise RuntimeError(f"{receipt.num_received} of {len(columns.member_ids)} were sent")


def _values() -> ColumnValues:
    """What one stream has, as the service makes it."""
    return ColumnValues(default_region="US", this_year=_NOW.year)


def _rows(members: ListedMembers, values: ColumnValues) -> list[bytes]:
    """The rows of members who are all plain, as the service reads them."""
    reader = MemberReader(values)
    rows: list[bytes] = []
    at_once = members_at_once(members)
    for start in range(0, len(members.ids), at_once):
        end = min(start + at_once, len(members.ids))
        texts = {key: column[start:end] for key, column in members.texts.items()}
        rows += [row for row in reader.rows_of_columns(texts, end - start) if row is not None]
    return rows


def _read_values(case: Case, spent: Spent) -> None:
    values = _values()
    for members in case.values:
        began = time.process_time()
        _rows(members, values)
        spent.rows_of_values += time.process_time() - began


def _send_by_sdk(case: Case, audience: CustomAudience, spent: Spent) -> None:
    for cells in case.cells:
        began = time.process_time()
        audience.add_users(list(case.schema), cells, is_raw=True)
        spent.sdk += time.process_time() - began


async def _prepare(case: Case, spent: Spent) -> None:
    values = _values()
    for encoded in case.messages:
        began = time.process_time()
        columns = pb.MemberColumns.FromString(encoded)
        slices = Slices(time.monotonic)
        await prepare_columns(columns, values=values, slices=slices)
        spent.prepare += time.process_time() - began


def _figures(case: str, rounds: Sequence[Spent], members: int) -> Sequence[Figure]:
    at_least, aim = RATIOS[case]
    return [
        Figure(
            name=f"{case}.ratio_to_sdk",
            value=median(spent.sdk / spent.ours for spent in rounds),
            unit="times",
            at_least=at_least,
            aim=aim,
        ),
        Figure(
            name=f"{case}.ratio_to_sdk_from_python_values",
            value=median(spent.sdk / spent.ours_from_values for spent in rounds),
            unit="times",
        ),
        *(
            Figure(
                name=f"{case}.{name}_members_per_cpu_second",
                value=median(members / getattr(spent, name) for spent in rounds),
                unit="members/s",
            )
            for name in ("ours", "sdk")
        ),
        *(
            Figure(
                name=f"{case}.{name}_cpu_us",
                value=median(getattr(spent, name) / members * 1e6 for spent in rounds),
                unit="us a member",
            )
            for name in ("rows", "rows_of_values", "sending", "body", "prepare", "sdk")
        ),
    ]


def _case(texts: Sequence[MemberTexts], keys: int) -> Case:
    calls = [texts[at : at + MEMBERS_A_CALL] for at in range(0, len(texts), MEMBERS_A_CALL)]
    return Case(
        schema=SCHEMA[:keys],
        cells=[[one.cells()[:keys] for one in call] for call in calls],
        messages=[_columns(call, keys).SerializeToString() for call in calls],
        values=[listed_members(_columns(call, keys)) for call in calls],
    )


def _columns(call: Sequence[MemberTexts], keys: int) -> pb.MemberColumns:
    columns = pb.MemberColumns(
        operation=pb.Change.OPERATION_ADD,
        member_ids=[f"member-{number}" for number in range(len(call))],
        emails=[one.email for one in call],
    )
    if keys > 1:
        columns.phones.extend(one.phone for one in call)
        columns.first_names.extend(one.first_name for one in call)
        columns.last_names.extend(one.last_name for one in call)
        columns.cities.extend(one.city for one in call)
        columns.states.extend(one.state for one in call)
        columns.zips.extend(one.zip for one in call)
        columns.countries.extend(one.country for one in call)
    return columns
