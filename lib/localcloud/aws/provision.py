"""What a stack needs in local AWS: table, bucket, user pool with its client, secrets."""

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from localcloud.config import OWN_AGENT, StackConfig

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient

POOL_NAME = "groundwork-local"
CLIENT_NAME = "groundwork-local-web"
POST_CONFIRMATION = "users-post-confirmation"


@dataclass(frozen=True)
class Provisioned:
    """Names that exist once a stack is provisioned; `issuer` is the `iss` of its tokens."""

    user_pool_id: str
    user_pool_client_id: str
    issuer: str


def main(config: StackConfig) -> None:
    """Provision, join what local Stripe knows, and print the names as JSON: for the gateway."""
    from localcloud.process import die_with_parent
    from localcloud.rebinding import rebind

    die_with_parent()
    provisioned = provision(config)
    rebind(config)
    print(json.dumps(asdict(provisioned)))


def provision(config: StackConfig) -> Provisioned:
    """Create what is missing in local AWS at `config.aws_url`; what exists is left as it is."""
    import boto3
    from botocore.config import Config

    session = boto3.Session(
        aws_access_key_id=config.access_key_id,
        aws_secret_access_key=config.secret_access_key,
        region_name=config.region,
    )
    options: dict[str, Any] = {
        "endpoint_url": config.aws_url,
        "config": Config(
            retries={"total_max_attempts": 2}, read_timeout=20, user_agent_extra=OWN_AGENT
        ),
    }
    _provision_table(session.client("dynamodb", **options), config.table_name)
    _provision_bucket(session.client("s3", **options), config)
    _provision_secrets(session.client("ssm", **options), config)
    cognito = session.client("cognito-idp", **options)
    pool_id = _provision_pool(cognito, config)
    client_id = _provision_client(cognito, pool_id)
    return Provisioned(pool_id, client_id, f"{config.aws_public_url}/{pool_id}")


def _provision_table(dynamodb: "DynamoDBClient", name: str) -> None:
    try:
        dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": key, "AttributeType": "S"}
                for key in ("pk", "sk", "gsi1pk", "gsi1sk")
            ],
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": "GSI1",
                    "KeySchema": [
                        {"AttributeName": "gsi1pk", "KeyType": "HASH"},
                        {"AttributeName": "gsi1sk", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "ALL"},
                }
            ],
        )
    except dynamodb.exceptions.ResourceInUseException:
        return
    dynamodb.update_time_to_live(
        TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"}
    )


def _provision_bucket(s3: "S3Client", config: StackConfig) -> None:
    bucket = config.uploads_bucket
    # In us-east-1, creating one's own bucket again succeeds; elsewhere the region has to be named.
    try:
        if config.region == "us-east-1":
            s3.create_bucket(Bucket=bucket)
        else:
            where: Any = {"LocationConstraint": config.region}
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
    except s3.exceptions.BucketAlreadyOwnedByYou:
        pass
    s3.put_bucket_cors(
        Bucket=bucket,
        CORSConfiguration={
            "CORSRules": [
                {
                    "AllowedMethods": ["PUT", "GET", "HEAD"],
                    "AllowedOrigins": config.site_origins,
                    "AllowedHeaders": ["*"],
                    "ExposeHeaders": ["ETag"],
                    "MaxAgeSeconds": 3000,
                }
            ]
        },
    )
    s3.put_bucket_lifecycle_configuration(
        Bucket=bucket,
        LifecycleConfiguration={
            "Rules": [
                {
                    "ID": "expire-pending-uploads",
                    "Status": "Enabled",
                    "Filter": {"Prefix": "uploads/pending/"},
                    "Expiration": {"Days": 1},
                }
            ]
        },
    )


def _provision_secrets(ssm: "SSMClient", config: StackConfig) -> None:
    for name, value in (
        (config.session_secret_name, json.dumps([config.nextauth_secret])),
        (config.stripe_secret_name, config.stripe_secret_key),
        (config.webhook_secret_name, json.dumps([config.webhook_secret])),
    ):
        ssm.put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)


def _provision_pool(cognito: "CognitoIdentityProviderClient", config: StackConfig) -> str:
    for pool in cognito.list_user_pools(MaxResults=60)["UserPools"]:
        if pool["Name"] == POOL_NAME:
            return pool["Id"]
    trigger = f"arn:aws:lambda:{config.region}:{config.account_id}:function:{POST_CONFIRMATION}"
    created = cognito.create_user_pool(
        PoolName=POOL_NAME,
        UsernameAttributes=["email"],
        UsernameConfiguration={"CaseSensitive": False},
        AutoVerifiedAttributes=["email"],
        AccountRecoverySetting={"RecoveryMechanisms": [{"Name": "verified_email", "Priority": 1}]},
        Policies={
            "PasswordPolicy": {
                "MinimumLength": 8,
                "RequireLowercase": True,
                "RequireUppercase": True,
                "RequireNumbers": True,
                "RequireSymbols": False,
                "TemporaryPasswordValidityDays": 7,
            }
        },
        LambdaConfig={"PostConfirmation": trigger},
        VerificationMessageTemplate={
            "DefaultEmailOption": "CONFIRM_WITH_CODE",
            "EmailSubject": "Your verification code",
            "EmailMessage": "Your verification code is {####}",
        },
    )
    return created["UserPool"]["Id"]


def _provision_client(cognito: "CognitoIdentityProviderClient", pool_id: str) -> str:
    for client in cognito.list_user_pool_clients(UserPoolId=pool_id, MaxResults=60)[
        "UserPoolClients"
    ]:
        if client["ClientName"] == CLIENT_NAME:
            return client["ClientId"]
    created = cognito.create_user_pool_client(
        UserPoolId=pool_id,
        ClientName=CLIENT_NAME,
        GenerateSecret=False,
        ExplicitAuthFlows=[
            "ALLOW_USER_SRP_AUTH",
            "ALLOW_USER_PASSWORD_AUTH",
            "ALLOW_REFRESH_TOKEN_AUTH",
        ],
        PreventUserExistenceErrors="ENABLED",
    )
    return created["UserPoolClient"]["ClientId"]
