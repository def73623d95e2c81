"""The content hash of a table: equal for equal rows in whatever order, different for any other change.

Every value becomes a 64-bit word, every row two 64-bit numbers mixed from its words, and the table the SHA-256 of its
schema, its count of rows and both columns of numbers, each sorted. Two tables that differ by accident have the same
hash with a probability of about 2^-128 for each pair of rows; a forger who knows the mixing could make a second table,
so the hash tells whether rows changed, not who changed them. The mixing is splitmix64 (Steele, Lea and Flood, Fast
splittable pseudorandom number generators, 2014).

What counts as equal:

- chunks, dictionary encoding, the width of string offsets and the order of columns do not matter;
- ``-0.0`` is ``0.0``, and every NaN is the same NaN, whatever its bits;
- null is equal to null alone: not to NaN, to zero, nor to the empty string;
- the same number in another type, as 1 in int32 and in int64, is different.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

__all__ = ["content_hash", "in_order"]

_Words = NDArray[np.uint64]
_SALTS = np.array([[0x9E3779B97F4A7C15], [0xD1B54A32D192ED03]], dtype=np.uint64)
_NULLS = np.array([[0xA0761D6478BD642F], [0xE7037ED1A0B428DB]], dtype=np.uint64)
_BLOCK = 1 << 14  # rows whose words stay in the processor's cache


def content_hash(table: pa.Table) -> str:
    """SHA-256 as 64 hexadecimal digits over the rows of ``table``, whatever their order.

    Linear in the number of values, and of distinct texts; see the module for what counts as equal.

    >>> one = pa.table({"x": [1.0, 2.0], "class": ["A", "B"]})
    >>> other = pa.table({"x": [2.0, 1.0], "class": pa.array(["B", "A"]).dictionary_encode()})
    >>> content_hash(one) == content_hash(other)
    True
    >>> content_hash(one) == content_hash(pa.table({"x": [1.0, 2.0], "class": ["B", "A"]}))
    False
    >>> content_hash(one)[:16]
    '91fb6cf7f8725b72'
    """
    return _digest(table, _row_keys(table))


def in_order(table: pa.Table, time: str, also: pa.Table | None = None) -> tuple[pa.Table, str]:
    """The rows by their time, equal times in an order that depends on their content alone, and the content hash.

    PostgreSQL gives rows in no particular order, and a sample drawn by position or a fold cut from the rows would not
    be the same twice. The columns of ``also`` follow those of ``table``; they have no part in the hash, and decide
    the order only of rows that are equal without them.

    >>> in_order(pa.table({"at": [2, 1, 1], "x": [1, 2, 3]}), "at") == in_order(
    ...     pa.table({"at": [1, 2, 1], "x": [3, 1, 2]}), "at"
    ... )
    True
    """
    keys = _row_keys(table)
    digest = _digest(table, keys.copy())
    order = np.argsort(keys[0]) if also is None else np.lexsort((_row_keys(also)[0], keys[0]))
    if time in table.column_names and pa.types.is_temporal(table.schema.field(time).type):
        times = table[time].cast(pa.timestamp("us")).cast(pa.int64()).fill_null(0).to_numpy()
        order = order[np.argsort(times[order], kind="stable")]
    if also is not None:
        for name in also.column_names:
            table = table.append_column(name, also[name])
    return table.take(pa.array(order)), digest


def _row_keys(table: pa.Table) -> _Words:
    """Two numbers for each row, shape (2, rows), mixed from all its values."""
    rows = table.num_rows
    lanes = np.zeros((2, rows), dtype=np.uint64)
    for name in sorted(table.column_names):
        words, nulls = _words(table[name])
        for start in range(0, rows, _BLOCK):
            part = slice(start, start + _BLOCK)
            mixed = _mix(words[:, part] ^ _SALTS)
            if nulls is not None:
                mixed[:, nulls[part]] = _NULLS
            mixed += lanes[:, part]
            lanes[:, part] = _mix(mixed)
    return lanes


def _digest(table: pa.Table, lanes: _Words) -> str:
    """The hash of the schema, the count and the rows' keys, which it sorts in place."""
    lanes.sort(axis=1)
    digest = hashlib.sha256(f"heliotrope content 1\n{table.num_rows}\n".encode())
    for field in sorted(table.schema, key=lambda field: field.name):
        digest.update(f"{field.name!r} {_plain(field.type)}\n".encode())
    digest.update(lanes.astype("<u8", copy=False).tobytes())
    return digest.hexdigest()


def _mix(words: _Words) -> _Words:
    """One step of splitmix64 and its finalizer, in place."""
    words += np.uint64(0x9E3779B97F4A7C15)
    words ^= words >> np.uint64(30)
    words *= np.uint64(0xBF58476D1CE4E5B9)
    words ^= words >> np.uint64(27)
    words *= np.uint64(0x94D049BB133111EB)
    words ^= words >> np.uint64(31)
    return words


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type that a column's values have, without the way they are stored."""
    if isinstance(kind, pa.BaseExtensionType):
        return _plain(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return _plain(kind.value_type)
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return pa.binary()
    return kind


def _words(column: pa.ChunkedArray) -> tuple[_Words, NDArray[np.bool_] | None]:
    """A word for each row, or two where values can be longer than one, and where the nulls are (None: nowhere).

    Words are shaped (1, rows) or (2, rows).
    """
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return _words(pa.chunked_array([chunk.storage for chunk in column.chunks], kind.storage_type))
    if pa.types.is_dictionary(kind):
        return _encoded_words(column)
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        return _encoded_words(column.dictionary_encode())
    if kind != _plain(kind):
        return _words(column.cast(_plain(kind)))
    if pa.types.is_decimal(kind):
        return _words(column.cast(pa.string()))
    nulls = column.is_null().to_numpy() if column.null_count else None
    if pa.types.is_floating(kind):
        values = _filled(column, 0.0).to_numpy().astype(np.float64, copy=False) + 0.0  # which turns -0.0 into 0.0
        values[np.isnan(values)] = np.nan
    elif pa.types.is_boolean(kind):
        values = _filled(column, False).to_numpy().astype(np.uint64)
    elif pa.types.is_integer(kind):
        values = _filled(column, 0).to_numpy().astype(np.int64, copy=False)
    elif pa.types.is_temporal(kind) and kind.bit_width <= 64:
        return _words(column.cast(pa.int64() if kind.bit_width == 64 else pa.int32()))
    else:
        return _text_words([repr(value).encode() for value in column.to_pylist()]), nulls
    return values.view(np.uint64)[None, :], nulls


def _filled(column: pa.ChunkedArray, value: object) -> pa.ChunkedArray:
    return column.fill_null(value) if column.null_count else column


def _encoded_words(column: pa.ChunkedArray) -> tuple[_Words, NDArray[np.bool_] | None]:
    """Those of a dictionary's values, each hashed once, spread over the rows."""
    encoded = column.unify_dictionaries().combine_chunks()
    values = encoded.dictionary
    if pa.types.is_string(values.type) or pa.types.is_binary(values.type):
        words = _text_words(values.cast(pa.binary()).fill_null(b"").to_pylist())
        absent = values.is_null().to_numpy(zero_copy_only=False)
    else:
        words, found = _words(pa.chunked_array([values]))
        absent = np.zeros(len(values), dtype=bool) if found is None else found
    if not encoded.indices.null_count and not absent.any():
        return words[:, encoded.indices.to_numpy()], None
    places = encoded.indices.cast(pa.int64()).fill_null(len(values)).to_numpy()
    return np.pad(words, ((0, 0), (0, 1)))[:, places], np.append(absent, True)[places]


def _text_words(values: list[bytes]) -> _Words:
    digests = b"".join([hashlib.blake2b(value, digest_size=16).digest() for value in values])
    return np.ascontiguousarray(np.frombuffer(digests, dtype="<u8").reshape(-1, 2).T.astype(np.uint64))
