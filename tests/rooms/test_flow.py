"""docs/FLOW.md shows the models that there are."""

from tests.compiled_project import Compiled, compiled
from windsock.flow import FILE, flow_text

__all__ = ["compiled"]      # a fixture


def test_flow_is_fresh(compiled: Compiled) -> None:
    assert FILE.read_text() == flow_text(compiled.project), "run `make docs`"


def test_every_model_is_in_the_flow(compiled: Compiled) -> None:
    text = FILE.read_text()
    missing = {
        r.short_name for r in compiled.project.relations.values() if r.kind == "model"
        and f'["{r.short_name}"]' not in text and f"`{r.short_name}`" not in text
    }
    assert missing == set()
