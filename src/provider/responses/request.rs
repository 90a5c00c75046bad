//! From a request to the body that is sent.

use serde::Serialize;

use crate::provider::Request;
use crate::provider::http::{Turn, finite};

/// The body of Responses. Nothing is stored at the server: the conversation is ours.
#[derive(Serialize)]
pub(super) struct Body<'a> {
    model: &'a str,
    input: Vec<Turn<'a>>,
    stream: bool,
    store: bool,
    /// Reasoning counts.
    max_output_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "finite")]
    temperature: Option<f64>,
}

impl<'a> Body<'a> {
    /// What `request` says.
    pub(super) fn of(request: &'a Request) -> Self {
        Self {
            model: &request.model,
            input: request.messages.iter().map(Turn::of).collect(),
            stream: true,
            store: false,
            max_output_tokens: request.max_tokens,
            temperature: request.temperature,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::transcript::Role;
    use crate::provider::http::tests::{request, say};

    #[test]
    fn only_what_was_given_is_sent() {
        let request = request("m", vec![say(Role::System, "Be brief."), say(Role::User, "x")]);
        let wanted = concat!(
            r#"{"model":"m","input":[{"role":"system","content":"Be brief."},{"role":"user","content":"x"}],"#,
            r#""stream":true,"store":false,"max_output_tokens":7}"#
        );
        assert_eq!(serde_json::to_string(&Body::of(&request)).expect("serialises"), wanted);
        let warm = Request { temperature: Some(1.5), ..request };
        assert!(serde_json::to_string(&Body::of(&warm)).expect("serialises").ends_with(r#""temperature":1.5}"#));
    }
}
