"""What every batch of an Airflow metadata database must satisfy, as a Great Expectations suite.

The suite looks at the profile (`ingest/profile.py`: a row per table and column), so its cost does
not grow with the batch.
"""

from great_expectations import ExpectationSuite
from great_expectations.expectations.core.expect_column_values_to_be_between import (
    ExpectColumnValuesToBeBetween,
)

# Column of the profile -> what it means when it is not 0.
STRUCTURAL_FAULTS = {
    "type_fault_count": "values that are not of the promised type",
    "key_null_count": "rows without a key",
    "duplicate_key_count": "rows that share a key",
}


def suite() -> ExpectationSuite:
    """Structural faults must not occur; the batch that has one is set aside whole."""
    return ExpectationSuite(
        name="airflow_db",
        expectations=[ExpectColumnValuesToBeBetween(column=name, min_value=0, max_value=0)
                      for name in STRUCTURAL_FAULTS],
    )
