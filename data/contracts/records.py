"""Contracts of the records: what the workspace keeps of its own doing."""

from __future__ import annotations

import dataframely as dy

from data.contracts.fields import choice, count, day, describe, ident, long_text, moment, text


class RejectedRows(dy.Schema):
    """Rows of files that were set apart, one row a broken rule (问题数据). A record without a key: a row may break two rules."""

    run_id = ident("Load that set the row apart.", "运行编号")
    table_name = ident("Table they were meant for.", "表")
    file = text("File or query they came from.", "文件")
    row = count("Line of the file, the header being line 1.", "行", unit="line", optional=True)
    column = text("Column that broke the rule; several are joined by commas.", "列", optional=True)
    value = text("What stood there.", "值", optional=True)
    rule = text("Rule that was broken.", "规则")


class Runs(dy.Schema):
    """What was run on what, when, and how it ended."""

    run_id = ident("Id of the run.", "运行编号", key=True)
    command = text("Command.", "命令")
    options = long_text("Options, as JSON.", "选项")
    code_version = text("Version of ParcelRadar.", "版本")
    seed = dy.Int64(**describe("Seed, where chance plays a part.", ("随机种子",), None, False, True))
    tables_read = long_text("Delta version of every table read, as JSON.", "读取版本")
    tables_written = long_text("Delta version of every table written, as JSON.", "写入版本")
    started_at = moment("Start.", "开始时间")
    ended_at = moment("End.", "结束时间", optional=True)
    outcome = choice(
        "How it ended.", ("running", "done", "shortfalls", "rejected", "failed", "interrupted", "killed"), "结果"
    )
    message = long_text("What it said at its end.", "说明", optional=True)
    forecast_run = ident("Forecast that its results stand on.", "预测运行编号", optional=True)
    as_of = day("Last day of history that forecast knew; of a forecast its own.", "预测基准日", optional=True)
    withdrawn_at = moment("When it was taken out of what counts as the latest.", "撤回时间", optional=True)
