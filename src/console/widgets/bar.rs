//! Gauges: a bar of several parts. The parts differ by their fill, not by colour alone.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::console::theme::{Look, Theme};

/// One part of a bar.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    /// How much of the whole.
    pub(crate) amount: u64,
    /// What fills its cells.
    pub(crate) fill: &'static str,
    /// What it is.
    pub(crate) look: Look,
}

/// How many cells each part gets of `size`. A part that is not nothing gets at least one cell as
/// long as there is one, and the parts never take more than the whole.
pub(crate) fn share(amounts: &[u64], whole: u64, size: usize) -> Vec<usize> {
    let whole = u128::from(whole.max(amounts.iter().fold(0_u64, |sum, a| sum.saturating_add(*a))).max(1));
    let mut end = 0_u128;
    let mut taken = 0;
    let mut cells = Vec::with_capacity(amounts.len());
    for amount in amounts {
        end += u128::from(*amount);
        let upto = usize::try_from((end * size as u128 + whole / 2) / whole).unwrap_or(size);
        let least = usize::from(*amount > 0);
        let own = upto.saturating_sub(taken).max(least).min(size.saturating_sub(taken));
        taken += own;
        cells.push(own);
    }
    cells
}

/// Draws a bar over the first line of `area`; what no part takes is filled as `free`.
pub(crate) fn draw(parts: &[Part], whole: u64, free: Part, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let amounts: Vec<u64> = parts.iter().map(|part| part.amount).collect();
    let mut x = area.x;
    for (part, cells) in parts.iter().zip(share(&amounts, whole, usize::from(area.width))) {
        for _ in 0..cells {
            buf.set_string(x, area.y, part.fill, theme.of(part.look));
            x += 1;
        }
    }
    while x < area.right() {
        buf.set_string(x, area.y, free.fill, theme.of(free.look));
        x += 1;
    }
}

/// A bar of `used` out of `whole`; from nine tenths on it looks high where `warns`.
pub(crate) fn gauge(used: u64, whole: u64, warns: bool, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let high = warns && u128::from(used) * 10 >= u128::from(whole) * 9 && whole > 0;
    let look = if high { Look::GaugeHigh } else { Look::GaugeUsed };
    let used = Part { amount: used.min(whole), fill: "█", look };
    draw(&[used], whole, Part { amount: 0, fill: "░", look: Look::GaugeFree }, theme, area, buf);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_fill_the_bar_and_never_more() {
        assert_eq!(share(&[50, 50], 100, 10), [5, 5]);
        assert_eq!(share(&[0, 0], 0, 10), [0, 0]);
        assert_eq!(share(&[1, 0, 1], 1_000_000, 10), [1, 0, 1]);
        assert_eq!(share(&[80, 40], 100, 9), [6, 3]);
        assert_eq!(share(&[u64::MAX, u64::MAX], u64::MAX, 4), [4, 0]);
        assert_eq!(share(&[5], 10, 0), [0]);
    }
}
