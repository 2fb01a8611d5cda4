"""A real OpenID Connect provider in a process of its own, on a loopback port."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import requests

from patronage.site.settings import OpenId

_PATIENCE = 60.0


@contextmanager
def log_in_service(people: Sequence[Mapping[str, object]]) -> Iterator[OpenId]:
    """Run a provider that knows these people by their claims."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    known = [part for each in people for part in ("--user-claims", json.dumps(each))]
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), *known],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        issuer = f"http://127.0.0.1:{port}"
        _wait_for(issuer, process)
        yield OpenId(issuer=issuer, client_id="patronage", secret="a secret", name="Company")
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(issuer: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        assert process.poll() is None, "the provider ended"
        try:
            requests.get(f"{issuer}/.well-known/openid-configuration", timeout=5)
        except requests.ConnectionError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the provider does not answer")
