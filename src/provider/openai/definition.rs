//! From a section of the configuration to a server that can be called.

use std::sync::Arc;

use secrecy::SecretString;

use crate::domain::ProviderKind;
use crate::provider::config::{AuthConfig, AuthKind};
use crate::provider::http::{Address, AddressError, Credentials};
use crate::provider::registry::{Definition, RegistryError, Section};
use crate::provider::{Descriptor, Provider};

use super::OpenAi;

/// OpenAI's own server.
const OWN_SERVER: &str = "https://api.openai.com/v1";
const OWN_HOST: &str = "api.openai.com";
/// The cheap model that is used where none is asked for.
const DEFAULT_MODEL: &str = "gpt-4o-mini";
/// The built-in provider: the environment's standard variables are about this one.
const BUILT_IN: &str = "openai";
const KEY_VARIABLE: &str = "OPENAI_API_KEY";
const ADDRESS_VARIABLE: &str = "OPENAI_BASE_URL";
const DEFAULT_HEADER: &str = "x-api-key";

/// A server, checked and not yet connected.
struct Server {
    name: String,
    /// A mistake in the environment only matters to those who use this provider.
    address: Result<Address, RegistryError>,
    model: Option<String>,
    max_concurrent: Option<u32>,
    auth: Auth,
}

/// How the server is asked to let us in.
enum Auth {
    None,
    Key { variable: String, key: Option<SecretString>, header: Option<String> },
}

/// Checks a section.
pub(in crate::provider) fn definition(section: &Section<'_>) -> Result<Box<dyn Definition>, RegistryError> {
    let config = section.config;
    let from_environment = section.variable(ADDRESS_VARIABLE).filter(|_| section.name == BUILT_IN);
    let parse = |text, origin| Address::parse(text).map_err(|error| section.mistake(format!("{origin}: {error}")));
    let address = match &from_environment {
        Some(text) => parse(text, ADDRESS_VARIABLE),
        None => Ok(parse(config.base_url.as_deref().unwrap_or(OWN_SERVER), "base_url")?),
    };
    let own = section.name == BUILT_IN || address.as_ref().is_ok_and(|address| address.host() == OWN_HOST);
    let auth = auth(section, own)?;
    let model = config.model.clone().or_else(|| own.then(|| DEFAULT_MODEL.to_owned()));
    let name = section.name.to_owned();
    Ok(Box::new(Server { name, address, model, max_concurrent: config.max_concurrent, auth }))
}

/// Where nothing is said, the standard key goes to the standard provider only: it must not leak
/// to any server that somebody adds.
fn auth(section: &Section<'_>, own: bool) -> Result<Auth, RegistryError> {
    let bearer = AuthConfig { kind: AuthKind::Bearer, token_env: None, header: None };
    let config = match &section.config.auth {
        Some(config) => config,
        None if own => &bearer,
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
    let variable = config.token_env.clone().unwrap_or_else(|| KEY_VARIABLE.to_owned());
    let key = section.variable(&variable).map(SecretString::from);
    Ok(Auth::Key { variable, key, header })
}

impl Server {
    fn describe(&self, address: Option<&Address>) -> Descriptor {
        Descriptor {
            name: self.name.clone(),
            kind: ProviderKind::Openai,
            endpoint: address.map(Address::shown),
            default_model: self.model.clone(),
            bills_tokens: true,
            takes_seed: true,
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

impl Definition for Server {
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
        let server = OpenAi::new(self.describe(Some(address)), address, credentials).map_err(|error| {
            self.unusable(format!(
                "no encrypted connections can be made here ({error}): install the system's CA certificates"
            ))
        })?;
        Ok(Arc::new(server))
    }
}
