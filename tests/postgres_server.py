"""A real PostgreSQL server for tests: Debian's binaries, a fresh cluster in a folder of its own, a free local port."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

USER = "planner"
PASSWORD = "s3cret-pass:w@rd"
QUOTED_PASSWORD = "s3cret-pass%3Aw%40rd"


@dataclass(frozen=True)
class Server:
    """Where a test server listens, and as whom one logs in."""

    port: int

    @property
    def url(self) -> str:
        """Address with the right password."""
        return f"postgresql://{USER}:{QUOTED_PASSWORD}@127.0.0.1:{self.port}/postgres"


def find_binaries() -> Path | None:
    """Return the folder with ``initdb`` and ``postgres``: the newest of Debian's, else the one on the path."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if installed:
        return installed[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


@contextmanager
def run_server(folder: Path) -> Iterator[Server]:
    """Make a cluster in ``folder`` and run it until the end of the block; the server refuses to run as root."""
    binaries = find_binaries()
    assert binaries is not None
    user = _other_user() if os.geteuid() == 0 else None
    cluster, password_file = folder / "cluster", folder / "password"
    cluster.mkdir(mode=0o700)
    password_file.write_text(PASSWORD, encoding="utf-8")
    if user is not None:
        for path in (folder, cluster, password_file):
            os.chown(path, user.pw_uid, user.pw_gid)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    as_user = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "HOME": str(folder)}
    subprocess.run(
        [
            binaries / "initdb",
            "-D",
            cluster,
            "-U",
            USER,
            "--pwfile",
            password_file,
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
            "--no-sync",
        ],
        check=True,
        capture_output=True,
        env=environment,
        cwd=folder,
        **as_user,  # type: ignore[call-overload]
    )
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={folder} -c fsync=off"
    control = [binaries / "pg_ctl", "-D", cluster, "-w", "-t", "60"]
    started = subprocess.run(
        [*control, "-o", options, "-l", folder / "server.log", "start"],
        check=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd=folder,
        **as_user,  # type: ignore[call-overload]
    )
    if started.returncode:
        raise RuntimeError((folder / "server.log").read_text(encoding="utf-8"))
    try:
        yield Server(port)
    finally:
        subprocess.run(
            [*control, "-m", "immediate", "stop"],
            check=True,
            capture_output=True,
            env=environment,
            cwd=folder,
            **as_user,  # type: ignore[call-overload]
        )


def _other_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("PostgreSQL does not run as root, and there is no user postgres or nobody")
