//! `topics`: create topics with the broker's own CreateTopics (v4), many in one call.
//!
//! `--make name:partitions[,name:partitions...]`; an existing topic is an error, as is everything but success.

use crate::args::Args;
use crate::link::Link;
use crate::messages::{Reader, Writer};
use crate::sys::now_ns;

pub fn run(args: &Args) -> Result<(), String> {
    let wanted: String = args.need("make")?;
    let mut topics = Vec::new();
    for item in wanted.split(',') {
        let (name, partitions) = item
            .split_once(':')
            .ok_or_else(|| format!("{item:?}: write name:partitions"))?;
        topics.push((
            name,
            partitions
                .parse::<i32>()
                .map_err(|_| format!("{item:?}: not a count"))?,
        ));
    }
    let mut writer = Writer::request(19, 4, 1, false);
    writer.i32(topics.len() as i32);
    for (name, partitions) in &topics {
        writer.string(name).i32(*partitions).i16(1).i32(0).i32(0);
    }
    writer.i32(60_000).i8(0);
    let began = now_ns();
    let answer = Link::connect(&args.need::<String>("broker")?)?.call(&writer.finish())?;
    let seconds = (now_ns() - began) as f64 / 1e9;
    let mut reader = Reader(&answer);
    reader.i32()?; // correlation
    reader.i32()?; // throttle
    for _ in 0..reader.i32()? {
        let name = String::from_utf8_lossy(reader.string()?).into_owned();
        let error = reader.i16()?;
        let message = String::from_utf8_lossy(reader.string()?).into_owned();
        if error != 0 {
            return Err(format!("topic {name}: error {error} {message}"));
        }
    }
    println!(r#"{{"topics":{},"seconds":{seconds:.6}}}"#, topics.len());
    Ok(())
}
