//! The other end: takes an order to the process that is at work on its run.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::protocol::{self, Answer, ProtocolError};
use super::{is_ours, place};
use crate::domain::Order;
use crate::engine::handle::{Ack, HandleError, Remote};
use crate::store::rows::Owner;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why an order did not reach its process, or was not done there.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens.
    #[error("process {pid} is at work on it and can't be reached: {source}")]
    Unreachable {
        /// The process.
        pid: u32,
        /// Why.
        source: io::Error,
    },
    /// It took the connection and says nothing.
    #[error(
        "process {pid} is at work on it and has not answered for {} s, so that nobody knows whether it was done: \
         where it is stopped, `kill -CONT {pid}` lets it go on",
        PATIENCE.as_secs()
    )]
    Silent {
        /// The process.
        pid: u32,
    },
    /// Another user's process listens there.
    #[error("what listens in place of process {pid} belongs to another user")]
    Stranger {
        /// The process.
        pid: u32,
    },
    /// It says something else than answers.
    #[error("process {pid} does not answer as expected: {source}")]
    Protocol {
        /// The process.
        pid: u32,
        /// What it says.
        source: ProtocolError,
    },
    /// The order can't be sent.
    #[error(transparent)]
    Order(ProtocolError),
    /// It refuses, in its own words.
    #[error("{0}")]
    Refused(String),
}

/// Sends orders to other processes of a home.
#[derive(Debug, Clone)]
pub struct Client {
    directory: PathBuf,
}

impl Client {
    /// For this home.
    #[must_use]
    pub fn new(home: &Path) -> Self {
        Self { directory: place::directory(home) }
    }

    /// Sends an order to the process; returns once it is durable there.
    pub async fn send(&self, owner: &Owner, order: &Order) -> Result<Ack, ClientError> {
        let pid = owner.pid;
        let request = protocol::write_request(order).map_err(ClientError::Order)?;
        let conversation = async {
            let reach = place::Reach::of(&self.directory, &place::name(owner));
            let unreachable = |source| ClientError::Unreachable { pid, source };
            let mut stream = UnixStream::connect(reach.map_err(unreachable)?.path()).await.map_err(unreachable)?;
            if !is_ours(&stream) {
                return Err(ClientError::Stranger { pid });
            }
            let answer = converse(&mut stream, &request).await;
            answer.map_err(|source| ClientError::Protocol { pid, source })
        };
        match timeout(PATIENCE, conversation).await.map_err(|_| ClientError::Silent { pid })?? {
            Answer::Ok { agents } => Ok(Ack { agents }),
            Answer::Refused(why) => Err(ClientError::Refused(why)),
        }
    }
}

async fn converse(stream: &mut UnixStream, request: &str) -> Result<Answer, ProtocolError> {
    stream.write_all(request.as_bytes()).await?;
    let line = protocol::read_line(BufReader::new(stream)).await?;
    protocol::read_answer(&line)
}

impl Remote for Client {
    fn submit(&self, owner: Owner, order: Order) -> BoxFuture<'_, Result<Ack, HandleError>> {
        async move { self.send(&owner, &order).await.map_err(|error| HandleError::Refused(error.to_string())) }.boxed()
    }
}
