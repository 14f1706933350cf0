"""The error family against the contract, and the status that callers get."""

from collections import Counter
from pathlib import Path
from typing import Final, TypeVar

from audiencesync.v1.error_reason_pb2 import ErrorReason
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from service.rpc import errors
from service.rpc.status import CODES, ERROR_DOMAIN, status_of

CONTRACT: Final = Path(__file__).parents[3] / "proto/audiencesync/v1/error_reason.proto"

M = TypeVar("M", bound=Message)


def details(status: status_pb2.Status, kind: type[M]) -> list[M]:
    found = []
    for packed in status.details:
        made = kind()
        if packed.Unpack(made):
            found.append(made)
    return found


def test_every_reason_of_the_contract_has_exactly_one_class() -> None:
    classes = Counter(one.reason for one in errors.ServiceError.__subclasses__())
    names = [name.removeprefix("ERROR_REASON_") for name in ErrorReason.keys()[1:]]
    assert classes == Counter(names)


def test_every_kind_has_a_code() -> None:
    assert set(CODES) == set(errors.Kind)


def test_the_code_of_every_reason_is_the_one_that_the_contract_tells() -> None:
    lines = [line.strip() for line in CONTRACT.read_text().splitlines()]
    for one in errors.ServiceError.__subclasses__():
        end = next(
            n for n, text in enumerate(lines) if text.startswith(f"ERROR_REASON_{one.reason} ")
        )
        begin = max(n for n in range(end) if not lines[n].startswith("//"))
        assert CODES[one.kind].name in " ".join(lines[begin + 1 : end]), one.reason


def test_status_carries_reason_domain_and_metadata() -> None:
    status = status_of(errors.SyncNotFound(metadata={"sync_id": "aa"}))
    (info,) = details(status, error_details_pb2.ErrorInfo)
    assert (status.code, status.message) == (5, "No sync has this id.")
    assert (info.reason, info.domain, dict(info.metadata)) == (
        "SYNC_NOT_FOUND",
        ERROR_DOMAIN,
        {"sync_id": "aa"},
    )
    assert not details(status, error_details_pb2.RetryInfo)
    assert not details(status, error_details_pb2.BadRequest)


def test_status_names_every_bad_field_and_the_first_in_its_message() -> None:
    violations = (
        errors.FieldViolation("changes[1].member", "value is required"),
        errors.FieldViolation("request_id", "is too long"),
    )
    status = status_of(errors.InvalidField(violations=violations))
    (bad,) = details(status, error_details_pb2.BadRequest)
    assert [(one.field, one.description) for one in bad.field_violations] == [
        ("changes[1].member", "value is required"),
        ("request_id", "is too long"),
    ]
    assert status.message == "A field breaks its rules: changes[1].member: value is required"


def test_status_says_when_to_try_again() -> None:
    status = status_of(errors.FacebookThrottled(retry_after_s=90.25))
    (retry,) = details(status, error_details_pb2.RetryInfo)
    assert (retry.retry_delay.seconds, retry.retry_delay.nanos) == (90, 250_000_000)
