//! From the bytes of a response to the answer. A state machine without I/O: the result is the
//! same wherever the bytes were cut. What the payloads mean is the [`Codec`]'s.

use super::answer::{Codec, Decoded, Draft, Finish, LONGEST_ANSWER, Parsed, Problem, malformed};
use super::lines::{LineTooLong, Lines};
use super::status::web_page;

/// The longest payload that is spread over several `data` lines.
const LONGEST_PAYLOAD: usize = 8 * 1024 * 1024;
/// How much of a web page is looked at.
const PAGE_HEAD: usize = 16 * 1024;

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
pub(crate) struct Decoder<C> {
    shape: Shape,
    lines: Lines,
    reader: Reader<C>,
    /// A body that is no stream.
    body: Vec<u8>,
}

impl<C: Codec> Decoder<C> {
    /// Takes bytes; `on_text` gets each piece of the answer.
    pub(crate) fn feed(&mut self, mut bytes: &[u8], on_text: &mut dyn FnMut(&str)) -> Result<(), Problem> {
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
    pub(crate) fn finish(&mut self, on_text: &mut dyn FnMut(&str)) -> Result<(), Problem> {
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
    pub(crate) fn is_done(&self) -> bool {
        self.reader.decoded.done
    }

    /// What has been understood so far.
    pub(crate) fn decoded(&self) -> &Decoded {
        &self.reader.decoded
    }

    /// The same, to keep.
    pub(crate) fn into_decoded(self) -> Decoded {
        self.reader.decoded
    }
}

/// Reads the lines of a stream.
#[derive(Debug, Default)]
struct Reader<C> {
    codec: C,
    decoded: Decoded,
    /// The beginning of a payload that goes on in the next `data` line.
    pending: Vec<u8>,
    /// The current event is called `error`.
    error_event: bool,
    past_first: bool,
}

impl<C: Codec> Reader<C> {
    /// One line. A payload that is whole is read at once, without waiting for the blank line
    /// after it, which some servers forget.
    fn line(&mut self, line: &[u8], on_text: &mut dyn FnMut(&str)) -> Result<(), Problem> {
        let first = !std::mem::replace(&mut self.past_first, true);
        let line = if first { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line };
        if self.decoded.done {
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
            self.decoded.done = true;
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
        if !pending.is_empty() && !self.decoded.done {
            self.payload(&pending, on_text)?;
        }
        if self.decoded.done {
            self.decoded.finish.get_or_insert(Finish::Stop);
        }
        Ok(())
    }

    fn payload(&mut self, json: &[u8], on_text: &mut dyn FnMut(&str)) -> Result<Parsed, Problem> {
        let mut draft = Draft { decoded: &mut self.decoded, on_text };
        self.codec.payload(json, self.error_event, &mut draft)
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
