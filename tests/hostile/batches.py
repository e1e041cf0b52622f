"""Record batches, good and bad: what stands in a Produce request's records.

The bombs are a few KiB that grow to more than 100 MiB when they are decompressed. Batches are drawn from a list made once,
since the CRC is counted in Python here.
"""

from __future__ import annotations

import gzip
import struct
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from random import Random  # noqa: TID251 - the type only

BOMB_BYTES: Final = 128 << 20
CRC_TABLE: Final = []
for _byte in range(256):
    _crc = _byte
    for _ in range(8):
        _crc = _crc >> 1 ^ (0x82F63B78 if _crc & 1 else 0)
    CRC_TABLE.append(_crc)


def crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


class Batch(NamedTuple):
    """The header's fields, right by default, and the records' bytes."""

    section: bytes
    base_offset: int = 0
    epoch: int = -1
    magic: int = 2
    attributes: int = 0
    last_offset_delta: int = 0
    timestamp: int = 1_700_000_000_000
    producer: tuple[int, int, int] = (-1, -1, -1)
    records: int = 1
    crc_off_by: int = 0
    length_off_by: int = 0

    def encode(self) -> bytes:
        """The batch's bytes."""
        body = struct.pack(
            ">hiqqqhii",
            self.attributes,
            self.last_offset_delta,
            self.timestamp,
            self.timestamp,
            *self.producer,
            self.records,
        )
        body += self.section
        crc = crc32c(body) + self.crc_off_by & 0xFFFFFFFF
        length = 9 + len(body) + self.length_off_by
        return struct.pack(">qiibI", self.base_offset, length, self.epoch, self.magic, crc) + body


def zigzag(value: int) -> bytes:
    """A signed varint."""
    rest = (value << 1) ^ (value >> 63)
    out = bytearray()
    while rest >= 0x80:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def record(delta: int, value: bytes | None, headers: int = 0) -> bytes:
    """One record with a null key; `headers` is only declared."""
    body = b"\x00" + zigzag(0) + zigzag(delta) + zigzag(-1)
    body += zigzag(-1) if value is None else zigzag(len(value)) + value
    body += zigzag(headers)
    return zigzag(len(body)) + body


def zstd_bomb() -> bytes:
    """A frame of run-length blocks: four bytes for 128 KiB each."""
    block = 128 << 10
    count = BOMB_BYTES // block
    out = b"\x28\xb5\x2f\xfd\x00\x58"  # no content size, window 2 MiB
    for n in range(count):
        out += struct.pack("<I", (n == count - 1) | 1 << 1 | block << 3)[:3] + b"\x00"
    return out


def lz4_bomb() -> bytes:
    """Independent 64 KiB blocks, each one literal and one match as long as the format allows."""
    match = 65_536 - 1 - 5
    extra = match - 4 - 15
    block = b"\x1f\x00\x01\x00" + b"\xff" * (extra // 255) + bytes([extra % 255]) + b"\x50" + bytes(5)
    return b"\x04\x22\x4d\x18\x60\x40\x82" + (struct.pack("<I", len(block)) + block) * 400 + bytes(4)


def snappy_bomb() -> bytes:
    """One literal zero, then copies of 64 bytes for three."""
    copies = 4_000
    total = 1 + copies * 64
    length = bytearray()
    while total >= 0x80:
        length.append(total & 0x7F | 0x80)
        total >>= 7
    length.append(total)
    return bytes(length) + b"\x00\x00" + b"\xfe\x01\x00" * copies


@cache
def kinds() -> dict[str, bytes]:
    """Every kind of batch by name."""
    good = record(0, b"value")
    three = b"".join(record(n, b"value") for n in range(3))
    named = {
        "good": Batch(good),
        "good three": Batch(three, last_offset_delta=2, records=3),
        "null value": Batch(record(0, None)),
        "crc": Batch(good, crc_off_by=1),
        "magic 0": Batch(good, magic=0),
        "magic 1": Batch(good, magic=1),
        "magic 3": Batch(good, magic=3),
        "count 0": Batch(good, records=0),
        "count -1": Batch(good, records=-1),
        "count max": Batch(good, records=2**31 - 1, last_offset_delta=2**31 - 2),
        "last offset delta": Batch(three, last_offset_delta=7, records=3),
        "last offset delta negative": Batch(three, last_offset_delta=-1, records=3),
        "sequence negative": Batch(good, producer=(1, 0, -5)),
        "sequence wraps": Batch(three, producer=(1, 0, 2**31 - 1), last_offset_delta=2, records=3),
        "producer unknown": Batch(good, producer=(2**62, 5, 0)),
        "epoch negative": Batch(good, producer=(7, -1, 0)),
        "control": Batch(good, attributes=0x20),
        "transactional": Batch(good, attributes=0x10),
        "transactional control": Batch(good, attributes=0x30, producer=(1, 0, 0)),
        "log append time": Batch(good, attributes=0x08),
        "codec 5": Batch(good, attributes=5),
        "codec 7": Batch(good, attributes=7),
        "attributes all": Batch(good, attributes=-1),
        "timestamp min": Batch(good, timestamp=-(2**63)),
        "timestamp max": Batch(good, timestamp=2**63 - 1),
        "base offset": Batch(good, base_offset=2**63 - 1),
        "epoch max": Batch(good, epoch=2**31 - 1),
        "length short": Batch(good, length_off_by=-3),
        "length long": Batch(good, length_off_by=3),
        "length negative": Batch(good, length_off_by=-(2**31)),
        "section empty": Batch(b""),
        "section rubbish": Batch(b"\xff" * 40),
        "headers max": Batch(record(0, b"v", headers=2**31 - 1)),
        "headers negative": Batch(record(0, b"v", headers=-1)),
        "gzip": Batch(gzip.compress(good), attributes=1),
        "gzip rubbish": Batch(b"\x1f\x8b\x08 not gzip", attributes=1),
        "gzip bomb": Batch(gzip.compress(bytes(BOMB_BYTES), 9), attributes=1),
        "zstd bomb": Batch(zstd_bomb(), attributes=4),
        "lz4 bomb": Batch(lz4_bomb(), attributes=3),
        "snappy bomb": Batch(snappy_bomb(), attributes=2),
        "snappy declares": Batch(b"\xff\xff\xff\xff\x0f\x00", attributes=2),
    }
    made = {name: batch.encode() for name, batch in named.items()}
    made |= {
        "two": made["good"] * 2,
        "cut": made["good three"][:-4],
        "header only": made["good"][:61],
        "header cut": made["good"][:40],
        "nothing": b"",
        "rubbish": bytes(range(256)),
    }
    return made


def draw(rng: Random) -> bytes:
    """A batch of any kind; every third one is good."""
    named = kinds()
    return named["good"] if rng.random() < 0.34 else rng.choice(list(named.values()))
