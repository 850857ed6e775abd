"""`flask config check`: valid settings are summed up, and the problems of others are listed."""

import os
import subprocess
import sys
from pathlib import Path

from flask import Flask

from app.cli.config import config
from app.config import PROJECT
from tests.flags.cohorts import ceiling


def test_valid_settings_are_summed_up(app: Flask) -> None:
    result = app.test_cli_runner().invoke(config, ["check"])
    assert result.exit_code == 0
    assert "The settings are valid for PBCEX_ENV=sample." in result.output
    assert "  vault_redemption on\n" in result.output
    assert "  stripe           played by http://" in result.output
    with ceiling(3):
        result = app.test_cli_runner().invoke(config, ["check"])
    assert "  onchain          off: needs PHASE 3 or later and ENABLE_ONCHAIN\n" in result.output


def test_every_problem_is_listed_without_a_traceback() -> None:
    checked = subprocess.run(
        [Path(sys.executable).with_name("flask"), "config", "check"],
        env={"PATH": os.defpath, "PBCEX_ENV": "production", "STRIPE_MODE": "live"},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 1
    lines = checked.stderr.splitlines()
    assert lines[0].startswith("The settings are invalid or unsafe")
    assert "  PBCEX_SECRET_KEY: is required in production" in lines
    assert "  STRIPE_SECRET_KEY: is required in live mode" in lines
    assert "Traceback" not in checked.stderr
