"""The mapping: which column becomes which field, and which events a row tells of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from civiloop_shared.contracts.journeys import JourneyKind
from civiloop_shared.contracts.values import EventSource, Identifier, Instant

Text = Annotated[str, StringConstraints(min_length=1, max_length=1_000)]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError("not a time zone such as Europe/Athens") from error
    return name


Zone = Annotated[str, AfterValidator(_known_zone)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileFormat(_Part):
    """How the CSV is written."""

    delimiter: Annotated[str, StringConstraints(min_length=1, max_length=1)] = ","
    quote: Annotated[str, StringConstraints(min_length=1, max_length=1)] = '"'
    encoding: Text = "utf-8-sig"

    @model_validator(mode="after")
    def _known_encoding(self) -> Self:
        try:
            "".encode(self.encoding)
        except LookupError as error:
            raise ValueError("not an encoding such as utf-8 or iso-8859-7") from error
        return self


class Times(_Part):
    """How times are written: ``iso``, ``unix_s``, ``unix_ms`` or a pattern such as ``%d/%m/%Y %H:%M``.

    ``zone`` is for times that are written without an offset; without it, such times are refused.
    """

    formats: tuple[Text, ...] = Field(default=("iso",), min_length=1)
    zone: Zone | None = None


class Cell(_Part):
    """Where a value comes from: a column or a constant. An empty cell is absent, or becomes ``default``.

    ``values`` translates what stands in the cell; what is not in it is a fault of the row, unless ``others`` says
    ``keep`` (as it stands) or ``absent``.
    """

    column: Text | None = None
    constant: Text | None = None
    default: Text | None = None
    values: dict[str, str] | None = None
    others: Literal["refuse", "keep", "absent"] = "refuse"
    times: Times | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.column is None) == (self.constant is None):
            raise ValueError("give either column or constant")
        if self.constant is not None and (self.values is not None or self.default is not None):
            raise ValueError("values and default belong to a column")
        return self


class JourneyFields(_Part):
    """What every event of a row has in common."""

    service: Cell
    journey_id: Cell
    channel: Cell | None = None
    step: Cell | None = None
    language: Cell | None = None
    assisted_digital: Cell | None = None
    segments: dict[Identifier, Cell] = Field(default_factory=dict, max_length=10)


class EventMapping(_Part):
    """One event that a row tells of. Events of several rows with the same id are one event.

    ``only_when`` names a column: without a value there, the row doesn't tell of this event. ``name`` tells two events
    of one kind apart in their ids.
    """

    kind: JourneyKind
    name: Text | None = None
    id: tuple[Text, ...] = Field(min_length=1)
    occurred_at: Cell
    only_when: Text | None = None
    channel: Cell | None = None
    step: Cell | None = None
    language: Cell | None = None
    assisted_digital: Cell | None = None

    @property
    def label(self) -> str:
        """The first part of the id."""
        return self.name or self.kind.value


class _Mapping(_Part):
    source: EventSource
    """Ids are unique within it: keep it, and the same file twice changes nothing."""
    observed_until: Instant | None = None
    """Until when the file tells everything. It stands for now: older times are taken, later ones refused."""
    file: FileFormat = FileFormat()
    times: Times = Times()


class JourneyMapping(_Mapping):
    """A file of journeys."""

    kind: Literal["journeys"]
    fields: JourneyFields
    events: tuple[EventMapping, ...] = Field(min_length=1, max_length=20)

    @model_validator(mode="after")
    def _distinct_ids(self) -> Self:
        labels = [(event.label, event.id) for event in self.events]
        if len(set(labels)) != len(labels):
            raise ValueError("two events have the same kind and id columns: give one of them a name")
        return self

    def columns(self) -> set[str]:
        """Return the columns that the file must have."""
        named = {column for event in self.events for column in (*event.id, event.only_when) if column is not None}
        return named | set(_columns_of(self.fields, *self.events))


class FeedbackFields(_Part):
    """What one answer is made of; times of answers are in ``occurred_at``."""

    service: Cell
    channel: Cell
    occurred_at: Cell
    kind: Cell | None = None
    rating: Cell | None = None
    nps: Cell | None = None
    effort: Cell | None = None
    task_done: Cell | None = None
    comment: Cell | None = None
    language: Cell | None = None
    step: Cell | None = None
    page: Cell | None = None
    journey_id: Cell | None = None
    assisted_digital: Cell | None = None
    contact: Cell | None = None
    segments: dict[Identifier, Cell] = Field(default_factory=dict, max_length=10)
    answers: dict[Identifier, Cell] = Field(default_factory=dict, max_length=30)


class FeedbackMapping(_Mapping):
    """A file of answers, one a row."""

    kind: Literal["feedback"]
    id: tuple[Text, ...] = Field(min_length=1)
    fields: FeedbackFields

    def columns(self) -> set[str]:
        """Return the columns that the file must have."""
        return {*self.id, *_columns_of(self.fields)}


Mapping = JourneyMapping | FeedbackMapping


def cells_of(part: BaseModel) -> Iterator[tuple[str, Cell]]:
    """Yield the named cells of a part; those of segments as ``segments.<name>``, of questions as ``answers.<id>``."""
    for name in type(part).model_fields:
        value = getattr(part, name)
        if isinstance(value, Cell):
            yield name, value
        elif name in ("segments", "answers"):
            yield from ((f"{name}.{key}", cell) for key, cell in value.items())


def _columns_of(*parts: BaseModel) -> Iterator[str]:
    for part in parts:
        yield from (cell.column for _, cell in cells_of(part) if cell.column is not None)
