//! Reads theme files: palette, styles, and the theme that they inherit from.

use std::collections::BTreeMap;
use std::path::Path;

use ratatui::style::{Modifier, Style};
use serde::Deserialize;

use super::color::{Depth, parse, reduce};
use super::{Look, SHIPPED, Theme};

/// Themes that inherit from each other further than this are taken for a circle.
const DEEPEST: usize = 8;

/// A theme that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ThemeError {
    /// Neither shipped nor in the home.
    #[error("there is no theme `{name}`: there are {known}, or put {name}.toml into {dir}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The shipped ones.
        known: String,
        /// Where a user's own would be.
        dir: String,
    },
    /// Not TOML, or not of the form of a theme.
    #[error("theme `{name}`: {problem}")]
    Form {
        /// The theme.
        name: String,
        /// What is wrong, with line and column.
        problem: String,
    },
    /// A selector that does not exist.
    #[error("theme `{name}`: there is no selector `{selector}`")]
    Selector {
        /// The theme.
        name: String,
        /// What stands there.
        selector: String,
    },
    /// A colour that can't be read.
    #[error("theme `{name}`: `{color}` is no colour: write #rrggbb, 0 to 255, a name of the palette or of the 16")]
    Color {
        /// The theme.
        name: String,
        /// What stands there.
        color: String,
    },
    /// Themes that inherit from each other in a circle.
    #[error("theme `{0}` inherits from itself")]
    Circle(String),
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct File {
    inherits: Option<String>,
    #[serde(default)]
    palette: BTreeMap<String, String>,
    #[serde(default)]
    styles: BTreeMap<String, Entry>,
}

#[derive(Deserialize, Clone, Default)]
#[serde(deny_unknown_fields, default)]
#[allow(clippy::struct_excessive_bools, reason = "each is an attribute of its own")]
struct Entry {
    fg: Option<String>,
    bg: Option<String>,
    bold: bool,
    dim: bool,
    italic: bool,
    underlined: bool,
    reversed: bool,
}

/// Reads a theme by name: a user's file goes before a shipped one.
pub(crate) fn load(name: &str, user_dir: Option<&Path>, depth: Depth) -> Result<Theme, ThemeError> {
    let whole = with_ancestors(name, user_dir)?;
    let mut styles = vec![Style::default(); Look::ALL.len()];
    for (selector, entry) in &whole.styles {
        let look = Look::ALL.iter().find(|look| look.selector() == selector);
        let slot = look.and_then(|look| styles.get_mut(*look as usize));
        let unknown = || ThemeError::Selector { name: name.to_owned(), selector: selector.clone() };
        *slot.ok_or_else(unknown)? = style(name, entry, &whole.palette, depth)?;
    }
    Ok(Theme { name: name.to_owned(), styles })
}

fn with_ancestors(name: &str, user_dir: Option<&Path>) -> Result<File, ThemeError> {
    let mut whole = File::default();
    let mut next = Some(name.to_owned());
    let mut depth = 0;
    while let Some(name) = next {
        if depth == DEEPEST {
            return Err(ThemeError::Circle(name));
        }
        depth += 1;
        let file = read(&name, user_dir)?;
        for (key, value) in file.palette {
            whole.palette.entry(key).or_insert(value);
        }
        for (key, value) in file.styles {
            whole.styles.entry(key).or_insert(value);
        }
        // A user's theme may build upon the shipped one whose name it takes.
        next = file.inherits;
    }
    Ok(whole)
}

fn read(name: &str, user_dir: Option<&Path>) -> Result<File, ThemeError> {
    let form = |problem: String| ThemeError::Form { name: name.to_owned(), problem };
    let plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'));
    let own = user_dir.filter(|_| plain).map(|dir| dir.join(format!("{name}.toml"))).filter(|path| path.is_file());
    if let Some(path) = own {
        let text = std::fs::read_to_string(&path).map_err(|error| form(format!("{}: {error}", path.display())))?;
        return toml::from_str(&text).map_err(|error| form(error.to_string()));
    }
    let shipped = SHIPPED.iter().find(|(known, _)| *known == name).map(|(_, text)| *text);
    let text = shipped.ok_or_else(|| ThemeError::Unknown {
        name: name.to_owned(),
        known: SHIPPED.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "),
        dir: user_dir.map_or_else(|| "themes/ of the home".to_owned(), |dir| dir.display().to_string()),
    })?;
    toml::from_str(text).map_err(|error| form(error.to_string()))
}

fn style(name: &str, entry: &Entry, palette: &BTreeMap<String, String>, depth: Depth) -> Result<Style, ThemeError> {
    let color = |text: &String| {
        let known = palette.get(text).unwrap_or(text);
        let wrong = || ThemeError::Color { name: name.to_owned(), color: known.clone() };
        parse(known).map(|color| reduce(color, depth)).ok_or_else(wrong)
    };
    let mut modifier = Modifier::empty();
    for (wanted, flag) in [
        (entry.bold, Modifier::BOLD),
        (entry.dim, Modifier::DIM),
        (entry.italic, Modifier::ITALIC),
        (entry.underlined, Modifier::UNDERLINED),
        (entry.reversed, Modifier::REVERSED),
    ] {
        modifier.set(flag, wanted);
    }
    let mut style = Style::default().add_modifier(modifier);
    style.fg = entry.fg.as_ref().map(color).transpose()?;
    style.bg = entry.bg.as_ref().map(color).transpose()?;
    Ok(style)
}

#[cfg(test)]
mod tests {
    use ratatui::style::Color;

    use super::*;

    #[test]
    fn every_shipped_theme_has_every_look() {
        for (name, _) in SHIPPED {
            let whole = with_ancestors(name, None).expect(name);
            for look in Look::ALL {
                assert!(whole.styles.contains_key(look.selector()), "{name} lacks {}", look.selector());
            }
            load(name, None, Depth::True).expect(name);
        }
    }

    #[test]
    fn mono_has_no_colour_at_all() {
        let theme = load("mono", None, Depth::None).expect("reads");
        for look in Look::ALL {
            let style = theme.of(*look);
            assert!(style.fg.is_none() && style.bg.is_none(), "{}", look.selector());
        }
    }

    #[test]
    fn a_theme_takes_what_it_lacks_from_another() {
        let dir = tempfile::tempdir().expect("a directory");
        let own = "inherits = \"dark\"\n[palette]\ncyan = \"#010203\"\n";
        std::fs::write(dir.path().join("own.toml"), own).expect("writes");
        let theme = load("own", Some(dir.path()), Depth::True).expect("reads");
        assert_eq!(theme.of(Look::Working).fg, Some(Color::Rgb(1, 2, 3)));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let dir = tempfile::tempdir().expect("a directory");
        for (name, text, wanted) in [
            ("a", "[styles]\nsky = {}\n", "`sky`"),
            ("b", "[styles]\ntext = { fg = \"mauve\" }\n", "`mauve`"),
            ("c", "inherits = \"c\"\n", "inherits from itself"),
            ("d", "[styles\n", "line 1"),
        ] {
            std::fs::write(dir.path().join(format!("{name}.toml")), text).expect("writes");
            let error = load(name, Some(dir.path()), Depth::True).expect_err(name).to_string();
            assert!(error.contains(wanted), "{error}");
        }
        let error = load("../dark", Some(dir.path()), Depth::True).expect_err("no path").to_string();
        assert!(error.contains("dark, light, ansi, mono"), "{error}");
    }
}
