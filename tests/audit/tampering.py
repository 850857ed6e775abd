"""Ways to tamper with the trail as the server's administrator, without the keys.

Each kind is a function of a connection and random choices. It tampers with the trail and returns
the names that the report must contain: public ids of records, or positions in the chain.
"""

import json
from collections.abc import Callable
from hashlib import sha256
from random import Random

import psycopg

from app.audit import rules as audit_rules
from app.audit.verification import public_record_id
from app.kit import ids

Tampering = Callable[[psycopg.Connection, Random], set[str]]

_COLUMNS = """
id, recorded_at, actor_id, actor_role, session_id, on_behalf_of, action, subject, before, after,
reason, request_id, outcome, key_id
"""
_SEALED = "SELECT record_id, position FROM audit_seals ORDER BY position"
_UNSEALED = """
SELECT id FROM audit_records WHERE id NOT IN (SELECT record_id FROM audit_seals) ORDER BY id
"""
#: Each column with a false value.
_FALSE_VALUES = {
    "recorded_at": "recorded_at - interval '1 microsecond'",
    "actor_id": "gen_random_uuid()",
    "actor_role": "'AUDITOR'",
    "session_id": "NULL",
    "on_behalf_of": "gen_random_uuid()",
    "action": "'person.reactivated'",
    "subject": "subject || '0'",
    "before": """'{"status":"active"}'""",
    "after": "(replace(after::text, ':', ': '))::json",
    "reason": "coalesce(reason, '') || '.'",
    "request_id": "'another'",
    "outcome": "'denied'",
    "key_id": "'another'",
}


def _sealed(connection: psycopg.Connection, chance: Random, count: int = 1) -> list[tuple]:
    """Return random sealed records with their positions, in order."""
    return sorted(chance.sample(connection.execute(_SEALED).fetchall(), count), key=lambda r: r[1])


def _set_false_value(connection: psycopg.Connection, chance: Random, record_id: object) -> set[str]:
    column = chance.choice(sorted(_FALSE_VALUES))
    connection.execute(
        f"UPDATE audit_records SET {column} = {_FALSE_VALUES[column]} WHERE id = %s", (record_id,)
    )
    return {public_record_id(str(record_id))}


def edit_a_sealed_record(connection: psycopg.Connection, chance: Random) -> set[str]:
    """Change one column of one record."""
    [(record_id, _)] = _sealed(connection, chance)
    return _set_false_value(connection, chance, record_id)


def edit_an_unsealed_record(connection: psycopg.Connection, chance: Random) -> set[str]:
    """Change one column of one unsealed record."""
    [record_id] = chance.choice(connection.execute(_UNSEALED).fetchall())
    return _set_false_value(connection, chance, record_id)


def delete_a_record(connection: psycopg.Connection, chance: Random) -> set[str]:
    """Delete a record and leave its seal."""
    [(record_id, _)] = _sealed(connection, chance)
    connection.execute("DELETE FROM audit_records WHERE id = %s", (record_id,))
    return {public_record_id(str(record_id))}


def delete_a_record_and_its_seal(connection: psycopg.Connection, chance: Random) -> set[str]:
    """Delete a record with its seal."""
    [(record_id, position)] = _sealed(connection, chance)
    connection.execute("DELETE FROM audit_seals WHERE record_id = %s", (record_id,))
    connection.execute("DELETE FROM audit_records WHERE id = %s", (record_id,))
    return {f"position {position}"}


def close_the_gap_of_a_deleted_record(connection: psycopg.Connection, chance: Random) -> set[str]:
    """Delete a record and move the later positions up."""
    sealed = connection.execute(_SEALED).fetchall()
    record_id, position = chance.choice(sealed[:-1])
    connection.execute("DELETE FROM audit_seals WHERE record_id = %s", (record_id,))
    connection.execute("DELETE FROM audit_records WHERE id = %s", (record_id,))
    for condition, shift in (("position > %s", 10**9), ("position > 10^9 + %s", -(10**9) - 1)):
        connection.execute(
            f"UPDATE audit_seals SET position = position + {shift} WHERE {condition}", (position,)
        )
    return {public_record_id(str(sealed[position][0])), f"position {len(sealed)}"}


def cut_off_the_tail(connection: psycopg.Connection, chance: Random) -> set[str]:
    """Delete the last records with their seals, and the unsealed records."""
    sealed = connection.execute(_SEALED).fetchall()
    first = len(sealed) + 1 - chance.randrange(1, 20)
    connection.execute("DELETE FROM audit_seals WHERE position >= %s", (first,))
    connection.execute(
        "DELETE FROM audit_records WHERE id NOT IN (SELECT record_id FROM audit_seals)"
    )
    cut_positions = (
        f"position {first}" if first == len(sealed) else f"positions {first} to {len(sealed)}"
    )
    return {cut_positions, public_record_id(str(sealed[-1][0]))}


def exchange_two_records(connection: psycopg.Connection, chance: Random) -> set[str]:
    """Swap the contents of two records, hashes included."""
    record_ids = [record_id for record_id, _ in _sealed(connection, chance, 2)]
    spare_id = ids.new()
    for old_id, new_id in (
        (record_ids[0], spare_id),
        (record_ids[1], record_ids[0]),
        (spare_id, record_ids[1]),
    ):
        connection.execute("UPDATE audit_records SET id = %s WHERE id = %s", (new_id, old_id))
    return {public_record_id(str(record_id)) for record_id in record_ids}


def exchange_two_positions(connection: psycopg.Connection, chance: Random) -> set[str]:
    """Swap the positions of two seals."""
    (first, first_position), (second, second_position) = _sealed(connection, chance, 2)
    for record_id, position in ((first, 10**9), (second, first_position), (first, second_position)):
        connection.execute(
            "UPDATE audit_seals SET position = %s WHERE record_id = %s", (position, record_id)
        )
    return {public_record_id(str(first)), public_record_id(str(second))}


def forge_a_record(connection: psycopg.Connection, chance: Random) -> set[str]:
    """Add an unsealed record with the hash of another record."""
    [(record_id, _)] = _sealed(connection, chance)
    forged = ids.new()
    columns = _COLUMNS.replace("id, recorded_at", "%s, recorded_at", 1)
    connection.execute(
        f"INSERT INTO audit_records ({_COLUMNS}, mac)"
        f" SELECT {columns}, mac FROM audit_records WHERE id = %s",
        (forged, record_id),
    )
    return {public_record_id(str(forged))}


def repeat_a_record_in_the_chain(connection: psycopg.Connection, chance: Random) -> set[str]:
    """Drop the unique constraint and seal a record twice."""
    connection.execute("ALTER TABLE audit_seals DROP CONSTRAINT audit_seals_record_id_key CASCADE")
    [(record_id, _)] = _sealed(connection, chance)
    connection.execute(
        "INSERT INTO audit_seals SELECT max(position) OVER () + 1, record_id, xid, sealed_at,"
        " key_id, digest FROM audit_seals ORDER BY record_id = %s DESC LIMIT 1",
        (record_id,),
    )
    return {public_record_id(str(record_id))}


def rewrite_a_record_with_a_hash(connection: psycopg.Connection, chance: Random) -> set[str]:
    """Change a record and hash it without the key."""
    [(record_id, _)] = _sealed(connection, chance)
    connection.execute(
        "UPDATE audit_records SET reason = 'nothing happened' WHERE id = %s", (record_id,)
    )
    _rehash_without_the_key(connection, str(record_id))
    return {public_record_id(str(record_id))}


def rewrite_the_whole_table(connection: psycopg.Connection, chance: Random) -> set[str]:
    """Rewrite every record, every hash and the whole chain."""
    connection.execute("UPDATE audit_records SET reason = 'nothing happened'")
    sealed = connection.execute(_SEALED).fetchall()
    previous = audit_rules.GENESIS
    for record_id, position in sealed:
        mac = _rehash_without_the_key(connection, str(record_id))
        previous = sha256(f"{position}{record_id}{mac.hex()}{previous.hex()}".encode()).digest()
        connection.execute(
            "UPDATE audit_seals SET digest = %s WHERE position = %s", (previous, position)
        )
    return {public_record_id(str(record_id)) for record_id, _ in sealed}


def change_a_seal(connection: psycopg.Connection, chance: Random) -> set[str]:
    """Change a seal's time, key or digest."""
    [(record_id, _)] = _sealed(connection, chance)
    change = chance.choice(
        [
            "sealed_at = sealed_at - interval '1 day'",
            "key_id = 'another'",
            "digest = sha256(digest)",
        ]
    )
    connection.execute(f"UPDATE audit_seals SET {change} WHERE record_id = %s", (record_id,))
    return {public_record_id(str(record_id))}


def remove_a_seal(connection: psycopg.Connection, chance: Random) -> set[str]:
    """Delete a seal, so that its record looks unsealed."""
    [(record_id, position)] = _sealed(connection, chance)
    connection.execute("DELETE FROM audit_seals WHERE record_id = %s", (record_id,))
    return {public_record_id(str(record_id)), f"position {position}"}


def hide_a_record_from_the_sealer(connection: psycopg.Connection, chance: Random) -> set[str]:
    """Move an unsealed record to a past or a future transaction."""
    [record_id] = chance.choice(connection.execute(_UNSEALED).fetchall())
    connection.execute(
        "UPDATE audit_records SET xid = %s::text::xid8 WHERE id = %s",
        (chance.choice(["1", "9000000000000000000"]), record_id),
    )
    return {public_record_id(str(record_id))}


def change_the_transaction_of_a_record(connection: psycopg.Connection, chance: Random) -> set[str]:
    """Move a sealed record to another transaction."""
    [(record_id, _)] = _sealed(connection, chance)
    connection.execute(
        "UPDATE audit_records SET xid = (xid::text::bigint + 1)::text::xid8 WHERE id = %s",
        (record_id,),
    )
    return {public_record_id(str(record_id))}


def _rehash_without_the_key(connection: psycopg.Connection, record_id: str) -> bytes:
    """Return a hash made by the right method with a wrong key."""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM audit_records WHERE id = %s", (record_id,)
    ).fetchone()
    mac = sha256(json.dumps([str(value) for value in row or ()]).encode()).digest()
    connection.execute("UPDATE audit_records SET mac = %s WHERE id = %s", (mac, record_id))
    return mac


KINDS: tuple[Tampering, ...] = (
    edit_a_sealed_record,
    edit_an_unsealed_record,
    delete_a_record,
    delete_a_record_and_its_seal,
    close_the_gap_of_a_deleted_record,
    cut_off_the_tail,
    exchange_two_records,
    exchange_two_positions,
    forge_a_record,
    repeat_a_record_in_the_chain,
    rewrite_a_record_with_a_hash,
    rewrite_the_whole_table,
    change_a_seal,
    remove_a_seal,
    hide_a_record_from_the_sealer,
    change_the_transaction_of_a_record,
)
#: Edits after which many records differ or have moved.
MOVES_EVERYTHING = (rewrite_the_whole_table, close_the_gap_of_a_deleted_record)
