"""Altair charts from frames, and nothing else: one module a picture, `base` what they share."""

from dashboards.charts.base import wall
from dashboards.charts.gantt import GANTT_ROWS, task_gantt
from dashboards.charts.landings import landings
from dashboards.charts.runs import runs_over_time

__all__ = ["GANTT_ROWS", "landings", "runs_over_time", "task_gantt", "wall"]
