//! Zig-zag varints as records use them (Protocol Buffers' encoding).

/// Reads an i32 from the front of `bytes`; `None` if it does not end in 5 bytes or does not fit.
#[inline]
pub(crate) fn read_i32(bytes: &mut &[u8]) -> Option<i32> {
    let raw = match short(bytes) {
        Some(raw) => raw,
        None => u32::try_from(read(bytes, 5)?).ok()?,
    };
    Some((raw >> 1) as i32 ^ -((raw & 1) as i32))
}

/// Reads an i64 from the front of `bytes`; `None` if it does not end in 10 bytes or does not fit.
#[inline]
pub(crate) fn read_i64(bytes: &mut &[u8]) -> Option<i64> {
    let raw = match short(bytes) {
        Some(raw) => u64::from(raw),
        None => read(bytes, 10)?,
    };
    Some((raw >> 1) as i64 ^ -((raw & 1) as i64))
}

/// Most varints in records have one byte or two, and every record produced is walked over.
#[inline]
fn short(bytes: &mut &[u8]) -> Option<u32> {
    match **bytes {
        [one, ref rest @ ..] if one < 0x80 => {
            *bytes = rest;
            Some(u32::from(one))
        }
        [low, high, ref rest @ ..] if high < 0x80 => {
            *bytes = rest;
            Some(u32::from(low & 0x7f) | u32::from(high) << 7)
        }
        _ => None,
    }
}

#[cold]
fn read(bytes: &mut &[u8], bytes_max: usize) -> Option<u64> {
    let mut value = 0_u64;
    for (i, byte) in bytes.iter().take(bytes_max).enumerate() {
        let group = u64::from(byte & 0x7f);
        if i == 9 && group > 1 {
            return None; // more than 64 bits
        }
        value |= group << (7 * i);
        if byte & 0x80 == 0 {
            *bytes = &bytes[i + 1..];
            return Some(value);
        }
    }
    None
}

/// Appends an i64 (or a sign-extended i32: the encoding is the same).
pub(crate) fn write(out: &mut Vec<u8>, value: i64) {
    let mut raw = ((value << 1) ^ (value >> 63)) as u64;
    while raw >= 0x80 {
        out.push(raw as u8 | 0x80);
        raw >>= 7;
    }
    out.push(raw as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_round_trip() {
        for value in [0, -1, 1, 63, -64, 64, i64::from(i32::MIN), i64::from(i32::MAX), i64::MIN, i64::MAX] {
            let mut bytes = Vec::new();
            write(&mut bytes, value);
            let mut rest = &bytes[..];
            assert_eq!(read_i64(&mut rest), Some(value));
            assert!(rest.is_empty());
            let mut rest = &bytes[..];
            assert_eq!(read_i32(&mut rest).map(i64::from), i32::try_from(value).ok().map(i64::from));
        }
    }

    #[test]
    fn varints_without_end_are_refused() {
        assert_eq!(read_i64(&mut &[0x80_u8; 20][..]), None);
        assert_eq!(read_i32(&mut &[0x80_u8; 20][..]), None);
        assert_eq!(read_i64(&mut &[0x80_u8; 3][..]), None);
        assert_eq!(read_i64(&mut &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2_u8][..]), None);
    }
}
