"""Altair charts from frames, and nothing else: one module a picture, `base` what they share."""

from dashboards.charts.base import wall
from dashboards.charts.duration_strip import duration_strip
from dashboards.charts.duration_strip import statistics as strip_statistics
from dashboards.charts.gantt import GANTT_PICK, GANTT_ROWS, task_gantt
from dashboards.charts.landings import landings
from dashboards.charts.limit_history import limit_history
from dashboards.charts.platform_usage import platform_usage
from dashboards.charts.run_parts import DURATION, LANDING, SELECTION, WAITS, run_parts
from dashboards.charts.runs import runs_over_time
from dashboards.charts.task_durations import task_durations

__all__ = [
    "DURATION", "GANTT_PICK", "GANTT_ROWS", "LANDING", "SELECTION", "WAITS", "duration_strip",
    "landings", "limit_history", "platform_usage", "run_parts", "runs_over_time",
    "strip_statistics", "task_durations", "task_gantt", "wall",
]
