//! Writing the protocol's primitives to the end of a reused buffer.

/// The primitives, each as long as the protocol says. Lengths are our own, so that they do not fit is a bug.
pub(crate) trait Write {
    fn int16(&mut self, value: i16);
    fn int32(&mut self, value: i32);
    fn int64(&mut self, value: i64);
    fn unsigned_varint(&mut self, value: u32);
    /// The count of an array.
    fn count(&mut self, flexible: bool, n: usize);
    fn string(&mut self, flexible: bool, value: &str);
    fn nullable_string(&mut self, flexible: bool, value: Option<&str>);
    /// No tagged fields, where there could be any.
    fn no_tags(&mut self, flexible: bool);
    /// A tag and the length of its field, which follows.
    fn tag(&mut self, tag: u32, len: usize);
}

impl Write for Vec<u8> {
    fn int16(&mut self, value: i16) {
        self.extend_from_slice(&value.to_be_bytes());
    }

    fn int32(&mut self, value: i32) {
        self.extend_from_slice(&value.to_be_bytes());
    }

    fn int64(&mut self, value: i64) {
        self.extend_from_slice(&value.to_be_bytes());
    }

    fn unsigned_varint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.push(value as u8);
    }

    fn count(&mut self, flexible: bool, n: usize) {
        if flexible {
            self.unsigned_varint(u32::try_from(n + 1).expect("counts are far below 2^32"));
        } else {
            self.int32(i32::try_from(n).expect("counts are far below 2^31"));
        }
    }

    fn string(&mut self, flexible: bool, value: &str) {
        self.nullable_string(flexible, Some(value));
    }

    fn nullable_string(&mut self, flexible: bool, value: Option<&str>) {
        match (flexible, value) {
            (true, None) => self.push(0),
            (false, None) => self.int16(-1),
            (true, Some(value)) => {
                self.count(true, value.len());
                self.extend_from_slice(value.as_bytes());
            }
            (false, Some(value)) => {
                self.int16(i16::try_from(value.len()).expect("our strings are short"));
                self.extend_from_slice(value.as_bytes());
            }
        }
    }

    fn no_tags(&mut self, flexible: bool) {
        if flexible {
            self.push(0);
        }
    }

    fn tag(&mut self, tag: u32, len: usize) {
        self.unsigned_varint(tag);
        self.unsigned_varint(u32::try_from(len).expect("fields are far below 4 GiB"));
    }
}

/// How many bytes [`Write::unsigned_varint`] takes.
pub(crate) const fn varint_len(value: usize) -> usize {
    let mut n = 1;
    let mut rest = value >> 7;
    while rest > 0 {
        n += 1;
        rest >>= 7;
    }
    n
}
