//! Little-endian fields, written twice by the same code: once to count, once to copy. Read from bytes present only.

/// Where an encoding goes.
pub trait Sink {
    /// The next bytes.
    fn put(&mut self, bytes: &[u8]);

    /// One byte.
    fn u8(&mut self, n: u8) {
        self.put(&[n]);
    }
    /// Four bytes.
    fn u32(&mut self, n: u32) {
        self.put(&n.to_le_bytes());
    }
    /// Four bytes, signed.
    fn i32(&mut self, n: i32) {
        self.put(&n.to_le_bytes());
    }
    /// Eight bytes.
    fn u64(&mut self, n: u64) {
        self.put(&n.to_le_bytes());
    }
    /// Eight bytes, signed.
    fn i64(&mut self, n: i64) {
        self.put(&n.to_le_bytes());
    }
    /// A count of things that follow.
    fn count(&mut self, n: usize) {
        self.u32(u32::try_from(n).expect("counts stay below 2^32"));
    }
}

/// From this size on what is copied goes past the processor's caches: the disk looks at it next.
const STREAM_BYTES_MIN: usize = 4096;

/// Only counts.
#[derive(Default)]
pub struct Counter(pub usize);

impl Sink for Counter {
    fn put(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
    }
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Copies into a slice that was made large enough.
pub struct Slice<'a> {
    bytes: &'a mut [u8],
    at: usize,
}

impl<'a> Slice<'a> {
    /// From the slice's beginning.
    pub fn new(bytes: &'a mut [u8]) -> Slice<'a> {
        Slice { bytes, at: 0 }
    }

    /// Bytes written.
    #[must_use]
    pub fn written(&self) -> usize {
        self.at
    }
}

impl Sink for Slice<'_> {
    fn put(&mut self, bytes: &[u8]) {
        let to = &mut self.bytes[self.at..self.at + bytes.len()];
        if bytes.len() >= STREAM_BYTES_MIN {
            io::stream::copy(to, bytes)
        } else {
            to.copy_from_slice(bytes)
        }
        self.at += bytes.len();
    }
}

/// The bytes end too early, or say something that is not defined.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Malformed;

/// Takes fields off the front of bytes.
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    /// The next `n` bytes.
    pub fn take(&mut self, n: usize) -> Result<&'a [u8], Malformed> {
        let (front, rest) = self.0.split_at_checked(n).ok_or(Malformed)?;
        self.0 = rest;
        Ok(front)
    }
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (front, rest) = self.0.split_first_chunk::<N>().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*front)
    }
    /// One byte.
    pub fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(u8::from_le_bytes(self.array()?))
    }
    /// Two bytes.
    pub fn u16(&mut self) -> Result<u16, Malformed> {
        Ok(u16::from_le_bytes(self.array()?))
    }
    /// Four bytes.
    pub fn u32(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_le_bytes(self.array()?))
    }
    /// Four bytes, signed.
    pub fn i32(&mut self) -> Result<i32, Malformed> {
        Ok(i32::from_le_bytes(self.array()?))
    }
    /// Eight bytes.
    pub fn u64(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_le_bytes(self.array()?))
    }
    /// Eight bytes, signed.
    pub fn i64(&mut self) -> Result<i64, Malformed> {
        Ok(i64::from_le_bytes(self.array()?))
    }
    /// Sixteen bytes.
    pub fn id(&mut self) -> Result<[u8; 16], Malformed> {
        self.array()
    }
    /// A count of things of at least `each` bytes that must still be here.
    pub fn count(&mut self, each: usize) -> Result<usize, Malformed> {
        let n = self.u32()? as usize;
        if n.checked_mul(each).is_none_or(|bytes| bytes > self.0.len()) {
            return Err(Malformed);
        }
        Ok(n)
    }
    /// Nothing is left.
    pub fn end(&self) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed) }
    }
}
