"""What ingest services get to know of a catalogue: messages for the compacted topic."""

from __future__ import annotations

from datetime import datetime

from civiloop_shared.contracts.catalogue import BodyDefined, KeyDefined, ServiceDefined
from civiloop_shared.contracts.envelope import Envelope, encode
from evaluation_engine.ports.outbox import Message
from evaluation_engine.service.catalogue.documents import BodyDocument, ServiceDocument
from evaluation_engine.service.catalogue.use import questions_in_use

SOURCE = "urn:civiloop:evaluation-engine"
Record = BodyDefined | ServiceDefined | KeyDefined


def defined(document: ServiceDocument, body: str, version: int) -> ServiceDefined:
    """Return a service as ingest needs it."""
    return ServiceDefined(
        id=document.id,
        body=body,
        version=version,
        title=document.title,
        zone=document.zone,
        languages=document.languages,
        channels=document.channels,
        digital_channels=frozenset(document.digital_channels) & frozenset(document.channels),
        steps=document.steps,
        segments=document.segments,
        questions=questions_in_use(document),
        silence_limit_hours=document.silence_limit_hours,
        oldest_event_days=document.oldest_event_days,
        keep_facts_months=document.keep_facts_months,
    )


def body_defined(document: BodyDocument) -> BodyDefined:
    """Return a body as other services need it."""
    return BodyDefined(id=document.id, title=document.title)


def unnamed_body(body: str) -> BodyDefined:
    """Return a body that no catalogue has described yet."""
    return BodyDefined(id=body, title={"en": body})


def message(record: Record, *, body: str, at: datetime, version: int = 1) -> Message:
    """Return a record as a message: the same definition has the same id, so that a repeated send is recognised."""
    moment = at.isoformat().replace("+00:00", "Z")
    event = Envelope(
        id=f"{record.KIND}/{record.id}/{version}",
        source=SOURCE,
        type=record.TYPE,
        time=moment,
        bodyid=body,
        recordedtime=moment,
        data=record.model_dump(mode="json"),
    )
    return Message(record.TOPIC.name, record.key(), encode(event))


def tombstone(kind: str, identity: str) -> Message:
    """Return the message that says that something is gone."""
    return Message(ServiceDefined.TOPIC.name, f"{kind}/{identity}".encode(), None)
