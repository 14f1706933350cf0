"""The Graph API client: requests, receipts, the table of verdicts and the usage headers."""

from service.graph.client import GraphClient
from service.graph.credentials import Credentials, appsecret_proof
from service.graph.failure import GraphFailure
from service.graph.objects import AdAccount, CustomAudience, Status, TokenInfo, UploadSession
from service.graph.payload import BATCH_ROWS_MAX
from service.graph.receipts import Receipt
from service.graph.transport import open_http_session
from service.graph.usage import Usage
from service.graph.verdicts import Verdict

__all__ = [
    "BATCH_ROWS_MAX",
    "AdAccount",
    "Credentials",
    "CustomAudience",
    "GraphClient",
    "GraphFailure",
    "Receipt",
    "Status",
    "TokenInfo",
    "UploadSession",
    "Usage",
    "Verdict",
    "appsecret_proof",
    "open_http_session",
]
