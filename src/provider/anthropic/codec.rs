//! What the events of Messages mean. Unknown events and unknown pieces are passed over, as
//! Anthropic asks.

use crate::provider::http::{Codec, Draft, Finish, Parsed, Problem, Text, WireError, parse};

use super::wire::{Event, Kind, Piece, StopDetails, WireUsage};

/// The events that we know, and a whole message.
const KINDS: [&str; 8] = [
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
    "error",
    "message",
];

/// Reads events, or a whole message.
#[derive(Debug, Default)]
pub(in crate::provider) struct MessagesCodec {
    usage: Option<WireUsage>,
}

impl Codec for MessagesCodec {
    fn payload(&mut self, json: &[u8], named_error: bool, draft: &mut Draft<'_>) -> Result<Parsed, Problem> {
        let event = match parse::<Event<'_>>(json) {
            Err(_) if is_unknown(json) => return Ok(Parsed::Whole),
            event => event?,
        };
        let Some(event) = event else { return Ok(Parsed::Incomplete) };
        if named_error || event.error.is_some() {
            return Err(Problem::Server(event.error.map(WireError::into_owned).unwrap_or_default()));
        }
        match event.kind.as_str() {
            "message_start" => {
                if let Some(message) = event.message {
                    draft.from(message.model.some(), message.id.some());
                    self.count(message.usage, draft);
                }
            }
            "content_block_start" => write(event.content_block.as_ref(), draft)?,
            "content_block_delta" => write(event.delta.as_ref(), draft)?,
            "message_delta" => {
                self.count(event.usage, draft);
                if let Some(delta) = &event.delta {
                    end(&delta.stop_reason, delta.stop_details.as_ref(), draft);
                }
            }
            "message_stop" => draft.done(),
            "message" => {
                draft.from(event.model.some(), event.id.some());
                event.content.iter().flatten().try_for_each(|piece| write(Some(piece), draft))?;
                self.count(event.usage, draft);
                end(&event.stop_reason, event.stop_details.as_ref(), draft);
            }
            // `ping`, `content_block_stop`, and what there may be one day.
            _ => {}
        }
        Ok(Parsed::Whole)
    }
}

/// Whether it is an event that we don't know, whatever form it has.
fn is_unknown(json: &[u8]) -> bool {
    let kind = parse::<Kind<'_>>(json).ok().flatten().unwrap_or_default();
    kind.kind.some().is_some_and(|kind| !KINDS.contains(&kind))
}

impl MessagesCodec {
    fn count(&mut self, told: Option<WireUsage>, draft: &mut Draft<'_>) {
        let Some(told) = told else { return };
        let usage = self.usage.get_or_insert_default();
        usage.update(told);
        draft.usage(Some(usage.usage()));
    }
}

fn write(piece: Option<&Piece<'_>>, draft: &mut Draft<'_>) -> Result<(), Problem> {
    draft.text(piece.map_or("", Piece::answer))
}

fn end(reason: &Text<'_>, details: Option<&StopDetails<'_>>, draft: &mut Draft<'_>) {
    match reason.as_str() {
        "" => {}
        // A paused turn waits for its conversation to be sent again: what came is not the whole.
        "max_tokens" | "model_context_window_exceeded" | "pause_turn" => draft.finish(Finish::Length),
        "refusal" => {
            draft.why(details.and_then(|details| details.explanation.some()));
            draft.finish(Finish::Filter);
        }
        _ => draft.finish(Finish::Stop),
    }
}
