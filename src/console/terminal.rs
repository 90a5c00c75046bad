//! The terminal: taken over, and given back whatever happens.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};
use std::mem::ManuallyDrop;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ThreadId};

use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode,
};
use crossterm::{cursor, execute, queue};
use parking_lot::Mutex;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use rustix::process::{Signal, kill_current_process_group};

use super::ConsoleError;

/// A frame of a large screen in full colour fits, so that it leaves in one piece.
const BUFFER: usize = 256 * 1024;

/// The thread whose panic ends the console, while there is one.
static TAKEN_BY: Mutex<Option<ThreadId>> = Mutex::new(None);

/// Whether the terminal has to be given back. Once: leaving the alternate screen a second time
/// would put the cursor back over what was written since.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal, taken over. Dropping it gives it back.
pub(crate) struct Screen {
    /// Never dropped: ratatui would show the cursor once more, and panic where the terminal is gone
    /// and standard error with it. Every frame is flushed as it is drawn.
    terminal: ManuallyDrop<Terminal<CrosstermBackend<BufWriter<Stdout>>>>,
}

impl Screen {
    /// Takes the terminal over: raw mode, the alternate screen, bracketed paste.
    pub(crate) fn enter() -> Result<Self, ConsoleError> {
        if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
            return Err(ConsoleError::NoTerminal);
        }
        hook_panics();
        *TAKEN_BY.lock() = Some(thread::current().id());
        let taken = take().and_then(|()| {
            let out = BufWriter::with_capacity(BUFFER, io::stdout());
            Terminal::new(CrosstermBackend::new(out))
        });
        match taken {
            Ok(terminal) => Ok(Self { terminal: ManuallyDrop::new(terminal) }),
            Err(error) => {
                give_back();
                Err(error.into())
            }
        }
    }

    /// Draws a frame; terminals that know DEC mode 2026 show it at once.
    pub(crate) fn draw(&mut self, frame: impl FnOnce(Rect, &mut Buffer)) -> io::Result<()> {
        queue!(self.terminal.backend_mut(), BeginSynchronizedUpdate)?;
        self.terminal.draw(|out| frame(out.area(), out.buffer_mut()))?;
        execute!(self.terminal.backend_mut(), EndSynchronizedUpdate)
    }

    /// The next frame is drawn in full. `Terminal::clear` would ask the terminal where its cursor is,
    /// and the answer would be taken by whoever reads keys.
    pub(crate) fn forget(&mut self) -> io::Result<()> {
        let size = self.terminal.size()?;
        self.terminal.resize(size.into())
    }

    /// Gives the terminal back and stops this job, as the shell's job control does. Returns when
    /// it goes on.
    pub(crate) fn suspend(&mut self) -> io::Result<()> {
        give_back();
        // The whole group stops, as with Ctrl-Z in any other program: a parent that waits in the
        // foreground (`cargo run`) would otherwise keep the shell from coming back.
        kill_current_process_group(Signal::STOP)?;
        self.resume()
    }

    /// Takes the terminal over again. What the shell did to it meanwhile is undone.
    pub(crate) fn resume(&mut self) -> io::Result<()> {
        disable_raw_mode()?;
        take()?;
        self.forget()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
        *TAKEN_BY.lock() = None;
    }
}

fn take() -> io::Result<()> {
    TAKEN.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, cursor::Hide)
}

/// Gives the terminal back. An error has nowhere to go: each step is tried whatever the others do.
fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let _ = execute!(out, EndSynchronizedUpdate);
    let _ = execute!(out, DisableBracketedPaste, LeaveAlternateScreen, cursor::Show);
    let _ = disable_raw_mode();
    let _ = out.flush();
}

/// A panic of the console's own thread gives the terminal back before it is told, so that it can
/// be read. One of another thread goes to the log: written here, it would only spoil the screen.
fn hook_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let taken_by = *TAKEN_BY.lock();
            match taken_by {
                None => before(panic),
                Some(thread) if thread == thread::current().id() => {
                    give_back();
                    before(panic);
                }
                Some(_) => tracing::error!("{panic}"),
            }
        }));
    });
}
