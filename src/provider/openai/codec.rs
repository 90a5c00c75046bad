//! What the payloads of Chat Completions mean.

use crate::provider::http::{Codec, Draft, Finish, Parsed, Problem, ServerError, WireError, parse};

use super::wire::{Choice, Payload};

/// Reads chunks of an answer, or a whole one. `TELLS_COST`: the server's `usage.cost` is money.
#[derive(Debug, Default)]
pub(in crate::provider) struct ChatCodec<const TELLS_COST: bool>;

impl<const TELLS_COST: bool> Codec for ChatCodec<TELLS_COST> {
    fn payload(&mut self, json: &[u8], named_error: bool, draft: &mut Draft<'_>) -> Result<Parsed, Problem> {
        let Some(payload) = parse::<Payload<'_>>(json)? else { return Ok(Parsed::Incomplete) };
        if named_error || payload.object.as_str() == "error" {
            return Err(Problem::Server(payload.into_error()));
        }
        if let Some(error) = payload.error {
            return Err(Problem::Server(error.into_owned()));
        }
        draft.from(payload.model.some(), payload.id.some());
        if let Some(usage) = payload.usage {
            draft.usage(usage.usage());
            if TELLS_COST {
                draft.cost(usage.cost());
            }
        }
        if let Some(choice) = payload.choices.0 {
            read_choice(&choice, draft)?;
        }
        Ok(Parsed::Whole)
    }
}

fn read_choice(choice: &Choice<'_>, draft: &mut Draft<'_>) -> Result<(), Problem> {
    if let Some(said) = choice.delta.as_ref().or(choice.message.as_ref()) {
        draft.text(said.content.as_str())?;
        draft.text(said.refusal.as_str())?;
    }
    match choice.finish_reason.as_str() {
        "" => {}
        "length" | "max_tokens" => draft.finish(Finish::Length),
        "content_filter" => draft.finish(Finish::Filter),
        "error" => return Err(Problem::Server(ServerError::default())),
        _ => draft.finish(Finish::Stop),
    }
    Ok(())
}

impl Payload<'_> {
    /// The error that the payload holds or is.
    fn into_error(self) -> ServerError {
        let own = WireError { message: self.message, code: self.code, class: self.class };
        self.error.unwrap_or(own).into_owned()
    }
}
