"""A sealed value opens in its own place only, and a changed bit is always detected."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit import crypto
from app.kit.crypto import DecryptionFailed, Envelope

HERE = b"addresses:details_sealed:1"
KEYS = {"00" * 8: b"a" * 32, "ff" * 8: b"b" * 32}
FIRST, SECOND = KEYS


def wrap(key_id=FIRST):
    return lambda data_key, bound: (key_id, crypto.encrypt(KEYS[key_id], data_key, bound))


def unwrap(key_id, wrapped, bound):
    return crypto.decrypt(KEYS[key_id], wrapped, bound)


@given(st.binary(max_size=2000), st.binary(max_size=100))
def test_sealed_value_opens_in_its_place(plaintext, context):
    sealed = crypto.seal(plaintext, context, wrap())
    assert crypto.open_sealed(sealed, context, unwrap) == plaintext
    assert len(plaintext) < 4 or plaintext not in sealed
    assert bytes(Envelope.parse(sealed)) == sealed


@pytest.mark.parametrize(
    "elsewhere",
    [
        b"addresses:details_sealed:2",
        b"addresses:other_sealed:1",
        b"companies:details_sealed:1",
        b"addresses:details_sealed",
        b"",
    ],
)
def test_value_moved_elsewhere_cannot_be_opened_or_rewrapped(elsewhere):
    sealed = crypto.seal(b"Rue de la Paix", HERE, wrap())
    with pytest.raises(DecryptionFailed):
        crypto.open_sealed(sealed, elsewhere, unwrap)
    with pytest.raises(DecryptionFailed):
        crypto.rewrap(sealed, elsewhere, unwrap, wrap(SECOND))


def test_any_flipped_bit_is_detected():
    sealed = crypto.seal(b"Rue de la Paix", HERE, wrap())
    for at in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[at // 8] ^= 1 << at % 8
        # A changed key id names an unknown key, or one that did not wrap this value.
        with pytest.raises((DecryptionFailed, KeyError)):
            crypto.open_sealed(bytes(changed), HERE, unwrap)


def test_another_key_id_on_the_same_wrapped_key_is_detected():
    envelope = Envelope.parse(crypto.seal(b"Rue de la Paix", HERE, wrap()))
    swapped = Envelope(SECOND, envelope.wrapped, envelope.nonce, envelope.ciphertext)
    with pytest.raises(DecryptionFailed):
        crypto.open_sealed(bytes(swapped), HERE, unwrap)


@given(st.binary(max_size=200))
def test_other_bytes_do_not_open(garbage):
    with pytest.raises((DecryptionFailed, KeyError)):
        crypto.open_sealed(garbage, HERE, unwrap)


def test_truncated_or_extended_value_does_not_open():
    sealed = crypto.seal(b"Rue de la Paix", HERE, wrap())
    for length in range(len(sealed)):
        with pytest.raises(DecryptionFailed):
            crypto.open_sealed(sealed[:length], HERE, unwrap)
    with pytest.raises(DecryptionFailed):
        crypto.open_sealed(sealed + b"\0", HERE, unwrap)


def test_parts_of_two_values_do_not_combine_into_a_third():
    first, second = (Envelope.parse(crypto.seal(text, HERE, wrap())) for text in (b"one", b"two"))
    with pytest.raises(DecryptionFailed):
        crypto.open_sealed(
            bytes(Envelope(FIRST, first.wrapped, second.nonce, second.ciphertext)), HERE, unwrap
        )


def test_nonces_and_data_keys_never_repeat():
    keys = set()

    def recording_wrap(data_key, bound):
        keys.add(data_key)
        return wrap()(data_key, bound)

    count = 5000
    sealed = [Envelope.parse(crypto.seal(b"", HERE, recording_wrap)) for _ in range(count)]
    assert len(keys) == count
    assert len({envelope.nonce for envelope in sealed}) == count
    assert len({envelope.wrapped[: crypto.NONCE_BYTES] for envelope in sealed}) == count


def test_rewrapped_value_is_the_same_under_another_key():
    sealed = crypto.seal(b"Rue de la Paix", HERE, wrap())
    rewrapped = crypto.rewrap(sealed, HERE, unwrap, wrap(SECOND))
    before, after = Envelope.parse(sealed), Envelope.parse(rewrapped)
    assert (before.key_id, after.key_id) == (FIRST, SECOND)
    assert (before.nonce, before.ciphertext) == (after.nonce, after.ciphertext)
    assert crypto.open_sealed(rewrapped, HERE, unwrap) == b"Rue de la Paix"


def test_decrypts_the_published_test_vector():
    # NIST CAVP, gcmEncryptExtIV256, PTlen 128, AADlen 0, count 0.
    key = bytes.fromhex("31bdadd96698c204aa9ce1448ea94ae1fb4a9a0b3c9d773b51bb1822666b8f22")
    nonce = bytes.fromhex("0d18e06c7c725ac9e362e1ce")
    ciphertext = bytes.fromhex("fa4362189661d163fcd6a56d8bf0405a")
    tag = bytes.fromhex("d636ac1bbedd5cc3ee727dc2ab4a9489")
    plaintext = bytes.fromhex("2db5168e932556f8089a0622981d017d")
    assert crypto.decrypt(key, nonce + ciphertext + tag, b"") == plaintext


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_key_of_another_length_is_refused(length):
    with pytest.raises(DecryptionFailed):
        crypto.decrypt(b"k" * length, b"c" * 60, b"")
