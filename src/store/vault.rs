//! Content at rest: compressed, sealed, and named by a keyed hash.
//!
//! The format of a sealed text: one byte of version (1), one of flags (bit 0: zstd), 12 of nonce,
//! then the AES-256-GCM ciphertext with its 16-byte tag. Name, version and flags are
//! authenticated with it, so that no text passes for another.

mod key;

use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use parking_lot::Mutex;
use zstd::bulk::Compressor;

use super::StoreError;
use crate::domain::ContentRef;

pub use key::{KeyOrigin, VaultError};

const VERSION: u8 = 1;
const COMPRESSED: u8 = 1;
const HEADER: usize = 2;
const NAME: usize = 16;
/// Shorter texts gain nothing from compression.
const WORTH_COMPRESSING: usize = 256;
/// Contexts of the key derivation: one purpose, one key.
const FOR_NAMES: &str = "flightdeck 2026-11 names of content v1";
const FOR_SEALING: &str = "flightdeck 2026-11 sealing of content v1";
const FOR_CHECKING: &str = "flightdeck 2026-11 check of the key v1";

/// A text, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Its name.
    pub name: ContentRef,
    /// The text in the format above. Empty where the system gave no random nonce: a store refuses
    /// to commit that.
    pub bytes: Vec<u8>,
}

/// Seals and opens texts with the key of one home.
pub struct Vault {
    names: [u8; blake3::KEY_LEN],
    check: [u8; NAME],
    sealing: RandomizedNonceKey,
    compressor: Mutex<Option<Compressor<'static>>>,
}

impl Vault {
    /// The vault of a home, whose key is made if it has none. Says where the key is kept, so that
    /// the user can be told.
    ///
    /// # Errors
    /// Where the key can't be read or made, is damaged, or others may read it.
    pub fn open(home: &Path) -> Result<(Self, KeyOrigin), VaultError> {
        let (key, origin) = key::load(home)?;
        Ok((Self::with_key(&key)?, origin))
    }

    /// Whether `home` has a key.
    #[must_use]
    pub fn has_key(home: &Path) -> bool {
        key::path(home).exists()
    }

    fn with_key(key: &[u8; key::LENGTH]) -> Result<Self, VaultError> {
        let sealing = blake3::derive_key(FOR_SEALING, key);
        let check = blake3::derive_key(FOR_CHECKING, key);
        Ok(Self {
            names: blake3::derive_key(FOR_NAMES, key),
            check: shorten(&check),
            // The key has the algorithm's length, which is all that could be wrong with it.
            sealing: RandomizedNonceKey::new(&AES_256_GCM, &sealing).map_err(|_| VaultError::Randomness)?,
            compressor: Mutex::new(Compressor::new(zstd::DEFAULT_COMPRESSION_LEVEL).ok()),
        })
    }

    /// A number by which a database knows the key that it was written with. It tells nothing about
    /// the key.
    #[must_use]
    pub fn check(&self) -> [u8; NAME] {
        self.check
    }

    /// The name of a text.
    #[must_use]
    pub fn name(&self, text: &str) -> ContentRef {
        ContentRef(shorten(blake3::keyed_hash(&self.names, text.as_bytes()).as_bytes()))
    }

    /// Seals a text.
    #[must_use]
    pub fn seal(&self, text: &str) -> Sealed {
        let name = self.name(text);
        let (flags, mut body) = match self.compress(text) {
            Some(smaller) => (COMPRESSED, smaller),
            None => (0, text.as_bytes().to_vec()),
        };
        let header = [VERSION, flags];
        let sealed = self.sealing.seal_in_place_append_tag(aad(name, header), &mut body);
        let Ok(nonce) = sealed else { return Sealed { name, bytes: Vec::new() } };
        let mut bytes = Vec::with_capacity(HEADER + NONCE_LEN + body.len());
        bytes.extend_from_slice(&header);
        bytes.extend_from_slice(nonce.as_ref());
        bytes.append(&mut body);
        Sealed { name, bytes }
    }

    /// Opens what [`Self::seal`] made.
    ///
    /// # Errors
    /// `Sealed` where it was made with another key, under another name, or is damaged.
    pub fn unseal(&self, name: ContentRef, bytes: &[u8]) -> Result<String, StoreError> {
        self.try_unseal(name, bytes).ok_or(StoreError::Sealed(name))
    }

    fn try_unseal(&self, name: ContentRef, bytes: &[u8]) -> Option<String> {
        let (header, rest) = bytes.split_first_chunk::<HEADER>()?;
        let [version, flags] = *header;
        if version != VERSION || flags & !COMPRESSED != 0 {
            return None;
        }
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>()?;
        let mut body = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = self.sealing.open_in_place(nonce, aad(name, *header), &mut body).ok()?.len();
        body.truncate(length);
        let body = if flags == COMPRESSED { zstd::decode_all(body.as_slice()).ok()? } else { body };
        String::from_utf8(body).ok()
    }

    /// Nothing where it would not be smaller.
    fn compress(&self, text: &str) -> Option<Vec<u8>> {
        if text.len() < WORTH_COMPRESSING {
            return None;
        }
        let smaller = self.compressor.lock().as_mut()?.compress(text.as_bytes()).ok()?;
        (smaller.len() < text.len()).then_some(smaller)
    }
}

fn aad(name: ContentRef, header: [u8; HEADER]) -> Aad<[u8; NAME + HEADER]> {
    let mut bytes = [0; NAME + HEADER];
    for (to, from) in bytes.iter_mut().zip(name.0.into_iter().chain(header)) {
        *to = from;
    }
    Aad::from(bytes)
}

fn shorten(hash: &[u8; blake3::OUT_LEN]) -> [u8; NAME] {
    hash.first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use proptest::prelude::*;

    use super::*;

    fn vault() -> Vault {
        Vault::with_key(&[7; key::LENGTH]).expect("key")
    }

    #[test]
    fn a_text_opens_again_and_is_not_readable_before() {
        let vault = vault();
        for text in ["", "x", "Sort with quicksort", &"a long and dull sentence. ".repeat(500)] {
            let sealed = vault.seal(text);
            assert_eq!(vault.unseal(sealed.name, &sealed.bytes).expect("opens"), text);
            assert!(text.len() < 4 || !sealed.bytes.windows(4).any(|w| w == &text.as_bytes()[..4]));
        }
    }

    #[test]
    fn a_long_text_is_compressed_and_a_random_one_is_not_grown() {
        let vault = vault();
        let dull = "the same words ".repeat(1000);
        assert!(vault.seal(&dull).bytes.len() < dull.len() / 10);
        let overhead = HEADER + NONCE_LEN + AES_256_GCM.tag_len();
        let mut noise = blake3::Hasher::new().finalize_xof();
        let mut bytes = [0_u8; 512];
        noise.fill(&mut bytes);
        let dense: String = bytes.iter().map(|b| char::from(b % 94 + 33)).collect();
        assert!(vault.seal(&dense).bytes.len() <= dense.len() + overhead);
    }

    #[test]
    fn the_name_follows_from_text_and_key_and_the_nonce_is_fresh() {
        let (one, two) = (vault().seal("hello"), vault().seal("hello"));
        assert_eq!(one.name, two.name);
        assert_ne!(one.bytes, two.bytes);
        let other = Vault::with_key(&[8; key::LENGTH]).expect("key");
        assert_ne!(other.seal("hello").name, one.name);
        assert!(matches!(other.unseal(one.name, &one.bytes), Err(StoreError::Sealed(name)) if name == one.name));
    }

    #[test]
    fn nothing_that_was_changed_opens() {
        let vault = vault();
        let sealed = vault.seal(&"attack at dawn ".repeat(30));
        for at in 0..sealed.bytes.len() {
            let mut bytes = sealed.bytes.clone();
            bytes[at] ^= 1;
            assert!(vault.unseal(sealed.name, &bytes).is_err(), "byte {at}");
            assert!(vault.unseal(sealed.name, &sealed.bytes[..at]).is_err(), "cut at {at}");
        }
        assert!(vault.unseal(vault.name("another"), &sealed.bytes).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_error_and_never_a_panic(bytes: Vec<u8>, compressed: bool) {
            let mut framed = vec![VERSION, u8::from(compressed)];
            framed.extend(&bytes);
            let vault = vault();
            prop_assert!(vault.unseal(ContentRef([0; NAME]), &framed).is_err());
            prop_assert!(vault.unseal(ContentRef([0; NAME]), &bytes).is_err());
        }
    }

    #[test]
    fn a_home_gets_a_key_once_and_keeps_it() {
        let home = tempfile::tempdir().expect("dir");
        let (first, origin) = Vault::open(home.path()).expect("made");
        let path = home.path().join("content.key");
        assert_eq!(origin, KeyOrigin::File { path: path.clone(), created: true });
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        let (second, origin) = Vault::open(home.path()).expect("read");
        assert_eq!(origin, KeyOrigin::File { path, created: false });
        assert_eq!(first.check(), second.check());
    }

    #[test]
    fn a_key_that_others_may_read_is_tightened_and_a_cut_one_refused() {
        let home = tempfile::tempdir().expect("dir");
        let path = home.path().join("content.key");
        fs::write(&path, [1; key::LENGTH]).expect("written");
        fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("mode");
        assert!(Vault::open(home.path()).is_ok());
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        fs::write(&path, [1; 5]).expect("written");
        assert!(matches!(Vault::open(home.path()), Err(VaultError::Damaged { found: 5, .. })));
    }

    #[test]
    fn many_at_once_agree_on_one_key() {
        let home = tempfile::tempdir().expect("dir");
        let checks: Vec<_> = std::thread::scope(|scope| {
            let openers: Vec<_> = (0..8).map(|_| scope.spawn(|| Vault::open(home.path()))).collect();
            openers.into_iter().map(|o| o.join().expect("thread").expect("opens").0.check()).collect()
        });
        assert!(checks.windows(2).all(|pair| pair[0] == pair[1]));
    }
}
