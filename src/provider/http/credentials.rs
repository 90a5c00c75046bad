//! What a request shows to be let in.

use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

/// Credentials that can't be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CredentialsError {
    /// The key holds characters that no header may.
    #[error("the key in {0} holds characters that can't be sent: is there a line break or a space in it?")]
    BadKey(String),
    /// No name of a header.
    #[error("`{0}` is no name of an HTTP header")]
    BadHeader(String),
}

/// Credentials, ready to be sent, and where they came from: messages name the variable, never
/// the key.
#[derive(Debug, Clone, Default)]
pub(crate) enum Credentials {
    /// The server wants none.
    #[default]
    None,
    /// A header with a key.
    Header {
        /// Its name.
        name: HeaderName,
        /// Its value, marked as sensitive.
        value: HeaderValue,
        /// The key in it, to keep it out of messages.
        key: SecretString,
        /// The environment variable that held the key.
        from: String,
    },
}

impl Credentials {
    /// `Authorization: Bearer KEY` (RFC 6750).
    pub(crate) fn bearer(key: SecretString, from: &str) -> Result<Self, CredentialsError> {
        let text = SecretString::from(format!("Bearer {}", key.expose_secret()));
        Self::header(AUTHORIZATION, &text, key, from)
    }

    /// A header of its own with nothing but the key.
    pub(crate) fn api_key(header: &str, key: SecretString, from: &str) -> Result<Self, CredentialsError> {
        let name = HeaderName::try_from(header).map_err(|_| CredentialsError::BadHeader(header.to_owned()))?;
        Self::header(name, &key.clone(), key, from)
    }

    fn header(name: HeaderName, text: &SecretString, key: SecretString, from: &str) -> Result<Self, CredentialsError> {
        let printable = key.expose_secret().bytes().all(|b| b.is_ascii_graphic());
        let value = HeaderValue::from_str(text.expose_secret()).ok().filter(|_| printable);
        let mut value = value.ok_or_else(|| CredentialsError::BadKey(from.to_owned()))?;
        value.set_sensitive(true);
        Ok(Self::Header { name, value, key, from: from.to_owned() })
    }

    /// Where the key came from, where there is one.
    pub(crate) fn origin(&self) -> Option<&str> {
        match self {
            Self::None => None,
            Self::Header { from, .. } => Some(from),
        }
    }

    /// A message of the server without our key: some servers repeat it.
    pub(crate) fn scrub(&self, message: String) -> String {
        match self {
            Self::Header { key, from, .. } if message.contains(key.expose_secret()) => {
                message.replace(key.expose_secret(), &format!("[REDACTED_{from}]"))
            }
            _ => message,
        }
    }

    /// Adds the header.
    pub(crate) fn apply(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match self {
            Self::None => request,
            Self::Header { name, value, .. } => request.header(name, value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_shown() {
        let credentials = Credentials::bearer("sk-0123456789".into(), "MY_KEY").expect("a fine key");
        assert!(!format!("{credentials:?}").contains("0123456789"));
        assert_eq!(credentials.scrub("no such key: sk-0123456789.".into()), "no such key: [REDACTED_MY_KEY].");
    }

    #[test]
    fn what_can_not_be_sent_is_refused_by_its_origin() {
        let error = Credentials::bearer("sk-01\n23".into(), "MY_KEY").expect_err("a line break");
        assert_eq!(error, CredentialsError::BadKey("MY_KEY".into()));
        let error = Credentials::api_key("x key", "k".into(), "MY_KEY").expect_err("a space");
        assert_eq!(error, CredentialsError::BadHeader("x key".into()));
    }
}
