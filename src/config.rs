//! The configuration: each module's own part, gathered. Flags beat the environment beats the file.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::domain::{Limits, Money};
use crate::provider::config::ProviderConfig;

/// A configuration that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file does not say what a configuration can say.
    #[error("{}: {problem}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong and where: line, column and key.
        problem: String,
    },
    /// There is no directory for it.
    #[error("there is no home directory: name one with --home DIR or FLIGHTDECK_HOME")]
    NoHome,
}

/// `config.toml`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The provider of a dispatch that names none.
    #[serde(default)]
    pub default_provider: Option<String>,
    /// Providers by name.
    #[serde(default)]
    pub providers: BTreeMap<String, ProviderConfig>,
    /// Prices by model.
    #[serde(default)]
    pub prices: toml::Table,
    /// Defaults of every run's limits.
    #[serde(default)]
    pub limits: LimitsConfig,
    /// The console.
    #[serde(default)]
    pub console: ConsoleConfig,
}

/// `[limits]`: defaults of every run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    /// The budget of a run, in US dollars.
    #[serde(default, deserialize_with = "amount")]
    pub max_total_cost_usd: Option<Money>,
    /// How many agents work at once.
    #[serde(default)]
    pub max_concurrent: Option<u32>,
    /// How many agents a run may have.
    #[serde(default)]
    pub max_total_agents: Option<u32>,
    /// How long one agent may work, in seconds.
    #[serde(default)]
    pub max_agent_duration_s: Option<u64>,
    /// How long a run may take, in seconds.
    #[serde(default)]
    pub max_total_duration_s: Option<u64>,
}

/// `[console]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsoleConfig {
    /// The theme's name.
    #[serde(default)]
    pub theme: Option<String>,
}

impl LimitsConfig {
    /// The limits that a run has where nothing else is said.
    #[must_use]
    pub fn defaults(&self) -> Limits {
        let base = Limits::default();
        Limits {
            max_total_cost_usd: self.max_total_cost_usd,
            max_parallel: self.max_concurrent.unwrap_or(base.max_parallel),
            max_total_agents: self.max_total_agents.unwrap_or(base.max_total_agents),
            agent_timeout_ms: self.max_agent_duration_s.map_or(base.agent_timeout_ms, |s| s.saturating_mul(1000)),
            total_timeout_ms: self.max_total_duration_s.map(|s| s.saturating_mul(1000)),
            ..base
        }
    }
}

impl Config {
    /// Reads a file; where it is missing and was not asked for by name, everything is default.
    pub fn load(path: &Path, asked_for: bool) -> Result<Self, ConfigError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, path),
            // A home that is no directory is the store's to tell.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) && !asked_for => {
                Ok(Self::default())
            }
            Err(source) => Err(ConfigError::Read { path: path.to_owned(), source }),
        }
    }

    fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let wrong = |problem: String| ConfigError::Parse { path: path.to_owned(), problem };
        let config: Self = toml::from_str(text).map_err(|error| wrong(error.to_string().trim_end().to_owned()))?;
        let zero = [
            ("max_concurrent", config.limits.max_concurrent == Some(0)),
            ("max_total_agents", config.limits.max_total_agents == Some(0)),
            ("max_agent_duration_s", config.limits.max_agent_duration_s == Some(0)),
            ("max_total_duration_s", config.limits.max_total_duration_s == Some(0)),
        ];
        match zero.iter().find(|(_, is_zero)| *is_zero) {
            Some((name, _)) => {
                Err(wrong(format!("limits.{name} = 0 would let nothing run: leave it out for no limit")))
            }
            None => Ok(config),
        }
    }
}

/// Where a home's files are. With `--home` everything is in one directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// The database, the key and large content.
    pub data: PathBuf,
    /// `config.toml`, `keymap.toml`, `themes/`.
    pub config: PathBuf,
}

impl Home {
    /// The home that was named, or the platform's usual directories.
    pub fn find(named: Option<&Path>) -> Result<Self, ConfigError> {
        if let Some(home) = named {
            return Ok(Self { data: home.to_owned(), config: home.to_owned() });
        }
        let dirs = directories::ProjectDirs::from("", "", "flightdeck").ok_or(ConfigError::NoHome)?;
        Ok(Self { data: dirs.data_dir().to_owned(), config: dirs.config_dir().to_owned() })
    }

    /// `config.toml`.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.config.join("config.toml")
    }
}

/// An amount as users write it in TOML: `5`, `5.0` or `"5.00"`. A float is read by its shortest
/// decimal text, so that `0.1` is exactly a tenth.
fn amount<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Money>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Whole(i64),
        Decimal(f64),
        Text(String),
    }
    let text = match Written::deserialize(deserializer)? {
        Written::Whole(number) => number.to_string(),
        Written::Decimal(number) => number.to_string(),
        Written::Text(text) => text,
    };
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, Path::new("config.toml"))
    }

    #[test]
    fn limits_are_exact() {
        let config = parse("[limits]\nmax_total_cost_usd = 0.1\nmax_concurrent = 3").expect("reads");
        assert_eq!(config.limits.max_total_cost_usd, "0.1".parse().ok());
        assert_eq!(config.limits.defaults().max_parallel, 3);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, wanted) in [
            ("[limits]\nmax_concurent = 3", "max_concurent"),
            ("[limits]\nmax_total_cost_usd = -1", "negative"),
            ("[limits]\nmax_total_cost_usd = nan", "no amount"),
            ("[limits]\nmax_concurrent = 0", "max_concurrent"),
            ("[limits\n", "line 1"),
        ] {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.contains(wanted) && error.contains("config.toml"), "{error}");
        }
    }
}
