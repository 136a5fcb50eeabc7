"""Every sentence the planner writes about a shortfall is told in the language of the report."""

from __future__ import annotations

import ast
import inspect
import re

import pytest

from reports.fix_words import FixWords
from reports.messages import Messages
from routing.trunk.explain import shortfalls
from routing.trunk.plan import plan_trunk
from routing.trunk.task.inputs import TrunkOptions
from tests.routing.networks import make_inputs
from tests.routing.random_networks import random_network

ZH, EN = FixWords(Messages("zh")), FixWords(Messages("en"))


@pytest.mark.parametrize(
    ("text", "chinese"),
    [
        (
            (
                "1 more truck on A-C on 2026-11-11 carries 71 % of it for 10 CNY in all, 0.20 CNY a parcel; 1 more truck on A-C on "
                "2026-11-11 and 20 parcels more sort capacity at C on 2026-11-11 carry 100 % for 20 CNY"
            ),
            (
                "加 1 辆 truck（A-C，2026-11-11）：可运走 71 %（占该缺口），共 10 元，每件 0.20 元；"
                "加 1 辆 truck（A-C，2026-11-11），并加 20 件分拣能力（C，2026-11-11）：可运走 100 %，共 20 元"
            ),
        ),
        (
            (
                "room for 1,200 parcels more at JIN in the night after 2025-11-12 and 3 more own-9.6 on JIN-SUZ on 2025-11-13 (and back) "
                "carry 99.6 % of the 12,000 parcels short here for 1,000 CNY in all, 2.53 CNY a parcel"
            ),
            (
                "加 1,200 件夜间暂存（JIN，2025-11-12 当夜），并加 3 辆 own-9.6（JIN-SUZ，2025-11-13，含返程）："
                "可运走 99.6 %（占此处缺口 12,000 件），共 1,000 元，每件 2.53 元"
            ),
        ),
        (
            (
                "50 parcels more sort capacity at A on 2026-11-11; 2 more truck on A-C on 2026-11-11 (20 CNY) (not verified by planning "
                "again)"
            ),
            "加 50 件分拣能力（A，2026-11-11）、加 2 辆 truck（A-C，2026-11-11，20 元）（未重新计划验证）",
        ),
        (
            "1 more truck on A-C on 2026-11-11 (10 CNY), beyond departure_locks (not verified by planning again)",
            "加 1 辆 truck（A-C，2026-11-11，10 元），超出 departure_locks（未重新计划验证）",
        ),
        ("a lane from A", "从 A 开一条干线"),
        ("a longer --time-limit (not verified by planning again)", "加大 --time-limit（未重新计划验证）"),
        ("{n} more 义乌 {", "{n} more 义乌 {"),
    ],
)
def test_sentences_in_chinese(text: str, chinese: str) -> None:
    assert ZH.fix(text) == chinese


def test_reasons_name_what_binds_in_their_own_column() -> None:
    assert ZH.reason("no room on the cheapest way: hub:A, lane:A-B") == "最便宜的路线上没有余量"
    assert EN.reason("hub A is closed on 2026-11-11") == "hub A is closed on 2026-11-11"


def _planner_sentences() -> list[str]:
    """All sentences of more than two words in the planner's explanations, 7 in place of each value."""
    tree = ast.parse(inspect.getsource(shortfalls))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("_describe")]
    nodes = [node for function in functions for node in ast.walk(function)]
    formed = [node for node in nodes if isinstance(node, ast.JoinedStr)]
    within = {id(part) for node in formed for part in node.values}
    found = ["".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in f.values) for f in formed]
    found += [str(node.value) for node in nodes if isinstance(node, ast.Constant) and id(node) not in within]
    return [
        words for words in found if words.strip().count(" ") >= 2 and not words.startswith("7, ") and words[-1] != "."
    ]


def test_every_reason_and_remedy_the_planner_writes_has_its_chinese() -> None:
    found = [re.sub(r"(on|by|until|after) 7$", r"\1 2026-11-11", words) for words in _planner_sentences()]
    found = [words.replace("on 7 on 7 (", "on 7 on 2026-11-11 (") for words in found]
    assert len(found) > 20
    unverified = " (not verified by planning again)"
    told = {words: {ZH.reason(words), ZH.fix(words), ZH.fix(words + unverified)} for words in found}
    assert [words for words, ways in told.items() if ways == {words, words + unverified}] == []


def test_hostile_names_stay_as_they_are() -> None:
    text = "1 more <b>{0} on =1+1 on on 2026-11-11 carries 100 % of it for 10 CNY in all, 0.20 CNY a parcel"
    assert "<b>{0}" in ZH.fix(text)


def test_what_the_planner_writes_is_understood() -> None:
    truck = {"vehicle_type_id": "truck", "capacity": 100, "fixed_cost": 10.0, "fleet_size": 1}
    ends = {"origin_hub_id": "A", "destination_hub_id": "C"}
    small = make_inputs(
        [{"hub_id": "A"}, {"hub_id": "C", "sort_capacity": 150, "buffer_capacity": 0}],
        [ends],
        [truck],
        [(0, "A", "C", 170)],
    )
    options = TrunkOptions(effort=0.025, short_cost=500.0)
    for inputs in (small, random_network(1, hubs=4, days=2, scale=5.0)):
        rows = plan_trunk(inputs, options).shortfalls
        told = rows.filter(rows["reason"].str.starts_with("no room on the cheapest way"))["cheapest_fix"].to_list()
        assert told
        for text in told:
            chinese = ZH.fix(text)
            assert not re.search(r" (more|carr|CNY|verified)", chinese), text
            figures = [sorted(re.findall(r"\d+(?:[,.]\d+)*", words)) for words in (chinese, text)]
            assert figures[0] == figures[1]
