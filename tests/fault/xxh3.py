"""XXH3 with seed 0 in plain Python, as much of it as a memory folder needs: XXH3-64 from 17 bytes on, XXH3-128 from 241 on.

Written from the published description of the algorithm, so that the tests do not trust the program's own checksums.
"""
import functools
import struct

M32, M64 = 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF
P32 = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D)
P64 = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)
SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221"
    "b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb"
    "170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e")
STRIPE, BLOCK = 64, 1024  # bytes between two steps through the secret, and between two scramblings


def u64(data: bytes, at: int) -> int:
    return struct.unpack_from("<Q", data, at)[0]


def fold(a: int, b: int) -> int:
    product = a * b
    return (product & M64) ^ (product >> 64)


def avalanche(h: int) -> int:
    h ^= h >> 37
    h = h * 0x165667919E3779F9 & M64
    return h ^ (h >> 32)


def mix16(data: bytes, at: int, secret: int) -> int:
    return fold(u64(data, at) ^ u64(SECRET, secret), u64(data, at + 8) ^ u64(SECRET, secret + 8))


def middle(data: bytes) -> int:
    """17 to 240 bytes."""
    size = len(data)
    acc = size * P64[0]
    if size <= 128:
        for i in range((size - 1) // 32, -1, -1):
            acc += mix16(data, 16 * i, 32 * i) + mix16(data, size - 16 * (i + 1), 32 * i + 16)
        return avalanche(acc & M64)
    for i in range(8):
        acc += mix16(data, 16 * i, 16 * i)
    acc = avalanche(acc & M64)
    for i in range(8, size // 16):
        acc += mix16(data, 16 * i, 16 * (i - 8) + 3)
    return avalanche((acc + mix16(data, size - 16, 136 - 17)) & M64)


def accumulate(acc: list[int], data: bytes, at: int, secret: int) -> None:
    values = struct.unpack_from("<8Q", data, at)
    keys = struct.unpack_from("<8Q", SECRET, secret)
    for i in range(8):
        key = values[i] ^ keys[i]
        acc[i ^ 1] = acc[i ^ 1] + values[i] & M64
        acc[i] = acc[i] + (key & M32) * (key >> 32) & M64


def long_state(data: bytes) -> list[int]:
    acc = [P32[2], P64[0], P64[1], P64[2], P64[3], P32[1], P64[4], P32[0]]
    scramble = struct.unpack_from("<8Q", SECRET, len(SECRET) - STRIPE)
    for at in range(0, (len(data) - 1) // STRIPE * STRIPE, STRIPE):
        accumulate(acc, data, at, at % BLOCK // STRIPE * 8)
        if at % BLOCK == BLOCK - STRIPE:
            acc = [((a ^ (a >> 47) ^ key) * P32[0]) & M64 for a, key in zip(acc, scramble)]
    accumulate(acc, data, len(data) - STRIPE, len(SECRET) - STRIPE - 7)
    return acc


def merge(acc: list[int], secret: int, start: int) -> int:
    for i in range(0, 8, 2):
        start += fold(acc[i] ^ u64(SECRET, secret + 8 * i), acc[i + 1] ^ u64(SECRET, secret + 8 * i + 8))
    return avalanche(start & M64)


@functools.lru_cache(maxsize=4096)
def xxh3_64(data: bytes) -> int:
    if len(data) < 17:
        raise ValueError("shorter inputs do not occur in a memory folder")
    if len(data) <= 240:
        return middle(data)
    return merge(long_state(data), 11, len(data) * P64[0] & M64)


@functools.lru_cache(maxsize=256)
def xxh3_128(data: bytes) -> tuple[int, int]:
    """(low, high)"""
    if len(data) <= 240:
        raise ValueError("the manifests of the tests are longer")
    acc = long_state(data)
    low = merge(acc, 11, len(data) * P64[0] & M64)
    return low, merge(acc, len(SECRET) - STRIPE - 11, ~(len(data) * P64[1]) & M64)
