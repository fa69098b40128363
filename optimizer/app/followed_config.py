"""Configuration of a long-running reader, read again when its file has changed."""

from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from optimizer.errors import ConfigError

if TYPE_CHECKING:
    from optimizer.config.sections import Config


@dataclass(slots=True)
class FollowedConfig:
    """The configuration in a file as it is now."""

    path: Path
    _mark: tuple[int, int, int] | None = None
    _config: "Config | None" = None
    _lock: Lock = field(default_factory=Lock)

    def current(self) -> "Config":
        """The configuration.

        Raises
        ------
        ConfigError
            If the file is wrong, or not there any more.
        """
        from optimizer.config import loading

        with self._lock:
            mark = self._stat()
            if self._config is None or mark != self._mark:
                self._config = None
                self._config = loading.load(self.path)
                self._mark = mark
            return self._config

    def _stat(self) -> tuple[int, int, int]:
        try:
            status = self.path.stat()
        except OSError as error:
            raise ConfigError(f"{self.path} cannot be read: {error.strerror}") from error
        return status.st_mtime_ns, status.st_ino, status.st_size
