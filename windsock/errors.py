"""Every error that Windsock raises on purpose.

    WindsockError                    exit code 1
    ├── ConfigError                  exit code 2: windsock.toml, the environment, the arguments
    ├── SourceError                  one cluster's source; the other clusters go on
    │   ├── SourceUnreachableError   no server, no file, no route
    │   ├── SourceAccessError        wrong password, missing grant, unreadable file
    │   ├── SourceBusyError          locked or slower than the time limit
    │   ├── SourceCorruptError       the file or the stream is damaged
    │   ├── NotAirflowError          a database of something else, or empty
    │   └── SourceMigratingError     the schema changed, or is half changed, during the read
    ├── ArchiveError                 the archive could not be written or read back
    ├── WarehouseError               the build file or a snapshot
    │   └── LockHeldError            exit code 75: another run holds the lock
    └── BuildError                   dbt said no

A message says what was seen, what was expected and what to do next. It never holds a password:
whoever raises passes texts through `windsock.masking.mask_url` first.
"""


class WindsockError(Exception):
    """Base of all. Message: what was seen, what was expected, what to do next."""

    exit_code = 1

    def __init__(self, seen: str, *, expected: str = "", next_step: str = "") -> None:
        self.seen = seen
        self.expected = expected
        self.next_step = next_step
        parts = [seen]
        if expected:
            parts.append(f"Expected: {expected}.")
        if next_step:
            parts.append(f"Next: {next_step}.")
        super().__init__(" ".join(parts))


class ConfigError(WindsockError):
    """windsock.toml, the environment it names, or the command line."""

    exit_code = 2


class SourceError(WindsockError):
    """A source of one cluster cannot be read now; nothing of this landing was kept."""


class SourceUnreachableError(SourceError):
    """No server, no file, no route."""


class SourceAccessError(SourceError):
    """Wrong password, missing grant, unreadable file."""


class SourceBusyError(SourceError):
    """Locked, or slower than the time limit."""


class SourceCorruptError(SourceError):
    """The file or the stream is damaged."""


class NotAirflowError(SourceError):
    """The database is of something else, or empty."""


class SourceMigratingError(SourceError):
    """The schema changed, or is half changed, while it was read."""


class ArchiveError(WindsockError):
    """The archive could not be written, or a file in it is not what its manifest says."""


class WarehouseError(WindsockError):
    """The build file or a snapshot could not be opened, written or verified."""


class LockHeldError(WarehouseError):
    """Another run holds the lock."""

    exit_code = 75


class BuildError(WindsockError):
    """The dbt build failed; the last published snapshot stays."""
