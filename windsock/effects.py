"""Every write that outlives the process goes through here, so that a drill can break each in turn.

    before("archive.rename", path)   ->  observer (none in normal life)

The kill drill (`tests/drill.py`) installs an observer that kills the process or raises EIO or
ENOSPC at the n-th call of a name. Nothing else ever sets it.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

observer: Callable[[str, str], None] | None = None


def before(name: str, subject: object = "") -> None:
    """Announce a side effect that is about to happen.

    Args:
        name: which side effect, for example `archive.rename`.
        subject: the path or table concerned.
    """
    if observer is not None:
        observer(name, str(subject))


def write_durably(path: Path, data: bytes, *, name: str) -> None:
    """Write a file so that it is whole or absent, whatever happens: temporary name, fsync, rename.

    Args:
        path: final path; parent folders are made.
        data: the whole content.
        name: prefix of the announced side effects: `<name>.write`, `.sync`, `.rename`.

    Raises:
        OSError: the disk said no; a temporary file may remain, which cleaning removes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    before(f"{name}.write", path)
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        before(f"{name}.sync", path)
        os.fsync(file.fileno())
    before(f"{name}.rename", path)
    temporary.replace(path)
    sync_folder(path.parent)


def copy_durably(source: Path, path: Path, *, name: str) -> None:
    """Copy a file of any size so that the copy is whole or absent; announced as `write_durably` is.

    Args:
        source: the file to copy.
        path: final path; parent folders are made.
        name: prefix of the announced side effects.

    Raises:
        OSError: the disk said no; a temporary file may remain, which cleaning removes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    before(f"{name}.write", path)
    with source.open("rb") as content, temporary.open("wb") as file:
        shutil.copyfileobj(content, file, 2**20)
        file.flush()
        before(f"{name}.sync", path)
        os.fsync(file.fileno())
    before(f"{name}.rename", path)
    temporary.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename inside `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
