"""Who a payer may be: looked up in the table and in the user pool. Nothing is written here.

Whoever called the earlier backend could write any e-mail into the table. An e-mail proves something
only where the user pool has verified it for the very same user.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from operations.account import Account, translated
from operations.stripe.payers import NOBODY, Payer
from saas.attributes import unmarshal


@dataclass(frozen=True)
class Match:
    """The user to propose, and why; without one (`user_id` empty) `note` says what was found."""

    user_id: str = ""
    basis: str = ""
    note: str = ""


class People:
    """The users of an environment."""

    def __init__(self, account: Account, table_name: str, user_pool_id: str) -> None:
        self._dynamodb = account.client("dynamodb")
        self._cognito = account.client("cognito-idp")
        self._table = table_name
        self._pool = user_pool_id

    def owner(self, customer_id: str) -> str | None:
        """The user to whom a customer is bound."""
        found = self._get(f"CUSTOMER#{customer_id}")
        return str(found["userId"]) if found and found.get("userId") else None

    def match(self, payer: Payer) -> Match:
        """Whom to propose for a payer."""
        known = [user_id for user_id in payer.claims if self._user(user_id)]
        if len(known) > 1:
            return Match(note=f"several users are named at Stripe: {', '.join(known)}")
        match = (
            Match(known[0], "named in the metadata at Stripe") if known else self._by_email(payer)
        )
        return self._unless_bound(match, payer) if match.user_id else match

    def _unless_bound(self, match: Match, payer: Payer) -> Match:
        user = self._user(match.user_id) or {}
        other = str(user.get("stripeCustomerId") or "")
        if user.get("barred"):
            return Match(note=f"{match.user_id} is {user['barred']}")
        if other not in ("", payer.customer_id) and self.owner(other) == match.user_id:
            return Match(note=f"{match.user_id} is bound to another customer, {other}")
        return match

    def _by_email(self, payer: Payer) -> Match:
        if not payer.email:
            return Match(note="no e-mail at Stripe and no user named there")
        users = sorted(set(self._users_with(payer.email)))
        verified = sorted(self._verified(payer.email))
        if len(users) > 1:
            return Match(note=f"several users have this e-mail: {', '.join(users)}")
        if users and users[0] in verified:
            return Match(users[0], "e-mail, verified in the user pool")
        if users:
            return Match(
                note=f"{users[0]} has this e-mail, but the user pool has not verified it for them: "
                "enter the id only if you know"
            )
        if verified:
            return Match(note=f"{verified[0]} signed up with it, but has never used the backend")
        return Match(note="nobody has this e-mail")

    def _user(self, user_id: str) -> dict[str, Any] | None:
        return self._get(f"USER#{user_id}") if user_id != NOBODY else None

    def _get(self, key: str) -> dict[str, Any] | None:
        with translated(f"read the table {self._table}"):
            found = self._dynamodb.get_item(
                TableName=self._table,
                Key={"pk": {"S": key}, "sk": {"S": key}},
                ConsistentRead=True,
            )
        return unmarshal(found["Item"]) if "Item" in found else None

    def _users_with(self, email: str) -> Iterator[str]:
        """Ids by key: what an old item says of its own id is not believed."""
        for spelled in {email, email.lower()}:
            with translated(f"read the table {self._table}"):
                pages = self._dynamodb.get_paginator("query").paginate(
                    TableName=self._table,
                    IndexName="GSI1",
                    KeyConditionExpression="gsi1pk = :email",
                    ExpressionAttributeValues={":email": {"S": f"EMAIL#{spelled}"}},
                )
                for page in pages:
                    for item in page["Items"]:
                        key = item["pk"]["S"]
                        if key == item["sk"]["S"] and key != f"USER#{NOBODY}":
                            yield key.removeprefix("USER#")

    def _verified(self, email: str) -> set[str]:
        """Users of the pool whose own e-mail this is, confirmed."""
        quoted = email.replace("\\", "\\\\").replace('"', '\\"')
        with translated(f"search the user pool {self._pool}"):
            pages = self._cognito.get_paginator("list_users").paginate(
                UserPoolId=self._pool, Filter=f'email = "{quoted}"'
            )
            users = [user for page in pages for user in page["Users"]]
        found = [{each["Name"]: each["Value"] for each in user["Attributes"]} for user in users]
        return {each["sub"] for each in found if each.get("email_verified") == "true"}
