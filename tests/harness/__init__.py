"""What every stage test needs: run skiff, look at the kernel, teach when it is wrong."""

from . import kernel
from .kernel import (
    NAMESPACES,
    PRIVATE,
    identity,
    mountinfo,
    namespace,
    namespaces,
    process_stat,
    process_status,
)
from .runner import Background, Box, Result, Skiff
from .tasks import TASKS, task
from .teach import TeachFailure, teach, check, expect
from .terminal import Terminal
from .wait import until

__all__ = [
    "Background",
    "Box",
    "NAMESPACES",
    "PRIVATE",
    "Result",
    "Skiff",
    "TASKS",
    "TeachFailure",
    "Terminal",
    "check",
    "expect",
    "identity",
    "kernel",
    "mountinfo",
    "namespace",
    "namespaces",
    "process_stat",
    "process_status",
    "task",
    "teach",
    "until",
]
