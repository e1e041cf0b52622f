//! `probe`: what the device and the loopback cost on this machine in this minute.
//!
//! * `flush`: a 4 KiB O_DIRECT write into a pre-written file plus `fdatasync`, one after the other: a journal commit's shape.
//! * `stream`: the same with 1 MiB at a time, in GB/s: what a log on this device can be, written once.
//! * `twice`: what one core can receive, write and sync, and write once more, in GB/s: see [`crate::twice`].
//! * `round_trip`: 64 bytes there and back over loopback TCP, both ends asleep in epoll on their own cores.
//!
//! D of the latency rows is the sum of the two, quantile by quantile.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::thread;

use crate::args::Args;
use crate::histogram::Histogram;
use crate::sys::{self, Epoll, now_ns};
use crate::twice;

const BLOCK_BYTES: usize = 4096;
const FILE_BYTES: usize = 16 << 20;
const STREAM_BYTES: usize = 1 << 20;
const STREAM_WRITES: usize = 256;
const MESSAGE_BYTES: usize = 64;

#[repr(align(4096))]
struct Block<const BYTES: usize>([u8; BYTES]);

pub fn run(args: &Args) -> Result<(), String> {
    let dir: String = args.need("dir")?;
    let core: usize = args.get("core", 0)?;
    let far_core: usize = args.get("far-core", 1)?;
    let flushes = args.get("flushes", 2_000)?;
    let of_dir = |error| format!("{dir}: {error}");
    let (flush, _) = write::<BLOCK_BYTES>(&dir, flushes).map_err(of_dir)?;
    let (_, seconds) = write::<STREAM_BYTES>(&dir, STREAM_WRITES).map_err(of_dir)?;
    let stream = (STREAM_BYTES * STREAM_WRITES) as f64 / seconds / 1e9;
    let twice = twice::run(&dir, core, far_core)?;
    let round_trip = round_trip(core, far_core, args.get("trips", 10_000)?)?;
    println!(
        r#"{{"flush":{},"stream_gb_per_s":{stream:.3},"twice_gb_per_s":{twice:.3},"round_trip":{}}}"#,
        flush.json(),
        round_trip.json()
    );
    Ok(())
}

/// Synced writes of one size over and over the same file: how long each took, and seconds in all.
fn write<const BYTES: usize>(dir: &str, writes: usize) -> std::io::Result<(Histogram, f64)> {
    let path = format!("{dir}/loadgen-probe");
    let file = sys::direct_file(&path)?;
    let mut block = Box::new(Block([0; BYTES]));
    for at in (0..FILE_BYTES).step_by(BYTES) {
        file.write_all_at(&block.0, at as u64)?;
    }
    file.sync_all()?;
    let mut histogram = Histogram::new();
    let first = now_ns();
    for n in 0..writes {
        block.0[0] = n as u8 | 1;
        let began = now_ns();
        file.write_all_at(&block.0, ((n * BYTES) % FILE_BYTES) as u64)?;
        file.sync_data()?;
        histogram.record(now_ns() - began);
    }
    let seconds = (now_ns() - first) as f64 / 1e9;
    std::fs::remove_file(path)?;
    Ok((histogram, seconds))
}

fn round_trip(core: usize, far_core: usize, trips: usize) -> Result<Histogram, String> {
    let failed = |error: std::io::Error| format!("loopback: {error}");
    let listener = TcpListener::bind("127.0.0.1:0").map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let echo = thread::spawn(move || -> Result<(), String> {
        sys::pin(far_core)?;
        let (stream, _) = listener.accept().map_err(failed)?;
        let mut end = End::new(stream).map_err(failed)?;
        while end.receive().map_err(failed)? {
            end.send().map_err(failed)?;
        }
        Ok(())
    });
    sys::pin(core)?;
    let mut end = End::new(TcpStream::connect(address).map_err(failed)?).map_err(failed)?;
    let mut histogram = Histogram::new();
    for n in 0..trips + trips / 10 {
        let began = now_ns();
        end.send().map_err(failed)?;
        end.receive().map_err(failed)?;
        if n >= trips / 10 {
            histogram.record(now_ns() - began);
        }
    }
    drop(end);
    echo.join()
        .map_err(|_| "the echo thread panicked".to_owned())??;
    Ok(histogram)
}

struct End {
    stream: TcpStream,
    epoll: Epoll,
    message: [u8; MESSAGE_BYTES],
}

impl End {
    fn new(stream: TcpStream) -> std::io::Result<End> {
        stream.set_nodelay(true)?;
        let epoll = Epoll::new();
        epoll.add(stream.as_raw_fd(), 0, sys::READABLE);
        Ok(End {
            stream,
            epoll,
            message: [0; MESSAGE_BYTES],
        })
    }

    fn send(&mut self) -> std::io::Result<()> {
        self.stream.write_all(&self.message)
    }

    /// Waits for one message; false when the other end is gone.
    fn receive(&mut self) -> std::io::Result<bool> {
        let mut got = 0;
        while got < MESSAGE_BYTES {
            if self.epoll.wait(None).next().is_none() {
                continue;
            }
            match self.stream.read(&mut self.message[got..])? {
                0 => return Ok(false),
                n => got += n,
            }
        }
        Ok(true)
    }
}
