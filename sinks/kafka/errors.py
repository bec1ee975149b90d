"""Errors of aiokafka and of the connections under it, classified in one place."""

from __future__ import annotations

import socket
import ssl

from aiokafka import errors as kafka

from gateway.errors import (
    AuthRejected,
    ConfigError,
    DeliveryRetryable,
    NotConnected,
    NotReady,
    Reason,
    TielineError,
)

FENCING = (kafka.ProducerFenced, kafka.InvalidProducerEpoch, kafka.TransactionCoordinatorFenced)

REFUSING = (
    kafka.MessageSizeTooLargeError,
    kafka.RecordListTooLargeError,
    kafka.InvalidTimestampError,
    kafka.CorruptRecordException,
    kafka.UnsupportedForMessageFormatError,
    kafka.PolicyViolationError,
    # aiokafka knows no codes above 79, so not INVALID_RECORD (87), and raises this for them.
    kafka.UnknownError,
)
"""Answers to a record batch that say something about its records."""

UNTIMELY = kafka.InvalidTimestampError
"""The refusal that is about the records' times and our clock, and about nothing else of them."""

TOO_LARGE = (kafka.MessageSizeTooLargeError, kafka.RecordListTooLargeError)

_LOGIN = (
    kafka.SaslAuthenticationFailed,
    kafka.AuthenticationFailedError,
    kafka.AuthenticationMethodNotSupported,
    kafka.IllegalSaslStateError,
    kafka.UnsupportedSaslMechanismError,
)
_FORBIDDEN = {
    kafka.TopicAuthorizationFailedError: "write, read, describe and, if they are to be made, create topics",
    kafka.GroupAuthorizationFailedError: "read the group of its marks",
    kafka.TransactionalIdAuthorizationFailed: "write and describe its transactional id",
    kafka.ClusterAuthorizationFailedError: "write idempotently, or create topics",
}
_UNSUPPORTED = (
    kafka.UnsupportedVersionError,
    kafka.IncompatibleBrokerVersion,
    kafka.UnrecognizedBrokerVersion,
    kafka.UnsupportedCodecError,
)
_WRONG_SETTINGS = {
    kafka.InvalidTopicError: "a topic's name is not allowed",
    kafka.InvalidReplicationFactorError: "create_topics.replication_factor is more than there are brokers",
    kafka.InvalidPartitionsError: "create_topics.partitions is not allowed",
    kafka.InvalidConfigurationError: "create_topics.configs has a setting that the brokers do not take",
    kafka.PolicyViolationError: "the cluster's policy does not allow such a topic",
    kafka.InvalidTransactionTimeout: "the brokers' transaction.max.timeout.ms is less than a minute",
}
_TIMEOUTS = (TimeoutError, kafka.RequestTimedOutError, kafka.KafkaTimeoutError)


def classify(error: BaseException, doing: str) -> TielineError:
    """What a failure means. `doing` says what was tried and with whom, without secrets."""
    # aiokafka wraps what ended its background task or its connection.
    while error.__cause__ is not None and type(error) in {
        kafka.KafkaError,
        kafka.KafkaConnectionError,
    }:
        error = error.__cause__
    if isinstance(error, TielineError):
        return error
    if isinstance(error, FENCING):
        return NotConnected(
            f"{doing}: another producer took over our transactional id",
            reason=Reason.FENCED,
            hint="two gateways must not share a data directory or the sink's setting `instance`",
        )
    return (
        _connection_error(error, doing)
        or _permission_error(error, doing)
        or DeliveryRetryable(
            f"{doing}: {type(error).__name__}",
            reason=Reason.SERVER_ERROR if isinstance(error, kafka.KafkaError) else Reason.OTHER,
        )
    )


def _connection_error(error: BaseException, doing: str) -> TielineError | None:
    if isinstance(error, _TIMEOUTS):
        return NotReady(f"{doing}: no answer in time", reason=Reason.TIMEOUT)
    if isinstance(error, ssl.SSLError):
        told = getattr(error, "verify_message", "") or getattr(error, "reason", "") or "failed"
        return NotReady(
            f"{doing}: TLS: {told}",
            reason=Reason.TLS,
            hint="see tls.ca_file, tls.cert_file, and whether the port speaks TLS",
        )
    if isinstance(error, socket.gaierror):
        return NotReady(f"{doing}: the name is unknown", reason=Reason.DNS)
    if isinstance(error, ConnectionRefusedError):
        return NotReady(
            f"{doing}: connection refused",
            reason=Reason.REFUSED,
            hint="is the broker up, and the port right?",
        )
    if isinstance(error, OSError | EOFError | kafka.KafkaConnectionError):
        return NotReady(
            f"{doing}: the connection was closed",
            reason=Reason.RESET,
            hint="a port that wants TLS or SASL closes other connections",
        )
    if isinstance(error, kafka.KafkaError) and error.retriable:
        return NotReady(f"{doing}: {type(error).__name__}", reason=Reason.SERVER_ERROR)
    return None


def _permission_error(error: BaseException, doing: str) -> TielineError | None:
    if isinstance(error, _LOGIN):
        return AuthRejected(
            f"{doing}: the broker refused the login",
            reason=Reason.AUTH,
            hint="see sasl.mechanism, sasl.username and sasl.password",
        )
    for kind, right in _FORBIDDEN.items():
        if isinstance(error, kind):
            return AuthRejected(
                f"{doing}: not permitted", reason=Reason.FORBIDDEN, hint=f"its user must {right}"
            )
    for kind, meaning in _WRONG_SETTINGS.items():
        if isinstance(error, kind):
            return ConfigError(f"{doing}: {meaning}")
    if isinstance(error, _UNSUPPORTED):
        return ConfigError(
            f"{doing}: the brokers do not support what is needed ({type(error).__name__})",
            reason=Reason.UNSUPPORTED,
        )
    return None
