//! What the provider and the supervisor say to each other over their socket: frames of JSON, each
//! behind its length as four little-endian bytes. Both ends are the same binary, so there is no
//! version in it.

use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The first argument of a flightdeck that is to be a supervisor.
pub const SUPERVISE: &str = "__supervise";

/// The longest frame, in bytes: a payload of half of that, each byte escaped, still fits.
const MAX_FRAME: usize = 1 << 30;
const LENGTH_BYTES: usize = size_of::<u32>();

/// What to start: the first frame to the supervisor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Variables in addition to the inherited ones.
    pub env: Vec<(String, String)>,
    /// Where it starts; nothing: where the engine is.
    pub directory: Option<PathBuf>,
    /// What goes to its standard input; nothing: the null device.
    pub stdin: Option<String>,
}

/// What the engine wants afterwards. The end of the stream means: kill everything at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum Order {
    /// Stop the whole tree where it is.
    Pause,
    /// Let it go on.
    Continue,
    /// End the whole tree: ask, and kill what is left after the grace.
    End {
        /// How long the tree may take to end by itself, in milliseconds; 0: kill at once.
        grace_ms: u64,
    },
}

/// What the supervisor tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "notice", rename_all = "snake_case")]
pub enum Notice {
    /// The command runs.
    Started {
        /// Its process, which also leads its process group.
        pid: u32,
    },
    /// The command could not be started. The supervisor ends.
    SpawnFailed {
        /// The number of the system's error, where it was one (errno(3)).
        errno: Option<i32>,
        /// What the system says.
        message: String,
    },
    /// The command itself ended. What it left behind is killed now.
    Exited(Exit),
    /// Proven: the whole tree is gone. The supervisor ends.
    Gone {
        /// How many processes were told to end, or killed.
        killed: u32,
    },
    /// Some of the tree can't be killed. The supervisor goes on trying.
    Left {
        /// How many processes are left.
        processes: u32,
    },
}

/// How the command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// It ended with this code.
    Code(i32),
    /// A signal of this number ended it.
    Signal(i32),
}

/// Bytes that are no frame of this protocol.
#[derive(Debug, thiserror::Error)]
pub enum ProtocolError {
    /// A frame that is longer than any that we send.
    #[error("a frame of {0} bytes is too long")]
    TooLong(usize),
    /// A frame that says nothing that we know.
    #[error("a frame does not read: {0}")]
    Unknown(#[from] serde_json::Error),
}

/// A message as it goes over the socket.
///
/// # Errors
/// `TooLong` where it exceeds a frame.
pub fn frame<T: Serialize>(message: &T) -> Result<Vec<u8>, ProtocolError> {
    let mut bytes = vec![0; LENGTH_BYTES];
    serde_json::to_writer(&mut bytes, message)?;
    let length = bytes.len() - LENGTH_BYTES;
    match u32::try_from(length) {
        Ok(short) if length <= MAX_FRAME => {
            bytes.splice(..LENGTH_BYTES, short.to_le_bytes());
            Ok(bytes)
        }
        _ => Err(ProtocolError::TooLong(length)),
    }
}

/// Puts frames together from the pieces in which they come.
#[derive(Debug, Default)]
pub struct Frames {
    bytes: Vec<u8>,
}

impl Frames {
    /// Takes what was read.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole message; nothing while it is not complete.
    ///
    /// # Errors
    /// Where the bytes are no frame: the stream can't be used any more.
    pub fn take<T: DeserializeOwned>(&mut self) -> Result<Option<T>, ProtocolError> {
        let Some((length, rest)) = self.bytes.split_first_chunk::<LENGTH_BYTES>() else { return Ok(None) };
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        if length > MAX_FRAME {
            return Err(ProtocolError::TooLong(length));
        }
        let Some(body) = rest.get(..length) else { return Ok(None) };
        let message = serde_json::from_slice(body)?;
        self.bytes.drain(..LENGTH_BYTES + length);
        Ok(Some(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_survive_any_cut() {
        let spec = Spec {
            argv: vec!["sh".to_owned(), "-c".to_owned(), "echo \"$(x)\" 'é'".to_owned()],
            env: vec![("K".to_owned(), "a=b".to_owned())],
            directory: None,
            stdin: Some("two\nlines".to_owned()),
        };
        let bytes = [frame(&spec).expect("fits"), frame(&spec).expect("fits")].concat();
        let mut frames = Frames::default();
        let mut read = Vec::new();
        for byte in bytes {
            frames.push(&[byte]);
            read.extend(frames.take::<Spec>().expect("reads"));
        }
        assert_eq!(read, [spec.clone(), spec]);
    }

    #[test]
    fn what_is_no_frame_is_an_error() {
        let mut frames = Frames::default();
        frames.push(&u32::MAX.to_le_bytes());
        assert!(matches!(frames.take::<Order>(), Err(ProtocolError::TooLong(_))));
        let mut frames = Frames::default();
        frames.push(&frame(&"pause").expect("fits"));
        assert!(matches!(frames.take::<Order>(), Err(ProtocolError::Unknown(_))));
    }
}
