"""Joining a Ray cluster."""

from __future__ import annotations

import logging
import socket
from typing import Any

from siked.errors import UserError

LOCAL = "local"
"""The address that starts a cluster of this machine alone, for as long as the process lives."""


SECONDS = 5.0
"""How long a cluster may take to answer at all; Ray itself waits for minutes."""


def join(address: str) -> Any:
    """The ``ray`` package, connected to the cluster at an address (once a process).

    Raises:
        UserError: Ray is not installed, or there is no cluster.
    """
    try:
        import ray
    except ModuleNotFoundError:
        raise UserError("ray: is not installed: pip install 'siked[ray]'") from None
    if ray.is_initialized():
        return ray
    try:
        if ":" in address:
            host, _, port = address.rpartition(":")
            with socket.create_connection((host, int(port)), SECONDS):
                pass
        ray.init(
            address=LOCAL if address == LOCAL else address,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (OSError, ValueError, RuntimeError) as error:
        line = str(error).strip().partition("\n")[0]
        raise UserError(
            f"ray.address: no cluster at {address!r} ({line}): `ray start --head` starts one, "
            f"`{LOCAL}` needs none"
        ) from None
    return ray
