"""The configuration: one YAML file, the environment over it, secrets from files; every error at once.

`loader.load` makes a `settings.Config`; `report.InvalidConfiguration` says what is wrong.
"""

from config.loader import SettingsLookup, load, load_again
from config.report import Finding, InvalidConfiguration
from config.settings import (
    Config,
    ConnectorConfig,
    GatewaySettings,
    LogSettings,
    SinkConfig,
)

__all__ = [
    "Config",
    "ConnectorConfig",
    "Finding",
    "GatewaySettings",
    "InvalidConfiguration",
    "LogSettings",
    "SettingsLookup",
    "SinkConfig",
    "load",
    "load_again",
]
