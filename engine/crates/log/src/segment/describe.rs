//! Kafka's small text files beside the segments, for its tools: nothing of ours reads them.

use std::fmt::Write;
use std::io::Result as IoResult;
use std::path::Path;

use io::{OpenMode, Storage};
use model::{Epoch, Offset, TopicId};

const EPOCHS: &str = "leader-epoch-checkpoint";
const METADATA: &str = "partition.metadata";
pub(super) const NAMES: [&str; 2] = [EPOCHS, METADATA];

/// Writes `leader-epoch-checkpoint` (each epoch with its first offset) and `partition.metadata`. Each is written beside and
/// renamed, so that a tool never meets half a file; they are not synced, because nothing depends on them.
pub fn write_descriptions(
    storage: &dyn Storage,
    dir: &Path,
    topic: TopicId,
    epochs: &[(Epoch, Offset)],
) -> IoResult<()> {
    replace(storage, dir, EPOCHS, &epochs_text(epochs))?;
    replace(storage, dir, METADATA, &format!("version: 0\ntopic_id: {topic}"))
}

/// Version, number of entries, then one line `epoch start` for each.
fn epochs_text(epochs: &[(Epoch, Offset)]) -> String {
    let mut text = format!("0\n{}\n", epochs.len());
    for (epoch, start) in epochs {
        writeln!(text, "{} {}", epoch.0, start.0).expect("writing to memory does not fail");
    }
    text
}

fn replace(storage: &dyn Storage, dir: &Path, name: &str, text: &str) -> IoResult<()> {
    let new = dir.join(format!("{name}.tmp"));
    let file = storage.open(&new, OpenMode::Create)?;
    file.set_len(0)?;
    file.write_at(text.as_bytes(), 0)?;
    storage.rename(&new, &dir.join(name))
}
