"""Batches as real clients encode them: aiokafka's builders, and librdkafka through a socket."""

import pathlib
import sys

from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy as B

out = pathlib.Path(sys.argv[1])
out.mkdir(parents=True, exist_ok=True)

for codec, name in enumerate(["none", "gzip", "snappy", "lz4", "zstd"]):
    b = B(2, codec, 0, -1, -1, -1, 1 << 20)
    for i in range(10):
        b.append(
            i,
            1_700_000_000_000 + i * (-1) ** i,
            f"key-{i}".encode() if i % 3 else None,
            b"value " * 20 + str(i).encode() if i != 7 else None,
            [("h", b"x"), ("h", None)] if i % 2 else [],
        )
    data = bytes(b.build())
    (out / f"aiokafka-{name}.batch").write_bytes(data)
    print(name, len(data))
