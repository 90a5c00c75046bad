//! The list of providers. To add a kind: one file, and one line in [`KINDS`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use secrecy::SecretString;

use super::anthropic::Messages;
use super::config::{ConfiguredKind, ProviderConfig};
use super::openai::Chat;
use super::openrouter::OpenRouter;
use super::responses::Responses;
use super::{Descriptor, Provider, http, process, sim};

/// The kinds of provider: how a section of the configuration becomes one.
const KINDS: &[(ConfiguredKind, Constructor)] = &[
    (ConfiguredKind::Anthropic, http::definition::<Messages>),
    (ConfiguredKind::Openai, http::definition::<Chat>),
    (ConfiguredKind::OpenaiResponses, http::definition::<Responses>),
    (ConfiguredKind::Openrouter, http::definition::<OpenRouter>),
    (ConfiguredKind::Process, process_definition),
    (ConfiguredKind::Sim, sim_definition),
];

/// The providers that are there without any configuration.
const BUILT_IN: &[(&str, ConfiguredKind)] = &[
    ("anthropic", ConfiguredKind::Anthropic),
    ("openai", ConfiguredKind::Openai),
    ("openrouter", ConfiguredKind::Openrouter),
    ("process", ConfiguredKind::Process),
    ("sim", ConfiguredKind::Sim),
];

/// Checks a section and resolves what it needs from the environment; nothing is opened yet.
type Constructor = fn(&Section<'_>) -> Result<Box<dyn Definition>, RegistryError>;

/// A section of the configuration, and what surrounds it.
pub(super) struct Section<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// What it says.
    pub(super) config: &'a ProviderConfig,
    /// The environment: the value of a variable, where it is set.
    pub(super) environment: &'a dyn Fn(&str) -> Option<String>,
    /// The program that starts processes.
    pub(super) supervisor: &'a Path,
}

impl Section<'_> {
    /// A variable that is set and not empty.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        (self.environment)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// A mistake in this section.
    pub(super) fn mistake(&self, problem: impl Into<String>) -> RegistryError {
        RegistryError::Mistake { provider: self.name.to_owned(), problem: problem.into() }
    }
}

/// A provider that is configured, and checked as far as that goes without using it.
pub(super) trait Definition: Send + Sync {
    /// What it will be.
    fn descriptor(&self) -> Descriptor;
    /// The keys that it uses, by the names of their variables.
    fn secrets(&self) -> Vec<(String, SecretString)> {
        Vec::new()
    }
    /// Makes it ready for calls; `base_url` instead of the configured one.
    fn build(&self, base_url: Option<&str>) -> Result<Arc<dyn Provider>, RegistryError>;
}

/// Why there is no such provider.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// Nobody configured it.
    #[error("there is no provider `{name}`: there are {known} (more are added as [providers.NAME] in config.toml)")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// The configuration is wrong.
    #[error("[providers.{provider}]: {problem}")]
    Mistake {
        /// The section.
        provider: String,
        /// What is wrong, and what to write.
        problem: String,
    },
    /// The address that was given for this request is wrong.
    #[error("--base-url for provider `{provider}`: {problem}")]
    BaseUrl {
        /// The provider.
        provider: String,
        /// What is wrong, and what to write.
        problem: String,
    },
    /// There is no key: the provider can't be used at all.
    #[error(
        "provider `{provider}` needs a key: set {variable}, or say `auth = {{ type = \"none\" }}` in \
         [providers.{provider}] for a server that wants none"
    )]
    MissingKey {
        /// The provider.
        provider: String,
        /// The environment variable that should hold the key.
        variable: String,
    },
    /// The key or the machine makes every request impossible.
    #[error("provider `{provider}` can't be used: {problem}")]
    Unusable {
        /// The provider.
        provider: String,
        /// Why, and what to do.
        problem: String,
    },
}

/// A provider's name, and the address that it has instead of the configured one.
type At = (String, Option<String>);

/// All providers, configured and built in.
pub struct Registry {
    definitions: BTreeMap<String, Box<dyn Definition>>,
    /// Those in use, by name and address, so that their connections are shared. As many as an
    /// operator names.
    ready: Mutex<BTreeMap<At, Arc<dyn Provider>>>,
}

impl Registry {
    /// Checks the configuration and adds the built-in providers.
    ///
    /// # Errors
    /// The first mistake in the configuration. A missing key is none until its provider is used.
    pub fn new(
        configs: &BTreeMap<String, ProviderConfig>,
        environment: &dyn Fn(&str) -> Option<String>,
        supervisor: impl Into<PathBuf>,
    ) -> Result<Self, RegistryError> {
        let mut configs = configs.clone();
        for (name, _) in BUILT_IN {
            configs.entry((*name).to_owned()).or_default();
        }
        let supervisor = supervisor.into();
        let mut definitions = BTreeMap::new();
        for (name, config) in &configs {
            let section = Section { name, config, environment, supervisor: &supervisor };
            definitions.insert(name.clone(), define(&section)?);
        }
        Ok(Self { definitions, ready: Mutex::default() })
    }

    /// The provider of this name, ready for calls; `base_url` instead of its configured address.
    ///
    /// # Errors
    /// Where there is none, its key is missing, or the address is no URL.
    pub fn get(&self, name: &str, base_url: Option<&str>) -> Result<Arc<dyn Provider>, RegistryError> {
        let definition = self.definitions.get(name).ok_or_else(|| self.unknown(name))?;
        let at = (name.to_owned(), base_url.map(str::to_owned));
        let mut ready = self.ready.lock();
        if let Some(provider) = ready.get(&at) {
            return Ok(Arc::clone(provider));
        }
        let provider = definition.build(base_url)?;
        ready.insert(at, Arc::clone(&provider));
        Ok(provider)
    }

    /// What each provider is and can do, by name.
    pub fn descriptors(&self) -> Vec<Descriptor> {
        self.definitions.values().map(|definition| definition.descriptor()).collect()
    }

    /// The keys that are known, by the names of their variables: the gate redacts them.
    pub fn secrets(&self) -> Vec<(String, SecretString)> {
        let mut secrets: Vec<_> = self.definitions.values().flat_map(|definition| definition.secrets()).collect();
        secrets.sort_by(|(a, _), (b, _)| a.cmp(b));
        secrets.dedup_by(|(a, _), (b, _)| a == b);
        secrets
    }

    fn unknown(&self, name: &str) -> RegistryError {
        let known = self.definitions.keys().map(|known| format!("`{known}`")).collect::<Vec<_>>().join(", ");
        RegistryError::Unknown { name: name.to_owned(), known }
    }
}

fn define(section: &Section<'_>) -> Result<Box<dyn Definition>, RegistryError> {
    let config = section.config;
    let kind = config.kind.or_else(|| {
        let built_in = BUILT_IN.iter().find(|(name, _)| *name == section.name);
        built_in.map(|(_, kind)| *kind)
    });
    let Some(kind) = kind else {
        let known = KINDS.iter().map(|(kind, _)| format!("`\"{}\"`", kind.word())).collect::<Vec<_>>().join(", ");
        return Err(section.mistake(format!("say what it speaks: `kind = …`, one of {known}")));
    };
    if config.rate.is_some() {
        return Err(section.mistake("`rate` is not available yet: remove it, or use `max_concurrent`"));
    }
    if config.max_concurrent == Some(0) {
        return Err(section.mistake("`max_concurrent = 0` lets no call through: write 1 or more"));
    }
    if kind != ConfiguredKind::Sim
        && let Some(setting) = config.simulator_settings().first()
    {
        return Err(section.mistake(format!("`{setting}` is a setting of the simulator: `kind = \"sim\"`")));
    }
    let constructor = KINDS.iter().find(|(known, _)| *known == kind).map(|(_, constructor)| constructor);
    constructor.ok_or_else(|| section.mistake(format!("`kind = \"{}\"` is not available yet", kind.word())))?(section)
}

/// A provider that lives on this machine: nothing is left to be resolved when it is used.
struct Local {
    provider: Arc<dyn Provider>,
}

impl Local {
    fn checked(section: &Section<'_>, provider: impl Provider + 'static) -> Result<Box<dyn Definition>, RegistryError> {
        let config = section.config;
        let network = [
            ("base_url", config.base_url.is_some()),
            ("auth", config.auth.is_some()),
            ("headers", !config.headers.is_empty()),
        ];
        if let Some((setting, _)) = network.iter().find(|(_, set)| *set) {
            return Err(section.mistake(format!("`{setting}` is for servers, and this provider needs none")));
        }
        Ok(Box::new(Self { provider: Arc::new(provider) }))
    }
}

impl Definition for Local {
    fn descriptor(&self) -> Descriptor {
        self.provider.descriptor().clone()
    }

    fn build(&self, base_url: Option<&str>) -> Result<Arc<dyn Provider>, RegistryError> {
        match base_url {
            None => Ok(Arc::clone(&self.provider)),
            Some(_) => Err(RegistryError::BaseUrl {
                provider: self.descriptor().name,
                problem: "it is no server and has no address".to_owned(),
            }),
        }
    }
}

fn process_definition(section: &Section<'_>) -> Result<Box<dyn Definition>, RegistryError> {
    if section.config.model.is_some() {
        return Err(section.mistake("`model` is for servers: a process runs the command line of its task"));
    }
    let supervisor = section.supervisor.to_owned();
    Local::checked(section, process::ProcessProvider::new(section.name, supervisor, section.config.max_concurrent))
}

fn sim_definition(section: &Section<'_>) -> Result<Box<dyn Definition>, RegistryError> {
    sim::check(section.config).map_err(|problem| section.mistake(problem))?;
    Local::checked(section, sim::Simulator::new(section.name, section.config))
}

#[cfg(test)]
mod tests;
