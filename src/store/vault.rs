//! Content at rest: compressed, sealed, and named by a keyed hash.

use crate::domain::ContentRef;

/// A text, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Its name.
    pub name: ContentRef,
    /// Nonce, ciphertext and tag.
    pub bytes: Vec<u8>,
}

/// Seals and opens texts with the key of one home.
pub struct Vault {}
