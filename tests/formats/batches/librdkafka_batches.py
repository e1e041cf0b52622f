"""A one-connection broker that answers just enough for librdkafka to Produce, and keeps the batches it sends."""

import pathlib
import socket
import struct
import sys
import threading

from confluent_kafka import Producer

out = pathlib.Path(sys.argv[1])


def s16(b):
    return struct.pack(">h", len(b)) + b


def serve(sock, port, got):
    while True:
        try:
            c, _ = sock.accept()
        except OSError:
            return
        threading.Thread(target=conn, args=(c, port, got), daemon=True).start()


def rd(c, n):
    d = b""
    while len(d) < n:
        x = c.recv(n - len(d))
        if not x:
            raise EOFError
        d += x
    return d


def conn(c, port, got):
    try:
        while True:
            (n,) = struct.unpack(">i", rd(c, 4))
            f = rd(c, n)
            key, ver, corr = struct.unpack(">hhi", f[:8])
            if key == 18:
                body = struct.pack(">hi", 35, 5) if ver > 0 else struct.pack(">hi", 0, 5)
                body += b"".join(
                    struct.pack(">hhh", *x)
                    for x in [(0, 0, 7), (1, 0, 11), (3, 0, 4), (10, 0, 1), (18, 0, 0)]
                )
            elif key == 3:
                host = s16(b"127.0.0.1")
                body = b""
                if ver >= 3:
                    body += struct.pack(">i", 0)
                body += struct.pack(">ii", 1, 1) + host + struct.pack(">i", port) + struct.pack(">h", -1)
                if ver >= 2:
                    body += struct.pack(">h", -1)
                body += (
                    struct.pack(">i", 1)
                    + struct.pack(">ih", 1, 0)
                    + s16(b"t")
                    + b"\0"
                    + struct.pack(">ihiiiiii", 1, 0, 0, 1, 1, 1, 1, 1)
                )
            elif key == 0:
                got.append(f)
                body = (
                    struct.pack(">i", 1)
                    + s16(b"t")
                    + struct.pack(">iihqqq", 1, 0, 0, 0, -1, 0)
                    + struct.pack(">i", 0)
                )
            else:
                raise EOFError(key)
            d = struct.pack(">i", corr) + body
            c.sendall(struct.pack(">i", len(d)) + d)
    except (EOFError, OSError):
        c.close()


for codec in ["none", "gzip", "snappy", "lz4", "zstd"]:
    sock = socket.create_server(("127.0.0.1", 0))
    port = sock.getsockname()[1]
    got = []
    threading.Thread(target=serve, args=(sock, port, got), daemon=True).start()
    p = Producer(
        {
            "bootstrap.servers": f"127.0.0.1:{port}",
            "compression.type": codec,
            "linger.ms": 300,
            "batch.num.messages": 10,
        }
    )
    for i in range(10):
        p.produce(
            "t",
            key=f"key-{i}".encode() if i % 3 else None,
            value=b"value " * 20 + str(i).encode() if i != 7 else None,
            timestamp=1_700_000_000_000 + i * (-1) ** i,
            headers=[("h", b"x"), ("h", None)] if i % 2 else None,
            partition=0,
        )
    left = p.flush(20)
    assert left == 0, (codec, left)
    assert len(got) == 1, (codec, len(got))
    f = got[0]
    i = f.index(b"\0\1t\0\0\0\1\0\0\0\0")
    o = i + 11
    (n,) = struct.unpack(">i", f[o : o + 4])
    b = f[o + 4 : o + 4 + n]
    (out / f"librdkafka-{codec}.batch").write_bytes(b)
    print(codec, len(b), b[16], b[22])
    sock.close()
