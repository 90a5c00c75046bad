//! What the events of Responses mean. Unknown events are passed over.

use crate::provider::http::{Codec, Draft, Finish, Parsed, Problem, ServerError, WireError, parse};

use super::wire::{Event, Response};

/// Reads events, or a whole response.
#[derive(Debug, Default)]
pub(in crate::provider) struct ResponsesCodec;

impl Codec for ResponsesCodec {
    fn payload(&mut self, json: &[u8], named_error: bool, draft: &mut Draft<'_>) -> Result<Parsed, Problem> {
        let Some(event) = parse::<Event<'_>>(json)? else { return Ok(Parsed::Incomplete) };
        if event.object.as_str() == "response" {
            let Some(response) = parse::<Response<'_>>(json)? else { return Ok(Parsed::Incomplete) };
            return end(&response, draft).map(|()| Parsed::Whole);
        }
        if named_error || event.kind.as_str() == "error" || event.error.is_some() {
            return Err(Problem::Server(event.into_error()));
        }
        match event.kind.as_str() {
            "response.output_text.delta" | "response.refusal.delta" => draft.text(event.delta.as_str())?,
            "response.completed" | "response.incomplete" | "response.failed" | "response.cancelled" => {
                end(&event.response.unwrap_or_default(), draft)?;
                draft.done();
            }
            _ => {
                if let Some(response) = event.response {
                    draft.from(response.model.some(), response.id.some());
                }
            }
        }
        Ok(Parsed::Whole)
    }
}

/// The last state of a response. Its text counts where none was streamed.
fn end(response: &Response<'_>, draft: &mut Draft<'_>) -> Result<(), Problem> {
    draft.from(response.model.some(), response.id.some());
    if draft.is_empty() {
        response.texts().try_for_each(|text| draft.text(text))?;
    }
    draft.usage(response.usage.as_ref().and_then(super::wire::WireUsage::usage));
    match response.status.as_str() {
        "failed" | "cancelled" => {
            draft.finish(Finish::Failed);
            return Err(Problem::Server(response.failure()));
        }
        "incomplete" => {
            let reason = response.incomplete_details.as_ref().map_or("", |details| details.reason.as_str());
            draft.finish(if reason == "content_filter" { Finish::Filter } else { Finish::Length });
        }
        _ => draft.finish(Finish::Stop),
    }
    Ok(())
}

impl Event<'_> {
    /// The error that the event holds or is.
    fn into_error(self) -> ServerError {
        let own = WireError { message: self.message, code: self.code, ..WireError::default() };
        self.error.unwrap_or(own).into_owned()
    }
}

impl Response<'_> {
    fn failure(&self) -> ServerError {
        let told = self.error.as_ref();
        ServerError {
            message: told.map_or_else(
                || format!("the response was {}", self.status.as_str()),
                |error| error.message.as_str().to_owned(),
            ),
            code: told.map(|error| error.code.as_str().to_owned()).unwrap_or_default(),
            ..ServerError::default()
        }
    }
}
