//! Why bytes are not the message they should be. The connection that sent them is closed.

use std::fmt;

/// What is wrong with a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WireError {
    /// It ends before it is whole, or a length or count in it exceeds the bytes present.
    Truncated,
    /// Something follows a tagged field inside its length.
    TrailingBytes,
    /// A length or count is negative where null is not allowed, or below -1.
    BadLength,
    /// A variable-length number is longer than its type allows.
    BadVarint,
    /// Null stands where the protocol does not allow it.
    UnexpectedNull,
    /// A string is not UTF-8.
    NotUtf8,
    /// A boolean or nullable-struct byte has a value of its own.
    BadByte,
    /// More tagged fields in one structure than `TAGGED_FIELDS_MAX`, or their tags do not rise.
    BadTags,
    /// The API key does not exist or is not for clients.
    UnknownApi,
    /// The API has no such version.
    UnknownVersion,
}

impl WireError {
    /// A few words for logs.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            WireError::Truncated => "a request that ends before it is whole",
            WireError::TrailingBytes => "bytes behind the end of a tagged field",
            WireError::BadLength => "a negative length in a request",
            WireError::BadVarint => "an overlong number in a request",
            WireError::UnexpectedNull => "null where the protocol does not allow it",
            WireError::NotUtf8 => "a string that is not UTF-8",
            WireError::BadByte => "a flag that is neither set nor clear",
            WireError::BadTags => "too many tagged fields, or tags out of order",
            WireError::UnknownApi => "an API key that does not exist",
            WireError::UnknownVersion => "a version that the API does not have",
        }
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.describe())
    }
}

impl std::error::Error for WireError {}
