"""Platforms: one folder each, found by name.

A sub-package without a leading underscore is a platform and exports `PLATFORM`; `gateway.registry` imports only those
that the configuration names. Packages with a leading underscore are building blocks that platforms share.
"""
