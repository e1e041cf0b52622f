//! What one core and the disk can take at most if every byte is received, written and synced, then written once more.
//!
//! No requests, no checksums, no indexes, no answers: received bytes are copied into blocks of 1 MiB, a second thread writes
//! and syncs each, a third copies it and writes it to another file. The other end sends from another core.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::FileExt;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use crate::sys::{self, now_ns};

const BLOCK_BYTES: usize = 1 << 20;
const BLOCKS: usize = 48;
const FILE_BLOCKS: u64 = 64;
const READ_BYTES: usize = 256 << 10;
/// The second file is synced once in so many blocks.
const SYNC_BLOCKS: u64 = 8;
const WARMUP_NS: u64 = 300_000_000;
const SECONDS: f64 = 1.5;

type Block = &'static mut [u8];

/// Synced GB/s.
pub fn run(dir: &str, core: usize, far_core: usize) -> Result<f64, String> {
    let failed = |error: std::io::Error| format!("{dir}: {error}");
    let mut blocks: Vec<Block> = sys::huge_pages((BLOCKS + 2) * BLOCK_BYTES)
        .chunks_exact_mut(BLOCK_BYTES)
        .collect();
    let pieces = blocks.split_off(BLOCKS);
    let first = Target::make(dir, "first", &pieces).map_err(failed)?;
    let second = Target::make(dir, "second", &pieces).map_err(failed)?;
    let (give, free) = channel();
    blocks
        .into_iter()
        .for_each(|block| give.send(block).expect("it is held here"));
    let (received, commits) = channel();
    let (committed, writes) = channel();
    let commit = thread::spawn(move || {
        sys::pin(far_core)?;
        first.commit(&commits, &committed)
    });
    let write = thread::spawn(move || {
        sys::pin(far_core)?;
        second.write(pieces, &writes, &give)
    });
    let listener = TcpListener::bind("127.0.0.1:0").map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let send = thread::spawn(move || -> Result<(), String> {
        sys::pin(core)?;
        let mut stream = TcpStream::connect(address).map_err(|error| error.to_string())?;
        let bytes = vec![7; READ_BYTES];
        while stream.write_all(&bytes).is_ok() {} // until the other end has enough
        Ok(())
    });
    sys::pin(far_core)?;
    let (stream, _) = listener.accept().map_err(failed)?;
    let result = receive(stream, &free, received).map_err(failed);
    for thread in [commit, write, send] {
        thread
            .join()
            .map_err(|_| "a thread of the probe panicked".to_owned())??;
    }
    result
}

/// Receives for a while; GB/s of what was taken, which cannot be far ahead of what is written.
fn receive(
    mut stream: TcpStream,
    free: &Receiver<Block>,
    received: Sender<Block>,
) -> std::io::Result<f64> {
    let mut scratch = vec![0; READ_BYTES];
    let began = now_ns() + WARMUP_NS;
    let mut bytes = 0;
    loop {
        let block = free.recv().expect("as many blocks come back");
        for part in block.chunks_exact_mut(READ_BYTES) {
            stream.read_exact(&mut scratch)?;
            part.copy_from_slice(&scratch);
        }
        received.send(block).expect("the committer takes all");
        let now = now_ns();
        if now < began {
            continue;
        }
        bytes += BLOCK_BYTES;
        let seconds = (now - began) as f64 / 1e9;
        if seconds >= SECONDS {
            return Ok(bytes as f64 / seconds / 1e9);
        }
    }
}

/// A pre-written file, written over and over.
struct Target {
    file: File,
    path: String,
    blocks: u64,
}

impl Target {
    fn make(dir: &str, name: &str, pieces: &[Block]) -> std::io::Result<Target> {
        let path = format!("{dir}/loadgen-{name}");
        let file = sys::direct_file(&path)?;
        let mut target = Target {
            file,
            path,
            blocks: 0,
        };
        for _ in 0..FILE_BLOCKS {
            target.put(&*pieces[0])?;
        }
        target.file.sync_all()?;
        Ok(target)
    }

    fn put(&mut self, block: &[u8]) -> std::io::Result<()> {
        let position = self.blocks % FILE_BLOCKS * BLOCK_BYTES as u64;
        self.blocks += 1;
        self.file.write_all_at(block, position)
    }

    fn commit(
        mut self,
        commits: &Receiver<Block>,
        committed: &Sender<Block>,
    ) -> Result<(), String> {
        for block in commits {
            self.put(block)
                .and_then(|()| self.file.sync_data())
                .map_err(|error| error.to_string())?;
            committed.send(block).map_err(|_| "the writer is gone")?;
        }
        std::fs::remove_file(&self.path).map_err(|error| error.to_string())
    }

    fn write(
        mut self,
        mut pieces: Vec<Block>,
        writes: &Receiver<Block>,
        give: &Sender<Block>,
    ) -> Result<(), String> {
        for block in writes {
            let piece = &mut pieces[self.blocks as usize % 2];
            piece.copy_from_slice(block);
            let _ = give.send(block); // nobody needs it any more at the end
            let piece = &*pieces[self.blocks as usize % 2];
            let wrote = self.put(piece);
            let synced = if self.blocks.is_multiple_of(SYNC_BLOCKS) {
                self.file.sync_data()
            } else {
                Ok(())
            };
            wrote.and(synced).map_err(|error| error.to_string())?;
        }
        std::fs::remove_file(&self.path).map_err(|error| error.to_string())
    }
}
