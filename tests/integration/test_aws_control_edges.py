"""Repairs of API Gateway and CloudFront, each shown through boto3."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from tests.integration.aws_fixtures import LocalAws, aws  # noqa: F401

CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/11111111-1111-1111-1111-111111111111"


@pytest.fixture
def gateway(aws: LocalAws) -> Any:  # noqa: F811
    return aws.client("apigatewayv2")


@pytest.fixture
def api(gateway: Any) -> Iterator[str]:
    made = gateway.create_api(Name=f"api-{uuid4().hex}", ProtocolType="HTTP")
    yield made["ApiId"]
    gateway.delete_api(ApiId=made["ApiId"])


@pytest.fixture
def domain(gateway: Any) -> Iterator[str]:
    name = f"{uuid4().hex}.example.com"
    configuration = {"CertificateArn": CERTIFICATE, "SecurityPolicy": "TLS_1_2"}
    gateway.create_domain_name(DomainName=name, DomainNameConfigurations=[configuration])
    yield name
    gateway.delete_domain_name(DomainName=name)


def test_a_stage_can_be_changed(gateway: Any, api: str) -> None:
    log = {"DestinationArn": "arn:aws:logs:us-east-1:123456789012:log-group:x", "Format": "{}"}
    place = {"ApiId": api, "StageName": "backend"}
    gateway.create_stage(**place, AutoDeploy=True, AccessLogSettings=log, Tags={"app": "a"})
    limits = {"ThrottlingBurstLimit": 10, "ThrottlingRateLimit": 5.0}
    gateway.update_stage(**place, RouteSettings={"GET /plans": limits}, Description="x")
    arn = f"arn:aws:apigateway:us-east-1::/apis/{api}/stages/backend"
    gateway.tag_resource(ResourceArn=arn, Tags={"env": "dev"})
    gateway.untag_resource(ResourceArn=arn, TagKeys=["app"])
    found = gateway.get_stage(**place)
    assert (found["AutoDeploy"], found["AccessLogSettings"]) == (True, log)
    assert found["RouteSettings"]["GET /plans"]["ThrottlingRateLimit"] == 5.0
    assert found["Tags"] == {"env": "dev"}


def test_a_custom_domain_is_available_at_an_address_that_stays(gateway: Any, domain: str) -> None:
    """Stock moto gives no status, for which the provider waits in vain."""
    (before,) = gateway.get_domain_name(DomainName=domain)["DomainNameConfigurations"]
    assert before["DomainNameStatus"] == "AVAILABLE"
    assert before["ApiGatewayDomainName"].endswith(".execute-api.us-east-1.amazonaws.com")
    other = {"CertificateArn": CERTIFICATE.replace("1111-1", "2222-1"), "EndpointType": "REGIONAL"}
    gateway.update_domain_name(DomainName=domain, DomainNameConfigurations=[other])
    (after,) = gateway.get_domain_name(DomainName=domain)["DomainNameConfigurations"]
    assert after["CertificateArn"] == other["CertificateArn"]
    assert after["ApiGatewayDomainName"] == before["ApiGatewayDomainName"]


def test_a_mapping_can_be_led_to_another_stage(gateway: Any, api: str, domain: str) -> None:
    made = gateway.create_api_mapping(
        ApiId=api, DomainName=domain, Stage="one", ApiMappingKey="backend"
    )
    place = {"DomainName": domain, "ApiMappingId": made["ApiMappingId"]}
    gateway.update_api_mapping(**place, ApiId=api, Stage="two")
    found = gateway.get_api_mapping(**place)
    assert (found["Stage"], found["ApiMappingKey"]) == ("two", "backend")
    gateway.delete_api_mapping(**place)


# CloudFront


def distribution(**changes: Any) -> dict[str, Any]:
    """The least that CreateDistribution takes."""
    return {
        "CallerReference": uuid4().hex,
        "Comment": "site",
        "Enabled": True,
        "Origins": {
            "Quantity": 1,
            "Items": [
                {
                    "Id": "api",
                    "DomainName": "abc.execute-api.us-east-1.amazonaws.com",
                    "CustomHeaders": {
                        "Quantity": 1,
                        "Items": [{"HeaderName": "x-origin", "HeaderValue": "site"}],
                    },
                    "CustomOriginConfig": {
                        "HTTPPort": 80,
                        "HTTPSPort": 443,
                        "OriginProtocolPolicy": "https-only",
                        "OriginSslProtocols": {"Quantity": 1, "Items": ["TLSv1.2"]},
                        "OriginReadTimeout": 30,
                        "OriginKeepaliveTimeout": 5,
                    },
                }
            ],
        },
        "DefaultCacheBehavior": {
            "TargetOriginId": "api",
            "ViewerProtocolPolicy": "redirect-to-https",
            "CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
            "OriginRequestPolicyId": "b689b0a8-53d0-40ab-baf2-68738e2966ac",
        },
        **changes,
    }


@pytest.fixture
def cloudfront(aws: LocalAws) -> Any:  # noqa: F811
    return aws.client("cloudfront")


def test_a_distribution_answers_what_it_was_given(cloudfront: Any) -> None:
    given = distribution(
        Aliases={"Quantity": 1, "Items": ["app.example.com"]},
        WebACLId="arn:aws:wafv2:us-east-1:123456789012:global/webacl/x/y",
        HttpVersion="http2and3",
        PriceClass="PriceClass_100",
        ViewerCertificate={
            "ACMCertificateArn": CERTIFICATE,
            "SSLSupportMethod": "sni-only",
            "MinimumProtocolVersion": "TLSv1.2_2021",
        },
        CacheBehaviors={
            "Quantity": 1,
            "Items": [
                {
                    "PathPattern": "/backend/*",
                    "TargetOriginId": "api",
                    "ViewerProtocolPolicy": "https-only",
                    "ResponseHeadersPolicyId": "67f7725c-6f97-4210-82d7-5512b31e9d03",
                }
            ],
        },
    )
    made = cloudfront.create_distribution(DistributionConfig=given)["Distribution"]
    found = cloudfront.get_distribution(Id=made["Id"])["Distribution"]
    assert found["Status"] == "Deployed"
    assert contains(found["DistributionConfig"], given)
    assert found["DistributionConfig"]["OriginGroups"]["Quantity"] == 0


def test_a_change_of_a_distribution_gives_a_new_etag(cloudfront: Any) -> None:
    made = cloudfront.create_distribution(DistributionConfig=distribution())
    place = {"Id": made["Distribution"]["Id"]}
    before = cloudfront.get_distribution_config(**place)
    changed = {**before["DistributionConfig"], "Enabled": False}
    cloudfront.update_distribution(**place, DistributionConfig=changed, IfMatch=before["ETag"])
    after = cloudfront.get_distribution_config(**place)
    assert after["ETag"] != before["ETag"]
    assert after["DistributionConfig"]["Enabled"] is False
    cloudfront.delete_distribution(**place, IfMatch=after["ETag"])
    with pytest.raises(ClientError, match="NoSuchDistribution"):
        cloudfront.get_distribution(**place)


def test_a_behaviour_needs_its_origin(cloudfront: Any) -> None:
    behaviour = {**distribution()["DefaultCacheBehavior"], "PathPattern": "/x/*"}
    behaviour["TargetOriginId"] = "elsewhere"
    behaviours = {"Quantity": 1, "Items": [behaviour]}
    with pytest.raises(ClientError, match="NoSuchOrigin"):
        cloudfront.create_distribution(DistributionConfig=distribution(CacheBehaviors=behaviours))


def contains(found: Any, given: Any) -> bool:
    """Whether everything that was given is found, whatever AWS adds."""
    if isinstance(given, dict):
        return all(name in found and contains(found[name], given[name]) for name in given)
    if isinstance(given, list):
        return len(found) == len(given) and all(map(contains, found, given))
    return bool(found == given)
