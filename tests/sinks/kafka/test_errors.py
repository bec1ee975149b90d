"""Every failure of the library gets a class, a reason and no secret."""

from __future__ import annotations

import socket
import ssl

import pytest
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
from sinks.kafka.errors import classify


def caused(outer: BaseException, inner: BaseException) -> BaseException:
    outer.__cause__ = inner
    return outer


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (kafka.ProducerFenced(), NotConnected, Reason.FENCED),
        (kafka.InvalidProducerEpoch(), NotConnected, Reason.FENCED),
        (kafka.SaslAuthenticationFailed("x"), AuthRejected, Reason.AUTH),
        (kafka.UnsupportedSaslMechanismError("x"), AuthRejected, Reason.AUTH),
        (kafka.TopicAuthorizationFailedError("t"), AuthRejected, Reason.FORBIDDEN),
        (kafka.GroupAuthorizationFailedError("g"), AuthRejected, Reason.FORBIDDEN),
        (kafka.TransactionalIdAuthorizationFailed("i"), AuthRejected, Reason.FORBIDDEN),
        (kafka.ClusterAuthorizationFailedError(), AuthRejected, Reason.FORBIDDEN),
        (kafka.InvalidReplicationFactorError("t"), ConfigError, Reason.CONFIG),
        (kafka.InvalidTransactionTimeout(), ConfigError, Reason.CONFIG),
        (kafka.IncompatibleBrokerVersion("x"), ConfigError, Reason.UNSUPPORTED),
        (kafka.RequestTimedOutError(), NotReady, Reason.TIMEOUT),
        (kafka.KafkaTimeoutError(), NotReady, Reason.TIMEOUT),
        (TimeoutError(), NotReady, Reason.TIMEOUT),
        (kafka.CoordinatorLoadInProgressError(), NotReady, Reason.SERVER_ERROR),
        (kafka.NotEnoughReplicasError(), NotReady, Reason.SERVER_ERROR),
        (kafka.KafkaConnectionError("x"), NotReady, Reason.RESET),
        (ConnectionResetError(), NotReady, Reason.RESET),
        (ConnectionRefusedError(), NotReady, Reason.REFUSED),
        (socket.gaierror(-2, "x"), NotReady, Reason.DNS),
        (ssl.SSLError(1, "x"), NotReady, Reason.TLS),
        (kafka.OutOfOrderSequenceNumber(), DeliveryRetryable, Reason.SERVER_ERROR),
        (AssertionError("state"), DeliveryRetryable, Reason.OTHER),
        (caused(kafka.KafkaError("x"), kafka.InvalidTxnState()), DeliveryRetryable, None),
        (caused(kafka.KafkaConnectionError("x"), ConnectionRefusedError()), NotReady, None),
        (caused(kafka.KafkaError("x"), kafka.ProducerFenced()), NotConnected, Reason.FENCED),
    ],
)
def test_errors_are_classified(
    error: BaseException, kind: type[TielineError], reason: Reason | None
) -> None:
    """Class and reason decide what the dispatcher does and what the metrics say."""
    told = classify(error, "writing to broker:9092")
    assert type(told) is kind
    assert reason is None or told.reason is reason
    assert told.message.startswith("writing to broker:9092: ")


def test_what_is_classified_stays_as_it_is() -> None:
    """An error of our own passes."""
    error = NotReady("wait", reason=Reason.NOT_FOUND)
    assert classify(error, "x") is error


def test_texts_of_unknown_errors_are_not_passed_on() -> None:
    """They could hold anything."""
    told = classify(RuntimeError("password=hunter2"), "opening")
    assert "hunter2" not in str(told)
