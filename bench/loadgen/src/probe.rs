//! `probe`: what the device and the loopback cost on this machine in this minute.
//!
//! * `flush`: a 4 KiB O_DIRECT write into a pre-written file plus `fdatasync`, one after the other: a journal commit's shape.
//! * `round_trip`: 64 bytes there and back over loopback TCP, both ends asleep in epoll on their own cores.
//!
//! D of the latency rows is the sum of the two, quantile by quantile.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::thread;

use crate::args::Args;
use crate::histogram::Histogram;
use crate::sys::{self, Epoll, now_ns};

const BLOCK_BYTES: usize = 4096;
const FILE_BYTES: usize = 16 << 20;
const MESSAGE_BYTES: usize = 64;

#[repr(align(4096))]
struct Block([u8; BLOCK_BYTES]);

pub fn run(args: &Args) -> Result<(), String> {
    let dir: String = args.need("dir")?;
    let core: usize = args.get("core", 0)?;
    let far_core: usize = args.get("far-core", 1)?;
    let flush =
        flush(&dir, args.get("flushes", 2_000)?).map_err(|error| format!("{dir}: {error}"))?;
    let round_trip = round_trip(core, far_core, args.get("trips", 10_000)?)?;
    println!(
        r#"{{"flush":{},"round_trip":{}}}"#,
        flush.json(),
        round_trip.json()
    );
    Ok(())
}

fn flush(dir: &str, flushes: usize) -> std::io::Result<Histogram> {
    let path = format!("{dir}/loadgen-probe");
    let file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .custom_flags(libc::O_DIRECT)
        .open(&path)?;
    let mut block = Block([0; BLOCK_BYTES]);
    for at in (0..FILE_BYTES).step_by(BLOCK_BYTES) {
        file.write_all_at(&block.0, at as u64)?;
    }
    file.sync_all()?;
    let mut histogram = Histogram::new();
    for n in 0..flushes {
        block.0.fill(n as u8 | 1);
        let began = now_ns();
        file.write_all_at(&block.0, ((n * BLOCK_BYTES) % FILE_BYTES) as u64)?;
        file.sync_data()?;
        histogram.record(now_ns() - began);
    }
    std::fs::remove_file(path)?;
    Ok(histogram)
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
