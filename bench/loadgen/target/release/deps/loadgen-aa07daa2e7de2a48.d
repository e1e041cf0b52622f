/work/main/bench/loadgen/target/release/deps/loadgen-aa07daa2e7de2a48.d: src/main.rs src/accounting.rs src/args.rs src/batch.rs src/crc32c.rs src/fetch.rs src/histogram.rs src/link.rs src/messages.rs src/null_broker.rs src/probe.rs src/produce.rs src/produce/lane.rs src/sys.rs src/topics.rs

/work/main/bench/loadgen/target/release/deps/loadgen-aa07daa2e7de2a48: src/main.rs src/accounting.rs src/args.rs src/batch.rs src/crc32c.rs src/fetch.rs src/histogram.rs src/link.rs src/messages.rs src/null_broker.rs src/probe.rs src/produce.rs src/produce/lane.rs src/sys.rs src/topics.rs

src/main.rs:
src/accounting.rs:
src/args.rs:
src/batch.rs:
src/crc32c.rs:
src/fetch.rs:
src/histogram.rs:
src/link.rs:
src/messages.rs:
src/null_broker.rs:
src/probe.rs:
src/produce.rs:
src/produce/lane.rs:
src/sys.rs:
src/topics.rs:
