"""Which certificates are trusted: the system's, or those of a file."""

from __future__ import annotations

import ssl

from connectors.clarity_connect.settings import ClarityConnectSettings
from gateway.errors import ConfigError


def trust_of(settings: ClarityConnectSettings) -> ssl.SSLContext | bool:
    """What aiohttp takes as `ssl`: a context, or True for the system's certificates.

    Raises:
        ConfigError: `ca_file` cannot be used.
    """
    if settings.ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        raise ConfigError(
            f"ca_file {settings.ca_file} cannot be used: {error.strerror or 'not a PEM file'}",
            hint="name a readable file with certificates in PEM form",
        ) from error
