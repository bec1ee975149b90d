"""The control API: what runs, how well, and commands back to the platforms.

`application.build_api` makes the aiohttp application; `runtime.ApiRuntime` is all it asks of the gateway;
`settings.ApiSettings` is its part of the configuration. The modules are imported one by one, so that reading the
configuration does not load a web server.
"""
