//! MessagePack, compact: structs are arrays, enum variants go by name.

use serde::{Serialize, de::DeserializeOwned};

/// Deepest nesting that a value may have. The deepest real one is a release in a list in a message.
const MAX_DEPTH: usize = 16;

/// Bytes that are not the value that was expected here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// Not MessagePack, or another shape.
    #[error("{0}")]
    Malformed(String),
    /// The value is complete and more bytes follow.
    #[error("{0} bytes follow the end")]
    Trailing(usize),
}

/// Decodes exactly one value from all of `bytes`.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    let mut rest = bytes;
    let mut deserializer = rmp_serde::Deserializer::new(&mut rest);
    deserializer.set_max_depth(MAX_DEPTH);
    let value = T::deserialize(&mut deserializer)
        .map_err(|error| CodecError::Malformed(error.to_string()))?;
    drop(deserializer);
    if rest.is_empty() { Ok(value) } else { Err(CodecError::Trailing(rest.len())) }
}

/// Appends `value` to `out`. Writing to memory cannot fail, and the model's types have no shape that
/// MessagePack cannot express.
pub fn encode<T: Serialize>(value: &T, out: &mut Vec<u8>) {
    rmp_serde::encode::write(out, value).expect("writing plain structs to memory cannot fail");
}
