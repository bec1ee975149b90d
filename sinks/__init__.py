"""Sinks: each sub-package is one kind of receiver and exports its `SinkDescriptor` as `SINK`."""
