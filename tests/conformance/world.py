"""What the tests of the SDK share: hashes, people that the fake knows, and making a list."""

import hashlib

from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.customaudience import CustomAudience

from fakefb.testing import FakeFacebook

LISTED = {"subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY"}
ACCOUNT_PATH = "/admin/ad_accounts/act_1000000001"
TOKEN_PATH = "/admin/tokens/fake-token"


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def make_people(world: FakeFacebook, count: int) -> list[str]:
    """Make people with one e-mail each and return the addresses."""
    emails = [f"p{i}@example.org" for i in range(count)]
    world.add_people(*({"person_id": f"p{i}", "emails": [e]} for i, e in enumerate(emails)))
    return emails


def inside(world: FakeFacebook, audience: CustomAudience) -> list[str]:
    return sorted(world.audience_people(audience["id"]))


def make_list(account: AdAccount, name: str = "Buyers", **parameters: object) -> CustomAudience:
    made = account.create_custom_audience(params={"name": name, **LISTED, **parameters})
    assert isinstance(made, CustomAudience)
    return made
