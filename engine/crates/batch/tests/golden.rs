//! Batches that real clients made, kept in `tests/formats/batches` (see its README).
#![allow(clippy::disallowed_methods)] // tests read their own data files

use std::path::Path;

use batch::{Codec, Header, check, recompress, records, section};
use model::limits::BATCH_DECOMPRESSED_BYTES_MAX;

const ENCODERS: [&str; 3] = ["java", "librdkafka", "aiokafka"];

fn stored(encoder: &str, codec: Codec) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/formats/batches");
    let path = folder.join(format!("{encoder}-{}.batch", codec.name()));
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn expect_the_ten_records(bytes: &[u8]) {
    let header = Header::read(bytes).unwrap();
    let mut scratch = Vec::new();
    let section = section(&header, bytes, &mut scratch, BATCH_DECOMPRESSED_BYTES_MAX).unwrap();
    let mut count = 0;
    for (i, record) in (0_i64..).zip(records(&header, section)) {
        let record = record.unwrap();
        assert_eq!(record.offset.0, i);
        assert_eq!(record.timestamp, 1_700_000_000_000 + if i % 2 == 0 { i } else { -i });
        let key = format!("key-{i}");
        assert_eq!(record.key, (i % 3 != 0).then_some(key.as_bytes()));
        let value = format!("{}{i}", "value ".repeat(20));
        assert_eq!(record.value, (i != 7).then_some(value.as_bytes()));
        let headers: Vec<_> = record.headers.collect();
        let expected: &[(&[u8], Option<&[u8]>)] =
            if i % 2 == 0 { &[] } else { &[(b"h", Some(b"x")), (b"h", None)] };
        assert_eq!(headers, expected);
        count += 1;
    }
    assert_eq!(count, 10);
}

#[test]
fn every_client_and_codec_is_read() {
    for encoder in ENCODERS {
        for codec in Codec::ALL {
            let bytes = stored(encoder, codec);
            let header = check(&bytes).unwrap_or_else(|e| panic!("{encoder} {codec:?}: {e}"));
            assert_eq!(header.attributes.codec(), Ok(codec), "{encoder}");
            assert_eq!(header.max_timestamp, 1_700_000_000_008);
            expect_the_ten_records(&bytes);
        }
    }
}

#[test]
fn every_client_and_codec_is_recompressed_into_every_other() {
    for encoder in ENCODERS {
        for codec in Codec::ALL {
            for to in Codec::ALL {
                let bytes = recompress(&stored(encoder, codec), to, None).unwrap();
                assert_eq!(check(&bytes).unwrap().attributes.codec(), Ok(to));
                expect_the_ten_records(&bytes);
            }
        }
    }
}

#[test]
fn our_own_encoding_is_javas_byte_for_byte() {
    let java = stored("java", Codec::None);
    let header = Header::read(&java).unwrap();
    let mut builder = batch::Builder::new().producer(4000, 1, 20);
    for record in records(&header, &java[batch::HEADER_BYTES..]) {
        let record = record.unwrap();
        let headers: Vec<_> = record.headers.collect();
        builder.push(record.timestamp, record.key, record.value, &headers);
    }
    assert_eq!(builder.finish(Codec::None), java);
}
