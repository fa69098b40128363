"""A machine for a test: systemd as process 1 of namespaces, over an overlay of this one."""

import ctypes
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

BOOT = Path(__file__).with_name("boot.sh")
SYSTEMD = Path("/lib/systemd/systemd")
BOOTS_WITHIN_S = 180.0
CLONE_NEWNET = 0x40000000
PROGRAMS = ("unshare", "nsenter", "pivot_root", "systemctl", "journalctl")


def obstacle() -> str:
    """Why no systemd can be booted here; "" if nothing is known against it."""
    if os.geteuid() != 0:
        return "only root can boot a systemd in namespaces"
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if not SYSTEMD.is_file() or missing:
        return f"{', '.join(missing) or SYSTEMD} is not there"
    tried = subprocess.run(
        ["unshare", "--pid", "--mount", "--uts", "--ipc", "--net", "--cgroup", "--fork", "true"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return "" if tried.returncode == 0 else f"no namespaces: {tried.stderr.strip()}"


class Machine:
    """A systemd that can be booted; `root` is its file system as it is seen from here.

    Its disk is a folder in memory, in a mount namespace of its own that lasts over boots.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._log = folder, folder.with_suffix(".log")
        self._disk = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c",
             'mount -t tmpfs tmpfs "$1" && echo there && exec sleep infinity', "sh", str(folder)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._disk.stdout is not None
        assert self._disk.stdout.readline() == "there\n"
        self._power: subprocess.Popen[bytes] | None = None
        self.process_1 = 0

    @property
    def root(self) -> Path:
        """Its file system."""
        return Path(f"/proc/{self.process_1}/root")

    def boot(self) -> float:
        """Boot; gives the seconds that it took."""
        begun = time.monotonic()
        with self._log.open("w") as said:
            self._power = subprocess.Popen(
                ["nsenter", "--mount", "--target", str(self._disk.pid), "unshare", "--pid",
                 "--mount", "--uts", "--ipc", "--net", "--cgroup", "--fork",
                 "--kill-child=SIGKILL", "sh", str(BOOT), str(self._folder)],
                stdin=subprocess.DEVNULL, stdout=said, stderr=said,
            )  # fmt: skip
        while not self._is_up(self._power):
            assert time.monotonic() - begun < BOOTS_WITHIN_S, self._log.read_text()
            assert self._power.poll() is None, self._log.read_text()
            time.sleep(0.2)
        return time.monotonic() - begun

    def _is_up(self, power: "subprocess.Popen[bytes]") -> bool:
        children = Path(f"/proc/{power.pid}/task/{power.pid}/children").read_text().split()
        if not children or Path(f"/proc/{children[0]}/comm").read_text() != "systemd\n":
            return False
        self.process_1 = int(children[0])
        state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
        return state in {"running", "degraded"}

    def cut_power(self) -> None:
        """End everything at once, as a power cut does."""
        if self._power is not None:
            self._power.kill()
            self._power.wait(60)

    def scrap(self) -> None:
        """End it for good, with its disk."""
        self.cut_power()
        self._disk.kill()
        self._disk.communicate(timeout=60)
        self._log.unlink(missing_ok=True)

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command there as root."""
        done = subprocess.run(
            ["nsenter", "--target", str(self.process_1), "--all", "env", "-i",
             "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8", *command],
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done

    def property(self, unit: str, name: str) -> str:
        """One property of a unit."""
        return self.run("systemctl", "show", "--value", "-p", name, unit).stdout.strip()

    def journal(self, unit: str) -> str:
        """All that a unit has said since it was booted."""
        return self.run("journalctl", "--no-pager", "-o", "cat", "-u", unit).stdout

    @contextmanager
    def network(self) -> Iterator[None]:
        """Let this thread make its sockets in the machine's network."""
        libc = ctypes.CDLL(None, use_errno=True)
        its_path = Path(f"/proc/{self.process_1}/ns/net")
        with Path("/proc/thread-self/ns/net").open() as own, its_path.open() as its:
            _enter(libc, its.fileno())
            try:
                yield
            finally:
                _enter(libc, own.fileno())

    def wait_for(self, what: Callable[[], bool], seconds: float, why: str) -> float:
        """Wait until something is true; gives the seconds that it took."""
        begun = time.monotonic()
        while not what():
            passed = time.monotonic() - begun
            assert passed < seconds, f"{why}: not within {seconds} s\n{self.journal('optimizer*')}"
            time.sleep(0.02)
        return time.monotonic() - begun


def _enter(libc: ctypes.CDLL, namespace: int) -> None:
    if libc.setns(namespace, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


@contextmanager
def booted() -> Iterator[Machine]:
    """Boot a machine, and take it away with all that it has changed."""
    with tempfile.TemporaryDirectory(prefix="optimizer-machine-") as folder:
        machine = Machine(Path(folder))
        try:
            machine.boot()
            yield machine
        finally:
            machine.scrap()
