"""Makes the bundled sample again: `python -m ingest.sample.make` (needs the test extras).

tests/fixtures/airflow/3.3.2/airflow.sql.xz  ->  a PostgreSQL  ->  our own landing  ->  archive/
"""

import hashlib
import lzma
import shutil
import sys
import tempfile
from pathlib import Path

from ingest import landing, sample
from ingest.archive import Archive
from windsock.warehouse import Layout, open_build

ROOT = sample.FOLDER.parents[1]


def main() -> None:
    """Write `archive/`, `airflow-2.11.0.db.xz` and `SHA256SUMS`."""
    sys.path.insert(0, str(ROOT))
    from tests.databases import postgresql

    fixtures = ROOT / "tests" / "fixtures" / "airflow"
    shutil.copyfile(fixtures / "2.11.0" / "airflow.db.xz", sample.FOLDER / "airflow-2.11.0.db.xz")
    shutil.rmtree(sample.FOLDER / "archive", ignore_errors=True)
    with postgresql() as server, tempfile.TemporaryDirectory() as folder:
        server.execute("create role airflow", "postgres")
        server.execute(
            lzma.decompress((fixtures / "3.3.2" / "airflow.sql.xz").read_bytes()).decode()
        )
        layout = Layout(Path(folder))
        con = open_build(layout)
        cluster = landing.Cluster(
            sample.CLUSTER_3, server.url(), sample.AS_OF_3, {"kind": "staging", "is_frozen": True}
        )
        outcomes = landing.land_clusters(
            con, Archive(str(sample.FOLDER / "archive")), layout, [cluster]
        )
        con.close()
    if outcomes[0].error is not None:
        raise outcomes[0].error
    files = sorted(p for p in sample.FOLDER.rglob("*") if p.suffix in {".parquet", ".json", ".xz"})
    (sample.FOLDER / "SHA256SUMS").write_text(
        "".join(
            f"{hashlib.sha256(p.read_bytes()).hexdigest()}  "
            f"{p.relative_to(sample.FOLDER).as_posix()}\n"
            for p in files
        )
    )


if __name__ == "__main__":
    main()
