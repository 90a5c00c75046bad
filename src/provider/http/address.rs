//! Where a provider is.

use reqwest::Url;

/// An address that can't be used, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AddressError {
    /// Not a URL.
    #[error("`{0}` is no URL: write one such as http://127.0.0.1:11434/v1")]
    NoUrl(String),
    /// A scheme that we don't speak.
    #[error("`{0}` does not begin with http:// or https://")]
    Scheme(String),
    /// A user name or a password inside: it would show wherever the address does.
    #[error("the base URL for {0} holds a user name or a password: use `auth` with `token_env` instead")]
    Credentials(String),
}

/// A checked base URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    base: Url,
}

impl Address {
    /// Checks a base URL. A query stays (some gateways want a version there), a fragment does not.
    pub(crate) fn parse(text: &str) -> Result<Self, AddressError> {
        let mut base = Url::parse(text.trim()).map_err(|_| AddressError::NoUrl(text.to_owned()))?;
        if !base.username().is_empty() || base.password().is_some() {
            return Err(AddressError::Credentials(base.host_str().unwrap_or_default().to_owned()));
        }
        if !matches!(base.scheme(), "http" | "https") || !base.has_host() {
            return Err(AddressError::Scheme(text.to_owned()));
        }
        base.set_fragment(None);
        Ok(Self { base })
    }

    /// The URL of an endpoint below the base. Users also paste the whole address of an endpoint:
    /// then nothing is added.
    pub(crate) fn endpoint(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        let base = self.base.path().trim_end_matches('/');
        if !base.ends_with(path) {
            url.set_path(&format!("{base}{path}"));
        }
        url
    }

    /// Whether the base's path ends like this.
    pub(crate) fn ends_with(&self, path: &str) -> bool {
        self.base.path().trim_end_matches('/').ends_with(path)
    }

    /// The host's name, in lower case.
    pub(crate) fn host(&self) -> &str {
        self.base.host_str().unwrap_or_default()
    }

    /// Whether the connection is encrypted.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.base.scheme() == "https"
    }

    /// For people: without the query, which may hold a key.
    pub(crate) fn shown(&self) -> String {
        let mut url = self.base.clone();
        url.set_query(None);
        url.as_str().trim_end_matches('/').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_stand_below_the_base_once() {
        let wanted = "http://h:1/v1/chat/completions";
        for base in ["http://h:1/v1", "http://h:1/v1/", " http://h:1/v1/chat/completions ", "http://h:1/v1#x"] {
            let address = Address::parse(base).expect(base);
            assert_eq!(address.endpoint("/chat/completions").as_str(), wanted, "{base}");
        }
        let gateway = Address::parse("https://h/x?version=2").expect("a query");
        assert_eq!(gateway.endpoint("/chat/completions").as_str(), "https://h/x/chat/completions?version=2");
        assert_eq!(gateway.shown(), "https://h/x");
    }

    #[test]
    fn what_is_no_address_is_refused_and_no_password_is_repeated() {
        for base in ["", "localhost:11434", "127.0.0.1", "ftp://h/v1", "file:///x"] {
            assert!(Address::parse(base).is_err(), "{base}");
        }
        let error = Address::parse("https://me:hunter22@h/v1").expect_err("credentials");
        assert!(!error.to_string().contains("hunter22"), "{error}");
    }
}
