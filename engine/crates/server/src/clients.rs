//! Which client libraries speak to us, and how often they said so.

use std::collections::BTreeMap;

/// Names and versions that are counted apart; clients choose them, so there must be an end to it.
const CLIENTS_MAX: usize = 256;
/// Longest name or version that is kept.
const NAME_BYTES_MAX: usize = 64;

/// Connections by client software.
#[derive(Debug, Default)]
pub struct Clients(BTreeMap<(String, String), u64>);

impl Clients {
    /// Counts a connection that introduced itself. Names from older versions of ApiVersions are empty.
    pub fn count(&mut self, name: &str, version: &str) {
        if name.is_empty() {
            return;
        }
        let key = (short(name), short(version));
        if self.0.len() < CLIENTS_MAX || self.0.contains_key(&key) {
            *self.0.entry(key).or_default() += 1;
        } else {
            *self.0.entry(("other".to_owned(), String::new())).or_default() += 1;
        }
    }

    /// (name, version, connections).
    pub fn counts(&self) -> impl Iterator<Item = (&str, &str, u64)> {
        self.0.iter().map(|((name, version), count)| (name.as_str(), version.as_str(), *count))
    }
}

fn short(name: &str) -> String {
    name.chars().take(NAME_BYTES_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_counted_by_name_and_version_up_to_a_limit() {
        let mut clients = Clients::default();
        clients.count("librdkafka", "2.11");
        clients.count("librdkafka", "2.11");
        clients.count("", "");
        assert_eq!(clients.counts().collect::<Vec<_>>(), [("librdkafka", "2.11", 2)]);
        for n in 0..2 * CLIENTS_MAX {
            clients.count("x", &n.to_string());
        }
        assert!(clients.counts().count() <= CLIENTS_MAX + 1);
    }
}
