//! Keys as the key map writes them: `x`, `G`, `ctrl-d`, `alt-enter`, `f1`.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// One press of a key. A shifted letter is its capital, so shift is no modifier of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Stroke {
    code: KeyCode,
    ctrl: bool,
    alt: bool,
}

/// The names of keys that are no characters.
const NAMED: &[(&str, KeyCode)] = &[
    ("space", KeyCode::Char(' ')),
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backtab", KeyCode::BackTab),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("pageup", KeyCode::PageUp),
    ("pagedown", KeyCode::PageDown),
];

/// How people know some of these keys.
const SHOWN: &[(&str, &str)] = &[
    ("space", "⎵"),
    ("enter", "⏎"),
    ("up", "↑"),
    ("down", "↓"),
    ("left", "←"),
    ("right", "→"),
    ("backtab", "shift-tab"),
];

impl Stroke {
    /// Reads a key as the key map writes it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (mut rest, mut ctrl, mut alt) = (text, false, false);
        loop {
            match rest.split_once('-') {
                Some(("ctrl", key)) if !key.is_empty() => (rest, ctrl) = (key, true),
                Some(("alt", key)) if !key.is_empty() => (rest, alt) = (key, true),
                _ => break,
            }
        }
        let named = NAMED.iter().find(|(name, _)| *name == rest).map(|(_, code)| *code);
        let code = named.or_else(|| function_key(rest)).or_else(|| single_character(rest))?;
        Some(Self { code, ctrl, alt })
    }

    /// As a list of keys shows it: short, with the signs that people know.
    pub(crate) fn shown(self) -> String {
        let text = self.to_string();
        let (prefix, key) = text.rsplit_once('-').filter(|(_, key)| !key.is_empty()).unwrap_or(("", &text));
        let sign = SHOWN.iter().find(|(name, _)| *name == key).map_or(key, |(_, sign)| sign);
        if prefix.is_empty() { sign.to_owned() } else { format!("{prefix}-{sign}") }
    }
}

impl From<KeyEvent> for Stroke {
    fn from(event: KeyEvent) -> Self {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let code = match event.code {
            KeyCode::Char(c) if ctrl => KeyCode::Char(c.to_ascii_lowercase()),
            KeyCode::Tab if event.modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
            other => other,
        };
        Self { code, ctrl, alt: event.modifiers.contains(KeyModifiers::ALT) }
    }
}

impl fmt::Display for Stroke {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("ctrl-")?;
        }
        if self.alt {
            f.write_str("alt-")?;
        }
        match (NAMED.iter().find(|(_, code)| *code == self.code), self.code) {
            (Some((name, _)), _) => f.write_str(name),
            (None, KeyCode::Char(c)) => write!(f, "{c}"),
            (None, KeyCode::F(number)) => write!(f, "f{number}"),
            (None, other) => write!(f, "{other:?}"),
        }
    }
}

fn function_key(text: &str) -> Option<KeyCode> {
    text.strip_prefix('f')?.parse().ok().filter(|number| (1..=12).contains(number)).map(KeyCode::F)
}

fn single_character(text: &str) -> Option<KeyCode> {
    let mut chars = text.chars();
    chars.next().filter(|_| chars.next().is_none()).map(KeyCode::Char)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_as_it_is_written() {
        for text in ["x", "G", "?", "*", "-", "ctrl-d", "alt-enter", "space", "f1", "pageup", "ctrl-alt-x", "backtab"] {
            assert_eq!(Stroke::parse(text).map(|s| s.to_string()).as_deref(), Some(text));
        }
        for text in ["", "xx", "ctrl-", "f13", "hyper-x"] {
            assert_eq!(Stroke::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_a_terminal_sends_is_what_the_map_says() {
        let press = |code, modifiers| Stroke::from(KeyEvent::new(code, modifiers));
        assert_eq!(Some(press(KeyCode::Char('G'), KeyModifiers::SHIFT)), Stroke::parse("G"));
        assert_eq!(Some(press(KeyCode::Char('D'), KeyModifiers::CONTROL)), Stroke::parse("ctrl-d"));
        assert_eq!(Some(press(KeyCode::Tab, KeyModifiers::SHIFT)), Stroke::parse("backtab"));
        assert_eq!(Some(press(KeyCode::BackTab, KeyModifiers::SHIFT)), Stroke::parse("backtab"));
    }
}
