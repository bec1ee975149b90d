"""The file sink: JSON lines with an fsync policy and rotation."""

from gateway.contracts import SinkDescriptor, SinkTraits
from sinks.file.settings import FileSettings
from sinks.file.sink import build

SINK = SinkDescriptor(
    name="file",
    settings=FileSettings,
    traits=SinkTraits(batch_events=1000, batch_bytes=4 << 20),
    build=build,
)
