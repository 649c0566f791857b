"""What failing tasks leave in their logs, as people meet it. All of it written for this world.

    ERRORS["sql_missing_column"].render({"dag_id": …, "task_id": …, "number": …})  ->  text

`number` is any whole number: it stands for what differs each time (ids, counts, addresses).
Traceback text holds frames of Airflow, of libraries, and of the company's own code.
"""

from collections.abc import Mapping
from dataclasses import dataclass

_PACKAGES = "/home/airflow/.local/lib/python3.11/site-packages"
_CODE = "/opt/airflow/dags/larkmere"


@dataclass(frozen=True)
class ErrorBody:
    """A way to fail.

    Attributes:
        exception_class: of the root cause; empty where the process just dies.
        message: what the exception says, with `{dag_id}`, `{task_id}`, `{number}` in it.
        traceback: as logged, ending in class and message; empty where there is none.
        category: as in docs/definitions.md: data, code, infrastructure, dependency,
            access_or_secret, timeout, user_action, unknown.
        exit_line: what the worker says when the process was killed.
    """

    exception_class: str
    message: str
    traceback: str
    category: str
    exit_line: str = ""

    def render(self, facts: Mapping[str, object]) -> str:
        """The lines of the log, for a try."""
        text = self.traceback or self.exit_line
        for name, value in facts.items():
            text = text.replace("{" + name + "}", str(value))
        return text


def _frame(path: str, line: int, function: str, source: str) -> str:
    return f'  File "{path}", line {line}, in {function}\n    {source}\n'


def _operator(name: str, line: int, source: str) -> str:
    """The frames above every task: Airflow's own."""
    return "Traceback (most recent call last):\n" + _frame(
        f"{_PACKAGES}/airflow/models/taskinstance.py", 768, "_execute_task",
        "result = _execute_callable(context=context, **execute_callable_kwargs)") + _frame(
        f"{_PACKAGES}/airflow/{name}", line, "execute", source)


_PYTHON = _operator("operators/python.py", 238, "return_value = self.execute_callable()")
_SQL = _operator("providers/common/sql/operators/sql.py", 295,
                 "output = hook.run(sql=self.sql, autocommit=self.autocommit)")


def _body(cls: str, message: str, category: str, above: str) -> ErrorBody:
    return ErrorBody(cls, message, f"{above}{cls}: {message}", category)


def _caused(first: ErrorBody, above: str) -> str:
    """A chain: the root cause, then what was raised from it."""
    return (f"{first.traceback}\n\nThe above exception was the direct cause of the following "
            f"exception:\n\n{above}")


_RESET = _body("ConnectionResetError", "[Errno 104] Connection reset by peer", "dependency",
               "Traceback (most recent call last):\n" + _frame(
                   f"{_PACKAGES}/urllib3/connectionpool.py", 787, "urlopen",
                   "response = self._make_request(conn, method, url)"))
_NO_DNS = _body("socket.gaierror", "[Errno -2] Name or service not known", "dependency",
                "Traceback (most recent call last):\n" + _frame(
                    f"{_PACKAGES}/psycopg2/__init__.py", 122, "connect",
                    "conn = _connect(dsn, connection_factory=connection_factory, **kwasync)"))

ERRORS: dict[str, ErrorBody] = {
    "key_error": _body("KeyError", "'seller_region'", "code", _PYTHON + _frame(
        f"{_CODE}/transforms.py", 88, "normalise", 'region = row["seller_region"]')),
    "value_error": _body(
        "ValueError", "Input X contains NaN: {number} of the rows have no 'price_eur'", "data",
        _PYTHON + _frame(f"{_CODE}/models/train.py", 141, "fit", "model.fit(features, labels)")
        + _frame(f"{_PACKAGES}/sklearn/utils/validation.py", 1105, "check_array",
                 "_assert_all_finite(array)")),
    "json_decode": _body(
        "json.decoder.JSONDecodeError", "Expecting value: line 1 column 1 (char 0)", "data",
        _PYTHON + _frame(f"{_CODE}/sources/partner_api.py", 57, "page",
                         "return response.json()[\"items\"]")),
    "airflow_variable_missing": _body(
        "KeyError", "'Variable larkmere_partner_window does not exist'", "code",
        _PYTHON + _frame(f"{_CODE}/settings.py", 19, "window",
                         'return Variable.get("larkmere_partner_window")')),
    "sql_syntax": _body(
        "psycopg2.errors.SyntaxError", 'syntax error at or near "qualify"\nLINE {number}: qualify '
        "row_number() over (partition by listing_id) = 1\n        ^\n", "code", _SQL + _frame(
            f"{_PACKAGES}/airflow/providers/common/sql/hooks/sql.py", 472, "_run_command",
            "cur.execute(sql_statement)")),
    "sql_missing_column": _body(
        "psycopg2.errors.UndefinedColumn", 'column o.discount_code_id does not exist\nLINE 14:     '
        "o.discount_code_id,\n             ^\n", "code", _SQL + _frame(
            f"{_PACKAGES}/airflow/providers/common/sql/hooks/sql.py", 472, "_run_command",
            "cur.execute(sql_statement)")),
    "sql_deadlock": _body(
        "psycopg2.errors.DeadlockDetected", "deadlock detected\nDETAIL:  Process {number} waits "
        "for ShareLock on transaction 88{number}; blocked by another process.\n", "dependency",
        _SQL + _frame(f"{_PACKAGES}/airflow/providers/common/sql/hooks/sql.py", 472,
                      "_run_command", "cur.execute(sql_statement)")),
    "warehouse_unreachable": _body(
        "psycopg2.OperationalError", 'could not translate host name "warehouse.internal" to '
        "address: Name or service not known", "dependency", _caused(_NO_DNS, _SQL + _frame(
            f"{_PACKAGES}/airflow/providers/postgres/hooks/postgres.py", 151, "get_conn",
            "self.conn = psycopg2.connect(**conn_args)"))),
    "spark_stage_failed": _body(
        "py4j.protocol.Py4JJavaError", "An error occurred while calling o{number}.parquet.\n"
        ": org.apache.spark.SparkException: Job aborted due to stage failure: Task 41 in stage 7.0 "
        "failed 4 times, most recent failure: Lost task 41.3 in stage 7.0 (TID {number}): "
        "java.lang.ArithmeticException: Casting 9223372036854775808 to bigint causes overflow",
        "data", _PYTHON + _frame(f"{_CODE}/spark/sessions.py", 203, "write",
                                 'frame.write.mode("overwrite").parquet(target)')),
    "spark_executor_lost": ErrorBody(
        "airflow.exceptions.AirflowException", "Cannot execute: spark-submit --master yarn. Error "
        "code is: 1.", "ERROR YarnScheduler: Lost executor {number} on spark-worker-17: Container "
        "killed by YARN for exceeding memory limits. 9.3 GB of 9 GB physical memory used.\n"
        + _operator("providers/apache/spark/operators/spark_submit.py", 200,
                    "self._hook.submit(self._application)")
        + "airflow.exceptions.AirflowException: Cannot execute: spark-submit --master yarn. Error "
        "code is: 1.", "infrastructure"),
    "pod_evicted": ErrorBody(
        "airflow.exceptions.AirflowException", "Pod {task_id}-{number} returned a failure.",
        "WARNING - Pod {task_id}-{number} was evicted: The node was low on resource: "
        "ephemeral-storage. Threshold quantity: 10Gi, available: 8Gi.\n"
        + _operator("providers/cncf/kubernetes/operators/pod.py", 666,
                    "self.cleanup(pod=self.pod, remote_pod=self.remote_pod)")
        + "airflow.exceptions.AirflowException: Pod {task_id}-{number} returned a failure.",
        "infrastructure"),
    "image_pull": _body(
        "airflow.providers.cncf.kubernetes.utils.pod_manager.PodLaunchFailedException",
        "Pod docker image cannot be pulled, unable to start: ErrImagePull\nrpc error: code = "
        "NotFound desc = failed to pull and unpack image \"images.larkmere.example/jobs:{number}\"",
        "infrastructure", _operator("providers/cncf/kubernetes/operators/pod.py", 640,
                                    "self.await_pod_start(pod=self.pod)")),
    "cuda_out_of_memory": _body(
        "torch.cuda.OutOfMemoryError", "CUDA out of memory. Tried to allocate 2.{number} GiB (GPU "
        "0; 15.78 GiB total capacity; 13.91 GiB already allocated)", "infrastructure",
        _PYTHON + _frame(f"{_CODE}/models/train.py", 176, "step", "loss.backward()")),
    "http_timeout": _body(
        "requests.exceptions.ReadTimeout", "HTTPSConnectionPool(host='api.partner.example', "
        "port=443): Read timed out. (read timeout=30)", "timeout", _PYTHON + _frame(
            f"{_CODE}/sources/partner_api.py", 44, "page",
            "response = session.get(url, timeout=30)")),
    "rate_limited": _body(
        "requests.exceptions.HTTPError", "429 Client Error: Too Many Requests for url: "
        "https://api.partner.example/v3/items?page={number}", "dependency", _PYTHON + _frame(
            f"{_CODE}/sources/partner_api.py", 52, "page", "response.raise_for_status()")),
    "connection_reset": _body(
        "requests.exceptions.ConnectionError", "('Connection aborted.', ConnectionResetError(104, "
        "'Connection reset by peer'))", "dependency", _caused(_RESET, _PYTHON + _frame(
            f"{_CODE}/sources/partner_api.py", 44, "page",
            "response = session.get(url, timeout=30)"))),
    "storage_forbidden": _body(
        "botocore.exceptions.ClientError", "An error occurred (AccessDenied) when calling the "
        "PutObject operation: Access Denied", "access_or_secret", _PYTHON + _frame(
            f"{_CODE}/lake.py", 71, "put", "bucket.put_object(Key=key, Body=body)") + _frame(
            f"{_PACKAGES}/botocore/client.py", 1023, "_make_api_call",
            "raise error_class(parsed_response, operation_name)")),
    "disk_full": _body("OSError", "[Errno 28] No space left on device: '/tmp/part-{number}.csv'",
                       "infrastructure", _PYTHON + _frame(f"{_CODE}/lake.py", 33, "spill",
                                                          "handle.write(chunk)")),
    "data_quality": _body(
        "larkmere.quality.CheckFailed", "{number} of the rows have no listing_id (allowed: 0)",
        "data", _PYTHON + _frame(f"{_CODE}/quality.py", 64, "check",
                                 "raise CheckFailed(self.describe(result))")),
    "bash_exit": ErrorBody(
        "airflow.exceptions.AirflowException", "Bash command failed. The command returned a "
        "non-zero exit code 1.", "INFO - rm: cannot remove '/data/scratch/{number}': Device or "
        "resource busy\n" + _operator("operators/bash.py", 249, "raise AirflowException(")
        + "airflow.exceptions.AirflowException: Bash command failed. The command returned a "
        "non-zero exit code 1.", "infrastructure"),
    "sensor_timeout": _body(
        "airflow.exceptions.AirflowSensorTimeout", "Sensor has timed out; run duration of "
        "14400.{number} seconds exceeds the specified timeout of 14400.0.", "timeout",
        _operator("sensors/base.py", 294, "raise AirflowSensorTimeout(message)")),
    "oom_killed": ErrorBody(
        "", "Task exited with return code -9", "", "infrastructure",
        "ERROR - Job {number} for task {task_id} was killed before it finished (likely due to "
        "running out of memory)\nINFO - Task exited with return code -9"),
}
