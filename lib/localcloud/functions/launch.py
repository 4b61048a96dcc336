"""What a function process is made of: its settings and its whole environment."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from localcloud.clock import Clock
from localcloud.config import StackConfig

from .journal import Journal
from .manifest import CodePaths, FunctionSpec

Log = Callable[[str], None]
MOVED = Path(__file__).with_name("moved")
"""Folder of the `sitecustomize` that gives a process the stack's moved time."""


@dataclass(frozen=True)
class Launch:
    """What a worker is made of.

    `variables` are the function's own. `credentials` (the SDKs' variables) replace those of the
    stack where a function has a role.
    """

    config: StackConfig
    spec: FunctionSpec
    code: CodePaths
    variables: Mapping[str, str]
    log: Log
    arn: str
    version: str = "$LATEST"
    log_group: str = ""
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    journal: Journal = field(default_factory=Journal, compare=False, repr=False)

    def say(self, line: str, request_id: str | None = None) -> None:
        """Print a line of the function's, written during a call if one is named."""
        self.log(line)
        self.journal.write(self.spec.name, line, request_id)

    def environment(self, runtime_api: str, stream: str) -> dict[str, str]:
        """The process' whole environment: Lambda's own variables, credentials, the function's."""
        return {
            "AWS_LAMBDA_RUNTIME_API": runtime_api,
            "AWS_LAMBDA_FUNCTION_NAME": self.spec.name,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.spec.memory),
            "AWS_LAMBDA_FUNCTION_VERSION": self.version,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": self.log_group or f"/aws/lambda/{self.spec.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": stream,
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.11",
            "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
            "AWS_XRAY_SDK_ENABLED": "false",
            "POWERTOOLS_TRACE_DISABLED": "true",
            # The home directory is found without HOME, too: an AWS profile there is not for us.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "_HANDLER": self.spec.command,
            "LAMBDA_TASK_ROOT": str(self.code.root),
            "TZ": ":UTC",
            "LANG": "en_US.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "PYTHONPATH": os.pathsep.join(str(path) for path in self.code.imports),
            "PYTHONUNBUFFERED": "1",
            **self.config.aws_environment(),
            **self.credentials,
            **self.variables,
            **self._moved_time(),
        }

    def now(self) -> float:
        """The time that the process goes by, in epoch seconds."""
        clock = Clock(self.config.clock_file)
        return time.time() + (clock.offset if clock.followed else 0)

    def _moved_time(self) -> dict[str, str]:
        """What has the process follow the stack's clock; nothing while that is real time."""
        if not Clock(self.config.clock_file).followed:
            return {}
        return {
            "PYTHONPATH": os.pathsep.join(str(path) for path in (MOVED, *self.code.imports)),
            "GROUNDWORK_CLOCK": str(self.config.clock_file),
        }
