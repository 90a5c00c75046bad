//! What a key can mean. The key map binds keys to these names; help and footer are made from it.

/// Declares [`Action`] with the name of each action in the key map.
macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal;)+) => {
        /// One thing that an operator can ask the console to do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(crate) enum Action { $($(#[$doc])* $variant,)+ }

        impl Action {
            /// Every action, in the order of this file.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its name in the key map.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }
        }
    };
}

actions! {
    /// Show the keys.
    Help = "help";
    /// Quit, asking what becomes of live runs.
    Quit = "quit";
    /// Quit; the second time without asking.
    Interrupt = "interrupt";
    /// Stop the process, as a shell's job control does.
    Suspend = "suspend";
    /// Draw everything again.
    Redraw = "redraw";
    /// Give the focus to the next pane.
    NextPane = "next_pane";
    /// Give the focus to the pane before.
    PreviousPane = "previous_pane";
    /// Close what is on top, or go back.
    Back = "back";
    /// Go to the prompt.
    Prompt = "prompt";
    /// List the runs.
    Runs = "runs";
    /// Go to the events.
    Events = "events";
    /// Give the whole screen to one pane.
    Zoom = "zoom";
    /// Change the theme.
    Theme = "theme";
    /// One line up.
    Up = "up";
    /// One line down.
    Down = "down";
    /// One page up.
    PageUp = "page_up";
    /// One page down.
    PageDown = "page_down";
    /// Half a page up.
    HalfUp = "half_up";
    /// Half a page down.
    HalfDown = "half_down";
    /// To the first line.
    Top = "top";
    /// To the last line.
    Bottom = "bottom";
    /// Hold agents.
    Pause = "pause";
    /// Let agents, or a suspended run, go on.
    Resume = "resume";
    /// Stop agents for good.
    Kill = "kill";
    /// Hold the run.
    PauseAll = "pause_all";
    /// Let the run go on.
    ResumeAll = "resume_all";
    /// Stop the run for good.
    KillAll = "kill_all";
    /// Mark the agent under the cursor.
    Mark = "mark";
    /// Mark all, or invert the marks.
    MarkAll = "mark_all";
    /// Open what is under the cursor.
    Open = "open";
    /// Write a filter.
    Filter = "filter";
    /// Only what failed.
    Failures = "failures";
    /// Change the order.
    Sort = "sort";
    /// Stay at the newest.
    Follow = "follow";
    /// Show every event.
    Verbose = "verbose";
    /// Dispatch what the prompt says.
    Send = "send";
    /// A new line in the template.
    Newline = "newline";
    /// To the next field.
    NextField = "next_field";
    /// To the field before.
    PreviousField = "previous_field";
    /// The next choice.
    ChooseNext = "choose_next";
    /// The choice before.
    ChoosePrevious = "choose_previous";
    /// Yes to what is chosen.
    Accept = "accept";
    /// To the next agent.
    NextAgent = "next_agent";
    /// To the agent before.
    PreviousAgent = "previous_agent";
}

impl Action {
    /// Reads [`Self::name`].
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.name() == name)
    }

    /// Whether it holds everywhere, also where text is written or a question stands.
    pub(crate) const fn is_urgent(self) -> bool {
        matches!(self, Self::Interrupt | Self::Suspend | Self::Redraw)
    }
}
