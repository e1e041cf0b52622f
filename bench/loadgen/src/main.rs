//! `loadgen`: what `make bench` measures with. One process, one thread, no client library.
//!
//! * `produce`: replays pre-encoded batches, closed window or open loop, and decodes only error code and base offset.
//! * `fetch`: reads from the start or from the tail, and follows batch headers only.
//! * `ends`: the partitions' end offsets, by ListOffsets.
//! * `topics`: creates topics with the broker's own CreateTopics.
//! * `null-broker`: answers frames without looking at them: the ceiling of the same machine in the same minute.
//! * `probe`: what the device and the loopback cost by themselves: the D of every latency row.
//!
//! Each command prints one JSON object on stdout when it is done.

mod accounting;
mod args;
mod batch;
mod crc32c;
mod fetch;
mod histogram;
mod link;
mod messages;
mod null_broker;
mod probe;
mod produce;
mod sys;
mod topics;
mod twice;

use args::Args;

fn main() {
    let mut words = std::env::args().skip(1);
    let command = words.next().unwrap_or_default();
    let outcome = Args::parse(words).and_then(|args| match command.as_str() {
        "produce" => produce::run(&args),
        "fetch" => fetch::run(&args),
        "ends" => fetch::print_ends(&args),
        "topics" => topics::run(&args),
        "null-broker" => null_broker::run(&args),
        "probe" => probe::run(&args),
        other => Err(format!(
            "no command {other:?}: produce, fetch, ends, topics, null-broker, probe"
        )),
    });
    if let Err(what) = outcome {
        eprintln!("loadgen {command}: {what}");
        std::process::exit(1);
    }
}
