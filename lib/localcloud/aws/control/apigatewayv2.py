"""API Gateway repairs: stages and custom domains can be changed; domains have a status and address.

API Gateway Version 2 API Reference: DomainName, ApiMapping, Stage.
"""

import hashlib
import json
from typing import Any
from urllib.parse import unquote

from moto.apigatewayv2.models import ApiGatewayV2Backend, DomainName, Stage
from moto.apigatewayv2.responses import ApiGatewayV2Response
from moto.core.responses import TYPE_RESPONSE
from moto.core.utils import utcnow

from localcloud.aws.repair import added, repair

HOSTED_ZONE = "Z1UJRXOUMOOFQ8"
"""Route 53's id for regional endpoints in us-east-1 ("Amazon API Gateway endpoints and quotas")."""

# Parameter of UpdateStage → attribute of moto's stage.
STAGE_SETTINGS = {
    "accessLogSettings": "access_log_settings",
    "autoDeploy": "auto_deploy",
    "clientCertificateId": "client_certificate_id",
    "defaultRouteSettings": "default_route_settings",
    "description": "description",
    "routeSettings": "route_settings",
    "stageVariables": "stage_variables",
}


@added(ApiGatewayV2Response)
def update_stage(self: ApiGatewayV2Response) -> TYPE_RESPONSE:
    """UpdateStage: what is given replaces what was there."""
    api_id, _, name = unquote(self.path).split("/")[-3:]
    stage = self.apigatewayv2_backend.get_stage(api_id, name)
    for parameter, value in json.loads(self.body).items():
        if attribute := STAGE_SETTINGS.get(parameter):
            setattr(stage, attribute, value)
    if not (stage.access_log_settings or {}).get("destinationArn"):
        stage.access_log_settings = None
    stage.updated = utcnow()
    return 200, {}, json.dumps(stage.to_json())


@repair(ApiGatewayV2Backend, "create_domain_name")
def create_domain_name(
    self: ApiGatewayV2Backend,
    domain_name: str,
    domain_name_configurations: list[dict[str, str]],
    mutual_tls_authentication: dict[str, str],
    tags: dict[str, str],
) -> DomainName:
    """Available at once; stock moto gives a domain neither a status nor an address."""
    configurations = _available(domain_name, self.region_name, domain_name_configurations)
    domain: DomainName = create_domain_name.stock(  # type: ignore[attr-defined]
        self, domain_name, configurations, mutual_tls_authentication or None, tags
    )
    return domain


@added(ApiGatewayV2Response)
def update_domain_name(self: ApiGatewayV2Response) -> TYPE_RESPONSE:
    """UpdateDomainName: another certificate or TLS policy at the same address."""
    name, asked = unquote(self.path).rpartition("/")[2], json.loads(self.body)
    domain = self.apigatewayv2_backend.get_domain_name(name)
    if "domainNameConfigurations" in asked:
        given = asked["domainNameConfigurations"]
        domain.domain_name_configurations = _available(name, self.region, given)
    if "mutualTlsAuthentication" in asked:
        domain.mutual_tls_authentication = asked["mutualTlsAuthentication"]
    return 200, {}, json.dumps(domain.to_json())


def _available(name: str, region: str, given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    address = f"d-{hashlib.sha256(name.encode()).hexdigest()[:10]}"
    return [
        {
            "endpointType": "REGIONAL",
            "ipAddressType": "ipv4",
            "securityPolicy": "TLS_1_2",
            **configuration,
            "apiGatewayDomainName": f"{address}.execute-api.{region}.amazonaws.com",
            "domainNameStatus": "AVAILABLE",
            "hostedZoneId": HOSTED_ZONE,
        }
        for configuration in given
    ]


@added(ApiGatewayV2Response)
def update_api_mapping(self: ApiGatewayV2Response) -> TYPE_RESPONSE:
    """UpdateApiMapping: the same mapping leads to another API, stage or key."""
    _, _, domain, _, mapping_id = unquote(self.path).split("/")[-5:]
    mapping = self.apigatewayv2_backend.get_api_mapping(mapping_id, domain)
    asked = json.loads(self.body)
    mapping.api_id = asked.get("apiId", mapping.api_id)
    mapping.stage = asked.get("stage", mapping.stage)
    mapping.api_mapping_key = asked.get("apiMappingKey", mapping.api_mapping_key)
    return 200, {}, json.dumps(mapping.to_json())


# Tags: stock moto answers those that a stage or domain was created with, whatever is set later.


@repair(ApiGatewayV2Backend, "tag_resource")
def tag_resource(self: ApiGatewayV2Backend, resource_arn: str, tags: dict[str, str]) -> None:
    tag_resource.stock(self, resource_arn, tags)  # type: ignore[attr-defined]
    if resource := _own_tags(self, resource_arn):
        resource.tags = {**resource.tags, **tags}


@repair(ApiGatewayV2Backend, "untag_resource")
def untag_resource(self: ApiGatewayV2Backend, resource_arn: str, tag_keys: list[str]) -> None:
    untag_resource.stock(self, resource_arn, tag_keys)  # type: ignore[attr-defined]
    if resource := _own_tags(self, resource_arn):
        resource.tags = {key: resource.tags[key] for key in resource.tags if key not in tag_keys}


def _own_tags(backend: ApiGatewayV2Backend, arn: str) -> Stage | DomainName | None:
    """The stage or domain of `…/apis/<id>/stages/<name>` or `…/domainnames/<name>`."""
    parts = unquote(arn).split("/")
    if parts[-2] == "stages":
        return backend.get_stage(parts[-3], parts[-1])
    if parts[-2] == "domainnames":
        return backend.get_domain_name(parts[-1])
    return None
