//! Directories that nothing speaks of any more are moved aside, never deleted: `lost/` beside `topics/`.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Result as IoResult};
use std::path::{Path, PathBuf};

use io::{Job, Storage};
use model::GroupId;

use super::Store;
use crate::error::OpenError;

const TOPICS: &str = "topics";
const LOST: &str = "lost";

/// What a shard's journal knows, for [`move_orphans`].
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Directories of its partitions, also of removed ones that are not gone yet.
    pub directories: Vec<PathBuf>,
    /// It has never recorded anything.
    pub is_new: bool,
}

impl Store {
    /// What its journal knew when it was opened.
    #[must_use]
    pub fn known(&self) -> Known {
        Known { directories: self.logs.directories(), is_new: self.is_new }
    }
}

/// Moves directories aside that no shard's journal knows. Gives one sentence for each. A journal that knows nothing beside
/// directories of nobody is not new, it is gone: an error, unless loss is accepted.
pub fn move_orphans(
    storage: &dyn Storage,
    data_dir: &Path,
    shards: &[Known],
    accept_loss: bool,
) -> Result<Vec<String>, OpenError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error: std::io::Error| OpenError(format!("cannot look through {}: {error}", path.display()))
    };
    let known: BTreeSet<&PathBuf> = shards.iter().flat_map(|shard| &shard.directories).collect();
    let topics = data_dir.join(TOPICS);
    let mut orphans = Vec::new();
    for topic in storage.list(&topics).map_err(failed(&topics))? {
        let partitions = match storage.list(&topic) {
            Err(error) if error.kind() == ErrorKind::NotADirectory => continue, // nothing of ours
            listed => listed.map_err(failed(&topic))?,
        };
        orphans.extend(partitions.into_iter().filter(|partition| !known.contains(partition)));
    }
    if orphans.is_empty() {
        return Ok(Vec::new());
    }
    if let Some(shard) = shards.iter().position(|shard| shard.is_new).filter(|_| !accept_loss) {
        return Err(OpenError(format!(
            "the journal of shard {shard} is empty, but {} holds {} directories that no journal knows, {} among them; restore the data directory from a replica or a copy, records may be lost otherwise",
            topics.display(),
            orphans.len(),
            orphans[0].display()
        )));
    }
    let mut said = Vec::new();
    for from in orphans {
        let aside =
            Aside { group: None, to: place_for(storage, data_dir, &from).map_err(failed(&from))?, from };
        aside.move_it(storage).map_err(failed(&aside.from))?;
        said.push(format!(
            "{} belongs to no partition: moved to {}",
            aside.from.display(),
            aside.to.display()
        ));
    }
    Ok(said)
}

/// A name under `lost/` that is free.
fn place_for(storage: &dyn Storage, data_dir: &Path, from: &Path) -> IoResult<PathBuf> {
    let inside =
        from.strip_prefix(data_dir.join(TOPICS)).expect("a partition's directory stands under topics");
    let to = data_dir.join(LOST).join(inside);
    let there = storage.list(to.parent().expect("it has a topic"))?;
    let free = (1..).map(|n| to.with_extension(n.to_string())).find(|name| !there.contains(name));
    Ok(if there.contains(&to) { free.expect("numbers are many") } else { to })
}

/// Moves one directory aside.
pub(super) struct Aside {
    /// Whose it is, if the journal knows it.
    pub group: Option<GroupId>,
    pub from: PathBuf,
    pub to: PathBuf,
}

impl Aside {
    /// For a partition of a running store.
    pub fn of(group: GroupId, data_dir: &Path, from: PathBuf) -> Aside {
        let inside = from.strip_prefix(data_dir.join(TOPICS)).expect("a log stands under topics");
        // Group numbers are never reused, so the name is free.
        Aside { group: Some(group), to: data_dir.join(LOST).join(inside), from }
    }

    fn move_it(&self, storage: &dyn Storage) -> IoResult<()> {
        let parent = self.to.parent().expect("it has a topic");
        storage.create_dir_all(parent)?;
        match storage.rename(&self.from, &self.to) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()), // nothing was ever written
            Err(error) => return Err(error),
        }
        for dir in parent.ancestors().take(3) {
            storage.sync_dir(dir)?;
        }
        storage.sync_dir(self.from.parent().expect("it has a topic"))
    }
}

/// It is moved, or stays where it is.
pub(super) struct MovedAside {
    pub group: Option<GroupId>,
    pub result: IoResult<()>,
}

impl Job for Aside {
    type Done = MovedAside;

    fn run(self, storage: &dyn Storage) -> MovedAside {
        MovedAside { group: self.group, result: self.move_it(storage) }
    }
}
