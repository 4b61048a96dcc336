"""What the earlier backend left in an account: table, user pool, rows that lie, and payers."""

import json
import urllib.request
from dataclasses import dataclass, field
from typing import Any

import stripe

from saas.stripe_contract import API_VERSION
from tests.infra.stack import LocalAccount

TABLE, POOL, DOMAIN = "ai-saas-prod-AppTable", "ai-saas-prod-users", "ai-saas-prod-login"
CARD = "4242424242424242"
SOON, FAR = "2025-01-31T09:30:00.000Z", "2099-01-31T09:30:00.000Z"


@dataclass
class OldStack:
    """`users` maps e-mails to ids (`sub`); `price_id` is what `customers` pay, by e-mail."""

    account: LocalAccount
    pool_id: str = ""
    price_id: str = ""
    users: dict[str, str] = field(default_factory=dict)
    customers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def made(cls, account: LocalAccount) -> "OldStack":
        """As the earlier infrastructure code made it: nothing protected, nothing expires."""
        old = cls(account)
        old._make_table()
        old._make_pool()
        old._make_price()
        return old

    @property
    def stripe(self) -> Any:
        config = self.account.config
        return stripe.StripeClient(
            config.stripe_secret_key,
            stripe_version=API_VERSION,
            base_addresses={"api": config.stripe_url},
        ).v1

    def sign_up(self, email: str) -> str:
        """A person with a confirmed e-mail, and a row whose status anybody could write."""
        made = self.account.client("cognito-idp").admin_create_user(
            UserPoolId=self.pool_id,
            Username=email,
            MessageAction="SUPPRESS",
            UserAttributes=[
                {"Name": "email", "Value": email},
                {"Name": "email_verified", "Value": "true"},
            ],
        )["User"]
        [user_id] = [each["Value"] for each in made["Attributes"] if each["Name"] == "sub"]
        self.users[email] = user_id
        self._put(
            f"USER#{user_id}",
            f"USER#{user_id}",
            gsi1pk=f"EMAIL#{email}",
            gsi1sk=f"USER#{user_id}",
            id=user_id,
            email=email,
            name="Ada",
            cognitoId=user_id,
            subscriptionStatus="active",
            createdAt=SOON,
            updatedAt=SOON,
        )
        return user_id

    def forge_subscription(self, email: str) -> None:
        """A row for which nobody paid."""
        user_id = self.users[email]
        self._put(
            f"USER#{user_id}",
            f"SUBSCRIPTION#{user_id}",
            gsi1pk="STRIPE#sub_forged",
            gsi1sk=f"SUBSCRIPTION#{user_id}",
            id="sub_forged",
            userId=user_id,
            stripeSubscriptionId="sub_forged",
            status="active",
            planId="price_professional_monthly",
            currentPeriodStart=SOON,
            currentPeriodEnd=FAR,
            createdAt=SOON,
            updatedAt=SOON,
        )

    def subscribe(self, email: str) -> str:
        """Somebody pays; the earlier backend noted `anonymous`, and that on the checkout alone."""
        session = self.stripe.checkout.sessions.create(
            {
                "mode": "subscription",
                "customer_email": email,
                "success_url": "https://old.example.com",
                "line_items": [{"price": self.price_id, "quantity": 1}],
                "metadata": {"userId": "anonymous"},
            }
        )
        body = json.dumps({"sessionId": session.id, "card": CARD}).encode()
        with urllib.request.urlopen(f"{self.account.config.stripe_url}/_local/pay", body) as paid:
            assert json.load(paid)["status"] == "complete"
        customer = self.stripe.checkout.sessions.retrieve(session.id).customer
        self.customers[email] = customer
        return str(customer)

    def _make_table(self) -> None:
        names = ("pk", "sk", "gsi1pk", "gsi1sk")
        self.account.client("dynamodb").create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in names],
            KeySchema=_keys("pk", "sk"),
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "GSI1",
                    "KeySchema": _keys("gsi1pk", "gsi1sk"),
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
        )

    def _make_pool(self) -> None:
        """With what Terraform could only give to another pool: a required attribute, and case."""
        cognito = self.account.client("cognito-idp")
        made = cognito.create_user_pool(
            PoolName=POOL,
            UsernameAttributes=["email"],
            AutoVerifiedAttributes=["email"],
            Schema=[{"Name": "email", "Required": True, "Mutable": True}],
            AccountRecoverySetting={
                "RecoveryMechanisms": [
                    {"Name": "verified_phone_number", "Priority": 1},
                    {"Name": "verified_email", "Priority": 2},
                ]
            },
        )
        self.pool_id = made["UserPool"]["Id"]
        cognito.create_user_pool_domain(Domain=DOMAIN, UserPoolId=self.pool_id)
        cognito.create_group(GroupName="admin", UserPoolId=self.pool_id)

    def _make_price(self) -> None:
        product = self.stripe.products.create({"name": "AI SaaS"})
        month = {"interval": "month"}
        params = {"product": product.id, "currency": "usd", "unit_amount": 1900, "recurring": month}
        self.price_id = self.stripe.prices.create(params).id

    def _put(self, pk: str, sk: str, **values: str) -> None:
        item = {name: {"S": value} for name, value in {"pk": pk, "sk": sk, **values}.items()}
        self.account.client("dynamodb").put_item(TableName=TABLE, Item=item)


def _keys(partition: str, sort: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": partition, "KeyType": "HASH"},
        {"AttributeName": sort, "KeyType": "RANGE"},
    ]
