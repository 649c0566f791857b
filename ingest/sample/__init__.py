"""The bundled sample: what real Airflow releases wrote, for a first look without an Airflow.

    airflow-2.11.0.db.xz   the SQLite database of a real 2.11.0, landed like anybody's
    archive/               batches that our own landing made from a real PostgreSQL of a real 3.3.2

Made by `python -m ingest.sample.make`; `SHA256SUMS` holds the checksums. Nothing in it is invented.
"""

import hashlib
import lzma
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from ingest import landing
from ingest.archive import Archive
from ingest.door import last_state
from ingest.sources.airflow_db.steps import SOURCE
from windsock.errors import ArchiveError

FOLDER = Path(__file__).parent
CLUSTER_2 = "airflow-2-11"
CLUSTER_3 = "airflow-3-3"
# Just after the last heartbeat of each scheduler: "now" of these frozen copies.
AS_OF_2 = datetime(2026, 11, 22, 6, 41, 5, tzinfo=UTC)
AS_OF_3 = datetime(2026, 11, 22, 6, 49, 30, tzinfo=UTC)


def unpack_archive(archive: Archive) -> int:
    """Put the sample's batches into an archive that does not have them.

    Returns:
        How many files were put.

    Raises:
        ArchiveError: a bundled file is not what its checksum says.
    """
    count = 0
    for line in (FOLDER / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ", 1)
        if not name.startswith("archive/"):
            continue
        path = name.removeprefix("archive/")
        data = (FOLDER / name).read_bytes()
        if hashlib.sha256(data).hexdigest() != digest:
            raise ArchiveError(
                f"The bundled {name} is damaged (checksum).",
                next_step="check out the repository again",
            )
        if not archive.exists(path):
            archive.put(path, data, name="sample")
            count += 1
    return count


@contextmanager
def clusters(con: duckdb.DuckDBPyConnection) -> Iterator[list[landing.Cluster]]:
    """The sample's databases that are not landed yet, unpacked for as long as the block lasts."""
    if last_state(con, SOURCE, CLUSTER_2).get("reconciled"):
        yield []
        return
    with tempfile.TemporaryDirectory(prefix="windsock-sample-") as folder:
        database = Path(folder) / "airflow.db"
        database.write_bytes(lzma.decompress((FOLDER / "airflow-2.11.0.db.xz").read_bytes()))
        yield [
            landing.Cluster(
                CLUSTER_2, f"sqlite:///{database}", AS_OF_2, {"kind": "prod", "is_frozen": True}
            )
        ]
