//! What a status or an error object means for the task: which kind of error it is, whether it
//! may pass, and whether anything can have been billed.

use crate::domain::report::{ErrorKind, Sent};
use crate::provider::Failure;

/// The longest message of a server that is passed on, in characters.
const LONGEST_MESSAGE: usize = 600;
/// The longest piece of a web page that is passed on, in characters.
const LONGEST_TITLE: usize = 80;

/// An error in the server's own words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ServerError {
    /// For people.
    pub(crate) message: String,
    /// For programs: `insufficient_quota`, `429`.
    pub(crate) code: String,
    /// Its class: `invalid_request_error`, `server_error`.
    pub(crate) class: String,
}

impl ServerError {
    /// Whether money or a quota is used up: waiting doesn't help.
    fn is_final_quota(&self) -> bool {
        const WORDS: [&str; 4] =
            ["insufficient_quota", "billing_hard_limit_reached", "insufficient_balance", "billing_error"];
        WORDS.contains(&self.code.as_str()) || WORDS.contains(&self.class.as_str())
    }

    /// Whether what was asked is what the server won't have, and not who asks.
    fn is_moderation(&self) -> bool {
        let message = self.message.to_ascii_lowercase();
        ["moderation", "flagged", "guardrail"].into_iter().any(|word| message.contains(word))
    }

    /// The status that the error names: some servers begin a stream with 200 and then fail.
    fn status(&self) -> Option<u16> {
        self.code.parse().ok().filter(|code| (400..600).contains(code))
    }

    fn said(&self) -> String {
        let mut message: String = self.message.trim().chars().take(LONGEST_MESSAGE).collect();
        if message.is_empty() {
            message = [&self.code, &self.class].into_iter().find(|word| !word.is_empty()).cloned().unwrap_or_default();
        }
        message
    }
}

/// Whether a request that was answered with `status` can be billed. A refusal is not; a failure
/// inside the server (and a 408, which a proxy may send after the server began) may be.
pub(crate) fn sent_of_status(status: u16) -> Sent {
    match status {
        408 | 499 => Sent::Maybe,
        300..=499 | 503 | 529 => Sent::Refused,
        _ => Sent::Maybe,
    }
}

/// Whether a request can be billed that was answered with an error and nothing else.
pub(crate) fn sent_of_error(error: &ServerError) -> Sent {
    error.status().map_or(Sent::Maybe, sent_of_status)
}

/// The failure that an HTTP status is. `key_from` names the variable that the key came from;
/// `should_retry` is what the server said of it.
pub(crate) fn failure_of_status(
    status: u16,
    error: &ServerError,
    key_from: Option<&str>,
    should_retry: Option<bool>,
) -> Failure {
    let (kind, passes) = meaning(status, error);
    let said = error.said();
    let said = if said.is_empty() { String::new() } else { format!(": {said}") };
    let message = match (kind, key_from) {
        (ErrorKind::Auth, Some(variable)) => format!("the server refused the key in {variable} ({status}){said}"),
        (ErrorKind::Auth, None) => format!(
            "the server wants a key ({status}) and none is configured: set `auth` with `token_env` for this provider{said}"
        ),
        _ if status == 402 || error.is_final_quota() => {
            format!("the account has no money or quota left ({status}){said}")
        }
        _ if status == 404 => {
            format!("the server answered 404{said} (are the name of the model and the base URL right?)")
        }
        _ => format!("the server answered {status}{said}"),
    };
    let retryable = if error.is_final_quota() { false } else { should_retry.unwrap_or(passes) };
    Failure { retryable, status: Some(i32::from(status)), ..Failure::new(kind, message) }
}

/// The failure that an error object inside a successful response is.
pub(crate) fn failure_of_error(error: &ServerError) -> Failure {
    let status = error.status();
    let (kind, retryable) = match status {
        Some(status) => meaning(status, error),
        None => meaning_of_words(error),
    };
    let said = error.said();
    let said = if said.is_empty() { "no reason given" } else { &said };
    let message = format!("the server broke off with an error: {said}");
    Failure { retryable, status: status.map(i32::from), ..Failure::new(kind, message) }
}

/// What a web page in place of an answer is called in messages. Its title says most.
pub(crate) fn web_page(body: &str) -> Option<String> {
    let body = body.trim_start_matches('\u{feff}').trim_start();
    if !body.starts_with('<') {
        return None;
    }
    let lower = body.to_ascii_lowercase();
    let title = lower.find("<title>").map(|at| at + "<title>".len()).and_then(|from| {
        let length = lower.get(from..)?.find('<')?;
        body.get(from..from + length)
    });
    let text = title.map_or_else(|| without_tags(body), str::to_owned);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = words.chars().take(LONGEST_TITLE).collect();
    Some(match short.as_str() {
        "" => "answered with a web page (is the base URL right?)".to_owned(),
        _ => format!("answered with a web page, \"{short}\" (is the base URL right?)"),
    })
}

fn without_tags(page: &str) -> String {
    let mut text = String::new();
    for piece in page.split('<') {
        if let Some((_, after)) = piece.split_once('>') {
            text.push_str(after);
            text.push(' ');
        }
    }
    text
}

/// The kind of a status, and whether it may pass by itself.
fn meaning(status: u16, error: &ServerError) -> (ErrorKind, bool) {
    match status {
        403 if error.is_moderation() => (ErrorKind::Invalid, false),
        401 | 403 => (ErrorKind::Auth, false),
        429 if error.is_final_quota() => (ErrorKind::Provider, false),
        429 => (ErrorKind::RateLimited, true),
        408 | 409 | 500.. => (ErrorKind::Provider, true),
        400 | 413 | 422 => (ErrorKind::Invalid, false),
        _ => (ErrorKind::Provider, false),
    }
}

fn meaning_of_words(error: &ServerError) -> (ErrorKind, bool) {
    let says = |word: &str| error.code.contains(word) || error.class.contains(word);
    if error.is_final_quota() {
        (ErrorKind::Provider, false)
    } else if says("rate_limit") || says("too_many") {
        (ErrorKind::RateLimited, true)
    } else if says("authentication") || says("invalid_api_key") || says("permission") {
        (ErrorKind::Auth, false)
    } else if says("invalid_request") || says("BadRequest") || says("context_length") || says("too_large") {
        (ErrorKind::Invalid, false)
    } else if says("not_found") {
        (ErrorKind::Provider, false)
    } else {
        (ErrorKind::Provider, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ErrorKind::{Auth, Invalid, Provider, RateLimited};

    fn error(code: &str) -> ServerError {
        ServerError { message: "no".into(), code: code.into(), class: String::new() }
    }

    #[test]
    fn statuses() {
        let cases = [
            (302, "", None, Provider, false, Sent::Refused),
            (400, "", None, Invalid, false, Sent::Refused),
            (401, "", None, Auth, false, Sent::Refused),
            (402, "", None, Provider, false, Sent::Refused),
            (403, "", None, Auth, false, Sent::Refused),
            (404, "model_not_found", None, Provider, false, Sent::Refused),
            (408, "", None, Provider, true, Sent::Maybe),
            (409, "", None, Provider, true, Sent::Refused),
            (409, "", Some(false), Provider, false, Sent::Refused),
            (422, "", None, Invalid, false, Sent::Refused),
            (429, "", None, RateLimited, true, Sent::Refused),
            (429, "insufficient_quota", Some(true), Provider, false, Sent::Refused),
            (500, "", None, Provider, true, Sent::Maybe),
            (500, "", Some(false), Provider, false, Sent::Maybe),
            (502, "", None, Provider, true, Sent::Maybe),
            (503, "", None, Provider, true, Sent::Refused),
            (504, "", None, Provider, true, Sent::Maybe),
            (529, "", None, Provider, true, Sent::Refused),
        ];
        for (status, code, should_retry, kind, retryable, sent) in cases {
            let failure = failure_of_status(status, &error(code), Some("A_KEY"), should_retry);
            assert_eq!((failure.kind, failure.retryable), (kind, retryable), "{status} {code}");
            assert_eq!(failure.status, Some(i32::from(status)));
            assert_eq!(sent_of_status(status), sent, "{status}");
        }
    }

    #[test]
    fn a_refused_prompt_is_no_refused_key() {
        let flagged = ServerError { message: "Your input was flagged".into(), ..ServerError::default() };
        assert_eq!(failure_of_status(403, &flagged, Some("A_KEY"), None).kind, Invalid);
    }

    #[test]
    fn only_a_status_that_refuses_proves_that_nothing_is_billed() {
        let cases = [("402", Sent::Refused), ("502", Sent::Maybe), ("rate_limit_exceeded", Sent::Maybe)];
        for (code, sent) in cases {
            assert_eq!(sent_of_error(&error(code)), sent, "{code}");
        }
    }

    #[test]
    fn a_refused_key_is_named_by_its_variable() {
        let failure = failure_of_status(401, &error(""), Some("OPENAI_API_KEY"), None);
        assert_eq!(failure.message, "the server refused the key in OPENAI_API_KEY (401): no");
        let failure = failure_of_status(401, &ServerError::default(), None, None);
        assert!(failure.message.contains("token_env"), "{}", failure.message);
    }

    #[test]
    fn errors_in_a_stream() {
        let cases = [
            ("429", RateLimited, true),
            ("400", Invalid, false),
            ("rate_limit_exceeded", RateLimited, true),
            ("insufficient_quota", Provider, false),
            ("context_length_exceeded", Invalid, false),
            ("server_error", Provider, true),
            ("overloaded_error", Provider, true),
            ("not_found_error", Provider, false),
            ("request_too_large", Invalid, false),
            ("billing_error", Provider, false),
            ("402", Provider, false),
            ("", Provider, true),
        ];
        for (code, kind, retryable) in cases {
            let failure = failure_of_error(&error(code));
            assert_eq!((failure.kind, failure.retryable), (kind, retryable), "{code}");
        }
    }

    #[test]
    fn a_web_page_is_called_one() {
        let page = "\n<!DOCTYPE html><html><head><TITLE>502 Bad\n Gateway</TITLE></head><body>x</body></html>";
        assert!(web_page(page).expect("a page").contains("a web page, \"502 Bad Gateway\""));
        assert!(web_page("<p>down for <b>repairs</b></p>").expect("a page").contains("\"down for repairs\""));
        assert_eq!(web_page("plain text"), None);
    }
}
