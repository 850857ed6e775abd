"""The key ring, and field encryption at rest.

Owns `key_rotations`, and the file of the key ring. A room declares a sealed column with the type
`keys.registry.Sealed` and stores what `keys.service.seal` returns; rotation and `flask keys verify`
find every such column by its type.

Invariants: a sealed value opens only in the table, column and row that it was sealed for. One key
of the ring is active and seals; the others open what they sealed until it is rewrapped. A key is
retired only when no sealed value needs it.
"""
