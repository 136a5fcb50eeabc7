"""What every command answers with ``--json``, from which the reference and its JSON schemas are made."""

from __future__ import annotations

from cli.answer_keys import Answer, record, records

_BASIS = "forecast_run: text?, forecast it stands on\nas_of: day?, last day that forecast knew\n"
_TRUNK = (
    "run_id: text, the run\n"
    + _BASIS
    + """
    status: text, optimal, feasible or shortfalls
    cost: number, cost with the price put on shortage [CNY]
    lower_bound: number, no plan costs less [CNY]
    gap: number, (cost - lower_bound) / cost
    violations: whole, rules the independent checker found broken
    parcels_demanded, parcels_planned, parcels_short: whole, parcels
    carrying_cost, carrying_bound: number, cost of what is carried and its bound [CNY]
    carrying_gap: number, gap of what is carried
    parcels_short_unavoidable: whole, of the shortage, proven for every plan
    shortage_price: number, price put on the shortage [CNY]
    waiting: rows, parcels in front of a hub by day
    weather: map?, lane-days slowed or shut and parcels on them, parcels moved, and cost, late and short beside the plan made with --no-weather
    weather_basis: map, run of the lane weather it stands on, when its forecast was issued and up to when it knew, days it does not know, lane-days it touches and of them shut whole (lane_days_shut), lanes shut for hours (lanes_shut) from when to when (shut_from, shut_until)
    shortfalls: rows, as in the table shortfalls
    """
)

ANSWERS: tuple[Answer, ...] = (
    records(
        "load",
        "",
        "with --folder a list of what `load TABLE` answers, one a table",
    ),
    record(
        "load TABLE",
        """
        run_id: text?, the run; null with --dry-run
        table: text, table loaded
        rows_read, rows_taken, rows_repeated, rows_set_apart, rows_added_up, rows_left_out: whole, rows
        also_written: map, rows added or renewed by table
        settings: map, sheet, header_row, wide, columns found
        """,
    ),
    record(
        "check",
        """
        damaged: rows, table, found, version still whole
        tables: rows, table, rows, first_day, last_day, days, missing_days
        findings: rows, kind, table, subject, date_from, date_to, parcels, detail
        commands: rows, command, state, lacks
        """,
    ),
    records("forecast", "date: day, day forecast\nmean: whole, expected parcels", "the columns of the level's table"),
    records(
        "forecast capacity",
        "courier_id: text, courier\nmonth: day, first day of the month",
        "parcels a day and their trends",
    ),
    records("forecast staffing", "outlet_id: text, outlet\ndate: day, day", "what to staff for, and why"),
    record(
        "backtest",
        """
        run_id: text, the run
        scores: rows, as in the table backtest_scores, over all cut-offs
        causes: rows, route accuracy if a part of the forecast were known
        breaks: rows, hubs that changed unannounced
        notes: rows, what was left out and why
        """,
    ),
    record(
        "revisions",
        """
        total: map, before, after and the parts of the change [parcels]
        rows: rows, the same by key, the largest first
        days: rows, the same by day
        """,
    ),
    record(
        "compare",
        """
        kind: text, forecast, trunk, stock or couriers
        same: yes/no, whether nothing differs
        before, after: map, run_id and the forecast it stands on
        common_days, only_before, only_after: list, days both cover, or only one
        totals: rows, measure, before, after, change of the runs whole
        views: map, by day, hub, lane ... the rows that differ over the common days
        """,
    ),
    records("weather load", "file: text, file read", "provider, place, moments and rows of it"),
    records("weather fetch", "file: text, answer kept", "provider, place, moments and rows of it"),
    record(
        "weather impact",
        """
        run_id: text, the run
        from, to: day, days looked at
        speeds_from_history: list, speeds taken from this network's history
        from_history: list, effects into which this network's history went
        issued_at: text?, when the newest weather forecast was issued
        age_hours: number?, hours from then to what was known
        lane_weather, outlet_weather: rows, as in the tables, those touched
        """,
    ),
    record(
        "weather apply",
        """
        run_id: text, the run
        forecast_run, impact_run: text?, runs it stands on
        basis: map, what the response rests on, by direction
        moved, waiting, undelivered: number, parcels moved to later days, waiting past the last, without a day
        rates: rows, how outlets respond
        warnings: rows, warnings that acted
        days: rows, parcels of the network before and after
        closed: rows, lane-days of the closures played through
        closures: rows, their hours
        """,
    ),
    records(
        "weather effects",
        "",
        "the columns of an effect: class, factors, source; what was learnt: preset, learnt, from, to, history, used, gain",
    ),
    records(
        "weather calibrate",
        "",
        "preset, what was learnt with its interval, how much of each is used, and its gain on days left out",
    ),
    record(
        "plan trunk",
        _TRUNK,
        "further columns of plan_certificates; with --reference departures_changed and changes, with --timetable a map timetable (departures, parcels, short, left_out, overfull), with --risk risk_target; where lanes are ordered sort_plan_rows, and sort_plan_cost against the plan before [CNY]",
    ),
    record(
        "plan stock",
        "run_id: text, the run\n"
        + _BASIS
        + """
        from, to: day, days planned for
        cost_today: number?, what sourcing as today costs [CNY]
        units_from_home: whole, units that leave from home as today
        warehouses_full: list, warehouses without room on the first day
        latest_dispatch: rows, by merchant: units to send; day by which the first must leave; lots whose day has passed; what two days more cost [CNY]
        certificate: map, as in plan_certificates
        shortages: rows, units without room
        allocations: rows, as in the table stock_allocations
        """,
        "what a later plan tells; with --rolling weeks (by week and warehouse), levels and transfers, as in stock_levels and stock_transfers, and no allocations",
    ),
    record(
        "plan source",
        """
        run_id: text, the run
        orders, stock, home, waits, late: whole, orders; from stock; from home; not sent; after their promise
        cost, lower_bound: number, with what lateness and waiting count for [CNY]
        units_sold_since_counts, units_received_since_counts: whole, taken off and added to the counts of stock
        counts_too_old: whole, counts older than a year, left out
        violations: whole, from the independent checker
        sources: rows, as in the table order_sources
        """,
        "what a later plan tells",
    ),
    record(
        "plan joint",
        "run_id: text, the run\n"
        + _BASIS
        + """
        from, to: day, days planned for
        certificates: rows, as in plan_certificates, of trunk and stock
        rivals: rows, plan, cost and parcels short of stock where it stands, stock by itself, and both together
        units_ahead: whole, units that stand ahead
        parcels_moved, parcels_movable, parcels_beyond_routes: number, parcels that leave elsewhere, could, and exceed their routes
        parcels_short_at_least: number, short in every plan
        warehouses_full: list, warehouses without room on the first day
        relieved: rows, hub-days with their load before and after
        burdened: rows, hub-days that become nearly full, with their load before and after
        against: map?, trunk plan with nothing ahead it is held against: run_id, cost, parcels_short, parcels_late; without one loads are of vehicles in parts
        shortfalls: rows, as in the table shortfalls
        """,
        "what a later version tells",
    ),
    record(
        "plan capacity",
        "run_id: text, the run\n" + _BASIS + "needs: rows, as in capacity_needs\ncosts: rows, as in capacity_costs\n"
        "contracts: rows, as in contract_departures, with --draws\ncertificate: map?, as in contract_certificates, with --draws",
    ),
    record("plan all", "", "what each plan and its check answers, by plan_trunk, verify_trunk, plan_stock"),
    record("plan explain", "run_id: text, the plan\ntold: text, in a sentence", "lists of rows by what was asked"),
    record(
        "plan locks",
        """
        run_id: text, the plan that was edited
        written: yes/no, whether departure_locks was changed
        locks: rows, as in departure_locks, with the departures before
        """,
    ),
    record("plan timetable", "run_id: text, the plan\nfolder: text, folder written\nrows: map, rows by file"),
    record(
        "verify",
        """
        run_id: text, the plan
        plan: text, trunk or stock
        valid: yes/no, whether no rule is broken
        violations: rows, rule, where, date, found, allowed, text
        """,
        "what was recomputed: costs, loads, the bound; with --edited a map edited: cost, cost_before [CNY], departures added and taken_out",
    ),
    record(
        "playbook",
        """
        run_id: text, the run
        plan: text, plan that was played
        draws: whole, futures each answer was played on
        answers: rows, as in playbooks
        cards: list, files written
        calibration: map?, what backtests saw of the draws
        """,
    ),
    record(
        "drill",
        """
        run_id: text, the run
        plan: text, plan it was rehearsed on
        weighed, rehearsed, held: whole, scenarios
        covered: number, share of the parcels whose hubs and lanes were rehearsed
        drills: rows, as in drills
        calibration: map?, what backtests saw of the draws
        """,
    ),
    record(
        "whatif new",
        """
        name: text, what-if
        folder: text, its workspace
        edits: list, its edits
        overruled: map, columns of hubs edited for nothing in plans by sorts, since hub_sorts holds them, and the hubs
        """,
    ),
    records(
        "whatif list",
        """
        name: text, what-if
        made_at: text, moment with offset
        edits: list, its edits
        plan: text?, its latest plan
        """,
    ),
    *(
        records(
            command,
            """
            whatif: text, what-if; empty is the plan of the workspace
            run_id: text, plan
            carrying_cost: number, cost of what is carried [CNY]
            parcels_demanded, parcels_short, parcels_late: whole, parcels
            departures: whole, departures
            departures_changed: whole, departures added and taken out against the plan of the workspace
            overflow_probability, overflow_low, overflow_high: number?, that a hub overflows, and its 95 % interval
            expected_cost: number?, mean cost over the draws [CNY]
            cost_change: number?, carrying_cost less that of the plan of the workspace; null where more or fewer parcels are short [CNY]
            """,
        )
        for command in ("whatif run", "whatif compare")
    ),
    record(
        "stress",
        """
        run_id: text, the run
        plan: text, plan that was played
        draws: whole, futures
        draws_run: text?, forecast they were drawn from
        summaries: rows, as in stress_summaries
        results: rows, as in stress_results
        capacity: map?, with --risk what sorting capacity and vehicles on call to ask for
        calibration: map?, what backtests saw of the draws
        """,
        "what a later version tells",
    ),
    records("report forecast", "run_id: text, run shown\nlanguage: text, zh or en\nfile: text, page written"),
    records("report sheets", "run_id: text, run shown\nlanguage: text, zh or en\nfile: text, page written"),
    records("report plan", "run_id: text, run shown\nlanguage: text, zh or en\nfile: text, page written"),
    records("advise", "merchant_id: text, merchant\nfile: text, file written", "units, cost and saving"),
    record(
        "track care",
        """
        run_id: text, the run
        as_of: text, now, a moment with offset
        plan, impact_run: text?, runs it stands on
        care: rows, as in the table care_list
        merchants: rows, merchant_id, parcels under way and planned, hours late expected (mean) and at worst
        """,
    ),
    records("track rates", "dimension: text, what is cut by\nmember: text, which", "the columns of tracking_rates"),
    records("tables", "table: text, name\ngroup: text, group\nmeaning: text, what a row is"),
    record(
        "tables NAME",
        """
        table, group, meaning: text, of the table
        columns: rows, column, type, unit, required, key, meaning, aliases
        """,
    ),
    record(
        "remove",
        """
        run_id: text?, the run; null when no row was meant
        table: text, table
        rows_removed, rows_left: whole, rows
        rows_naming: map, rows of other tables that name what was taken out, by table
        """,
    ),
    record("undo", "run_id: text, the run\nundone: text, run taken back\nrows: map, rows now by table"),
    records("sql", "", "the columns of the query"),
    records(
        "runs",
        """
        run_id, command, outcome: text, of the run
        started_at: text, when it began
        seed: whole?, seed
        message, forecast_run: text?, what it told and stands on
        as_of: day?, last day its forecast knew
        """,
        "seconds; of one run all columns of the table runs",
    ),
    record("withdraw", "run_id: text, the run\nwithdrawn, restored: text?, run taken out, or put back"),
    records(
        "repair",
        "table: text, table\nrepaired: yes/no, whether it was\nruns_lost: list, runs whose rows in it are gone",
        "what was found, and the version still whole",
    ),
    record(
        "clean",
        """
        dry_run: yes/no, only looked
        bytes, bytes_freed: whole, bytes that can be freed, and were
        tables: rows, table, versions, files, bytes
        """,
    ),
)
