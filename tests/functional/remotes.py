"""DVC remotes to test with: a folder, and servers for S3 and SSH that are real processes here.

``python -m tests.functional.remotes PORT FOLDER`` is the SSH server of asyncssh, the library that
DVC speaks SSH with; where OpenSSH's own ``sshd`` is installed, it is used as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.functional.checkout import Clone

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Remote:
    """What a clone needs to know of a remote."""

    url: str
    options: dict[str, str] = field(default_factory=dict)
    """For everybody: they go into the repository's ``.dvc/config``."""
    environment: dict[str, str] = field(default_factory=dict)
    """Credentials: they stay with a person."""

    def let_in(self, clone: Clone) -> None:
        """Give the person of a clone the credentials."""
        clone.environment |= self.environment

    def become_default_of(self, clone: Clone) -> None:
        """What one person does once, as ``docs/sharing.md`` says."""
        clone.dvc("remote", "add", "--default", "team", self.url)
        for name, value in {"verify": "true", **self.options}.items():
            clone.dvc("remote", "modify", "team", name, value)
        clone.commit("A remote for the team")


def folder(store: Path) -> Remote:
    return Remote(str(store))


@contextlib.contextmanager
def s3(scratch: Path) -> Iterator[Remote]:
    """moto's server with a bucket ``siked``."""
    import boto3

    keys = {"AWS_ACCESS_KEY_ID": "someone", "AWS_SECRET_ACCESS_KEY": "secret"}
    port = _free_port()
    endpoint = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]
    with _running(command, port, scratch / "s3.log"):
        boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="someone",
            aws_secret_access_key="secret",
        ).create_bucket(Bucket="siked")
        yield Remote("s3://siked/store", {"endpointurl": endpoint, "region": "us-east-1"}, keys)


@contextlib.contextmanager
def ssh(scratch: Path) -> Iterator[Remote]:
    """asyncssh's server."""
    port = _free_port()
    _keys(scratch)
    command = [sys.executable, "-m", "tests.functional.remotes", str(port), str(scratch)]
    with _running(command, port, scratch / "ssh.log"):
        yield _over_ssh(scratch, port)


@contextlib.contextmanager
def sshd(scratch: Path) -> Iterator[Remote]:
    """OpenSSH's server; the test is skipped where it is not installed."""
    program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("no sshd: install openssh-server")
    if os.geteuid() == 0:
        # Debian's sshd, started as root, wants the directory that its service makes at boot.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    port = _free_port()
    _keys(scratch)
    settings = {
        "ListenAddress": "127.0.0.1",
        "Port": str(port),
        "HostKey": str(scratch / "host"),
        "AuthorizedKeysFile": str(scratch / "person.pub"),
        "PidFile": "none",
        "StrictModes": "no",
        "PasswordAuthentication": "no",
        "Subsystem": "sftp internal-sftp",
    }
    config = scratch / "sshd_config"
    config.write_text("".join(f"{key} {value}\n" for key, value in settings.items()))
    with _running([program, "-D", "-e", "-f", str(config)], port, scratch / "sshd.log"):
        yield _over_ssh(scratch, port)


def _over_ssh(scratch: Path, port: int) -> Remote:
    url = f"ssh://{getpass.getuser()}@127.0.0.1:{port}{scratch / 'store'}"
    return Remote(url, {"keyfile": str(scratch / "person")})


def _keys(scratch: Path) -> None:
    import asyncssh

    for name in ("host", "person"):
        key = asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(str(scratch / name))
        (scratch / name).chmod(0o600)
        key.write_public_key(str(scratch / f"{name}.pub"))


def _free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


@contextlib.contextmanager
def _running(command: list[str], port: int, log: Path) -> Iterator[None]:
    """Run a server as long as the block; it has a minute to listen."""
    with log.open("w") as file:
        server = subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT)
    try:
        ends = time.monotonic() + 60
        while True:
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < ends, log.read_text()
            time.sleep(0.1)
        yield
    finally:
        server.terminate()
        server.wait(timeout=60)


async def _serve(port: int, scratch: Path) -> None:
    import asyncssh

    await asyncssh.listen(
        "127.0.0.1",
        port,
        server_host_keys=[str(scratch / "host")],
        authorized_client_keys=str(scratch / "person.pub"),
        sftp_factory=True,
    )
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), Path(sys.argv[2])))
