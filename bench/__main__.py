"""`make bench [FIGURE=name]`: one JSON line per figure, medians where runs are short.

{"figure": …, "value": …, "unit": …, "goal": …, "n": …}
"""

import json
import platform
import sys

from bench import landing, layouts, model_path, models, pages, refresh, search

FIGURES = {**landing.FIGURES, **refresh.FIGURES, **model_path.FIGURES, **models.FIGURES,
           **pages.FIGURES, **search.FIGURES, **layouts.FIGURES}


def main(names: list[str]) -> int:
    """Measure the named figures, or all."""
    unknown = [n for n in names if n not in FIGURES]
    if unknown:
        print(f"No figure {unknown[0]!r}. There are: {', '.join(FIGURES)}", file=sys.stderr)  # noqa: T201
        return 2
    machine = f"{platform.processor() or platform.machine()}, Python {platform.python_version()}"
    print(json.dumps({"machine": machine}), flush=True)  # noqa: T201
    for name in names or FIGURES:
        for figure in FIGURES[name]():
            print(json.dumps(figure), flush=True)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
