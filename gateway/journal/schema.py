"""The journal's file: tables, pragmas, version, and the check when it is opened.

Layout rules
- `events.position` is dense and given by the writer; the highest one ever given survives trimming in `marks`. `holes`
  tells which positions a salvage could not read.
- `ids` holds the ids of all events up to `marks.merged`, in generations (see `identities`); newer ids are found in
  `events` and kept in memory.
- A change of a table needs a new `SCHEMA_VERSION` and a step that leads to it from the one before.

Sources: SQLite documentation, "PRAGMA Statements", "Write-Ahead Logging", "Database File Format".
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from gateway.errors import JournalError, JournalFull, Reason
from gateway.journal.faults import classify, corrupt

APPLICATION_ID = 0x7469656C
SCHEMA_VERSION = 2
PAGE_BYTES = 4096
MAGIC = b"SQLite format 3\x00"
WRITER_CACHE_KIB = 64 * 1024
READER_CACHE_KIB = 8 * 1024
CHECKPOINT_PAGES = 4_000
WAL_KEEP_BYTES = 64 << 20
QUICK_CHECK_BYTES = 256 << 20
BUSY_SECONDS = 5.0

_TABLES = """
CREATE TABLE journal (id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE marks (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE sources (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, sequence INTEGER NOT NULL);
CREATE TABLE types (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    source INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    type INTEGER NOT NULL,
    body BLOB NOT NULL
);
CREATE TABLE generations (
    id INTEGER PRIMARY KEY,
    last_position INTEGER NOT NULL,
    count INTEGER NOT NULL,
    filter BLOB
);
CREATE TABLE ids (generation INTEGER, id BLOB, PRIMARY KEY (generation, id)) WITHOUT ROWID;
CREATE TABLE holes (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, reason TEXT NOT NULL);
CREATE TABLE ages (position INTEGER PRIMARY KEY, appended REAL NOT NULL);
CREATE TABLE resume (feed TEXT PRIMARY KEY, state BLOB NOT NULL);
CREATE TABLE consumers (name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sink TEXT NOT NULL,
    position INTEGER NOT NULL,
    event_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    reason TEXT NOT NULL,
    message TEXT NOT NULL,
    buried TEXT NOT NULL,
    body BLOB NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting',
    sequence INTEGER NOT NULL DEFAULT 0,
    source TEXT NOT NULL DEFAULT '',
    settled TEXT,
    settled_by TEXT NOT NULL DEFAULT '',
    note TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX dead_letters_waiting ON dead_letters (sink, position) WHERE state = 'waiting';
CREATE INDEX dead_letters_settled ON dead_letters (buried) WHERE state != 'waiting';
CREATE TABLE held (
    sink TEXT NOT NULL,
    position INTEGER NOT NULL,
    key TEXT NOT NULL,
    since REAL NOT NULL,
    sequence INTEGER NOT NULL,
    type TEXT NOT NULL,
    source TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE UNIQUE INDEX held_in_order ON held (sink, position);
CREATE TABLE held_keys (
    sink TEXT,
    key TEXT,
    attempts INTEGER NOT NULL,
    failing_since REAL NOT NULL,
    next_try REAL NOT NULL,
    reason TEXT NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (sink, key)
) WITHOUT ROWID;
CREATE TABLE facts (namespace TEXT, key TEXT, value BLOB NOT NULL, PRIMARY KEY (namespace, key));
CREATE TABLE probe (id INTEGER PRIMARY KEY, filler BLOB NOT NULL);
INSERT INTO journal VALUES (lower(hex(randomblob(16))));
"""
TABLES = (
    "journal",
    "marks",
    "sources",
    "types",
    "events",
    "generations",
    "ids",
    "holes",
    "ages",
    "resume",
    "consumers",
    "dead_letters",
    "held",
    "held_keys",
    "facts",
)


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection in autocommit mode that may be handed to another thread, one at a time."""
    mode = "ro" if read_only else "rwc"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=512,
        timeout=BUSY_SECONDS,
    )
    try:
        connection.execute(f"PRAGMA cache_size = -{READER_CACHE_KIB}")
    except BaseException:
        connection.close()
        raise
    return connection


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Create or open the file, check it as far as that is quick, and set it up for the writer.

    Raises JournalCorrupt for a damaged file, JournalError for one that is not ours or from a newer version.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise classify(error, path) from error
    if path.stat().st_size:
        check_header(path)
    try:
        connection = connect(path)
    except sqlite3.Error as error:
        raise classify(error, path) from error
    try:
        if _is_empty(connection):
            # Said of a file that has them already, these are written again, for which a full disk has no room.
            _set(connection, f"page_size = {PAGE_BYTES}", "auto_vacuum = INCREMENTAL")
            _configure(connection)
            create_tables(connection)
            _sync_directory(path.parent)
        else:
            _configure(connection)
            check_version(connection, path)
            quick_check(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise classify(error, path) from error
    except BaseException:
        connection.close()
        raise
    return connection


def _configure(connection: sqlite3.Connection) -> None:
    _set(
        connection,
        "journal_mode = WAL",
        "synchronous = FULL",
        "secure_delete = FAST",
        "foreign_keys = OFF",
        f"cache_size = -{WRITER_CACHE_KIB}",
        f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
        f"journal_size_limit = {WAL_KEEP_BYTES}",
    )


def _set(connection: sqlite3.Connection, *pragmas: str) -> None:
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}")


def _is_empty(connection: sqlite3.Connection) -> bool:
    """Whether nothing was ever committed: a new file, or one whose creation was interrupted."""
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    return not tables and application in {0, APPLICATION_ID}


def create_tables(connection: sqlite3.Connection) -> None:
    """Lay the tables out and give the journal its name, in one transaction."""
    connection.executescript(
        f"BEGIN; {_TABLES}"
        f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
    )


def _sync_directory(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_header(path: Path) -> None:
    """Raise JournalCorrupt if the file does not begin like an SQLite database."""
    try:
        with path.open("rb") as file:
            start = file.read(len(MAGIC))
    except OSError as error:
        raise classify(error, path) from error
    if start != MAGIC:
        raise corrupt(path, "its header is not that of a database")


def check_version(connection: sqlite3.Connection, path: Path) -> None:
    """Raise JournalError if the file is no journal, or one of a newer version."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise JournalError(
            f"{path} is a database, but not a journal",
            reason=Reason.UNSUPPORTED,
            hint="give the gateway a data_dir of its own",
        )
    if version != SCHEMA_VERSION:
        raise JournalError(
            f"journal {path} has format {version}, this gateway writes {SCHEMA_VERSION}",
            reason=Reason.UNSUPPORTED,
            hint="run the version of the gateway that wrote it, or copy an older one into this format with"
            f" `tieline journal salvage {path} NEW`",
        )


def _fold_in_the_log(connection: sqlite3.Connection, path: Path) -> bool:
    """Write to the file what a killed process left in its log; whether all of it is in the file now.

    A full disk is no reason not to open: the log is read as it is, and appends wait for room like any.
    """
    try:
        _, logged, written = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    except sqlite3.Error as error:
        if not isinstance(classify(error, path), JournalFull):
            raise
        return False
    return bool(logged == written)


def quick_check(connection: sqlite3.Connection, path: Path) -> None:
    """Check the structure: all of a small file; of a big one its length, its tables and both ends.

    A file is small below QUICK_CHECK_BYTES, which takes about a second when nothing is cached.
    """
    whole = _fold_in_the_log(connection, path)
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    size = path.stat().st_size
    if whole and size < pages * PAGE_BYTES:
        raise corrupt(path, f"it is cut off: {size} bytes of {pages * PAGE_BYTES}")
    if size <= QUICK_CHECK_BYTES:
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise corrupt(path, verdict)
        return
    for table in TABLES:
        connection.execute(f"SELECT * FROM {table} LIMIT 1").fetchone()  # noqa: S608 a constant
    for order in ("ASC", "DESC"):
        connection.execute(
            "SELECT sum(length(body)) FROM "  # noqa: S608 a constant
            f"(SELECT body FROM events ORDER BY position {order} LIMIT 1000)"
        ).fetchone()
