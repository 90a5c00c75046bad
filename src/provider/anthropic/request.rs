//! From a request to the body that is sent.

use serde::Serialize;

use crate::domain::transcript::Role;
use crate::provider::Request;
use crate::provider::http::{Turn, finite};

/// The body of Messages.
#[derive(Serialize)]
pub(super) struct Body<'a> {
    model: &'a str,
    max_tokens: u32,
    #[serde(skip_serializing_if = "String::is_empty")]
    system: String,
    messages: Vec<Turn<'a>>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "finite")]
    temperature: Option<f64>,
}

impl<'a> Body<'a> {
    /// What `request` says. Standing instructions have a place of their own.
    pub(super) fn of(request: &'a Request) -> Self {
        let (system, said): (Vec<_>, Vec<_>) = request.messages.iter().partition(|m| m.role == Role::System);
        let system: Vec<_> = system.into_iter().map(|message| message.content.as_str()).collect();
        Self {
            model: &request.model,
            max_tokens: request.max_tokens,
            system: system.join("\n\n"),
            messages: said.into_iter().map(Turn::of).collect(),
            stream: true,
            temperature: request.temperature,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::http::tests::{request, say};

    #[test]
    fn instructions_stand_beside_the_conversation() {
        let messages = vec![say(Role::System, "Be brief."), say(Role::User, "\"Grüße\"\n"), say(Role::Assistant, "Hi")];
        let body = serde_json::to_string(&Body::of(&request("m", messages))).expect("serialises");
        let wanted = concat!(
            r#"{"model":"m","max_tokens":7,"system":"Be brief.","messages":["#,
            r#"{"role":"user","content":"\"Grüße\"\n"},{"role":"assistant","content":"Hi"}],"stream":true}"#
        );
        assert_eq!(body, wanted);
    }

    #[test]
    fn only_what_was_given_is_sent() {
        let plain = Request { temperature: Some(0.5), seed: Some(1), ..request("m", vec![say(Role::User, "x")]) };
        let body = serde_json::to_string(&Body::of(&plain)).expect("serialises");
        let wanted = concat!(
            r#"{"model":"m","max_tokens":7,"messages":[{"role":"user","content":"x"}],"#,
            r#""stream":true,"temperature":0.5}"#
        );
        assert_eq!(body, wanted);
    }
}
