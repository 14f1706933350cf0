"""Literal requests and what comes back, each with its section of the contract and its mark.

`{list}`, `{empty}` and `{lookalike}` in requests stand for the ids of audiences that the test has
made; `...` as an expected value takes anything.
"""

from dataclasses import dataclass
from typing import Final

HASH: Final = "f1904cf1a9d73a55fa5de0ac823c4403ded71afd4c3248d00bdcd0866552bb79"
"""SHA-256 of mary@example.com, as the guide prints it."""
FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"
TOKEN: Final = "access_token=fake-token"
PAYLOAD: Final = f'{{"data":[["{HASH}"]],"is_raw":true,"schema":["EMAIL"]}}'


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request and its answer; `mark` is D, R, P, W or I of the contract's section."""

    name: str
    section: str
    mark: str
    method: str = "GET"
    target: str
    body: str = ""
    content_type: str = FORM
    status: int = 200
    answer: object


def _refusal(code: int, **more: object) -> dict[str, object]:
    known = {"type": "OAuthException", "message": ..., "fbtrace_id": ...}
    return {"error": {**known, "code": code, **more}}


EXCHANGES: Final = (
    Exchange(
        name="a created list is answered with its id alone",
        section="4.1",
        mark="R",
        method="POST",
        target=f"/v26.0/act_1000000001/customaudiences?{TOKEN}",
        body="name=K%C3%A4ufer&subtype=CUSTOM&customer_file_source=USER_PROVIDED_ONLY",
        answer={"id": ...},
    ),
    Exchange(
        name="a list needs customer_file_source",
        section="4.1",
        mark="R",
        method="POST",
        target=f"/v26.0/act_1000000001/customaudiences?{TOKEN}",
        body="name=x&subtype=CUSTOM",
        status=400,
        answer=_refusal(100, message="(#100) Missing parameter(s): customer_file_source"),
    ),
    Exchange(
        name="a reading without fields gives the id",
        section="1",
        mark="D",
        target=f"/v26.0/{{list}}/?{TOKEN}",
        answer={"id": "{list}"},
    ),
    Exchange(
        name="before the first upload the state is 410",
        section="4.4",
        mark="D",
        target=f"/v26.0/{{empty}}?fields=operation_status&{TOKEN}",
        answer={"operation_status": {"code": 410, "description": ...}, "id": "{empty}"},
    ),
    Exchange(
        name="several keys make the data source MULTI_HASHES",
        section="4.2",
        mark="R",
        target=f"/v26.0/{{list}}?fields=data_source&{TOKEN}",
        answer={
            "data_source": {
                "type": "FILE_IMPORTED",
                "sub_type": "MULTI_HASHES",
                "creation_params": "[]",
            },
            "id": "{list}",
        },
    ),
    Exchange(
        name="an unknown field is refused",
        section="4.2",
        mark="I",
        target=f"/v26.0/{{list}}?fields=shoe_size&{TOKEN}",
        status=400,
        answer=_refusal(
            100,
            message="(#100) Tried accessing nonexisting field (shoe_size) on node type "
            "(CustomAudience)",
        ),
    ),
    Exchange(
        name="a missing object is 100/33 and not 404",
        section="0.9",
        mark="D",
        target=f"/v26.0/120000000000000001?{TOKEN}",
        status=400,
        answer=_refusal(100, error_subcode=33, type="GraphMethodException"),
    ),
    Exchange(
        name="rows as the SDK sends them: a form",
        section="3.1",
        mark="W",
        method="POST",
        target=f"/v26.0/{{list}}/users?{TOKEN}",
        body=f"payload={PAYLOAD}&session=%7B%22batch_seq%22%3A1%2C%22session_id%22%3A8812%7D",
        answer={
            "audience_id": "{list}",
            "session_id": "8812",
            "num_received": 1,
            "num_invalid_entries": 0,
            "invalid_entry_samples": {},
        },
    ),
    Exchange(
        name="removal with a JSON body on DELETE",
        section="3.3",
        mark="P",
        method="DELETE",
        target=f"/v26.0/{{list}}/users?{TOKEN}",
        body=f'{{"payload":{PAYLOAD}}}',
        content_type=JSON,
        answer={
            "audience_id": "{list}",
            "session_id": ...,
            "num_received": 1,
            "num_invalid_entries": 0,
            "invalid_entry_samples": {},
        },
    ),
    Exchange(
        name="removal with a form body on DELETE",
        section="3.3",
        mark="D",
        method="DELETE",
        target=f"/v26.0/{{list}}/users?{TOKEN}",
        body=f"payload={PAYLOAD}",
        answer={
            "audience_id": "{list}",
            "session_id": ...,
            "num_received": 1,
            "num_invalid_entries": 0,
            "invalid_entry_samples": {},
        },
    ),
    Exchange(
        name="a blank external id is invalid, by its row",
        section="5.5",
        mark="R",
        method="POST",
        target=f"/v26.0/{{list}}/users?{TOKEN}",
        body=f'{{"payload":{{"schema":["EXTERN_ID","EMAIL"],"data":[["","{HASH}"]]}}}}',
        content_type=JSON,
        answer={
            "audience_id": "{list}",
            "session_id": ...,
            "num_received": 1,
            "num_invalid_entries": 1,
            "invalid_entry_samples": {f'["","{HASH}"]': "empty external ID"},
        },
    ),
    Exchange(
        name="rows without a payload",
        section="5.2",
        mark="R",
        method="POST",
        target=f"/v26.0/{{list}}/users?{TOKEN}",
        status=400,
        answer=_refusal(100, message="(#100) Missing required parameter: payload"),
    ),
    Exchange(
        name="single-key rows after multi-key ones",
        section="5.8",
        mark="R",
        method="POST",
        target=f"/v26.0/{{list}}/users?{TOKEN}",
        body=f'{{"payload":{{"schema":"EMAIL_SHA256","data":["{HASH}"]}}}}',
        content_type=JSON,
        status=400,
        answer=_refusal(
            2650,
            message="(#2650) Failed to update the custom audience: This audience was created "
            "from data source FILE_IMPORTED.MULTI_HASHES, which does not support data source "
            "FILE_IMPORTED.HASHES_OR_USER_IDS.",
        ),
    ),
    Exchange(
        name="a replace that does not begin with batch 1",
        section="5.7",
        mark="D",
        method="POST",
        target=f"/v26.0/{{list}}/usersreplace?{TOKEN}",
        body=f'{{"payload":{PAYLOAD},"session":{{"session_id":9,"batch_seq":2}}}}',
        content_type=JSON,
        status=400,
        answer=_refusal(
            2650,
            error_subcode=1870147,
            is_transient=False,
            error_user_title=...,
            error_user_msg=...,
        ),
    ),
    Exchange(
        name="an upload session, all values text",
        section="5.9",
        mark="R",
        target=f"/v26.0/{{list}}/sessions?session_id=7700&{TOKEN}",
        answer={
            "data": [
                {
                    "session_id": "7700",
                    "start_time": ...,
                    "end_time": "0",
                    "num_received": "1",
                    "num_matched": "-1",
                    "num_invalid_entries": "0",
                    "progress": "0",
                    "stage": "uploading",
                }
            ],
            "paging": ...,
        },
    ),
    Exchange(
        name="an empty list of sessions has no paging",
        section="3.5",
        mark="R",
        target=f"/v26.0/{{empty}}/sessions?{TOKEN}",
        answer={"data": []},
    ),
    Exchange(
        name="the last page has cursors and no next",
        section="3.5",
        mark="R",
        target=f"/v26.0/act_1000000001/customaudiences?{TOKEN}",
        answer={
            "data": [{"id": "{lookalike}"}, {"id": "{empty}"}, {"id": "{list}"}],
            "paging": {"cursors": {"before": ..., "after": ...}},
        },
    ),
    Exchange(
        name="deleting the origin of a lookalike",
        section="4.6",
        mark="D",
        method="DELETE",
        target=f"/v26.0/{{list}}/?{TOKEN}",
        status=400,
        answer=_refusal(2656),
    ),
    Exchange(
        name="accepted terms are a map of names to 1",
        section="4.8",
        mark="D",
        target=f"/v26.0/act_1000000001?fields=tos_accepted&{TOKEN}",
        answer={"tos_accepted": {"custom_audience_tos": 1}, "id": "act_1000000001"},
    ),
    Exchange(
        name="an unknown token",
        section="7.3",
        mark="D",
        target="/v26.0/act_1000000001?access_token=nobody",
        status=400,
        answer=_refusal(190),
    ),
    Exchange(
        name="a dead version",
        section="10",
        mark="D",
        target=f"/v23.0/act_1000000001?{TOKEN}",
        status=400,
        answer=_refusal(2635),
    ),
    Exchange(
        name="many nodes by id",
        section="2.19",
        mark="D",
        target=f"/v26.0/?ids={{list}},{{empty}}&fields=name&{TOKEN}",
        answer={
            "{list}": {"name": "Buyers", "id": "{list}"},
            "{empty}": {"name": "Empty", "id": "{empty}"},
        },
    ),
    Exchange(
        name="a batch without headers, its bodies as texts",
        section="3.4",
        mark="D",
        method="POST",
        target=f"/v26.0/?{TOKEN}",
        body='batch=[{"method":"GET","relative_url":"{empty}/?fields=name"}]&include_headers=false',
        answer=[{"code": 200, "body": '{"name":"Empty","id":"{empty}"}'}],
    ),
    Exchange(
        name="what a token is",
        section="9",
        mark="D",
        target="/v26.0/debug_token?input_token=nobody&access_token=5550001%7Cfake-app-secret",
        answer={
            "data": {
                "is_valid": False,
                "scopes": [],
                "error": {"code": 190, "message": ...},
            }
        },
    ),
)
