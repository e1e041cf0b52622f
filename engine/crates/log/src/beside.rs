//! A small file that a partition keeps beside its segments, replaced as a whole.

use std::io::Result as IoResult;
use std::path::PathBuf;

use io::{Job, OpenMode, Storage};
use model::{Epoch, GroupId, LogIndex};

use crate::log::Log;

/// Writes the file under another name, syncs it, renames it, and unlinks the older ones with its suffix.
pub struct WriteBeside {
    group: GroupId,
    dir: PathBuf,
    new_dir: bool,
    name: String,
    bytes: Vec<u8>,
}

/// The file is there, durably, or it is not.
pub struct WroteBeside {
    /// Whose.
    pub group: GroupId,
    /// What the system said.
    pub result: IoResult<()>,
}

impl Job for WriteBeside {
    type Done = WroteBeside;

    fn run(self, storage: &dyn Storage) -> WroteBeside {
        WroteBeside { group: self.group, result: self.write(storage) }
    }
}

impl WriteBeside {
    fn write(&self, storage: &dyn Storage) -> IoResult<()> {
        if self.new_dir {
            storage.create_dir_all(&self.dir)?;
        }
        let path = self.dir.join(&self.name);
        let making = self.dir.join(format!("{}.new", self.name));
        let file = storage.open(&making, OpenMode::Create)?;
        file.set_len(0)?;
        file.write_at(&self.bytes, 0)?;
        file.sync_data()?;
        storage.rename(&making, &path)?;
        storage.sync_dir(&self.dir)?;
        if self.new_dir {
            for parent in self.dir.ancestors().skip(1).take(3) {
                storage.sync_dir(parent)?;
            }
        }
        let suffix = path.extension();
        for other in storage.list(&self.dir)?.iter().filter(|other| other.extension() == suffix) {
            if *other != path {
                storage.unlink(other)?;
            }
        }
        Ok(())
    }
}

impl Log {
    /// A job that writes a file beside the segments; `None` while another works on the log's files.
    pub fn write_beside(&mut self, name: String, bytes: Vec<u8>) -> Option<WriteBeside> {
        if self.busy {
            return None;
        }
        self.busy = true;
        Some(WriteBeside { group: self.group, dir: self.dir(), new_dir: !self.has_dir, name, bytes })
    }

    pub(crate) fn wrote_beside(&mut self, done: &WroteBeside) {
        self.busy = false;
        self.has_dir |= done.result.is_ok();
    }

    /// Epoch of the element before an index; `None` where that is folded away.
    #[must_use]
    pub fn epoch_before(&self, index: LogIndex) -> Option<Epoch> {
        (index >= self.markers.base.index).then(|| self.markers.epoch_before(index))
    }

    /// First index that still has an offset.
    #[must_use]
    pub fn base_index(&self) -> LogIndex {
        self.markers.base.index
    }
}
