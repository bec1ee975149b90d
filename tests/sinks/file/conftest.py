"""Keeps a test's limit on the size of files from cutting off the report of the test run itself."""

from __future__ import annotations

import resource
from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:  # noqa: ARG001 - the hook's signature
    """Lift the limit before the outcome is printed: standard output may be a file longer than the limit."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        return (yield)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
