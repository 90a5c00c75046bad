//! One request, one answer, each a line of JSON of at most [`LONGEST_LINE`] bytes:
//!
//! ```json
//! {"v":1,"order":{"by":"ada","reason":null,"command":{"pause":{"run":"r-07kx4m2p","agents":[3]}}}}
//! {"ok":{"agents":1}}
//! {"refused":"nothing to pause: these agents are paused already, or have ended"}
//! ```

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

use crate::domain::{Command, Order};
use crate::engine::handle::{Ack, HandleError};

/// The version of requests and answers.
pub const VERSION: u32 = 1;
/// A longer line is refused, in bytes without its end.
pub const LONGEST_LINE: usize = 1 << 20;

/// A line that is no request or no answer.
#[derive(Debug, thiserror::Error)]
pub enum ProtocolError {
    /// It is too long.
    #[error("the line is longer than 1 MiB: name fewer agents, or the whole run")]
    TooLong,
    /// It ends before its end.
    #[error("the connection was closed in the middle of a line")]
    Cut,
    /// It does not read.
    #[error("the line does not read: {0}")]
    Json(#[from] serde_json::Error),
    /// It is of another release.
    #[error("version {0} of the protocol is not known here, only version {VERSION}: use one release of flightdeck")]
    Version(u32),
    /// Something that only the process itself may ask of its engine.
    #[error("`{0}` can't be asked of another process")]
    NotFromOutside(&'static str),
    /// The connection broke.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// What comes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It is durable.
    Ok {
        /// How many agents it concerns.
        agents: u32,
    },
    /// It was not done; why, and what to do.
    Refused(String),
}

impl Answer {
    /// The answer that an engine's answer leads to.
    #[must_use]
    pub fn of(result: Result<Ack, HandleError>) -> Self {
        match result {
            Ok(ack) => Self::Ok { agents: ack.agents },
            Err(error) => Self::Refused(error.to_string()),
        }
    }
}

#[derive(Serialize)]
struct Request<'a> {
    v: u32,
    order: &'a Order,
}

/// A request as a line, with its end.
pub fn write_request(order: &Order) -> Result<String, ProtocolError> {
    write(&Request { v: VERSION, order })
}

/// An answer as a line, with its end.
pub fn write_answer(answer: &Answer) -> Result<String, ProtocolError> {
    write(answer)
}

fn write(value: &impl Serialize) -> Result<String, ProtocolError> {
    let mut line = serde_json::to_string(value)?;
    if line.len() > LONGEST_LINE {
        return Err(ProtocolError::TooLong);
    }
    line.push('\n');
    Ok(line)
}

/// Reads a request.
pub fn read_request(line: &[u8]) -> Result<Order, ProtocolError> {
    #[derive(Deserialize)]
    struct Versioned {
        v: u32,
    }
    #[derive(Deserialize)]
    struct Request {
        order: Order,
    }
    let Versioned { v } = serde_json::from_slice(line)?;
    if v != VERSION {
        return Err(ProtocolError::Version(v));
    }
    let Request { order } = serde_json::from_slice(line)?;
    match order.command {
        Command::Pause(_) | Command::Resume(_) | Command::Kill(_) | Command::Limit { .. } => Ok(order),
        // These come with content, or belong to the life of the process.
        Command::Create { .. } | Command::Add { .. } | Command::Start(_) | Command::Suspend(_) | Command::Reopen(_) => {
            Err(ProtocolError::NotFromOutside(order.command.word()))
        }
    }
}

/// Reads an answer.
pub fn read_answer(line: &[u8]) -> Result<Answer, ProtocolError> {
    Ok(serde_json::from_slice(line)?)
}

/// Reads one line, without its end.
pub async fn read_line(reader: impl AsyncBufRead + Unpin) -> Result<Vec<u8>, ProtocolError> {
    let mut line = Vec::new();
    let most = LONGEST_LINE as u64 + 1;
    reader.take(most).read_until(b'\n', &mut line).await?;
    match line.pop() {
        Some(b'\n') => Ok(line),
        Some(_) if line.len() == LONGEST_LINE => Err(ProtocolError::TooLong),
        _ => Err(ProtocolError::Cut),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{RunId, Targets};

    fn pause() -> Order {
        let targets = Targets::some(RunId::from_random(7), vec![3]);
        Order { by: "ada".to_owned(), reason: None, command: Command::Pause(targets) }
    }

    #[test]
    fn a_request_is_the_line_that_is_documented() {
        let line = write_request(&pause()).expect("short");
        let documented =
            r#"{"v":1,"order":{"by":"ada","reason":null,"command":{"pause":{"run":"r-00000007","agents":[3]}}}}"#;
        assert_eq!(line.trim_end(), documented);
        assert_eq!(read_request(line.as_bytes()).expect("reads"), pause());
    }

    #[test]
    fn an_answer_is_the_line_that_is_documented() {
        let lines = [
            (Answer::Ok { agents: 1 }, r#"{"ok":{"agents":1}}"#),
            (Answer::Refused("no".into()), r#"{"refused":"no"}"#),
        ];
        for (answer, line) in lines {
            assert_eq!(write_answer(&answer).expect("short").trim_end(), line);
            assert_eq!(read_answer(line.as_bytes()).expect("reads"), answer);
        }
    }

    #[test]
    fn what_is_no_request_says_why() {
        let suspend = r#"{"v":1,"order":{"by":"ada","reason":null,"command":{"suspend":"r-00000007"}}}"#;
        let unknown = r#"{"v":1,"order":{"by":"ada","reason":null,"command":{"explode":"r-00000007"}}}"#;
        for (line, wanted) in [
            ("", "EOF"),
            ("\u{0}\u{1b}[2J", "expected value"),
            (r#"{"order":{}}"#, "`v`"),
            (r#"{"v":2,"something":"new"}"#, "version 2"),
            (r#"{"v":1}"#, "`order`"),
            (suspend, "`suspend` can't be asked"),
            (unknown, "unknown variant `explode`"),
        ] {
            let error = read_request(line.as_bytes()).expect_err(line).to_string();
            assert!(error.contains(wanted), "{error}");
        }
        assert!(read_request("[".repeat(LONGEST_LINE).as_bytes()).is_err());
    }

    #[tokio::test]
    async fn a_line_has_an_end_and_a_bound() {
        let fits = [vec![b'x'; LONGEST_LINE], b"\nmore".to_vec()].concat();
        assert_eq!(read_line(&fits[..]).await.expect("fits").len(), LONGEST_LINE);
        let longer = vec![b'x'; LONGEST_LINE + 1];
        assert!(matches!(read_line(&longer[..]).await, Err(ProtocolError::TooLong)));
        for cut in ["", "{\"v\":1"] {
            assert!(matches!(read_line(cut.as_bytes()).await, Err(ProtocolError::Cut)), "{cut}");
        }
    }

    #[test]
    fn an_order_that_is_too_long_is_not_sent() {
        let targets = Targets::some(RunId::from_random(7), (0..200_000).collect());
        let order = Order { command: Command::Kill(targets), ..pause() };
        assert!(matches!(write_request(&order), Err(ProtocolError::TooLong)));
    }
}
