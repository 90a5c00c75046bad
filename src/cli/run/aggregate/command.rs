//! `command:CMD`: a command that reads the results as JSON Lines and writes JSON.

use std::process::{ExitStatus, Stdio};

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, BufWriter};
use tokio::process::{ChildStdin, Command};

use crate::guard::Gate;

/// The bytes of a value: more is a mistake, and would only fill the memory.
const MOST_OUTPUT: u64 = 64 * 1024 * 1024;
/// The bytes of complaints that are told; the rest is read and dropped.
const MOST_COMPLAINTS: u64 = 4 * 1024;

/// Why a command gave no value.
#[derive(Debug, thiserror::Error)]
pub(super) enum CommandFault {
    /// It can't be started.
    #[error("`{name}` can't be started: {source}")]
    Start {
        /// The command.
        name: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// Its pipes failed.
    #[error("`{name}` can't be talked to: {source}")]
    Pipe {
        /// The command.
        name: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// It failed.
    #[error("`{name}` failed: {status}{said}")]
    Failed {
        /// The command.
        name: String,
        /// How it ended.
        status: ExitStatus,
        /// What it wrote to standard error.
        said: String,
    },
    /// It wrote something else.
    #[error("`{name}` wrote no JSON: {problem}{said}")]
    NoJson {
        /// The command.
        name: String,
        /// What is wrong with it.
        problem: serde_json::Error,
        /// What it wrote to standard error.
        said: String,
    },
    /// It wrote more than is taken.
    #[error("`{name}` wrote more than {} MiB", MOST_OUTPUT / 1024 / 1024)]
    TooMuch {
        /// The command.
        name: String,
    },
}

/// Runs a command with `lines` on its standard input; what it writes to its standard output is the
/// value. It needn't read all of them. It is killed where the answer is no longer waited for.
pub(super) async fn ask(
    words: &[String],
    lines: impl Iterator<Item = String>,
    gate: &Gate,
) -> Result<Value, CommandFault> {
    let (name, arguments) = words.split_first().map_or((String::new(), words), |(name, rest)| (name.clone(), rest));
    let pipe = |source| CommandFault::Pipe { name: name.clone(), source };
    let mut child = Command::new(&name)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| CommandFault::Start { name: name.clone(), source })?;
    // All at once: a command that writes before it has read everything must not wait for us.
    let (fed, out, said) = tokio::join!(
        feed(child.stdin.take(), lines),
        take(child.stdout.take(), MOST_OUTPUT + 1, false),
        take(child.stderr.take(), MOST_COMPLAINTS, true),
    );
    fed.map_err(pipe)?;
    let (out, said) = (out.map_err(pipe)?, said.map_err(pipe)?);
    if out.len() as u64 > MOST_OUTPUT {
        return Err(CommandFault::TooMuch { name });
    }
    let status = child.wait().await.map_err(pipe)?;
    let said = String::from_utf8_lossy(&said);
    let said = said.trim();
    let said = if said.is_empty() { String::new() } else { format!("; it says: {said}") };
    if !status.success() {
        return Err(CommandFault::Failed { name, status, said });
    }
    serde_json::from_str(&gate.redact(&String::from_utf8_lossy(&out))).map_err(|problem| CommandFault::NoJson {
        name,
        problem,
        said,
    })
}

async fn feed(pipe: Option<ChildStdin>, lines: impl Iterator<Item = String>) -> std::io::Result<()> {
    let Some(pipe) = pipe else { return Ok(()) };
    let mut pipe = BufWriter::new(pipe);
    let write = async {
        for line in lines {
            pipe.write_all(line.as_bytes()).await?;
            pipe.write_all(b"\n").await?;
        }
        pipe.flush().await
    };
    match write.await {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Reads at most `most` bytes; the rest is dropped, or stays unread and closes the pipe.
async fn take(pipe: Option<impl AsyncRead + Unpin>, most: u64, drain: bool) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let Some(mut pipe) = pipe else { return Ok(bytes) };
    (&mut pipe).take(most).read_to_end(&mut bytes).await?;
    if drain {
        tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    async fn shell(script: &str, lines: usize) -> Result<Value, String> {
        let words = ["sh", "-c", script].map(str::to_owned);
        let lines = (0..lines).map(|line| format!("{{\"task\":{line}}}"));
        let gate = Gate::default();
        let asked = tokio::time::timeout(Duration::from_mins(1), ask(&words, lines, &gate));
        asked.await.expect("it ends").map_err(|fault| fault.to_string())
    }

    #[tokio::test]
    async fn a_command_makes_a_value_of_lines() {
        assert_eq!(shell("wc -l", 12).await, Ok(json!(12)));
        assert_eq!(shell("cat; ", 1).await, Ok(json!({"task": 0})));
    }

    #[tokio::test]
    async fn a_command_may_read_as_little_as_it_likes() {
        assert_eq!(shell("exec <&-; echo '[1, 2]'", 100_000).await, Ok(json!([1, 2])));
        // It writes and complains more than pipes hold before it reads.
        let busy = "printf '\"%0200000d\"' 0; head -c 200000 /dev/zero >&2; cat > /dev/null";
        assert_eq!(shell(busy, 100_000).await, Ok(json!("0".repeat(200_000))));
    }

    #[tokio::test]
    async fn what_goes_wrong_is_told() {
        for (script, words) in [
            ("echo 'no such column' >&2; exit 3", ["`sh` failed", "3; it says: no such column"]),
            ("kill -9 $$", ["`sh` failed", "9"]),
            ("echo a b; echo hm >&2", ["wrote no JSON", "it says: hm"]),
            ("true", ["wrote no JSON", "EOF"]),
            ("echo 1 2", ["wrote no JSON", "trailing"]),
        ] {
            let error = shell(script, 2).await.expect_err(script);
            assert!(words.iter().all(|word| error.contains(word)), "{script}: {error}");
        }
        let nothing = ask(&["./no/such/program".to_owned()], std::iter::empty(), &Gate::default()).await;
        assert!(nothing.expect_err("it isn't there").to_string().contains("can't be started"));
    }
}
