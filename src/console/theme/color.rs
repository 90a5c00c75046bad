//! Colours: how theme files write them, and what is left of them on terminals with fewer.

use ratatui::style::Color;

/// How many colours a terminal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// 24 bits.
    True,
    /// The 256 of xterm.
    Indexed,
    /// The 16 of ANSI.
    Ansi,
    /// None: attributes only.
    None,
}

impl Depth {
    /// From what the environment says: `NO_COLOR` (no-color.org), `COLORTERM` and `TERM`.
    pub(crate) fn detect(variable: impl Fn(&str) -> Option<String>) -> Self {
        let term = variable("TERM").unwrap_or_default();
        if variable("NO_COLOR").is_some_and(|value| !value.is_empty()) || term == "dumb" {
            return Self::None;
        }
        let full = variable("COLORTERM").is_some_and(|value| value == "truecolor" || value == "24bit");
        if full || term.ends_with("-direct") || term.contains("kitty") || term.contains("ghostty") {
            Self::True
        } else if term.contains("256") {
            Self::Indexed
        } else {
            Self::Ansi
        }
    }
}

/// The 16 colours of terminals, by their names in theme files, with what xterm makes of them.
const ANSI: [(&str, Color, [u8; 3]); 16] = [
    ("black", Color::Black, [0, 0, 0]),
    ("red", Color::Red, [205, 0, 0]),
    ("green", Color::Green, [0, 205, 0]),
    ("yellow", Color::Yellow, [205, 205, 0]),
    ("blue", Color::Blue, [0, 0, 238]),
    ("magenta", Color::Magenta, [205, 0, 205]),
    ("cyan", Color::Cyan, [0, 205, 205]),
    ("white", Color::Gray, [229, 229, 229]),
    ("bright-black", Color::DarkGray, [127, 127, 127]),
    ("bright-red", Color::LightRed, [255, 92, 92]),
    ("bright-green", Color::LightGreen, [92, 255, 92]),
    ("bright-yellow", Color::LightYellow, [255, 255, 92]),
    ("bright-blue", Color::LightBlue, [92, 92, 255]),
    ("bright-magenta", Color::LightMagenta, [255, 92, 255]),
    ("bright-cyan", Color::LightCyan, [92, 255, 255]),
    ("bright-white", Color::White, [255, 255, 255]),
];

/// The steps of xterm's colour cube.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// Reads `#rrggbb`, an index, a name of the 16, or `default`.
pub(super) fn parse(text: &str) -> Option<Color> {
    if text == "default" {
        return Some(Color::Reset);
    }
    if let Some(hex) = text.strip_prefix('#').filter(|hex| hex.len() == 6) {
        let number = u32::from_str_radix(hex, 16).ok()?;
        let [_, r, g, b] = number.to_be_bytes();
        return Some(Color::Rgb(r, g, b));
    }
    if let Ok(index) = text.parse() {
        return Some(Color::Indexed(index));
    }
    ANSI.iter().find(|(name, ..)| *name == text).map(|(_, color, _)| *color)
}

/// The nearest colour that a terminal has.
pub(super) fn reduce(color: Color, depth: Depth) -> Color {
    match (depth, color) {
        (Depth::None, _) => Color::Reset,
        (Depth::Indexed, Color::Rgb(r, g, b)) => nearest_indexed([r, g, b]),
        (Depth::Ansi, Color::Rgb(r, g, b)) => nearest_ansi([r, g, b]),
        _ => color,
    }
}

fn nearest_indexed(wanted: [u8; 3]) -> Color {
    let step = |value: u8| (0_u8..).zip(CUBE).min_by_key(|(_, cube)| value.abs_diff(*cube)).unwrap_or_default();
    let [r, g, b] = wanted.map(step);
    let cube = (16 + 36 * r.0 + 6 * g.0 + b.0, [r.1, g.1, b.1]);
    let greys = (0_u8..24).map(|n| (232 + n, [8 + 10 * n; 3]));
    let best = greys.chain([cube]).min_by_key(|(_, has)| distance(wanted, *has));
    Color::Indexed(best.map_or(cube.0, |(index, _)| index))
}

fn nearest_ansi(wanted: [u8; 3]) -> Color {
    ANSI.iter().min_by_key(|(_, _, has)| distance(wanted, *has)).map_or(Color::Reset, |(_, color, _)| *color)
}

fn distance(one: [u8; 3], other: [u8; 3]) -> u32 {
    one.into_iter().zip(other).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_in_every_form() {
        assert_eq!(parse("#10141b"), Some(Color::Rgb(0x10, 0x14, 0x1b)));
        assert_eq!(parse("208"), Some(Color::Indexed(208)));
        assert_eq!(parse("bright-red"), Some(Color::LightRed));
        assert_eq!(parse("default"), Some(Color::Reset));
        assert_eq!(parse("#12"), None);
        assert_eq!(parse("mauve"), None);
    }

    #[test]
    fn fewer_colours_take_the_nearest() {
        assert_eq!(reduce(Color::Rgb(255, 0, 0), Depth::Indexed), Color::Indexed(196));
        assert_eq!(reduce(Color::Rgb(128, 128, 128), Depth::Indexed), Color::Indexed(244));
        assert_eq!(reduce(Color::Rgb(250, 250, 250), Depth::Ansi), Color::White);
        assert_eq!(reduce(Color::Rgb(1, 2, 3), Depth::None), Color::Reset);
    }

    #[test]
    fn the_environment_tells_the_depth() {
        let depth = |pairs: &[(&str, &str)]| {
            Depth::detect(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(depth(&[("COLORTERM", "truecolor"), ("TERM", "xterm-256color")]), Depth::True);
        assert_eq!(depth(&[("TERM", "xterm-256color")]), Depth::Indexed);
        assert_eq!(depth(&[("TERM", "vt100")]), Depth::Ansi);
        assert_eq!(depth(&[("NO_COLOR", "1"), ("COLORTERM", "truecolor")]), Depth::None);
        assert_eq!(depth(&[("NO_COLOR", ""), ("COLORTERM", "truecolor")]), Depth::True);
    }
}
