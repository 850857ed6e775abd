"""Run migrations as the owner (DATABASE_OWNER_URL); the application's role only receives grants.

Migrations run one at a time (advisory lock). No migration waits long for a lock that traffic holds
(lock_timeout), so that a deployment fails instead of stopping the exchange.
"""

import sqlalchemy as sa
from alembic import context
from flask import current_app

settings = current_app.extensions["settings"]
metadata = current_app.extensions["migrate"].db.metadata
MIGRATION_LOCK = 7_226_001


def run() -> None:
    """Bring the database to the requested revision, each revision in its own transaction."""
    engine = sa.create_engine(settings.database_owner_url, poolclass=sa.pool.NullPool)
    application_role = sa.engine.make_url(settings.database_url).username
    with engine.connect() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({MIGRATION_LOCK})")
        connection.exec_driver_sql("SET lock_timeout = '5s'")
        connection.exec_driver_sql(
            "SELECT set_config('pbcex.application_role', %s, false)", (application_role,)
        )
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=metadata,
            transaction_per_migration=True,
            **current_app.extensions["migrate"].configure_args,
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
