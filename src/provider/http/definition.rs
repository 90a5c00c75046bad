//! From a section of the configuration to a server that can be called.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::SecretString;

use super::address::{Address, AddressError};
use super::credentials::Credentials;
use super::protocol::{Protocol, Vendor};
use super::service::Service;
use crate::provider::config::{AuthConfig, AuthKind};
use crate::provider::registry::{Definition, RegistryError, Section};
use crate::provider::{Descriptor, Provider};

const DEFAULT_HEADER: &str = "x-api-key";
/// Headers that hold keys: those come from the environment, through `auth`.
const KEY_HEADERS: [&str; 5] = ["authorization", "proxy-authorization", "x-api-key", "api-key", "cookie"];

/// A server, checked and not yet connected.
struct Server<P> {
    name: String,
    /// A mistake in the environment only matters to those who use this provider.
    address: Result<Address, RegistryError>,
    model: Option<String>,
    max_concurrent: Option<u32>,
    auth: Auth,
    headers: HeaderMap,
    protocol: PhantomData<fn() -> P>,
}

/// How the server is asked to let us in.
enum Auth {
    None,
    Key { variable: String, key: Option<SecretString>, header: Option<String> },
}

/// Checks a section of a server that speaks `P`.
pub(in crate::provider) fn definition<P: Protocol>(
    section: &Section<'_>,
) -> Result<Box<dyn Definition>, RegistryError> {
    let (config, vendor) = (section.config, &P::VENDOR);
    let from_environment = section.variable(vendor.address_variable).filter(|_| section.name == vendor.name);
    let parse = |text, origin| Address::parse(text).map_err(|error| section.mistake(format!("{origin}: {error}")));
    let address = match &from_environment {
        Some(text) => parse(text, vendor.address_variable),
        None => Ok(parse(config.base_url.as_deref().unwrap_or(vendor.server), "base_url")?),
    };
    let own = section.name == vendor.name || address.as_ref().is_ok_and(|address| address.host() == vendor.host);
    Ok(Box::new(Server::<P> {
        name: section.name.to_owned(),
        address,
        model: config.model.clone().or_else(|| own.then(|| vendor.model.to_owned())),
        max_concurrent: config.max_concurrent,
        auth: auth(section, vendor, own)?,
        headers: headers(section, vendor, &config.headers)?,
        protocol: PhantomData,
    }))
}

/// The headers that every request carries: the vendor's, and the user's own over them.
fn headers(section: &Section<'_>, vendor: &Vendor, own: &BTreeMap<String, String>) -> Result<HeaderMap, RegistryError> {
    let mut headers = HeaderMap::new();
    let always = vendor.headers.iter().copied();
    for (name, value) in always.chain(own.iter().map(|(name, value)| (name.as_str(), value.as_str()))) {
        let no_header = || section.mistake(format!("headers: `{name}` can't be sent with such a name or value"));
        let key = HeaderName::try_from(name).map_err(|_| no_header())?;
        if KEY_HEADERS.contains(&key.as_str()) {
            return Err(section.mistake(format!("headers: `{name}` holds a key: use `auth` with `token_env`")));
        }
        headers.insert(key, HeaderValue::try_from(value).map_err(|_| no_header())?);
    }
    Ok(headers)
}

/// Where nothing is said, the standard key goes to the standard provider only: it must not leak
/// to any server that somebody adds.
fn auth(section: &Section<'_>, vendor: &Vendor, own: bool) -> Result<Auth, RegistryError> {
    let usual = AuthConfig { kind: vendor.auth, token_env: None, header: None };
    let config = match &section.config.auth {
        Some(config) => config,
        None if own => &usual,
        None => return Ok(Auth::None),
    };
    let header = match (config.kind, &config.header) {
        (AuthKind::ApiKey, header) => Some(header.clone().unwrap_or_else(|| DEFAULT_HEADER.to_owned())),
        (_, None) => None,
        (_, Some(_)) => return Err(section.mistake("auth: `header` goes with `type = \"api_key\"`")),
    };
    if config.kind == AuthKind::None {
        return match config.token_env {
            None => Ok(Auth::None),
            Some(_) => Err(section.mistake("auth: `token_env` goes with `type = \"bearer\"` or `\"api_key\"`")),
        };
    }
    let variable = config.token_env.clone().unwrap_or_else(|| vendor.key_variable.to_owned());
    let key = section.variable(&variable).map(SecretString::from);
    Ok(Auth::Key { variable, key, header })
}

impl<P: Protocol> Server<P> {
    fn describe(&self, address: Option<&Address>) -> Descriptor {
        Descriptor {
            name: self.name.clone(),
            kind: P::VENDOR.kind,
            endpoint: address.map(Address::shown),
            default_model: self.model.clone(),
            bills_tokens: true,
            takes_seed: P::VENDOR.takes_seed,
            tells_cost: P::VENDOR.tells_cost,
            runs_command: false,
            pause_stops: false,
            simulated: false,
            max_concurrent: self.max_concurrent,
        }
    }

    fn credentials(&self) -> Result<Credentials, RegistryError> {
        let Auth::Key { variable, key, header } = &self.auth else { return Ok(Credentials::None) };
        let Some(key) = key.clone() else {
            return Err(RegistryError::MissingKey { provider: self.name.clone(), variable: variable.clone() });
        };
        let credentials = match header {
            None => Credentials::bearer(key, variable),
            Some(header) => Credentials::api_key(header, key, variable),
        };
        credentials.map_err(|error| self.unusable(error.to_string()))
    }

    fn unusable(&self, problem: String) -> RegistryError {
        RegistryError::Unusable { provider: self.name.clone(), problem }
    }

    fn bad_address(&self, error: &AddressError) -> RegistryError {
        RegistryError::BaseUrl { provider: self.name.clone(), problem: error.to_string() }
    }
}

impl<P: Protocol> Definition for Server<P> {
    fn descriptor(&self) -> Descriptor {
        self.describe(self.address.as_ref().ok())
    }

    fn secrets(&self) -> Vec<(String, SecretString)> {
        match &self.auth {
            Auth::Key { variable, key: Some(key), .. } => vec![(variable.clone(), key.clone())],
            _ => Vec::new(),
        }
    }

    fn build(&self, base_url: Option<&str>) -> Result<Arc<dyn Provider>, RegistryError> {
        let given = base_url.map(Address::parse).transpose().map_err(|error| self.bad_address(&error))?;
        let address = match &given {
            Some(address) => address,
            None => self.address.as_ref().map_err(Clone::clone)?,
        };
        let credentials = self.credentials()?;
        let descriptor = self.describe(Some(address));
        let server = Service::<P>::new(descriptor, address, credentials, self.headers.clone()).map_err(|error| {
            self.unusable(format!(
                "no encrypted connections can be made here ({error}): install the system's CA certificates"
            ))
        })?;
        Ok(Arc::new(server))
    }
}
