"""How the command starts: quickly, without heavy libraries, wherever it is called."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

RADAR = Path(sys.executable).parent / "radar"
HEAVY = (
    "altair",
    "dataframely",
    "deltalake",
    "duckdb",
    "geopandas",
    "numba",
    "numpy",
    "ortools",
    "pandas",
    "polars",
    "prophet",
    "pyarrow",
    "scipy",
    "shapely",
    "sklearn",
    "statsmodels",
)


def run_radar(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([RADAR, *arguments], cwd=folder, capture_output=True, text=True, timeout=600)


def test_help_imports_no_model_solver_or_geo_package() -> None:
    """Every command module is imported for ``--help``, and still none of the heavy packages is."""
    code = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from cli.app import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_radar_ignores_a_data_module_and_a_cli_folder_beside_it(tmp_path: Path) -> None:
    (tmp_path / "data.py").write_text("raise SystemExit('the wrong data')\n")
    (tmp_path / "cli").mkdir()
    (tmp_path / "cli" / "__init__.py").write_text("raise SystemExit('the wrong cli')\n")
    made = run_radar("init", "peak", folder=tmp_path)
    assert made.returncode == 0, made.stderr
    listed = run_radar("--workspace", "peak", "runs", "--json", folder=tmp_path)
    assert listed.returncode == 0, listed.stderr
    assert '"run_id": "init-0001"' in listed.stdout


def test_a_known_error_is_one_red_sentence_on_stderr_and_exit_code_1(tmp_path: Path) -> None:
    told = run_radar("runs", folder=tmp_path)
    assert told.returncode == 1
    assert told.stdout == ""
    assert told.stderr.startswith("Error: Neither ")
    assert "Traceback" not in told.stderr
    assert "Traceback" in run_radar("--debug", "runs", folder=tmp_path).stderr


def test_wrong_usage_is_exit_code_2(tmp_path: Path) -> None:
    assert run_radar("init", folder=tmp_path).returncode == 2
    assert run_radar("init", "peak", "--calendar", "XX", folder=tmp_path).returncode == 2
    assert run_radar("nonsense", folder=tmp_path).returncode == 2


@pytest.mark.parametrize("first", ["ortools", "scipy.optimize"])
def test_solvers_live_in_one_process_whatever_comes_first(first: str) -> None:
    """HiGHS comes through OR-Tools and SciPy; the stand-alone package must not be there, its symbols clash."""
    other = {"ortools": "scipy.optimize", "scipy.optimize": "ortools"}[first]
    code = (
        f"import importlib, importlib.util\nimportlib.import_module('{first}')\nimportlib.import_module('{other}')\n"
        "from ortools.linear_solver import pywraplp\n"
        "solver = pywraplp.Solver.CreateSolver('HIGHS')\n"
        "x = solver.IntVar(0, 10, 'x')\nsolver.Add(2 * x <= 7)\nsolver.Maximize(x)\nsolver.Solve()\n"
        "print(round(x.solution_value()), importlib.util.find_spec('highspy'))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-2:] == ["3", "None"]
