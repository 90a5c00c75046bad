//! The floor: a reqwest client that reads the streams, parses them and keeps the text, and does
//! nothing else.

use std::borrow::Cow;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use futures_util::StreamExt as _;
use serde::Deserialize;
use sse_stream::SseStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::contestant::Load;
use super::server::{Mode, answer};

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow, default)]
    choices: Vec<Choice<'a>>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow, alias = "message")]
    delta: Delta<'a>,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow)]
    content: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Usage {
    completion_tokens: u32,
}

/// Runs the load, and prints how many answers came whole.
pub(crate) fn run(base_url: &str, load: Load) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    println!("{}", runtime.block_on(run_all(base_url, load))?);
    Ok(())
}

async fn run_all(base_url: &str, load: Load) -> Result<u32> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let url: Arc<str> = format!("{base_url}/chat/completions").into();
    let slots = Arc::new(Semaphore::new(usize::try_from(load.parallel)?));
    let mut agents = JoinSet::new();
    for number in 0..load.agents {
        let (client, url, slots) = (client.clone(), Arc::clone(&url), Arc::clone(&slots));
        agents.spawn(async move {
            let _slot = slots.acquire_owned().await?;
            ask(&client, &url, number, load.mode != Mode::Json).await
        });
    }
    let expected = answer();
    let mut whole = 0;
    while let Some(ended) = agents.join_next().await {
        whole += u32::from(ended?? == expected);
    }
    Ok(whole)
}

async fn ask(client: &reqwest::Client, url: &str, number: u32, stream: bool) -> Result<String> {
    let message = format!(r#""messages":[{{"role":"user","content":"Say {number}"}}]"#);
    let streaming = if stream { r#","stream":true,"stream_options":{"include_usage":true}"# } else { "" };
    let body = format!(r#"{{"model":"mock",{message},"max_tokens":64{streaming}}}"#);
    let request = client.post(url).header("content-type", "application/json").bearer_auth("test").body(body);
    let response = request.send().await?.error_for_status()?;
    if stream { read_stream(response).await } else { read_document(response).await }
}

async fn read_stream(response: reqwest::Response) -> Result<String> {
    let mut events = SseStream::from_bytes_stream(response.bytes_stream());
    let mut text = String::new();
    let mut used = None;
    while let Some(event) = events.next().await {
        let Some(data) = event?.data else { continue };
        if data == "[DONE]" {
            used.context("no usage came")?;
            return Ok(text);
        }
        used = take(&data, &mut text)?.or(used);
    }
    bail!("the stream was cut")
}

async fn read_document(response: reqwest::Response) -> Result<String> {
    let document = response.bytes().await?;
    let mut text = String::new();
    take(std::str::from_utf8(&document)?, &mut text)?.context("no usage came")?;
    Ok(text)
}

/// Appends what a chunk says, and returns how many tokens were billed where it tells.
fn take(data: &str, text: &mut String) -> Result<Option<u32>> {
    let chunk: Chunk<'_> = serde_json::from_str(data)?;
    for content in chunk.choices.into_iter().filter_map(|choice| choice.delta.content) {
        text.push_str(&content);
    }
    Ok(chunk.usage.map(|usage| usage.completion_tokens))
}
