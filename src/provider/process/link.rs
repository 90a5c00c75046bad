//! The engine's ends of a supervisor: its process, its socket, and the command's two pipes.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;

use serde::Serialize;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStderr, ChildStdout, Command};

use super::protocol::{Frames, Notice, SUPERVISE, frame};

const PIECE: usize = 8 * 1024;
const NOTICE_PIECE: usize = 512;

pub(super) struct Link {
    /// Killing it would leave the tree to nobody, so it is not killed when it is dropped: it ends
    /// by itself when its socket closes.
    pub(super) child: Child,
    pub(super) stdout: Pipe<ChildStdout>,
    pub(super) stderr: Pipe<ChildStderr>,
    pub(super) control: Control,
}

impl Link {
    /// Starts a supervisor.
    pub(super) fn open(supervisor: &Path) -> io::Result<Self> {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let control = Control { stream: Some(UnixStream::from_std(ours)?), frames: Frames::default() };
        let mut child = Command::new(supervisor)
            .arg(SUPERVISE)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (stdout, stderr) = (Pipe::new(child.stdout.take()), Pipe::new(child.stderr.take()));
        Ok(Self { child, stdout, stderr, control })
    }
}

/// The socket to a supervisor.
pub(super) struct Control {
    stream: Option<UnixStream>,
    frames: Frames,
}

impl Control {
    /// Sends a message.
    pub(super) async fn send<T: Serialize>(&mut self, message: &T) -> io::Result<()> {
        let bytes = frame(message).map_err(io::Error::other)?;
        match &mut self.stream {
            Some(stream) => stream.write_all(&bytes).await,
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// The next message; nothing when there will be none. Nothing is lost when it is dropped.
    pub(super) async fn notice(&mut self) -> Option<Notice> {
        let stream = self.stream.as_mut()?;
        loop {
            if let Some(notice) = self.frames.take().ok()? {
                return Some(notice);
            }
            let mut piece = [0; NOTICE_PIECE];
            match stream.read(&mut piece).await {
                Ok(length @ 1..) => self.frames.push(piece.get(..length)?),
                Ok(0) | Err(_) => return None,
            }
        }
    }

    /// Closes the socket: the supervisor kills whatever is left, and ends.
    pub(super) fn close(&mut self) {
        self.stream = None;
    }
}

/// A pipe and the piece that was read from it last.
pub(super) struct Pipe<R> {
    from: Option<R>,
    buffer: Box<[u8]>,
}

impl<R: AsyncRead + Unpin> Pipe<R> {
    fn new(from: Option<R>) -> Self {
        Self { from, buffer: vec![0; PIECE].into_boxed_slice() }
    }

    /// Reads the next piece and returns its length; 0 once, at the end, and then never again.
    pub(super) async fn read(&mut self) -> usize {
        let Some(from) = &mut self.from else { return std::future::pending().await };
        // A pipe that can't be read has nothing more to say.
        let length = from.read(&mut self.buffer).await.unwrap_or(0);
        if length == 0 {
            self.from = None;
        }
        length
    }

    /// The piece that was read last.
    pub(super) fn piece(&self, length: usize) -> &[u8] {
        self.buffer.get(..length).unwrap_or_default()
    }

    pub(super) fn is_open(&self) -> bool {
        self.from.is_some()
    }
}
