"""The journal as server-sent events: `places` and `frames` say how it looks, `selection` what a reader gets.

`tail` reads the journal once for all readers that keep up, `reader` serves one of them.
"""
