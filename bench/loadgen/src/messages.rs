//! The requests we send and the answers we look into, encoded by hand: Produce v9, Fetch v12, ListOffsets v5, CreateTopics v4.

const CLIENT_ID: &str = "loadgen";

/// Writes one request; the length in front is filled in by `finish`.
pub struct Writer(Vec<u8>);

impl Writer {
    pub fn request(key: i16, version: i16, correlation: i32, flexible: bool) -> Writer {
        let mut writer = Writer(vec![0; 4]);
        writer
            .i16(key)
            .i16(version)
            .i32(correlation)
            .string(CLIENT_ID);
        if flexible {
            writer.i8(0);
        }
        writer
    }

    pub fn i8(&mut self, value: i8) -> &mut Writer {
        self.raw(&value.to_be_bytes())
    }

    pub fn i16(&mut self, value: i16) -> &mut Writer {
        self.raw(&value.to_be_bytes())
    }

    pub fn i32(&mut self, value: i32) -> &mut Writer {
        self.raw(&value.to_be_bytes())
    }

    pub fn i64(&mut self, value: i64) -> &mut Writer {
        self.raw(&value.to_be_bytes())
    }

    pub fn string(&mut self, text: &str) -> &mut Writer {
        self.i16(text.len() as i16).raw(text.as_bytes())
    }

    /// A compact string, or the count of a compact array with `raw` after it.
    pub fn compact(&mut self, text: &str) -> &mut Writer {
        self.varint(text.len() as u64 + 1).raw(text.as_bytes())
    }

    pub fn count(&mut self, count: usize) -> &mut Writer {
        self.varint(count as u64 + 1)
    }

    pub fn varint(&mut self, mut value: u64) -> &mut Writer {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
        self
    }

    pub fn raw(&mut self, bytes: &[u8]) -> &mut Writer {
        self.0.extend_from_slice(bytes);
        self
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn finish(mut self) -> Vec<u8> {
        let length = (self.0.len() - 4) as u32;
        self.0[..4].copy_from_slice(&length.to_be_bytes());
        self.0
    }
}

/// Reads an answer; running off the end is an error, never a panic.
pub struct Reader<'a>(pub &'a [u8]);

type Read<T> = Result<T, String>;

impl<'a> Reader<'a> {
    pub fn take(&mut self, n: usize) -> Read<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(n).ok_or("answer ends early")?;
        self.0 = rest;
        Ok(head)
    }

    pub fn i16(&mut self) -> Read<i16> {
        Ok(i16::from_be_bytes(
            self.take(2)?.try_into().expect("two bytes"),
        ))
    }

    pub fn i32(&mut self) -> Read<i32> {
        Ok(i32::from_be_bytes(
            self.take(4)?.try_into().expect("four bytes"),
        ))
    }

    pub fn i64(&mut self) -> Read<i64> {
        Ok(i64::from_be_bytes(
            self.take(8)?.try_into().expect("eight bytes"),
        ))
    }

    pub fn varint(&mut self) -> Read<usize> {
        let mut value = 0_usize;
        for shift in (0..35).step_by(7) {
            let byte = self.take(1)?[0];
            value |= usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err("varint without end".to_owned())
    }

    pub fn string(&mut self) -> Read<&'a [u8]> {
        let length = self.i16()?;
        self.take(usize::try_from(length).unwrap_or(0))
    }

    /// Compact bytes or string; null reads as empty.
    pub fn compact(&mut self) -> Read<&'a [u8]> {
        let length = self.varint()?.saturating_sub(1);
        self.take(length)
    }

    pub fn count(&mut self) -> Read<usize> {
        Ok(self.varint()?.saturating_sub(1))
    }

    pub fn tags(&mut self) -> Read<()> {
        for _ in 0..self.varint()? {
            self.varint()?;
            let length = self.varint()?;
            self.take(length)?;
        }
        Ok(())
    }
}

/// A Produce v9 frame for one partition of one topic, and where to patch it: both places lie outside the batch's CRC.
pub struct ProduceFrame {
    pub bytes: Vec<u8>,
    pub correlation_at: usize,
    pub partition_at: usize,
}

pub fn produce(topic: &str, acks: i16, batch: &[u8]) -> ProduceFrame {
    const TIMEOUT_MS: i32 = 30_000;
    let mut writer = Writer::request(0, 9, 0, true);
    writer
        .varint(0)
        .i16(acks)
        .i32(TIMEOUT_MS)
        .count(1)
        .compact(topic)
        .count(1);
    let partition_at = writer.len();
    writer
        .i32(0)
        .varint(batch.len() as u64 + 1)
        .raw(batch)
        .i8(0)
        .i8(0)
        .i8(0);
    ProduceFrame {
        bytes: writer.finish(),
        correlation_at: 8,
        partition_at,
    }
}

pub struct ProduceAnswer {
    pub correlation: i32,
    pub partition: i32,
    pub error: i16,
    pub base_offset: i64,
}

/// Looks into the body of a Produce v9 answer for one partition (the frame without its length).
pub fn produce_answer(frame: &[u8]) -> Read<ProduceAnswer> {
    let mut reader = Reader(frame);
    let correlation = reader.i32()?;
    reader.tags()?;
    reader.count()?;
    reader.compact()?;
    reader.count()?;
    Ok(ProduceAnswer {
        correlation,
        partition: reader.i32()?,
        error: reader.i16()?,
        base_offset: reader.i64()?,
    })
}
