"""`recover-admin-key`: a new admin key for whoever may run commands on the installation's machines."""

from __future__ import annotations

from civiloop_shared.auth.ring import KeyRing
from civiloop_shared.postgres.engine import ConnectionOptions, create_pool
from evaluation_engine.adapters.keys import PostgresKeyStore
from evaluation_engine.bootstrap.serve import utc_now
from evaluation_engine.service.keys import KeyDesk, MadeKey
from evaluation_engine.settings import RecoverSettings


async def recover(settings: RecoverSettings) -> MadeKey:
    """Store a new admin key of the installation's body; the running engine takes it up within a second."""
    pool = await create_pool(settings.database_url, ConnectionOptions(application="recover-admin-key", max_size=1))
    try:
        return await KeyDesk(PostgresKeyStore(pool), KeyRing(), settings.body, utc_now).recover()
    finally:
        await pool.close()
