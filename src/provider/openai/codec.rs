//! From the bytes of a response to the answer. A state machine without I/O: the result is the
//! same wherever the bytes were cut.

use serde_json::error::Category;

use crate::domain::Usage;
use crate::provider::http::{LineTooLong, Lines, ServerError, web_page};

use super::wire::{Choice, Payload};

/// The longest answer that is held, and the largest body that is no stream.
const LONGEST_ANSWER: usize = 16 * 1024 * 1024;
/// The longest payload that is spread over several `data` lines.
const LONGEST_PAYLOAD: usize = 8 * 1024 * 1024;
/// How much of a web page is looked at.
const PAGE_HEAD: usize = 16 * 1024;
/// How much of what can't be understood is shown, in characters.
const SHOWN: usize = 80;

/// Why a response is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Problem {
    /// A line without an end.
    #[error(transparent)]
    Line(#[from] LineTooLong),
    /// More text than any model writes.
    #[error("the server sent more than 16 MiB")]
    TooLong,
    /// No JSON where JSON must be.
    #[error("the server sent what is no chunk of an answer: {0}")]
    Malformed(String),
    /// A page for people.
    #[error("the server {0}")]
    WebPage(String),
    /// The server reports an error of its own.
    #[error("the server broke off with an error")]
    Server(ServerError),
}

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Finish {
    /// It is whole.
    Stop,
    /// It reached `max_tokens`.
    Length,
    /// The provider's own filter stopped it.
    Filter,
}

/// What has been understood so far.
#[derive(Debug, Default, PartialEq, Eq, serde::Serialize)]
pub(super) struct Decoded {
    /// The answer.
    pub(super) text: String,
    /// The model that answers.
    pub(super) model: Option<String>,
    /// How it ended; nothing while it has not.
    pub(super) finish: Option<Finish>,
    /// What was used. Final only once the answer has ended: some servers count along.
    pub(super) usage: Option<Usage>,
}

/// What the body is, told by its first byte: servers and gateways mislabel their answers.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Shape {
    #[default]
    Unknown,
    Stream,
    Json,
    Page,
}

/// Takes the bytes of a response as they come.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    shape: Shape,
    lines: Lines,
    reader: Reader,
    /// A body that is no stream.
    body: Vec<u8>,
}

impl Decoder {
    /// Takes bytes; `on_text` gets each piece of the answer.
    pub(super) fn feed(&mut self, mut bytes: &[u8], on_text: &mut dyn FnMut(&str)) -> Result<(), Problem> {
        if self.shape == Shape::Unknown {
            bytes = bytes.trim_ascii_start();
            self.shape = match bytes.first() {
                None => return Ok(()),
                Some(b'{' | b'[') => Shape::Json,
                Some(b'<') => Shape::Page,
                Some(_) => Shape::Stream,
            };
        }
        match self.shape {
            Shape::Unknown | Shape::Stream => {
                let reader = &mut self.reader;
                self.lines.feed(bytes, |line| reader.line(line, on_text))
            }
            Shape::Json if self.body.len().saturating_add(bytes.len()) > LONGEST_ANSWER => Err(Problem::TooLong),
            Shape::Json => {
                self.body.extend_from_slice(bytes);
                Ok(())
            }
            Shape::Page => {
                let room = PAGE_HEAD.saturating_sub(self.body.len());
                self.body.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
                Ok(())
            }
        }
    }

    /// The body has ended. Afterwards an answer without a [`Decoded::finish`] was cut.
    pub(super) fn finish(&mut self, on_text: &mut dyn FnMut(&str)) -> Result<(), Problem> {
        match self.shape {
            Shape::Unknown => Ok(()),
            Shape::Stream => {
                let last = self.lines.finish();
                if !last.is_empty() {
                    match self.reader.line(&last, on_text) {
                        // A line without an end that makes no sense was cut.
                        Ok(()) | Err(Problem::Malformed(_)) => {}
                        Err(problem) => return Err(problem),
                    }
                }
                self.reader.end(on_text)
            }
            Shape::Json => {
                let body = std::mem::take(&mut self.body);
                match self.reader.payload(&body, on_text)? {
                    Parsed::Whole => self.reader.whole_answer(&body),
                    Parsed::Incomplete => Ok(()),
                }
            }
            Shape::Page => {
                let page = String::from_utf8_lossy(&self.body);
                Err(Problem::WebPage(web_page(&page).unwrap_or_else(|| "answered with a web page".to_owned())))
            }
        }
    }

    /// Whether the server said that nothing follows.
    pub(super) fn is_done(&self) -> bool {
        self.reader.done
    }

    /// What has been understood so far.
    pub(super) fn decoded(&self) -> &Decoded {
        &self.reader.decoded
    }

    /// The same, to keep.
    pub(super) fn into_decoded(self) -> Decoded {
        self.reader.decoded
    }
}

/// Whether a payload was complete.
enum Parsed {
    Whole,
    Incomplete,
}

/// Reads the lines of a stream.
#[derive(Debug, Default)]
struct Reader {
    decoded: Decoded,
    /// The beginning of a payload that goes on in the next `data` line.
    pending: Vec<u8>,
    /// The current event is called `error`.
    error_event: bool,
    past_first: bool,
    done: bool,
}

impl Reader {
    /// One line. A payload that is whole is read at once, without waiting for the blank line
    /// after it, which some servers forget.
    fn line(&mut self, line: &[u8], on_text: &mut dyn FnMut(&str)) -> Result<(), Problem> {
        let first = !std::mem::replace(&mut self.past_first, true);
        let line = if first { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line };
        if self.done {
            return Ok(());
        }
        if line.is_empty() {
            return self.blank(on_text);
        }
        let colon = line.iter().position(|b| *b == b':').unwrap_or(line.len());
        let (name, rest) = line.split_at(colon);
        let value = rest.strip_prefix(b":").unwrap_or(rest);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => self.data(value, on_text),
            b"event" => {
                self.error_event = value == b"error";
                Ok(())
            }
            // An older llama-server reports errors in a field of this name.
            b"error" => {
                self.error_event = true;
                self.data(value, on_text)
            }
            _ => Ok(()),
        }
    }

    fn data(&mut self, value: &[u8], on_text: &mut dyn FnMut(&str)) -> Result<(), Problem> {
        if value.trim_ascii() == b"[DONE]" {
            self.done = true;
            return Ok(());
        }
        if self.pending.is_empty() {
            if value.trim_ascii().is_empty() {
                return Ok(());
            }
            if let Parsed::Whole = self.payload(value, on_text)? {
                return Ok(());
            }
        } else {
            self.pending.push(b'\n');
        }
        if self.pending.len().saturating_add(value.len()) > LONGEST_PAYLOAD {
            return Err(LineTooLong.into());
        }
        self.pending.extend_from_slice(value);
        Ok(())
    }

    /// A blank line ends an event: a payload that is still incomplete will stay so.
    fn blank(&mut self, on_text: &mut dyn FnMut(&str)) -> Result<(), Problem> {
        if !self.pending.is_empty() {
            let pending = std::mem::take(&mut self.pending);
            if let Parsed::Incomplete = self.payload(&pending, on_text)? {
                return Err(malformed(&pending));
            }
        }
        self.error_event = false;
        Ok(())
    }

    /// The stream has ended: a payload that is incomplete was cut with it.
    fn end(&mut self, on_text: &mut dyn FnMut(&str)) -> Result<(), Problem> {
        let pending = std::mem::take(&mut self.pending);
        if !pending.is_empty() && !self.done {
            self.payload(&pending, on_text)?;
        }
        if self.done {
            self.decoded.finish.get_or_insert(Finish::Stop);
        }
        Ok(())
    }

    fn payload(&mut self, json: &[u8], on_text: &mut dyn FnMut(&str)) -> Result<Parsed, Problem> {
        let payload = match serde_json::from_slice::<Payload<'_>>(json) {
            Ok(payload) => payload,
            Err(error) if error.classify() == Category::Eof => return Ok(Parsed::Incomplete),
            Err(_) => return Err(malformed(json)),
        };
        if self.error_event || payload.object.as_str() == "error" {
            let error = payload.as_error();
            return Err(Problem::Server(payload.error.map_or(error, super::wire::WireError::into_owned)));
        }
        if let Some(error) = payload.error {
            return Err(Problem::Server(error.into_owned()));
        }
        if self.decoded.model.is_none() && !payload.model.as_str().is_empty() {
            self.decoded.model = Some(payload.model.as_str().to_owned());
        }
        if let Some(usage) = payload.usage.and_then(|usage| usage.usage()) {
            self.decoded.usage = Some(usage);
        }
        if let Some(choice) = payload.choices.0 {
            self.choice(&choice, on_text)?;
        }
        Ok(Parsed::Whole)
    }

    fn choice(&mut self, choice: &Choice<'_>, on_text: &mut dyn FnMut(&str)) -> Result<(), Problem> {
        if let Some(said) = choice.delta.as_ref().or(choice.message.as_ref()) {
            self.text(said.content.as_str(), on_text)?;
            self.text(said.refusal.as_str(), on_text)?;
        }
        match choice.finish_reason.as_str() {
            "" => {}
            "length" | "max_tokens" => self.decoded.finish = Some(Finish::Length),
            "content_filter" => self.decoded.finish = Some(Finish::Filter),
            "error" => return Err(Problem::Server(ServerError::default())),
            _ => self.decoded.finish = Some(Finish::Stop),
        }
        Ok(())
    }

    fn text(&mut self, text: &str, on_text: &mut dyn FnMut(&str)) -> Result<(), Problem> {
        if text.is_empty() {
            return Ok(());
        }
        if self.decoded.text.len().saturating_add(text.len()) > LONGEST_ANSWER {
            return Err(Problem::TooLong);
        }
        self.decoded.text.push_str(text);
        on_text(text);
        Ok(())
    }

    /// A body that was no stream is whole by itself; one that holds no answer is none.
    fn whole_answer(&mut self, body: &[u8]) -> Result<(), Problem> {
        if self.decoded.finish.is_none() {
            if self.decoded.text.is_empty() {
                return Err(malformed(body));
            }
            self.decoded.finish = Some(Finish::Stop);
        }
        Ok(())
    }
}

fn malformed(bytes: &[u8]) -> Problem {
    let text = String::from_utf8_lossy(bytes.get(..SHOWN * 4).unwrap_or(bytes));
    Problem::Malformed(text.chars().take(SHOWN).collect())
}

#[cfg(test)]
mod tests;
