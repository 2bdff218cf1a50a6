"""docs/grafana.json against the figures that exist."""

from __future__ import annotations

import json
import re
from pathlib import Path

from bots.service.metrics import Metrics

DASHBOARD = Path(__file__).parent.parent / "docs" / "grafana.json"


def test_every_figure_on_the_dashboard_exists_and_every_one_that_exists_is_on_it():
    """A panel over a name that nobody counts stays empty for ever; a figure without a panel is not seen."""
    page = Metrics().page(None, {}).decode()
    exist = set(re.findall(r"^# TYPE (attune_\w+) ", page, flags=re.MULTILINE))
    exist = {name for name in exist if not name.endswith("_created")}
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    used = {
        name for panel in panels for target in panel["targets"] for name in re.findall(r"attune_\w+", target["expr"])
    }
    assert {name.removesuffix("_bucket") for name in used} == exist


def test_panels_do_not_cover_each_other():
    """Each has its own place."""
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len(set(places)) == len(panels)
