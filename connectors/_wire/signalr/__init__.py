"""Classic ASP.NET SignalR 2.x, protocol 1.5: a state machine without I/O and its client on aiohttp.

What a connector uses:

    client = SignalRClient(http, base_url, hubs, ...)        # signalr.client
    await client.open(resume)      # go on with a kept connection, or make a new one
    batch = await client.receive() # Batch: connection_id, messages, resume, gap
    client.stored(batch)           # it is durable
    await client.invoke(hub, method, args)
    await client.drain()           # before a planned stop
    await client.close()           # the server keeps the connection; end_session=True aborts it

Every `Invocation` in `batch.messages` has `hub`, `method`, `args`, `cursor`, `index` and `key`; the
connection's id and `key` together identify it, also when it is delivered again. Batches without
messages renew the resume state of a quiet connection, because how long nobody looked decides
whether it can be resumed. A batch whose `connection_id` is another than before belongs to a new
connection: what the application registered for the old one must be registered again.

Modules: `values` (what crosses the border), `client` (the above), `session` (the state machine),
`cursors`, `frames`, `negotiation`, `requests`, `troubles` (the protocol), `buffer`, `line`, `channels`,
`event_stream`, `calls`, `opening` and `exchange` (the wire). `SpeaksCore` from `open` says that the
server is an ASP.NET Core one: `core.CoreClient` has the same methods for those, by the library
`signalrcore`, on WebSocket and without replay. Source: SignalR/SignalR 2.2.1, `Microsoft.AspNet.SignalR.Core`.
"""
