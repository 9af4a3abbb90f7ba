"""Commands for whoever may run some on the installation's machines: a new admin key, the catalogue once more."""

from __future__ import annotations

from civiloop_shared.auth.ring import KeyRing
from civiloop_shared.postgres.engine import ConnectionOptions, create_pool
from evaluation_engine.adapters.catalogue import PostgresCatalogueStore
from evaluation_engine.adapters.keys import PostgresKeyStore
from evaluation_engine.bootstrap.serve import utc_now
from evaluation_engine.service.catalogue.publishing_again import PublishAgain
from evaluation_engine.service.keys import KeyDesk, MadeKey
from evaluation_engine.settings import DatabaseSettings, RecoverSettings


async def recover(settings: RecoverSettings) -> MadeKey:
    """Store a new admin key of the installation's body; the running engine takes it up within a second."""
    pool = await create_pool(settings.database_url, ConnectionOptions(application="recover-admin-key", max_size=1))
    try:
        return await KeyDesk(PostgresKeyStore(pool), KeyRing(), settings.body, utc_now).recover()
    finally:
        await pool.close()


async def publish_again(settings: DatabaseSettings) -> int:
    """Put the whole catalogue into the outbox, from which a running engine relays it; return how many records."""
    pool = await create_pool(settings.database_url, ConnectionOptions(application="publish-catalogue", max_size=3))
    try:
        return await PublishAgain(PostgresCatalogueStore(pool), PostgresKeyStore(pool), utc_now).all()
    finally:
        await pool.close()
