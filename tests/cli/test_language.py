"""The command speaks Chinese where it is asked to, and where the system does."""

from __future__ import annotations

import ast
import re
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.main import get_command
from typer.testing import CliRunner

from cli.app import app
from cli.console import out_rows
from cli.sentences import in_chinese
from cli.translation import head_of, in_language, tell, tell_cell, translate_help
from cli.words import money
from data.contracts import TABLES
from data.errors import RadarError
from data.language import choose_language, current_language, default_languages, read_catalogue
from data.workspace import Workspace
from forecasting.evaluation.backtest_case import NAIVE_MODELS
from forecasting.evaluation.error_causes import STEPS
from tests.reports.reading import placeholders

RUNNER = CliRunner()
ROOT = Path(__file__).parents[2]
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture
def chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")


def test_help_is_chinese_by_option_and_english_again_afterwards() -> None:
    told = RUNNER.invoke(app, ["--lang", "zh", "plan", "trunk", "--help"]).stdout
    assert "用法：" in told
    assert "例：`radar plan trunk" in told
    assert "以 JSON 输出结果" in told
    assert "Usage:" in RUNNER.invoke(app, ["plan", "trunk", "--help"]).stdout
    assert current_language() == "en"


def test_every_command_of_the_help_has_a_chinese_line(chinese: None) -> None:
    command = get_command(app)
    translate_help(command)
    names = {name: inner.get_short_help_str() for name, inner in command.commands.items()}  # type: ignore[attr-defined]
    assert {"demo", "load", "forecast", "plan", "report", "advise"} <= set(names)
    for name in ("demo", "load", "check", "forecast", "weather", "plan", "verify", "report", "advise", "runs"):
        assert CHINESE.search(names[name]), name


def test_an_unknown_language_is_wrong_usage() -> None:
    result = RUNNER.invoke(app, ["--lang", "fr", "runs"])
    assert result.exit_code == 2
    assert "expected one of zh, en" in result.stderr


def test_errors_and_tables_are_chinese(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "peak")
    with workspace.run("load"):
        pass
    asked = ["--lang", "zh", "--workspace", str(workspace.folder)]
    error = RUNNER.invoke(app, [*asked, "advise"]).stderr
    assert error == "错误：发现既没有给商家，也没有 --all，应为两者之一；请指定商家，或加 --all。\n"
    shown = RUNNER.invoke(app, [*asked, "runs"]).stdout
    assert "运行编号" in shown
    assert "run_id" not in shown


def test_an_error_in_other_words_keeps_them_in_a_chinese_frame(chinese: None) -> None:
    error = RadarError("7 feet", "metres", "measure again", file="a b.csv", row=3, column="height")
    assert tell(error) == "a b.csv，第3行，列 height：发现7 feet，应为metres；measure again。"
    assert tell(RadarError("the table hubs is empty", action="run `radar load hubs FILE` first")) == (
        "表 hubs 是空的；请先运行 `radar load hubs FILE`。"
    )


def test_names_that_are_to_be_typed_stay_as_they_are_typed(tmp_path: Path) -> None:
    folder = Workspace.create(tmp_path / "peak").folder
    (folder / "a.csv").write_text("hub_id,name\nA,a\n", encoding="utf-8")
    asked = ["--lang", "zh", "--workspace", str(folder)]

    def told(*words: str) -> str:
        return RUNNER.invoke(app, [*asked, *words]).stderr

    for typed, meant in (("lanez", "lanes"), ("stok", "stock"), ("courier", "couriers"), ("outlet", "outlets")):
        for words in (("tables", typed), ("export", typed), ("load", typed, str(folder / "a.csv"))):
            error = told(*words)
            assert f"是否指 {meant}" in error, error
            assert "hubs、hub_sorts" in error
            assert "？。" not in error
    assert "outlets 之一" not in told("tables", "outlet")
    for word in ("lanes", "stock", "couriers", "outlets", "hubs"):
        assert re.search(rf"^│ {word} ", RUNNER.invoke(app, [*asked, "tables"]).stdout, re.MULTILINE)
    short = told("load", "hubs", str(folder / "a.csv"), "--set", "nam=x")
    assert "是否指 name？" in short, short


def test_the_locale_chooses_where_nobody_does(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    assert (current_language(), default_languages()) == ("en", "zh,en")
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert (current_language(), default_languages()) == ("zh", "zh")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert current_language() == "en"
    choose_language("zh")
    try:
        assert default_languages() == "zh"
    finally:
        choose_language(None)


def test_heads_are_the_contracts_own_aliases(chinese: None) -> None:
    assert head_of("origin_hub_id") == "始发"
    assert head_of("nothing known") == "nothing known"
    # parcels held over night, and an answer that held
    assert (head_of("held"), head_of("held", flag=True), head_of("origin_hub_id", flag=True)) == (
        "过夜",
        "守住",
        "始发",
    )


def test_a_printed_flag_has_a_head_of_its_own(chinese: None, capsys: pytest.CaptureFixture[str]) -> None:
    for held, head in ((True, "守住"), (7, "过夜")):
        out_rows(pl.DataFrame({"held": [held]}), json=False)
        assert head in capsys.readouterr().out


def test_money_is_written_as_its_reader_counts(chinese: None) -> None:
    assert [money(amount) for amount in (0.0, 950_000.4, 13_400_000.0, 5_200_000_000.0)] == [
        "0元", "950,000元", "1,340万元", "520,000万元",
    ]  # fmt: skip
    choose_language("en")
    try:
        assert [money(amount) for amount in (600.0, 13_412_345.0)] == ["600 CNY", "13.4 m CNY"]
    finally:
        choose_language(None)


def test_both_catalogues_of_the_command_say_the_same() -> None:
    zh, en = read_catalogue("cli", "zh"), read_catalogue("cli", "en")
    assert set(zh) == set(en)
    assert [key for key in en if placeholders(zh[key]) != placeholders(en[key])] == []


def test_forms_of_sentences_keep_every_name_and_none_is_said_twice() -> None:
    import tomllib

    seen: dict[str, str] = {}
    for file in resources.files("cli").joinpath("messages", "sentences").iterdir():
        for english, chinese in tomllib.loads(file.read_text(encoding="utf-8")).items():
            names = {name.removesuffix(":t") for name in re.findall(r"\{(\w+(?::t)?)\}", chinese)}
            assert names <= placeholders(english), english
            assert CHINESE.search(chinese) or ":t}" in chinese, english
            assert english not in seen, f"{english}: in {seen[english]} and {file.name}"
            seen[english] = file.name
    assert len(seen) > 900


def test_every_option_has_the_chinese_of_its_own_sentence() -> None:
    """One name may mean two things: --to is a day of `plan trunk` and an as-of date of `revisions`."""
    sentences: set[str] = set()

    def gather(command: Any) -> None:
        sentences.update(option.help for option in command.params if getattr(option, "help", None))
        for inner in getattr(command, "commands", {}).values():
            gather(inner)

    gather(get_command(app))
    chinese = tomllib.loads(resources.files("cli").joinpath("messages", "help.zh.toml").read_text(encoding="utf-8"))
    assert sentences == set(chinese["option"])
    assert all(CHINESE.search(text) for text in chinese["option"].values())


def test_one_option_name_of_two_commands_is_explained_twice(chinese: None) -> None:
    command: Any = get_command(app)
    translate_help(command)

    def told(path: str, option: str) -> str:
        found = command
        for word in path.split():
            found = found.commands[word]
        return str(next(known.help for known in found.params if option in known.opts))

    assert told("load", "--query") == "对 --database 的一条 SELECT；只能读取。"
    assert told("sql", "query") == "一条 SELECT，直接用表名查询各表。"
    assert told("plan trunk", "--to") == "最后一天。"
    assert told("revisions", "--to") == "较晚那次预测的截止日。"
    assert told("plan joint", "--by").startswith("sorts：")
    assert told("track rates", "--by").startswith("按 courier")


def test_every_column_has_a_chinese_head_that_fits_all_its_tables(chinese: None) -> None:
    columns = {column.name for table in TABLES.values() for column in table.columns}
    assert {name for name in columns if not CHINESE.search(head_of(name))} == {"mase", "rmsse"}
    assert head_of("kind") == "类别"  # of an event too, not only of a warehouse
    assert head_of("as_of") == "截止日"  # of a forecast too, not only of a stock
    assert head_of("hub_id") == "分拨中心"


def test_what_fills_a_sort_and_what_the_weather_does_are_told_in_chinese(chinese: None) -> None:
    told = in_language(
        "WUH sorts 76,667 parcels on 2025-11-13 in sort night, 100% of 76,667; 31,792 of them waited from the sort before; "
        "34,422 wait for the next sort; one parcel more of sort capacity saves 0.03 CNY."
    )
    assert told == (
        "WUH 分拣76,667件（2025-11-13 night 班次），占能力76,667件的100%；其中31,792件自上一班次等待；34,422件等下一班次；"
        "分拣能力每多一件可省0.03元。"
    )
    assert in_language("What fills WUH on 2025-11-13 in sort night") == "2025-11-13 night 班次 WUH 被什么占满"
    assert [tell_cell("stream", text) for text in ("from JIN", "to SHE", "a > b")] == ["来自 JIN", "发往 SHE", "a > b"]
    cause = "snow 1.4 mm/h near 41.45, 121.99 at 11-02 00:00; warning snow red (W1)"
    assert tell_cell("cause", cause) == "降雪1.4毫米/小时，北纬41.45、东经121.99附近，11-02 00:00；暴雪红色预警（W1）"
    fix = (
        "room for 70 parcels more at JIN in the night after 2025-11-14 in sort night and 8 parcels more sort capacity at GUA on "
        "2025-11-15 in sort day carry 14 % of the 900 parcels short here for 206 CNY in all, 2.42 CNY a parcel"
    )
    told = tell_cell("cheapest_fix", f"{fix}; {fix}")
    assert (
        told.count(
            "加 8 件分拣能力（GUA，2025-11-15 day 班次）：可运走 14 %（占此处缺口 900 件），共 206 元，每件 2.42 元"
        )
        == 2
    )
    assert "parcels" not in told
    assert [tell_cell("severity", text) for text in ("red", "none")] == ["红色", "无"]
    source = "speed: 641 lane-days of history; capacity: HCM 2010 exhibit 10-15"
    assert tell_cell("source", source) == "车速：641个干线日的历史；能力：HCM 2010 exhibit 10-15"


def test_what_is_taken_back_is_told_of_each_table(chinese: None) -> None:
    told = in_language("load-0003 is taken back: hubs has 1,250 rows, lanes has 3 rows.")
    assert told == "已撤销 load-0003：hubs 现有1,250行，lanes 现有3行。"


def test_every_code_word_of_a_table_has_its_chinese_and_is_typed_as_it_stands(chinese: None, tmp_path: Path) -> None:
    """Printed tables say 公路, not ``road``; what a filter names is shown as it is typed."""
    words = {
        (column.name, value)
        for table in TABLES.values()
        for column in table.columns
        if (choices := re.search(r"One of: (.*)\.$", column.meaning)) is not None
        for value in choices[1].split(", ")
        if column.name != "quantile"
    }
    words |= {("unit", column.unit) for table in TABLES.values() for column in table.columns if column.unit}
    words |= {("known", step) for step in STEPS}
    words |= {("model", name) for name in ("radar", *NAIVE_MODELS)}
    assert len(words) > 80
    assert sorted(pair for pair in words if not CHINESE.search(tell_cell(*pair))) == []
    workspace = Workspace.create(tmp_path / "计划 [1]#%20")
    for _ in range(2):
        with workspace.run("load"):
            pass
    listed = RUNNER.invoke(app, ["--workspace", str(workspace.folder), "runs"]).stdout
    assert listed.count("完成") == 2
    assert "done" not in listed
    asked = RUNNER.invoke(app, ["--workspace", str(workspace.folder), "sql", "SELECT outcome FROM runs"]).stdout
    assert asked.count("done") == 2


def test_rules_that_are_told_together_are_each_chinese_whatever_their_values_hold(tmp_path: Path) -> None:
    folder = tmp_path / "ws"
    Workspace.create(folder)
    rows = [
        "region_id,name,parent_region_id",
        "r1,A,",
        "r2,,r1",
        "r3,,r1",
        'r4,D,"x; y, z"',
        'r5,E,"b\'q"',
        "r1,again,",
    ]
    (tmp_path / "regions.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    told = RUNNER.invoke(
        app, ["--lang", "zh", "--workspace", str(folder), "load", "regions", str(tmp_path / "regions.csv")]
    )
    assert told.exit_code in (1, 3)
    assert "次：" in told.stderr
    assert not re.search(r"first:| x [a-z]|must|no id of", told.stderr), told.stderr


@pytest.mark.parametrize(
    ("english", "expected"),
    [
        (
            "2 x a is not a number (first: row 3 of a b.csv, value 'x; y'); 1 x b is too long (first: row 4 of c.csv)",
            "2次：a 不是数（首见：a b.csv 第3行，值 'x; y'）；1次：b 太长（首见：c.csv 第4行）",
        ),
        (
            "2 x a is no id of table hubs (first: row 3 of a.csv, value 'A'); 3 x b is no id of table lanes (first: row 9 of a.csv, value \"it's\")",
            "2次：a 不是表 hubs 的编号（首见：a.csv 第3行，值 'A'）；3次：b 不是表 lanes 的编号（首见：a.csv 第9行，值 \"it's\"）",
        ),
        (
            "stress-0001: a hub overflows in 12 % (6.7 to 20.6 %) of 50 futures (spot 10 %).",
            "stress-0001：50组未来中有分拨爆仓的占12%（6.7至20.6%）（临时车至多10%）。",
        ),
        ("below 0.38 %", "不到0.38%"),
        ("JIN shut for 12 h on 11-12", "11-12 JIN 停摆12小时"),
        ("30% more volume from 11-12", "11-12 起件量增加 30%"),
        (
            "9 units in 2 warehouses for Double 11 opening, Double 11, 11,513,399 CNY, within 0.00 % of the least possible; ended by effort",
            "Double 11 opening, Double 11：2个仓库备货9件，11,513,399元，与最低可能相差不超过0.00%；搜索按工作量完成",
        ),
        ("time limit: bound and fixes of shortfalls cut short", "时间上限先到：下界与缺口补救被截短"),
        ("A (2: 2025-01-01 to 2025-01-02); B (1: 2025-01-05); 3 more", "A（2：2025-01-01至2025-01-02）；B（1：2025-01-05）；另有3个"),
        (
            ("4 of 8 rows (50.0%) that break a rule: 2 x temperature (°C) is no number with a decimal point (first: row 3 of w 1.csv, value 'abc'); "
            "1 x latitude is no latitude: degrees between -90 and 90; check the order of latitude and longitude (first: row 4 of w 1.csv, value '231.2'); "
            "1 x date lies in the future (after 2025-11-02); --allow-future takes it (first: row 5 of w 1.csv, value '2052-01-01')"),
            ("8行中有4行（50.0%）违反规则：2次：temperature (°C) 不是带小数点的数（首见：w 1.csv 第3行，值 'abc'）；"
            "1次：latitude 不是 latitude：应为 -90 至 90 度；请检查纬度与经度的次序（首见：w 1.csv 第4行，值 '231.2'）；"
            "1次：date 在将来（晚于2025-11-02）；--allow-future 可读入（首见：w 1.csv 第5行，值 '2052-01-01'）"),
        ),
        (
            "f.csv: no use for column(s) cap, b ('cap' looks like capacity; 'b' looks like hub_id)",
            "f.csv：用不上列 cap, b（'cap' 像是 capacity；'b' 像是 hub_id）",
        ),
        (
            ("80 departures changed against the reference, 40 more than the 40 allowed: 18 of the reference cannot run any more, "
            "62 keep parcels from being short (the search found no fewer); ended by effort"),
            "与参照计划相比变动80班，比允许的40班多40班：参照计划中18班已无法开行，62班用以避免缺口（搜索未找到更少的）；搜索按工作量完成",
        ),
        (
            "hubs: file part-9.parquet has other bytes than were written; no version is whole: `radar repair hubs` sets the table aside, then load it again.",
            "hubs：文件 part-9.parquet 内容与写入时不同；没有完整版本：`radar repair hubs` 可将该表移开，再重新读入。",
        ),
        (
            "lanes: file part-9.parquet has 5 bytes instead of 1,000; version 3 is whole: `radar repair lanes` goes back to it.",
            "lanes：文件 part-9.parquet 有5字节，应为1,000；版本 3 完整：`radar repair lanes` 可退回到它。",
        ),
        (
            "hubs: a file is not there; no version was whole: set aside as /a b/hubs.damaged, load the table again.",
            "hubs：有文件 不在了；没有完整版本：已另存为 /a b/hubs.damaged，请重新读入该表。",
        ),
        (
            "Hub A closes on 2025-11-01 and until 2025-10-01, which is before it; the change is left out.",
            "分拨 A于2025-11-01关停，至2025-10-01止却早于开始；该变动未计入。",
        ),
        (
            "route_volumes: 5 rows read, 2 taken, 1 repeated another row, 2 sum row(s) left out, 3 set apart (nothing was written).",
            "route_volumes：读5行，读入2行，1行与别行重复，2个合计行未计入，3行另存（未写入任何数据）。",
        ),
        (
            """hubs: 'a', "b'" taken as 'A'; 'c' taken as 'C'; and 3 more ids (--ids-as-written keeps them apart)""",
            """hubs：'a', "b'" 当作 'A'；'c' 当作 'C'；另有3个编号（--ids-as-written 可分开）""",
        ),
    ],
)  # fmt: skip
def test_lists_are_translated_part_by_part(english: str, expected: str) -> None:
    assert in_chinese(english) == expected


def test_an_error_that_a_run_kept_is_told_in_chinese_as_it_was_when_it_came(chinese: None, tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "ws")
    words = ["--workspace", str(workspace.folder)]
    (tmp_path / "a b.csv").write_text("hub_id,what\nA,1\n", encoding="utf-8")
    for table in ("stock", "sales"):
        assert RUNNER.invoke(app, [*words, "load", table, str(tmp_path / "a b.csv")]).exit_code == 1
    listed = "".join(re.sub(r"[│\s]", "", line) for line in RUNNER.invoke(app, [*words, "runs"]).stdout.splitlines())
    assert listed.count("失败") == 2
    assert "found" not in listed
    assert "expected" not in listed
    assert listed.count("应为") == 2
    for error in (RadarError("256 bytes", "at most 5", "split the file", file="a b.csv", row=3, column="share"),):
        assert in_chinese(str(error)) == tell(error)


def test_what_the_checker_finds_is_told_in_chinese(chinese: None) -> None:
    """Each literal sentence of the checker of trunk plans, filled in as its rules fill it in."""
    folder = ROOT / "routing" / "checker"
    texts = {
        node.value
        for name in ("by_clock", "departures", "flows", "hubs", "promises", "tables", "vehicles")
        if (folder / f"{name}.py").is_file()
        for node in ast.walk(ast.parse((folder / f"{name}.py").read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.search(r"\{where\}.*\.$", node.value)
    }
    assert len(texts) > 30
    filled = {"where": "JIN day", "date": "2025-11-11", "found": "no row", "allowed": "7", "column": "held"}
    told = {text: tell_cell("text", text.format(**filled)) for text in texts}
    assert sorted(text for text, chinese_text in told.items() if not CHINESE.search(chinese_text)) == []
    broken = "Sort evening of hub SHI on 2025-11-13 sends 97 parcels for BEI over lane SHI-BEI-road, which its sort plan does not name."
    assert (
        tell_cell("text", broken)
        == "SHI 的班次 evening（2025-11-13）把97件发往 BEI，走的线路 SHI-BEI-road 不在其分拣方案中。"
    )


PARTS_OF_SENTENCES = {"goal", "word", "reason", "name"}
"""What the checker puts into its sentences that is a piece of one itself; such sentences are filled in by hand above and below."""


def _list_found() -> list[str]:
    """Every sentence in which the checker tells what it found, each value in it a 7."""
    found = []
    for file in sorted((ROOT / "routing" / "checker").rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if not isinstance(node, ast.JoinedStr):
                continue
            values = [part.value for part in node.values if isinstance(part, ast.FormattedValue)]
            names = {"word" if isinstance(value, ast.IfExp) else ast.unparse(value) for value in values}
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in node.values)
            if re.search(r" [a-z]+.*\.$", text) and not names & PARTS_OF_SENTENCES:
                found.append(text)
    return found


def test_whatever_the_checker_finds_in_whatever_plan_is_told_in_chinese(chinese: None) -> None:
    texts = _list_found()
    assert len(texts) > 45
    assert [text for text in texts if not CHINESE.search(tell_cell("text", text))] == []
    missed = "Hub SHI, sort night of 2025-11-13: 97 parcels to leave over lane SHI-BEI at 2025-11-14 08:00 are not sorted: it can sort 40."
    assert (
        tell_cell("text", missed)
        == "SHI 的班次 night（2025-11-13）：应于2025-11-14 08:00走线路 SHI-BEI 的97件未分拣：此班次只能分拣40件。"
    )
