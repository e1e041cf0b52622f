//! One blocking connection for requests that are not measured: write a frame, read a frame.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const ANSWER_WAIT: Duration = Duration::from_secs(60);

pub struct Link(TcpStream);

impl Link {
    pub fn connect(address: &str) -> Result<Link, String> {
        let stream = TcpStream::connect(address).map_err(|error| format!("{address}: {error}"))?;
        stream
            .set_nodelay(true)
            .map_err(|error| error.to_string())?;
        stream
            .set_read_timeout(Some(ANSWER_WAIT))
            .map_err(|error| error.to_string())?;
        Ok(Link(stream))
    }

    /// Sends one whole frame and gives the answer's bytes after the length.
    pub fn call(&mut self, frame: &[u8]) -> Result<Vec<u8>, String> {
        let failed = |error: std::io::Error| format!("broker: {error}");
        self.0.write_all(frame).map_err(failed)?;
        let mut length = [0; 4];
        self.0.read_exact(&mut length).map_err(failed)?;
        let mut answer = vec![0; u32::from_be_bytes(length) as usize];
        self.0.read_exact(&mut answer).map_err(failed)?;
        Ok(answer)
    }
}
