"""The component's data: plain JSON with names as they are, colours by state, links of ours."""

import json
from itertools import pairwise
from typing import Any

from dashboards.graph.picture import Face, picture
from dashboards.graph.shape import REST, Structure, fold
from tests.views.snapshots import hostile_names


def _picture(structure: Structure, ratios: dict[str, float] | None = None,
             **changes: Any) -> dict[str, Any]:
    drawn = fold(structure, {REST})
    faces = [Face(n.tasks[0], href=f"task?task_id={n.tasks[0]}", **changes) for n in drawn.nodes]
    return picture(drawn, faces, Face("run: failed", "end", state="failed"),
                   path=structure.chain, ratios=ratios or {})


def _one_line(text: str) -> bool:
    return not any(ord(c) < 32 or "\u202a" <= c <= "\u202e" for c in text)


def test_hostile_names_are_data_not_markup() -> None:
    names = hostile_names()
    found = _picture(Structure(dict.fromkeys(names), list(pairwise(names))),
                     under="".join(names)[:200], state=names[0], hint=(names[6],))
    assert json.loads(json.dumps(found)) == found
    shown = {n["hint"].split("\n")[0] for n in found["nodes"]}
    assert '<img src=http://127.0.0.1:9/x onerror="document.title=1">' in shown
    assert not any("&lt;" in text or "&quot;" in text for text in shown)
    for node in found["nodes"]:
        assert len(node["title"]) <= 60
        assert all(_one_line(node[key]) for key in ("title", "under", "note"))
        assert node["state"] in ("", "failed")


def test_the_final_node_follows_what_nothing_waits_for_and_ends_the_path() -> None:
    found = _picture(Structure(dict.fromkeys("abc"), [("a", "b"), ("a", "c")], ["a", "b"]))
    assert found["nodes"][-1] | {"x": 0, "y": 0} == found["nodes"][-1] | {
        "x": 0, "y": 0, "kind": "end", "title": "run: failed", "glyph": "✕", "path": True}
    into = [e for e in found["edges"] if e["to"] == 3]
    assert [(e["from"], e["path"]) for e in into] == [(1, True), (2, False)]


def test_an_edge_has_the_smaller_criticality_of_its_ends() -> None:
    found = _picture(Structure(dict.fromkeys("ab"), [("a", "b")]), {"a": 0.9, "b": 0.4})
    assert found["edges"][0]["weight"] == 0.4
    assert found["edges"][1]["weight"] == 0.0


def test_the_tab_key_follows_the_edges() -> None:
    structure = Structure(dict.fromkeys("abcdef"), [("a", "d"), ("d", "b"), ("b", "e"), ("c", "f")])
    found = _picture(structure)
    place = {n: i for i, n in enumerate(found["order"])}
    assert sorted(place) == list(range(7))
    assert all(place[e["from"]] < place[e["to"]] for e in found["edges"])
