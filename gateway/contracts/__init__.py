"""The contracts between the gateway and its plug-ins, as typing protocols. Their docstrings are the specification.

platform -> Feed.receive -> Journal.append -> Feed.commit
                            Journal.read -> Sink.deliver -> Journal.commit
"""

from gateway.contracts.attachments import AttachmentStore, StoredAttachment
from gateway.contracts.connector import (
    CommandTarget,
    Connector,
    Delivery,
    Diagnosable,
    Feed,
    Foreseeing,
    Gap,
    Guarantee,
    Link,
    PartialSnapshotter,
    Prober,
    Snapshotter,
)
from gateway.contracts.directory import (
    DirectoryEntry,
    DirectoryKind,
    DirectoryListing,
    DirectoryReader,
)
from gateway.contracts.headers import check_headers
from gateway.contracts.journal import (
    Appended,
    Burial,
    DeadLetter,
    Held,
    HeldChanges,
    HeldEvent,
    Journal,
    JournalStatistics,
    KeyTrouble,
)
from gateway.contracts.plugins import (
    ConnectorContext,
    HoldLimits,
    PictureView,
    PlatformDescriptor,
    SinkContext,
    SinkDescriptor,
    SinkTraits,
)
from gateway.contracts.sink import (
    Hold,
    KeyedSink,
    Refusal,
    Report,
    Setback,
    Sink,
)

__all__ = [
    "Appended",
    "AttachmentStore",
    "Burial",
    "CommandTarget",
    "Connector",
    "ConnectorContext",
    "DeadLetter",
    "Delivery",
    "Diagnosable",
    "DirectoryEntry",
    "DirectoryKind",
    "DirectoryListing",
    "DirectoryReader",
    "Feed",
    "Foreseeing",
    "Gap",
    "Guarantee",
    "Held",
    "HeldChanges",
    "HeldEvent",
    "Hold",
    "HoldLimits",
    "Journal",
    "JournalStatistics",
    "KeyTrouble",
    "KeyedSink",
    "Link",
    "PartialSnapshotter",
    "PictureView",
    "PlatformDescriptor",
    "Prober",
    "Refusal",
    "Report",
    "Setback",
    "Sink",
    "SinkContext",
    "SinkDescriptor",
    "SinkTraits",
    "Snapshotter",
    "StoredAttachment",
    "check_headers",
]
