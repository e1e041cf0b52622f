//! A client's end of a connection: frames out, frames in, and whether it still is one.

use super::net::{PipeId, Wires};

/// A client's connection, or none.
#[derive(Default)]
pub(super) struct Link {
    pipe: Option<PipeId>,
    input: Vec<u8>,
    correlation: i32,
}

impl Link {
    pub fn is_up(&self) -> bool {
        self.pipe.is_some()
    }

    pub fn pipe(&self) -> Option<PipeId> {
        self.pipe
    }

    pub fn connect(&mut self, wires: &mut Wires, shard: usize, window: usize) {
        self.input.clear();
        self.pipe = Some(wires.connect(shard, window));
    }

    pub fn next_correlation(&mut self) -> i32 {
        self.correlation += 1;
        self.correlation
    }

    pub fn send(&mut self, wires: &mut Wires, frame: &[u8]) {
        let pipe = self.pipe.expect("only a client with a connection sends");
        wires.client_write(pipe, frame);
    }

    /// Takes what has arrived. False: the connection was there and is over.
    pub fn poll(&mut self, wires: &mut Wires) -> bool {
        let Some(pipe) = self.pipe else { return true };
        if wires.client_read(pipe, &mut self.input) {
            return true;
        }
        self.close(wires);
        false
    }

    pub fn close(&mut self, wires: &mut Wires) {
        if let Some(pipe) = self.pipe.take() {
            wires.client_close(pipe);
        }
        self.input.clear();
    }

    /// The next whole answer.
    pub fn frame(&mut self) -> Option<Vec<u8>> {
        let (len, rest) = self.input.split_first_chunk::<4>()?;
        let len = usize::try_from(i32::from_be_bytes(*len)).expect("answers have a length");
        let frame = rest.get(..len)?.to_vec();
        self.input.drain(..4 + len);
        Some(frame)
    }
}
