//! What a broker's process used, from /proc: CPU, memory, bytes written.

use std::fs;

use crate::sys::clock_ticks_per_s;

#[derive(Clone, Copy)]
pub struct Usage {
    /// User and system time of all threads, dead ones too. The kernel scales it to exact run time; it counts in ticks.
    pub cpu_s: f64,
    /// Bytes this process caused to be written to storage.
    pub write_bytes: u64,
    pub rss_bytes: u64,
}

/// Reads the figures of one process.
pub fn usage(pid: u32) -> Result<Usage, String> {
    let read = |name: &str| {
        let path = format!("/proc/{pid}/{name}");
        fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))
    };
    let stat = read("stat")?;
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .map_or("", |(_, rest)| rest)
        .split_whitespace()
        .collect();
    let number = |at: usize| {
        fields
            .get(at)
            .and_then(|text| text.parse::<u64>().ok())
            .unwrap_or(0)
    };
    let io = read("io")?;
    let write_bytes = io
        .lines()
        .find_map(|line| line.strip_prefix("write_bytes: "))
        .and_then(|text| text.parse().ok())
        .ok_or("no write_bytes in /proc/PID/io")?;
    Ok(Usage {
        cpu_s: (number(11) + number(12)) as f64 / clock_ticks_per_s(),
        write_bytes,
        rss_bytes: number(21) * 4096,
    })
}

/// The difference of two readings as a JSON object, with the cost of one GB (10^9 bytes).
pub fn json(before: Usage, after: Usage, bytes: u64, seconds: f64) -> String {
    let cpu_s = after.cpu_s - before.cpu_s;
    format!(
        r#"{{"cpu_s":{cpu_s:.3},"cpu_share":{:.4},"cpu_s_per_gb":{:.4},"write_bytes":{},"rss_bytes":{}}}"#,
        cpu_s / seconds,
        if bytes == 0 {
            0.0
        } else {
            cpu_s / (bytes as f64 / 1e9)
        },
        after.write_bytes - before.write_bytes,
        after.rss_bytes,
    )
}
