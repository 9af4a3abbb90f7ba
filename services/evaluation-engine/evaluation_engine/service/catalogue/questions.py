"""Questions that a service asks beside the fixed ones, as a catalogue states them."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from civiloop_shared.contracts.catalogue import QuestionDefined
from civiloop_shared.contracts.values import Choice, Identifier, LanguageTag

Text = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f]+$")]
RESERVED = frozenset({"umux-lite"})
"""Ids under which something is counted that no single question gives."""


class Question(BaseModel):
    """A question and what may be answered: whole numbers from ``min`` to ``max``, or some of ``values``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Identifier
    kind: Literal["scale", "choice", "yes_no", "multi"] = Field(
        description="scale: a number; choice: one of the values; yes_no; multi: any of the values."
    )
    min: int | None = Field(default=None, ge=0, le=100, description="Lowest number of a scale.")
    max: int | None = Field(default=None, ge=0, le=100, description="Highest number of a scale.")
    values: tuple[Choice, ...] = Field(default=(), max_length=30, description="Of choice and multi.")
    title: Annotated[dict[LanguageTag, Text], Field(min_length=1, max_length=20)]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.id in RESERVED:
            raise ValueError(f"{self.id} can't be the id of a question: it is counted from several of them")
        if self.kind == "scale" and (self.min is None or self.max is None or self.min >= self.max):
            raise ValueError("a scale needs min and max, and min must be smaller")
        if self.kind != "scale" and (self.min is not None or self.max is not None):
            raise ValueError("min and max belong to a scale")
        if (self.kind in ("choice", "multi")) != bool(self.values):
            raise ValueError("values belong to choice and multi, which need them")
        if len(set(self.values)) < len(self.values):
            raise ValueError("a value stands twice")
        return self

    def defined(self) -> QuestionDefined:
        """Return the question as ingest needs it."""
        return QuestionDefined(
            id=self.id, kind=self.kind, least=self.min, most=self.max, values=self.values, title=self.title
        )
