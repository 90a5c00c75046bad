//! A server in a process of its own that speaks just enough HTTP/1.1 and `OpenAI` Chat Completions.
//!
//! Every answer is made once, before the first request, so that the server leaves the machine to
//! its clients. Below `/paced` the first token comes 300 ms after the request and each of the
//! others 10 ms later, by absolute deadlines; below `/zero` all comes at once. A request that does
//! not ask for a stream is answered as one JSON document.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::Instant;

use super::measure;

/// How many tokens an answer has.
pub(crate) const TOKENS: u32 = 50;
const FIRST_AFTER: Duration = Duration::from_millis(300);
const THEN_EVERY: Duration = Duration::from_millis(10);
/// A request that is longer than this is none of ours.
const LONGEST_REQUEST: usize = 1 << 20;

/// How the server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Mode {
    /// As a model does: the first token after 300 ms, 49 more 10 ms apart.
    Paced,
    /// The whole stream at once.
    Zero,
    /// The whole answer at once, as one document: only for clients that can ask for that.
    Json,
}

impl Mode {
    /// As the command line spells it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Paced => "paced",
            Self::Zero => "zero",
            Self::Json => "json",
        }
    }

    /// How long one answer takes at least.
    pub(crate) fn ideal(self) -> Duration {
        match self {
            Self::Paced => FIRST_AFTER + THEN_EVERY * (TOKENS - 1),
            Self::Zero | Self::Json => Duration::ZERO,
        }
    }
}

/// What every answer says.
pub(crate) fn answer() -> String {
    (0..TOKENS).map(token).collect()
}

fn token(number: u32) -> String {
    format!("token {number} ")
}

/// The server's process. It ends with this value, and with this process.
pub(crate) struct Server {
    process: Child,
    port: u16,
}

impl Server {
    pub(crate) fn start() -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--serve").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn()?;
        let said = process.stdout.take().context("no output")?;
        let mut server = Self { process, port: 0 };
        let mut line = String::new();
        BufReader::new(said).read_line(&mut line)?;
        server.port = line.trim().parse().with_context(|| format!("no port but {line:?}"))?;
        Ok(server)
    }

    pub(crate) fn base_url(&self, mode: Mode) -> String {
        let pace = if mode == Mode::Paced { Mode::Paced.name() } else { Mode::Zero.name() };
        format!("http://127.0.0.1:{}/{pace}/v1", self.port)
    }

    /// The processor time that the server has used.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        measure::cpu_of(self.process.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its standard input closes here, which ends it; the signal is for a server that hangs.
        drop(self.process.stdin.take());
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Serves until standard input closes.
pub(crate) fn serve() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (closed, parent_is_gone) = tokio::sync::oneshot::channel::<()>();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        drop(closed);
    });
    runtime.block_on(async {
        tokio::select! {
            done = accept() => done,
            _ = parent_is_gone => Ok(()),
        }
    })
}

async fn accept() -> Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.bind("127.0.0.1:0".parse()?)?;
    // The kernel lowers this to what it allows. The usual 1024 would make a thousand clients that
    // come at once wait a second for their second SYN.
    let listener = socket.listen(65_535)?;
    println!("{}", listener.local_addr()?.port());
    let script = Arc::new(Script::new());
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let script = Arc::clone(&script);
        // A client that goes away in the middle is its own business: it will count its answers.
        tokio::spawn(async move {
            let _ = converse(stream, &script).await;
        });
    }
}

/// Everything that the server ever says, ready for the socket.
struct Script {
    head: Vec<u8>,
    tokens: Vec<Vec<u8>>,
    end: Vec<u8>,
    at_once: Vec<u8>,
    document: Vec<u8>,
}

impl Script {
    fn new() -> Self {
        let head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
        let tokens: Vec<_> = (0..TOKENS).map(|number| chunk(&event(&delta(&token(number))))).collect();
        let usage = format!(r#""usage":{}"#, usage());
        let last = [
            chunk(&event(r#""choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null"#)),
            chunk(&event(&format!(r#""choices":[],{usage}"#))),
            chunk("data: [DONE]\n\n"),
            b"0\r\n\r\n".to_vec(),
        ];
        let end = last.concat();
        let at_once = [head.clone(), tokens.concat(), end.clone()].concat();
        Self { document: document(&usage), head, tokens, end, at_once }
    }
}

fn usage() -> String {
    format!(
        r#"{{"prompt_tokens":12,"completion_tokens":{TOKENS},"total_tokens":{},"prompt_tokens_details":{{"cached_tokens":0}}}}"#,
        TOKENS + 12
    )
}

fn delta(content: &str) -> String {
    format!(
        r#""choices":[{{"index":0,"delta":{{"content":"{content}"}},"logprobs":null,"finish_reason":null}}],"usage":null"#
    )
}

/// One event of the stream, with the members that every chunk of that API has.
fn event(members: &str) -> String {
    format!(
        "data: {{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\
         \"model\":\"mock\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_bench\",{members}}}\n\n"
    )
}

/// Chunked transfer coding (RFC 9112, section 7.1).
fn chunk(data: &str) -> Vec<u8> {
    format!("{:x}\r\n{data}\r\n", data.len()).into_bytes()
}

fn document(usage: &str) -> Vec<u8> {
    let body = format!(
        r#"{{"id":"chatcmpl-bench","object":"chat.completion","created":1700000000,"model":"mock","choices":[{{"index":0,"message":{{"role":"assistant","content":"{}"}},"finish_reason":"stop"}}],{usage}}}"#,
        answer()
    );
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len())
        .into_bytes()
}

/// Answers the requests of one connection, one after the other.
async fn converse(mut stream: TcpStream, script: &Script) -> Result<()> {
    let mut pending = Vec::new();
    while let Some(request) = read_request(&mut stream, &mut pending).await? {
        if !request.streams {
            stream.write_all(&script.document).await?;
        } else if request.paced {
            pace(&mut stream, script).await?;
        } else {
            stream.write_all(&script.at_once).await?;
        }
    }
    Ok(())
}

async fn pace(stream: &mut TcpStream, script: &Script) -> Result<()> {
    let mut due = Instant::now() + FIRST_AFTER;
    stream.write_all(&script.head).await?;
    for token in &script.tokens {
        tokio::time::sleep_until(due).await;
        stream.write_all(token).await?;
        due += THEN_EVERY;
    }
    stream.write_all(&script.end).await?;
    Ok(())
}

struct Request {
    paced: bool,
    streams: bool,
}

/// Reads one request; nothing where the client has closed. What came after it stays in `pending`.
async fn read_request(stream: &mut TcpStream, pending: &mut Vec<u8>) -> Result<Option<Request>> {
    loop {
        if let Some((request, length)) = parse(pending)? {
            pending.drain(..length);
            return Ok(Some(request));
        }
        if pending.len() > LONGEST_REQUEST {
            bail!("a request of more than {LONGEST_REQUEST} bytes");
        }
        if stream.read_buf(pending).await? == 0 {
            return Ok(None);
        }
    }
}

/// The request at the start of `bytes`, and its length; nothing where more must come.
fn parse(bytes: &[u8]) -> Result<Option<(Request, usize)>> {
    let Some(head_length) = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4) else {
        return Ok(None);
    };
    let (head, rest) = bytes.split_at(head_length);
    let head = std::str::from_utf8(head)?;
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    let body_length = fields.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let body_length = body_length.map_or(Ok(0), |(_, length)| length.trim().parse::<usize>())?;
    let Some(body) = rest.get(..body_length) else { return Ok(None) };
    let path = head.split(' ').nth(1).context("no path")?;
    let request = Request { paced: path.starts_with("/paced/"), streams: asks_for_stream(body)? };
    Ok(Some((request, head_length + body_length)))
}

fn asks_for_stream(body: &[u8]) -> Result<bool> {
    #[derive(serde::Deserialize)]
    struct Asked {
        #[serde(default)]
        stream: bool,
    }
    Ok(serde_json::from_slice::<Asked>(body).context("the request's body")?.stream)
}
