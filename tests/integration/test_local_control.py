"""Control endpoints of the parts are for programs: a web page in some browser tab gets nowhere."""

import requests

from tests.integration.aws_fixtures import LocalAws
from tests.integration.bedrock_server import serving


def test_a_web_page_cannot_arm_faults_or_reset_local_aws(aws: LocalAws) -> None:
    headers = {"Origin": "http://evil.test"}
    for path in ("faults", "reset"):
        url = f"{aws.config.aws_url}/_local/{path}"
        answer = requests.post(url, json={"kind": "throttle"}, headers=headers, timeout=5)
        assert answer.status_code == 403
    assert requests.get(f"{aws.config.aws_url}/_local/faults", timeout=5).json()["armed"] == []
    assert aws.config.table_name in aws.client("dynamodb").list_tables()["TableNames"]


def test_a_web_page_cannot_arm_faults_or_reset_local_bedrock() -> None:
    with serving() as bedrock:
        headers = {"Origin": "http://evil.test"}
        for path in ("faults", "reset"):
            answer = requests.post(
                f"{bedrock.url}/_local/{path}", json={}, headers=headers, timeout=5
            )
            assert answer.status_code == 403
        assert requests.post(f"{bedrock.url}/_local/reset", timeout=5).status_code == 200
