"""The clickable graph of a DAG or a run: pure Python up to the picture that the component draws.

    tasks, edges, path  --shape: fold-->  nodes, edges  --layout: place-->  columns and rows
        --picture: draw-->  what components/src/graph.ts puts on the page, as text only
"""
