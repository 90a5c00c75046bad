//! Themes: semantic selectors over a palette, as data. Nothing else in the console names a colour.
//!
//! To add a theme: one file in `themes/` and one line in [`SHIPPED`]; a user's own need only the
//! file, in `themes/` of the home.

mod color;
mod load;

use ratatui::style::Style;

pub(crate) use color::Depth;
pub use load::ThemeError;
pub(crate) use load::load;

/// The themes of this release.
pub(crate) const SHIPPED: &[(&str, &str)] = &[
    ("dark", include_str!("../../../themes/dark.toml")),
    ("light", include_str!("../../../themes/light.toml")),
    ("ansi", include_str!("../../../themes/ansi.toml")),
    ("mono", include_str!("../../../themes/mono.toml")),
];

/// Declares [`Look`] with the selector of each look in theme files.
macro_rules! looks {
    ($($variant:ident = $selector:literal;)+) => {
        /// What something on the screen is; the theme says how that looks.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(crate) enum Look { $($variant,)+ }

        impl Look {
            /// Every look.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its selector in theme files.
            pub(crate) const fn selector(self) -> &'static str {
                match self { $(Self::$variant => $selector,)+ }
            }
        }
    };
}

looks! {
    Screen = "screen";
    Text = "text";
    Dim = "text.dim";
    Strong = "text.strong";
    Title = "title";
    TitleFocused = "title.focused";
    Border = "border";
    BorderFocused = "border.focused";
    Selection = "selection";
    Mark = "selection.mark";
    Cursor = "cursor";
    Product = "header.product";
    BadgeLive = "badge.live";
    BadgeSim = "badge.sim";
    BadgePaused = "badge.paused";
    BadgeSuspended = "badge.suspended";
    BadgeEnded = "badge.ended";
    Working = "state.working";
    Paused = "state.paused";
    Queued = "state.queued";
    Waits = "state.waits";
    Done = "state.done";
    Failed = "state.failed";
    Stopped = "state.stopped";
    Spent = "money.spent";
    Unconfirmed = "money.unconfirmed";
    Held = "money.held";
    Free = "money.free";
    GaugeUsed = "gauge.used";
    GaugeHigh = "gauge.high";
    GaugeFree = "gauge.free";
    Chart = "chart";
    Debug = "severity.debug";
    Info = "severity.info";
    Warn = "severity.warn";
    Error = "severity.error";
    Attention = "attention";
    Key = "key";
    Hint = "hint";
    Variable = "variable";
    Field = "field";
    FieldFocused = "field.focused";
    Estimate = "estimate";
    Button = "button";
    ButtonChosen = "button.chosen";
    ButtonDanger = "button.danger";
}

/// A theme, ready for a terminal: one style for each look.
#[derive(Debug, Clone)]
pub(crate) struct Theme {
    name: String,
    styles: Vec<Style>,
}

impl Theme {
    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// How something looks.
    pub(crate) fn of(&self, look: Look) -> Style {
        self.styles.get(look as usize).copied().unwrap_or_default()
    }
}
