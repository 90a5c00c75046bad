//! Where everything is on a screen of some size. Frames overlap by one cell, so that they join.

use ratatui::layout::Rect;

/// The panes that can have the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PaneId {
    /// The agent grid.
    Agents,
    /// The event log.
    Events,
    /// The money gauges.
    Money,
    /// The quota gauges.
    Quota,
    /// What needs the operator.
    Needs,
    /// The prompt.
    Prompt,
}

impl PaneId {
    /// In the order in which Tab goes through them.
    pub(crate) const ALL: [Self; 6] = [Self::Agents, Self::Events, Self::Money, Self::Quota, Self::Needs, Self::Prompt];

    /// The next one, or the one before.
    pub(crate) fn beside(self, forward: bool) -> Self {
        let at = Self::ALL.iter().position(|other| *other == self).unwrap_or(0);
        let step = if forward { 1 } else { Self::ALL.len() - 1 };
        Self::ALL.get((at + step) % Self::ALL.len()).copied().unwrap_or(self)
    }
}

/// Below this nothing can be shown sensibly.
const SMALLEST: (u16, u16) = (60, 15);
/// From this width on the gauges have a column of their own.
const WIDE: u16 = 100;
/// From this height on the gauges of a narrow screen have two lines, else none.
const STRIP: u16 = 20;

/// The places on one screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Places {
    /// The first line.
    pub(crate) header: Rect,
    /// The panes that are shown, the focused one last: its frame lies over the others'.
    pub(crate) panes: Vec<(PaneId, Rect)>,
    /// Two lines of gauges where the screen is too narrow for a column.
    pub(crate) strip: Option<Rect>,
    /// The prompt: one line, or a box.
    pub(crate) prompt: Rect,
    /// The last line.
    pub(crate) footer: Rect,
}

impl Places {
    /// For a screen; `prompt` is how many lines the prompt takes, `strip` whether there is anything
    /// to say in the strip. Nothing where the screen is too small.
    pub(crate) fn of(screen: Rect, focus: PaneId, zoom: bool, prompt: u16, strip: bool) -> Option<Self> {
        if screen.width < SMALLEST.0 || screen.height < SMALLEST.1 {
            return None;
        }
        let row = |y: u16, height: u16| Rect { y: screen.y + y, height, ..screen };
        let footer = row(screen.height - 1, 1);
        let prompt = row(screen.height - 1 - prompt, prompt);
        let narrow = screen.width < WIDE;
        let rest = prompt.y - screen.y - 1;
        let strip = (strip && narrow && !zoom && rest >= STRIP - 3).then(|| row(1 + rest - 2, 2));
        let body = row(1, rest - strip.map_or(0, |strip| strip.height));
        let mut panes = match (zoom && focus != PaneId::Prompt, narrow) {
            (true, _) => vec![(focus, body)],
            (false, true) => stacked(body, focus),
            (false, false) => columns(body),
        };
        panes.sort_by_key(|(id, _)| *id == focus);
        Some(Self { header: row(0, 1), panes, strip, prompt, footer })
    }
}

/// Two panes on top of each other. A gauge that has the focus takes the place of the events.
fn stacked(body: Rect, focus: PaneId) -> Vec<(PaneId, Rect)> {
    let (below, wanted) = match focus {
        PaneId::Money | PaneId::Quota | PaneId::Needs => (focus, 10),
        _ => (PaneId::Events, body.height * 3 / 10),
    };
    let [above, under] = split(body, wanted.clamp(4, 16).min(body.height / 2 + 1));
    vec![(PaneId::Agents, above), (below, under)]
}

fn columns(body: Rect) -> Vec<(PaneId, Rect)> {
    let side = match body.width {
        0..140 => 36,
        140..200 => 42,
        _ => 52,
    };
    let left = Rect { width: body.width - side + 1, ..body };
    let right = Rect { x: left.right() - 1, width: side, ..body };
    let [agents, events] = split(left, (body.height * 3 / 10).clamp(5, 18));
    let money = if body.height < 24 { 7 } else { 9 };
    let quota = (body.height.saturating_sub(money) * 2 / 3).clamp(5, 13);
    let [money, rest] = split(right, body.height + 1 - money.min(body.height));
    let needs = (rest.height + 1).saturating_sub(quota).max(3);
    let [quota, needs] = split(rest, needs);
    vec![
        (PaneId::Agents, agents),
        (PaneId::Events, events),
        (PaneId::Money, money),
        (PaneId::Quota, quota),
        (PaneId::Needs, needs),
    ]
}

/// Splits off `lower` lines below; both share the line between them.
fn split(area: Rect, lower: u16) -> [Rect; 2] {
    let lower = lower.min(area.height);
    let upper = (area.height - lower + 1).min(area.height);
    [Rect { height: upper, ..area }, Rect { y: area.bottom() - lower, height: lower, ..area }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panes_stay_on_the_screen_at_every_size() {
        for width in (60..230).step_by(7) {
            for height in 15..70 {
                let screen = Rect::new(0, 0, width, height);
                for focus in PaneId::ALL {
                    for (zoom, prompt) in [(false, 1), (true, 1), (false, height / 2 + 1)] {
                        let places = Places::of(screen, focus, zoom, prompt, true).expect("large enough");
                        for (id, area) in &places.panes {
                            assert_eq!(area.intersection(screen), *area, "{id:?} {width}x{height}");
                            assert!(area.bottom() <= places.prompt.y, "{id:?} {width}x{height}");
                        }
                        let shown = places.panes.iter().any(|(id, _)| *id == focus) || focus == PaneId::Prompt;
                        assert!(shown, "the focus is always in sight");
                    }
                }
            }
        }
        assert_eq!(Places::of(Rect::new(0, 0, 59, 40), PaneId::Agents, false, 1, true), None);
    }
}
