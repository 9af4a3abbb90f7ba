"""Comments are read in slices, so that a batch of them, or a long one, holds up nothing else in the process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final, TypeVar

from evaluation_engine.domain.comments.extraction import CommentRecord
from evaluation_engine.ports.comments import CommentExtractor

AT_ONCE: Final = 2_000
"""Characters after which others have their turn: some 5 ms of work."""

K = TypeVar("K")


async def read_comments(extract: CommentExtractor, comments: Mapping[K, str]) -> dict[K, CommentRecord]:
    """Return the record of each comment."""
    found: dict[K, CommentRecord] = {}
    read = 0
    for key, comment in comments.items():
        if read >= AT_ONCE:
            await asyncio.sleep(0)
            read = 0
        found[key] = extract(comment)
        read += len(comment)
    return found
