"""CloudWatch: composite alarms, whose action stock moto lacks."""

from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult

from localcloud.aws.repair import added


@added(CloudWatchResponse)
def put_composite_alarm(self: CloudWatchResponse) -> ActionResult:
    """PutCompositeAlarm: moto's alarms have a rule already, only the action is missing."""
    return self.put_metric_alarm()
