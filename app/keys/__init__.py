"""The key ring, and field encryption at rest.

Owns `key_rotations`, and the file of the key ring. A room declares a sealed column with the type
`keys.registry.Sealed` and writes to it what `keys.service.seal` answers; rotation and `verify` find
every such column by its type.

Invariants: a sealed value opens only in the table, column and row that it was sealed for. One key
of the ring is active and seals; the others open what they sealed until it is wrapped again. A key
is given up only when no sealed value needs it.
"""
