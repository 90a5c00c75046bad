//! The price table: a dated list that ships with the program, and the user's own prices over it.

use std::collections::BTreeMap;

use toml::{Table, Value};

use crate::domain::{ModelPrice, Money, Price};

const BUILTIN: &str = include_str!("../../assets/prices.toml");
const FIELDS: &[&str] = &["input", "output", "cache_read", "cache_write", "cache_write_1h", "request"];

/// A price that does not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// The whole table does not read.
    #[error("the price table does not read: {0}")]
    Table(String),
    /// No table where one must be.
    #[error("{key}: this must be a table with input and output, in US dollars per million tokens")]
    NoTable {
        /// The path of the key.
        key: String,
    },
    /// A price that every model needs.
    #[error("{key}.{field} is missing: give it in US dollars per million tokens")]
    Missing {
        /// The path of the key.
        key: String,
        /// What is missing.
        field: &'static str,
    },
    /// A field that there is not.
    #[error(
        "{key}.{field}: there is no such price; known are input, output, cache_read, cache_write, cache_write_1h and request"
    )]
    Unknown {
        /// The path of the key.
        key: String,
        /// The field.
        field: String,
    },
    /// What is no price.
    #[error("{key}.{field}: {problem}")]
    NoPrice {
        /// The path of the key.
        key: String,
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

/// A model without a price, where one is needed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "model \"{0}\" has no price, so a budget can't be kept: add to config.toml (US dollars per million tokens):\n\
     [prices.{key}]\ninput = …\noutput = …",
    key = Value::String(.0.clone())
)]
pub struct Unpriced(pub String);

/// What models cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceTable {
    as_of: String,
    /// By name; a name that ends in `*` stands for all that begin like it.
    entries: BTreeMap<String, Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// Who sells it; nothing for the user's own prices.
    vendor: Option<String>,
    price: ModelPrice,
}

impl PriceTable {
    /// The table that ships with the program.
    pub fn builtin() -> Result<Self, PriceError> {
        Self::read(BUILTIN)
    }

    fn read(text: &str) -> Result<Self, PriceError> {
        let table: Table = text.parse().map_err(|e: toml::de::Error| PriceError::Table(e.message().to_owned()))?;
        let mut prices = Self { as_of: String::new(), entries: BTreeMap::new() };
        for (vendor, models) in &table {
            match models {
                Value::String(date) if vendor == "as_of" => prices.as_of.clone_from(date),
                Value::Table(models) => prices.add(models, vendor, Some(vendor))?,
                _ => return Err(PriceError::NoTable { key: vendor.clone() }),
            }
        }
        Ok(prices)
    }

    /// Puts the user's own prices over the table: the `prices` of the configuration, by model.
    pub fn overlay(&mut self, prices: &Table) -> Result<(), PriceError> {
        self.add(prices, "prices", None)
    }

    fn add(&mut self, models: &Table, path: &str, vendor: Option<&str>) -> Result<(), PriceError> {
        for (model, prices) in models {
            let key = format!("{path}.{}", Value::String(model.clone()));
            let Value::Table(prices) = prices else { return Err(PriceError::NoTable { key }) };
            let price = model_price(prices, &key)?;
            self.entries.insert(model.clone(), Entry { vendor: vendor.map(str::to_owned), price });
        }
        Ok(())
    }

    /// The date of the list that ships with the program, `YYYY-MM-DD`.
    pub fn as_of(&self) -> &str {
        &self.as_of
    }

    /// What a model costs. Its dated variants, `-latest` and its vendor's name before it are the
    /// same model; anything else is another one.
    pub fn find(&self, model: &str) -> Option<ModelPrice> {
        self.named(model).or_else(|| self.of_vendor(model)).or_else(|| self.family(model)).map(|entry| entry.price)
    }

    /// Like [`Self::find`], and says what to add where there is no price.
    pub fn price(&self, model: &str) -> Result<ModelPrice, Unpriced> {
        self.find(model).ok_or_else(|| Unpriced(model.to_owned()))
    }

    fn named(&self, model: &str) -> Option<&Entry> {
        self.entries.get(model).or_else(|| self.entries.get(undated(model)?))
    }

    fn of_vendor(&self, model: &str) -> Option<&Entry> {
        let (vendor, name) = model.split_once('/')?;
        let own = |entry: &&Entry| entry.vendor.as_deref() == Some(vendor);
        // OpenRouter writes anthropic/claude-haiku-4.5 for Anthropic's claude-haiku-4-5.
        self.named(name).filter(own).or_else(|| self.named(&name.replace('.', "-")).filter(own))
    }

    fn family(&self, model: &str) -> Option<&Entry> {
        let begins = |name: &str| name.strip_suffix('*').is_some_and(|beginning| model.starts_with(beginning));
        self.entries.iter().find(|(name, _)| begins(name)).map(|(_, entry)| entry)
    }
}

/// The name without `-latest`, `-YYYY-MM-DD` or `-YYYYMMDD` at its end.
fn undated(model: &str) -> Option<&str> {
    if let Some(base) = model.strip_suffix("-latest") {
        return Some(base);
    }
    ["-dddd-dd-dd", "-dddddddd"].into_iter().find_map(|form| {
        let (base, date) = model.split_at_checked(model.len().checked_sub(form.len())?)?;
        let fits = |(found, wanted): (char, char)| if wanted == 'd' { found.is_ascii_digit() } else { found == wanted };
        date.chars().zip(form.chars()).all(fits).then_some(base)
    })
}

fn model_price(prices: &Table, key: &str) -> Result<ModelPrice, PriceError> {
    if let Some(field) = prices.keys().find(|field| !FIELDS.contains(&field.as_str())) {
        return Err(PriceError::Unknown { key: key.to_owned(), field: field.clone() });
    }
    let given = |field: &'static str| prices.get(field).map(|value| amount(value, key, field)).transpose();
    let needed = |field| given(field)?.ok_or_else(|| PriceError::Missing { key: key.to_owned(), field });
    let (input, output) = (needed("input")?, needed("output")?);
    let per_million = |amount: Money| Price::from_nanos(amount.nanos());
    Ok(ModelPrice {
        input: per_million(input),
        output: per_million(output),
        cache_read: per_million(given("cache_read")?.unwrap_or(input)),
        cache_write: per_million(given("cache_write")?.unwrap_or(input)),
        cache_write_1h: given("cache_write_1h")?.map(per_million),
        request: given("request")?.unwrap_or_default(),
    })
}

/// Reads an amount exactly: the shortest decimal that means a float is what the user wrote.
fn amount(value: &Value, key: &str, field: &'static str) -> Result<Money, PriceError> {
    let text = match value {
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::String(text) => text.clone(),
        other => format!("a {}", other.type_str()),
    };
    text.parse().map_err(|error: crate::domain::MoneyError| PriceError::NoPrice {
        key: key.to_owned(),
        field,
        problem: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn builtin() -> PriceTable {
        PriceTable::builtin().expect("the table that ships")
    }

    fn overlaid(text: &str) -> Result<PriceTable, PriceError> {
        let mut table = builtin();
        let prices: Table = text.parse().expect(text);
        table.overlay(prices["prices"].as_table().expect("prices"))?;
        Ok(table)
    }

    fn complaint(text: &str) -> String {
        overlaid(text).expect_err(text).to_string()
    }

    #[test]
    fn the_shipped_table_reads_exactly() {
        let mini = builtin().find("gpt-4o-mini").expect("priced");
        assert_eq!(mini.input.to_string(), "0.15");
        assert_eq!(mini.cache_read.to_string(), "0.075");
        assert_eq!(mini.cache_write, mini.input);
        assert_eq!(mini.request, Money::ZERO);
        assert_eq!(builtin().as_of().len(), "2025-12-31".len());
    }

    #[test]
    fn writing_to_anthropics_cache_has_two_prices() {
        let (table, times) = (builtin(), |price: Price, percent| Price::from_nanos(price.nanos() * percent / 100));
        let of_anthropic = table.entries.iter().filter(|(_, entry)| entry.vendor.as_deref() == Some("anthropic"));
        for (name, Entry { price, .. }) in of_anthropic {
            assert_eq!(price.cache_write, times(price.input, 125), "{name}");
            assert_eq!(price.cache_write_1h, Some(times(price.input, 200)), "{name}");
        }
    }

    #[test]
    fn the_same_model_under_another_name_has_the_same_price() {
        for (name, base) in [
            ("gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
            ("openai/gpt-4o-mini", "gpt-4o-mini"),
            ("openai/gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
            ("gpt-4o-latest", "gpt-4o"),
            ("claude-haiku-4-5-20251001", "claude-haiku-4-5"),
            ("anthropic/claude-haiku-4-5", "claude-haiku-4-5"),
            ("anthropic/claude-haiku-4.5", "claude-haiku-4-5"),
            ("sim-fast", "sim-slow"),
        ] {
            assert!(builtin().find(name).is_some(), "{name}");
            assert_eq!(builtin().find(name), builtin().find(base), "{name}");
        }
        assert_ne!(builtin().find("gpt-4o-2024-05-13"), builtin().find("gpt-4o"));
    }

    #[test]
    fn another_model_never_gets_a_price_that_is_not_its_own() {
        let table = builtin();
        assert_ne!(table.find("gpt-4o"), table.find("gpt-4o-mini"));
        for name in [
            "",
            "/",
            "gpt",
            "gpt-4o-",
            "gpt-4o-max",
            "gpt-4o-mini-audio",
            "gpt-4o-mini-2024-07",
            "gpt-4o-123456789",
            "gpt-4o-mini:free",
            "GPT-4o",
            "acme/gpt-4o",
            "anthropic/gpt-4o",
            "claude-haiku-4.5",
            "acme/claude-haiku-4.5",
            "openrouter/openai/gpt-4o",
            "-latest",
            "x-2024-07-18",
            "sim",
            "acme/sim-fast",
            "gpt-4o-２０２４-05-13",
        ] {
            assert_eq!(table.find(name), None, "{name}");
        }
    }

    #[test]
    fn the_users_own_prices_go_first() {
        let table = overlaid(
            "[prices.\"my-model\"]\ninput = 0.25\noutput = \"1.25\"\nrequest = 0.001\n\
             [prices.\"gpt-4o\"]\ninput = 3\noutput = 0.1\ncache_read = 0\n",
        )
        .expect("reads");
        let mine = table.find("my-model-2026-01-01").expect("priced");
        assert_eq!((mine.input.to_string(), mine.output.to_string()), ("0.25".to_owned(), "1.25".to_owned()));
        assert_eq!((mine.cache_read, mine.cache_write), (mine.input, mine.input));
        assert_eq!(mine.request.to_string(), "0.001");
        let ours = table.find("gpt-4o").expect("priced");
        assert_eq!((ours.input.to_string(), ours.output.to_string()), ("3".to_owned(), "0.1".to_owned()));
        assert_eq!(ours.cache_read, Price::default());
    }

    #[test]
    fn a_bad_price_says_where() {
        let with = |line: &str| complaint(&format!("[prices.\"m.1\"]\noutput = 1\n{line}"));
        insta::assert_snapshot!(with("input = -1"), @r#"prices."m.1".input: `-1` is negative: an amount of money is 0 or more"#);
        insta::assert_snapshot!(with("input = nan"), @r#"prices."m.1".input: `NaN` is no amount in US dollars: write a plain decimal such as 5 or 0.25"#);
        insta::assert_snapshot!(with("input = inf"), @r#"prices."m.1".input: `inf` is no amount in US dollars: write a plain decimal such as 5 or 0.25"#);
        insta::assert_snapshot!(with("input = true"), @r#"prices."m.1".input: `a boolean` is no amount in US dollars: write a plain decimal such as 5 or 0.25"#);
        insta::assert_snapshot!(with("input = \"cheap\""), @r#"prices."m.1".input: `cheap` is no amount in US dollars: write a plain decimal such as 5 or 0.25"#);
        insta::assert_snapshot!(with("input = 1e-12"), @r#"prices."m.1".input: `0.000000000001` has more than 9 decimals: the smallest unit is a billionth of a dollar"#);
        insta::assert_snapshot!(with(""), @r#"prices."m.1".input is missing: give it in US dollars per million tokens"#);
        insta::assert_snapshot!(with("input = 1\ncached = 1"), @r#"prices."m.1".cached: there is no such price; known are input, output, cache_read, cache_write, cache_write_1h and request"#);
        insta::assert_snapshot!(complaint("[prices]\nm = 3"), @r#"prices."m": this must be a table with input and output, in US dollars per million tokens"#);
    }

    #[test]
    fn a_model_without_a_price_says_what_to_add() {
        let error = builtin().price("acme/large 2").expect_err("unpriced").to_string();
        insta::assert_snapshot!(error, @r#"model "acme/large 2" has no price, so a budget can't be kept: add to config.toml (US dollars per million tokens):
[prices."acme/large 2"]
input = …
output = …"#);
        let lines: Vec<_> = error.lines().skip(1).map(|line| line.replace('…', "1")).collect();
        let added: Table = lines.join("\n").parse().expect("TOML");
        let mut table = builtin();
        table.overlay(added["prices"].as_table().expect("prices")).expect("reads");
        assert!(table.find("acme/large 2").is_some());
    }
}
