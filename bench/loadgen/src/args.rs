//! `--name value` pairs, each with a default at the place that reads it.

use std::collections::BTreeMap;
use std::str::FromStr;

pub struct Args(BTreeMap<String, String>);

impl Args {
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Args, String> {
        let mut pairs = BTreeMap::new();
        while let Some(word) = words.next() {
            let name = word
                .strip_prefix("--")
                .ok_or_else(|| format!("{word:?} is not an option"))?;
            let value = words
                .next()
                .ok_or_else(|| format!("--{name} needs a value"))?;
            pairs.insert(name.to_owned(), value);
        }
        Ok(Args(pairs))
    }

    /// The option's value, or the default where it was not given.
    pub fn get<T: FromStr>(&self, name: &str, default: T) -> Result<T, String> {
        match self.0.get(name) {
            None => Ok(default),
            Some(text) => text
                .parse()
                .map_err(|_| format!("--{name} {text:?}: not a value of its kind")),
        }
    }

    /// The option's value; absent is an error.
    pub fn need<T: FromStr>(&self, name: &str) -> Result<T, String> {
        let text = self
            .0
            .get(name)
            .ok_or_else(|| format!("--{name} is needed"))?;
        text.parse()
            .map_err(|_| format!("--{name} {text:?}: not a value of its kind"))
    }

    pub fn optional<T: FromStr>(&self, name: &str) -> Result<Option<T>, String> {
        if self.0.contains_key(name) {
            self.need(name).map(Some)
        } else {
            Ok(None)
        }
    }
}
