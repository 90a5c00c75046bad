//! The socket of a process that may own runs. It never slows the engine down: what it takes in is
//! bounded in size, number and time.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener as StdListener, UnixStream as StdStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::protocol::{self, Answer, ProtocolError};
use super::{is_ours, place};
use crate::domain::Order;
use crate::engine::handle::Handle;

const PRIVATE_SOCKET: u32 = 0o600;
/// Connections at once. More wait in the queue of the socket, which the system bounds.
const CONNECTIONS: usize = 32;
/// How long a request may take to come.
const READ: Duration = Duration::from_secs(5);
/// How long an answer may take: to become durable, and to be taken.
const ANSWER: Duration = Duration::from_secs(30);
/// How long to wait where the system gives no connection: it has no more file descriptors.
const PAUSE: Duration = Duration::from_millis(100);
/// Names and reasons of orders are kept up to this many characters.
const LONGEST_REASON: usize = 500;

/// A socket that is listened on.
pub struct Server {
    path: PathBuf,
    closing: CancellationToken,
    task: JoinHandle<()>,
}

impl Server {
    /// Listens in `home`, for this process. Sockets of processes that are gone are removed first.
    /// Must be called on a tokio runtime.
    pub fn start(home: &Path, handle: Handle) -> io::Result<Self> {
        let directory = place::directory(home);
        place::prepare(&directory)?;
        place::clear(&directory, &handle.owner().boot)?;
        let name = place::name(handle.owner());
        let path = directory.join(&name);
        let listener = UnixListener::from_std(listen(&directory, &name)?)?;
        let closing = CancellationToken::new();
        let task = tokio::spawn(accept(listener, handle, closing.clone()));
        Ok(Self { path, closing, task })
    }

    /// Where it listens.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Stops to listen. Orders that came are answered first.
    pub async fn close(mut self) {
        self.closing.cancel();
        // A panic of it was reported by its hook.
        let _ = (&mut self.task).await;
    }
}

/// The socket is gone with its server, also where that is not closed in order.
impl Drop for Server {
    fn drop(&mut self) {
        self.closing.cancel();
        // The home may be gone already.
        let _ = fs::remove_file(&self.path);
    }
}

fn listen(directory: &Path, name: &str) -> io::Result<StdListener> {
    let path = directory.join(name);
    let reach = place::Reach::of(directory, name)?;
    if StdStream::connect(reach.path()).is_ok() {
        return Err(io::Error::new(io::ErrorKind::AddrInUse, "this process listens there already"));
    }
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = StdListener::bind(reach.path())?;
    // Until here the directory alone keeps others out.
    fs::set_permissions(&path, Permissions::from_mode(PRIVATE_SOCKET))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

async fn accept(listener: UnixListener, handle: Handle, closing: CancellationToken) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let connections = TaskTracker::new();
    let next = async || {
        let permit = Arc::clone(&room).acquire_owned().await.map_err(io::Error::other)?;
        listener.accept().await.map(|(stream, _)| (stream, permit))
    };
    while let Some(next) = closing.run_until_cancelled(next()).await {
        match next {
            Ok((stream, permit)) => {
                let (handle, closing) = (handle.clone(), closing.clone());
                connections.spawn(async move {
                    if let Err(error) = serve(stream, &handle, &closing).await {
                        debug!(%error, "a connection to the control socket broke");
                    }
                    drop(permit);
                });
            }
            Err(error) => {
                warn!(%error, "the control socket gives no connection");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    connections.close();
    connections.wait().await;
}

/// One request, one answer.
async fn serve(mut stream: UnixStream, handle: &Handle, closing: &CancellationToken) -> Result<(), ProtocolError> {
    if !is_ours(&stream) {
        warn!("another user's process was turned away from the control socket");
        return Ok(());
    }
    let (reading, mut writing) = stream.split();
    let line = timeout(READ, protocol::read_line(BufReader::new(reading)));
    let answer = match closing.run_until_cancelled(line).await {
        None => return Ok(()),
        Some(Err(_)) => Answer::Refused(format!("no request came within {} s", READ.as_secs())),
        Some(Ok(line)) => match line.and_then(|line| protocol::read_request(&line)) {
            // Whoever connects to see whether somebody listens has no request.
            Err(ProtocolError::Cut | ProtocolError::Io(_)) => return Ok(()),
            Err(error) => Answer::Refused(handle.gate().line(&error.to_string(), LONGEST_REASON)),
            Ok(order) => match timeout(ANSWER, handle.submit_here(clean(handle, order))).await {
                Ok(result) => Answer::of(result),
                Err(_) => Answer::Refused("it was taken, and is not on the disk yet: see whether that is full".into()),
            },
        },
    };
    let answer = protocol::write_answer(&answer)?;
    timeout(READ, writing.write_all(answer.as_bytes())).await.map_err(io::Error::from)??;
    Ok(())
}

/// Texts of an order are foreign until they passed the gate: they go to the log.
fn clean(handle: &Handle, order: Order) -> Order {
    let clean = |text: &str| handle.gate().line(text, LONGEST_REASON);
    Order { by: clean(&order.by), reason: order.reason.as_deref().map(clean), ..order }
}
