"""The secrets of an ad account: sealed for its record, opened for who calls, sealed anew."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from service.store.rows import AdAccount
from service.store.sealing import Keyring, sealing_key_id


@dataclass(frozen=True, slots=True, kw_only=True)
class AdAccountSecrets:
    """In plain text, for as long as they are used; never shown."""

    access_token: str = field(repr=False)
    app_secret: str | None = field(repr=False)

    @classmethod
    def opened(cls, keyring: Keyring, account: AdAccount) -> Self:
        """Open what is stored of an account. Raises: SealingError."""
        token, secret = account.sealed_access_token, account.sealed_app_secret
        return cls(
            access_token=keyring.unseal(
                token, record=_record(account.ad_account_id, "access_token")
            ),
            app_secret=(
                None
                if secret is None
                else keyring.unseal(secret, record=_record(account.ad_account_id, "app_secret"))
            ),
        )

    def sealed(self, keyring: Keyring, ad_account_id: str) -> "SealedSecrets":
        """Seal them for the record of the account."""
        token_record = _record(ad_account_id, "access_token")
        secret_record = _record(ad_account_id, "app_secret")
        return SealedSecrets(
            access_token=keyring.seal(self.access_token, record=token_record),
            app_secret=(
                None
                if self.app_secret is None
                else keyring.seal(self.app_secret, record=secret_record)
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedSecrets:
    """As they are stored."""

    access_token: bytes
    app_secret: bytes | None


def sealing_key_ids(account: AdAccount) -> Sequence[str]:
    """Ids of the keys that an account's secrets are sealed with. Raises: SealingError."""
    sealed = (account.sealed_access_token, account.sealed_app_secret)
    return sorted({sealing_key_id(one) for one in sealed if one is not None})


def _record(ad_account_id: str, what: str) -> str:
    """What a sealed secret is bound to."""
    return f"ad_account:{ad_account_id}:{what}"
