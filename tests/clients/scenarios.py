"""The scenarios that every client program knows, by the name it is called with."""

from __future__ import annotations

from typing import Final

SCENARIOS: Final[dict[str, str]] = {
    "produce_consume": "300 keyed records over 3 partitions come back once, each key's in order",
    "null_key_and_value": "null and empty keys and values stay what they are",
    "headers": "repeated names, empty and binary values, in order",
    "codecs": "none, gzip, snappy, lz4 and zstd as the client writes them",
    "one_mib_record": "a value of 1 MiB under a raised max.message.bytes",
    "message_too_large": "1.5 MiB under the default limit is refused with Kafka's error",
    "idempotent_produce": "500 records with producer id and sequences get offsets 0 to 499",
    "offsets_for_times": "create times are kept, found by time, and the ends are right",
    "long_poll": "a parked fetch is woken by the next record",
    "group_two_members_rebalance": "4 partitions: one member, two, one again",
    "group_resume_from_committed": "the next member goes on at the committed offset",
    "groups_list_describe": "a group in use is listed, described and not deleted; an empty one is deleted",
    "admin_create_describe_delete": "create, create again, grow, describe, delete",
    "admin_configs": "retention.ms as created, altered, reset and refused",
    "delete_records": "records before an offset go, the log start moves",
    "offset_out_of_range": "a fetch beyond the end resets to the start",
    "matrix_write": "records for the other clients: every codec, null key, null value, headers, timestamps",
}

TRANSACTIONS: Final[dict[str, str]] = {
    "commit_and_abort": "what is committed is seen whole, what is aborted by none but readers of all",
    "consume_transform_produce": "an aborted round leaves neither records nor offsets, a committed one both, once",
    "fencing": "a second producer of the same id ends the first one's transaction, and the first",
    "epoch_bump": "every transaction raises the epoch, as DescribeProducers shows (KIP-890)",
    "described": "an open transaction is listed and described, and a marker by hand ends it",
}
"""Of the Java client alone (Transactions.java), which speaks the second protocol."""

SHARE_SCENARIOS: Final[dict[str, str]] = {
    "share_implicit": "100 records of 2 partitions come once; the next member gets none of them",
    "share_explicit": "accepted, released and rejected: only what is released comes again, counted",
    "share_two_members": "two members share a partition, no record is both's",
    "share_leaving_member": "what a member has when it leaves is another's",
    "share_renew": "a lock is renewed, and the record accepted later",
}
"""Of clients that know share groups (KIP-932)."""

SHARERS: Final = frozenset({"java"})

MATRIX_READ: Final = "matrix_read"
"""`matrix_read:WRITER` prints what WRITER wrote; the runner compares it with what it must be."""
