"""The server's certificate and its key, as the API serves HTTPS with them."""

from __future__ import annotations

import ssl
from pathlib import Path


def server_context(cert: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 or newer with a certificate chain and its key. Raises ValueError that says what is wrong with them."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        why = getattr(error, "reason", None) or error.strerror
        raise ValueError(
            f"cannot use {cert} with {key} ({why}), expected PEM files, and the key that belongs to the certificate"
        ) from error
    return context
