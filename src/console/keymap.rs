//! The key map: which key means what, and where. It is data (`assets/keymap.toml`), so that help
//! and footer can't differ from what the keys do.

use std::collections::HashMap;

use serde::Deserialize;

use super::action::Action;
use super::stroke::Stroke;

const DEFAULT: &str = include_str!("../../assets/keymap.toml");

/// Where keys have a meaning of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Context {
    /// Everywhere, except where text is written.
    Global,
    /// In everything that scrolls.
    List,
    /// In the agent grid.
    Agents,
    /// In the event log.
    Events,
    /// In the panes that only show something.
    Side,
    /// In the template's editor.
    Prompt,
    /// In the other fields of the prompt pane.
    Field,
    /// In a field with choices.
    Choice,
    /// While a filter is written.
    Filter,
    /// In the list of runs.
    Runs,
    /// In an agent's details.
    Detail,
    /// In the help.
    Help,
    /// In a question.
    Confirm,
}

impl Context {
    /// Its heading in the help.
    pub(crate) const fn heading(self) -> &'static str {
        match self {
            Self::Global => "everywhere",
            Self::List => "in lists",
            Self::Agents => "agents",
            Self::Events => "events",
            Self::Side => "gauges",
            Self::Prompt => "prompt",
            Self::Field => "fields of the prompt",
            Self::Choice => "fields with choices",
            Self::Filter => "filter",
            Self::Runs => "runs",
            Self::Detail => "agent",
            Self::Help => "help",
            Self::Confirm => "question",
        }
    }

    /// Where a key is looked for, in order. Where text is written or a question stands, outer
    /// contexts have no say; [`Action::is_urgent`] holds everywhere.
    pub(crate) const fn chain(self) -> &'static [Self] {
        match self {
            Self::Global => &[Self::Global],
            Self::List => &[Self::List, Self::Global],
            Self::Agents => &[Self::Agents, Self::List, Self::Global],
            Self::Events => &[Self::Events, Self::List, Self::Global],
            Self::Side => &[Self::Side, Self::Global],
            Self::Prompt => &[Self::Prompt],
            Self::Field => &[Self::Field],
            Self::Choice => &[Self::Choice, Self::Field],
            Self::Filter => &[Self::Filter],
            Self::Runs => &[Self::Runs, Self::List],
            Self::Detail => &[Self::Detail, Self::List],
            Self::Help => &[Self::Help, Self::List],
            Self::Confirm => &[Self::Confirm],
        }
    }
}

/// A key map that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyMapError {
    /// Not to be read, not TOML, or not of the form that `assets/keymap.toml` shows.
    #[error("{origin}: {problem}")]
    Form {
        /// The file.
        origin: String,
        /// What is wrong, with line and column.
        problem: String,
    },
    /// An action that does not exist.
    #[error("{origin}: there is no action `{action}`: `?` in the console lists them")]
    Action {
        /// The file.
        origin: String,
        /// What stands there.
        action: String,
    },
    /// A key that can't be read.
    #[error("{origin}: `{key}` is no key: write `x`, `G`, `ctrl-d`, `alt-enter`, `space`, `pageup` or `f1`")]
    Key {
        /// The file.
        origin: String,
        /// What stands there.
        key: String,
    },
    /// A key with two meanings in one place.
    #[error("{origin}: `{key}` has two meanings ({first}, {second}) in the same place")]
    Twice {
        /// The file.
        origin: String,
        /// The key.
        key: String,
        /// One meaning.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
}

/// One line of the key map.
#[derive(Debug, Clone)]
pub(crate) struct Binding {
    /// Where it holds.
    pub(crate) context: Context,
    /// Its keys.
    pub(crate) keys: Vec<Stroke>,
    /// What they do.
    pub(crate) action: Action,
    /// For the help.
    pub(crate) description: String,
    /// For the footer.
    pub(crate) hint: Option<String>,
}

impl Binding {
    /// Its keys for people.
    pub(crate) fn keys_shown(&self) -> String {
        self.keys.iter().map(|key| key.shown()).collect::<Vec<_>>().join(" ")
    }
}

/// All bindings.
#[derive(Debug, Clone)]
pub(crate) struct KeyMap {
    bindings: Vec<Binding>,
    lookup: HashMap<(Context, Stroke), Action>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    bind: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    r#in: Context,
    keys: Vec<String>,
    action: String,
    #[serde(default)]
    description: String,
    hint: Option<String>,
}

impl KeyMap {
    /// The key map of this release.
    pub(crate) fn standard() -> Result<Self, KeyMapError> {
        Self::index(read(DEFAULT, "assets/keymap.toml")?, "assets/keymap.toml")
    }

    /// The same with the keys of a user's file instead of those of the same actions.
    pub(crate) fn with_user(self, text: &str, origin: &str) -> Result<Self, KeyMapError> {
        let mut bindings = self.bindings;
        for own in read(text, origin)? {
            match bindings.iter_mut().find(|b| b.context == own.context && b.action == own.action) {
                Some(known) => known.keys = own.keys,
                None => bindings.push(own),
            }
        }
        Self::index(bindings, origin)
    }

    fn index(bindings: Vec<Binding>, origin: &str) -> Result<Self, KeyMapError> {
        let mut lookup = HashMap::new();
        for binding in &bindings {
            for key in &binding.keys {
                if let Some(first) = lookup.insert((binding.context, *key), binding.action) {
                    return Err(KeyMapError::Twice {
                        origin: origin.to_owned(),
                        key: key.to_string(),
                        first: first.name(),
                        second: binding.action.name(),
                    });
                }
            }
        }
        Ok(Self { bindings, lookup })
    }

    /// What a key means in a context.
    pub(crate) fn action(&self, context: Context, key: Stroke) -> Option<Action> {
        let own = context.chain().iter().find_map(|context| self.lookup.get(&(*context, key)));
        let urgent = || self.lookup.get(&(Context::Global, key)).filter(|action| action.is_urgent());
        own.or_else(urgent).copied()
    }

    /// The bindings that hold in a context, its own first, those that are hidden left out.
    pub(crate) fn holding_in(&self, context: Context) -> impl Iterator<Item = &Binding> {
        context.chain().iter().flat_map(move |own| {
            self.bindings.iter().filter(move |binding| {
                binding.context == *own
                    && binding.keys.iter().any(|key| self.action(context, *key) == Some(binding.action))
            })
        })
    }

    /// The bindings of exactly this context.
    pub(crate) fn of(&self, context: Context) -> impl Iterator<Item = &Binding> {
        self.bindings.iter().filter(move |binding| binding.context == context)
    }

    /// The first key of an action, for texts that mention it.
    pub(crate) fn key_of(&self, context: Context, action: Action) -> String {
        let found = self.holding_in(context).find(|binding| binding.action == action);
        found.and_then(|binding| binding.keys.first()).map_or_else(|| "?".to_owned(), |key| key.shown())
    }
}

fn read(text: &str, origin: &str) -> Result<Vec<Binding>, KeyMapError> {
    let file: File = toml::from_str(text)
        .map_err(|error| KeyMapError::Form { origin: origin.to_owned(), problem: error.to_string() })?;
    file.bind.into_iter().map(|entry| binding(entry, origin)).collect()
}

fn binding(entry: Entry, origin: &str) -> Result<Binding, KeyMapError> {
    let action = Action::from_name(&entry.action)
        .ok_or_else(|| KeyMapError::Action { origin: origin.to_owned(), action: entry.action.clone() })?;
    let keys = entry
        .keys
        .iter()
        .map(|key| Stroke::parse(key).ok_or_else(|| KeyMapError::Key { origin: origin.to_owned(), key: key.clone() }));
    Ok(Binding {
        context: entry.r#in,
        keys: keys.collect::<Result<_, _>>()?,
        action,
        description: entry.description,
        hint: entry.hint,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standard() -> KeyMap {
        KeyMap::standard().expect("the key map of this release reads")
    }

    #[test]
    fn every_action_has_a_key_and_every_key_a_description() {
        let map = standard();
        for action in Action::ALL {
            assert!(map.bindings.iter().any(|b| b.action == *action), "no key for {}", action.name());
        }
        for binding in &map.bindings {
            assert!(!binding.description.is_empty(), "{}", binding.action.name());
            assert!(!binding.keys.is_empty(), "{}", binding.action.name());
        }
    }

    #[test]
    fn a_key_has_one_meaning_in_one_place() {
        let double = "[[bind]]\nin = \"agents\"\nkeys = [\"p\"]\naction = \"kill\"\n";
        let error = standard().with_user(double, "keymap.toml").expect_err("p pauses already");
        assert!(error.to_string().contains("two meanings"), "{error}");
    }

    #[test]
    fn an_inner_context_goes_first() {
        let map = standard();
        let key = |text| Stroke::parse(text).expect(text);
        assert_eq!(map.action(Context::Runs, key("q")), Some(Action::Back));
        assert_eq!(map.action(Context::Agents, key("q")), Some(Action::Quit));
        assert_eq!(map.action(Context::Agents, key("j")), Some(Action::Down));
        assert_eq!(map.action(Context::Confirm, key("x")), None);
        assert_eq!(map.action(Context::Prompt, key("q")), None);
        assert_eq!(map.action(Context::Confirm, key("ctrl-c")), Some(Action::Interrupt));
        assert_eq!(map.action(Context::Choice, key("enter")), Some(Action::Send));
        assert_eq!(map.action(Context::Field, key("left")), None);
        assert!(map.holding_in(Context::Runs).all(|binding| binding.action != Action::Quit));
    }

    #[test]
    fn a_users_file_replaces_keys() {
        let own = "[[bind]]\nin = \"agents\"\nkeys = [\"K\"]\naction = \"kill\"\n";
        let map = standard().with_user(own, "keymap.toml").expect("reads");
        let key = |text| Stroke::parse(text).expect(text);
        assert_eq!(map.action(Context::Agents, key("K")), Some(Action::Kill));
        assert_eq!(map.action(Context::Agents, key("x")), None);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, wanted) in [
            ("[[bind]]\nin = \"nowhere\"\nkeys = []\naction = \"kill\"\n", "line 2"),
            ("[[bind]]\nin = \"agents\"\nkeys = [\"x\"]\naction = \"fly\"\n", "`fly`"),
            ("[[bind]]\nin = \"agents\"\nkeys = [\"ctrl-\"]\naction = \"kill\"\n", "`ctrl-`"),
        ] {
            let error = standard().with_user(text, "keymap.toml").expect_err(text).to_string();
            assert!(error.contains(wanted) && error.contains("keymap.toml"), "{error}");
        }
    }
}
