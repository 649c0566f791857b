"""The gate at the door: Great Expectations on the profiles of a load's batches.

    profiles of all batches  ->  one validation  ->  table -> reason, for batches to set aside

Importing Great Expectations takes seconds, so it happens in `judge`, never at the start of the
command line or in a dashboard.
"""

import logging
import os
import warnings
from dataclasses import asdict
from functools import cache
from typing import Any

import pandas as pd

from ingest.profile import ColumnProfile


def judge(profiles: list[ColumnProfile]) -> dict[str, str]:
    """Which batches must be set aside.

    Args:
        profiles: of every batch of a load.

    Returns:
        Table name -> the reason in words; empty when all passed.
    """
    if not profiles:
        return {}
    validate = _validator()     # first: it imports the library with its own warnings silenced
    from ingest.expectations.airflow_db import STRUCTURAL_FAULTS

    frame = pd.DataFrame([asdict(p) for p in profiles])
    result = validate(frame)
    reasons: dict[str, list[str]] = {}
    for outcome in result.results:
        if outcome.success:
            continue
        name = outcome.expectation_config.kwargs["column"]
        for index in outcome.result.get("unexpected_index_list", []):
            row = frame.loc[index]
            reasons.setdefault(str(row["table"]), []).append(
                f"{row['column']}: {row[name]} {STRUCTURAL_FAULTS[name]}")
    return {table: "; ".join(found) for table, found in reasons.items()}


def warm() -> None:
    """Import Great Expectations now, for who measures what comes after."""
    _validator()


@cache
def _validator() -> Any:
    """A function that validates one profile frame; made once a process."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")      # deprecations inside the library
        import great_expectations as gx
        from great_expectations.core.result_format import ResultFormat

        from ingest.expectations.airflow_db import suite
    for name in ("great_expectations", "great_expectations.data_context.types.base"):
        logging.getLogger(name).setLevel(logging.ERROR)
    context = gx.get_context(mode="ephemeral")
    quiet = {"globally": False, "metric_calculations": False}
    context.variables.progress_bars = quiet  # type: ignore[assignment]  # converted on assignment
    asset = context.data_sources.add_pandas("door").add_dataframe_asset("profile")
    definition = asset.add_batch_definition_whole_dataframe("load")
    expectations = suite()

    def validate(frame: pd.DataFrame) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            batch = definition.get_batch(batch_parameters={"dataframe": frame})
            return batch.validate(expectations, result_format=ResultFormat.COMPLETE)

    return validate
