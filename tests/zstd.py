"""zstd for the tests, by the library itself: Python 3.11 has none of its own."""

from __future__ import annotations

import ctypes


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL("libzstd.so.1")
    library.ZSTD_compressBound.argtypes = [ctypes.c_size_t]
    library.ZSTD_compressBound.restype = ctypes.c_size_t
    library.ZSTD_compress.argtypes = [
        ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int,
    ]
    library.ZSTD_compress.restype = ctypes.c_size_t
    library.ZSTD_isError.argtypes = [ctypes.c_size_t]
    library.ZSTD_isError.restype = ctypes.c_uint
    return library


def compress(data: bytes, level: int = 3) -> bytes:
    """One frame."""
    library = _library()
    room = library.ZSTD_compressBound(len(data))
    out = ctypes.create_string_buffer(room)
    made = library.ZSTD_compress(out, room, data, len(data), level)
    if library.ZSTD_isError(made):
        raise ValueError("zstd refuses to compress")
    return out.raw[:made]
