//! The program in a terminal of its own, as an operator has it: keys go in as bytes, the screen
//! comes out of a terminal emulator. Nothing here sleeps and hopes: every wait is for something on
//! the screen or in the process table, with a deadline that only a failure reaches.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use vt100::{Callbacks, Parser, Screen};

/// What a test waits for at most: far more than any machine needs.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often the process table is asked.
const POLL: Duration = Duration::from_millis(10);

/// What stands on the screen after a whole frame.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shown {
    /// Its lines.
    pub(crate) text: String,
    /// Whether this is the alternate screen.
    pub(crate) alternate: bool,
    /// Whether the cursor is hidden.
    pub(crate) cursor_hidden: bool,
    /// Whether pasted text is bracketed.
    pub(crate) bracketed_paste: bool,
    /// How many frames were drawn so far.
    pub(crate) frames: usize,
}

impl Shown {
    fn of(screen: &Screen, frames: usize) -> Self {
        Self {
            text: screen.contents(),
            alternate: screen.alternate_screen(),
            cursor_hidden: screen.hide_cursor(),
            bracketed_paste: screen.bracketed_paste(),
            frames,
        }
    }

    /// Whether all of these texts are on the screen.
    pub(crate) fn has(&self, texts: &[&str]) -> bool {
        texts.iter().all(|text| self.text.contains(text))
    }

    /// The first line with a text.
    pub(crate) fn line(&self, text: &str) -> &str {
        self.text.lines().find(|line| line.contains(text)).unwrap_or_default()
    }

    /// The first line of the screen.
    pub(crate) fn header(&self) -> &str {
        self.text.lines().next().unwrap_or_default()
    }
}

/// Keeps what stands there whenever a frame is whole: a frame that is half drawn is never seen.
#[derive(Default)]
struct Frames {
    drawing: bool,
    shown: Shown,
}

impl Callbacks for Frames {
    fn unhandled_csi(&mut self, screen: &mut Screen, i1: Option<u8>, _: Option<u8>, params: &[&[u16]], c: char) {
        if (i1, params) != (Some(b'?'), &[&[2026_u16][..]]) {
            return;
        }
        self.drawing = c == 'h';
        if !self.drawing {
            self.shown = Shown::of(screen, self.shown.frames + 1);
        }
    }
}

struct Shared {
    parser: Mutex<Parser<Frames>>,
    changed: Condvar,
    /// The reader lets go of the terminal at the next output.
    closed: AtomicBool,
}

/// The program in its terminal. What is left of it is killed when this is dropped.
pub(crate) struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    master: Option<Box<dyn MasterPty + Send>>,
    /// Kept open: what the terminal is like after the program has ended can be seen.
    slave: Option<Box<dyn SlavePty + Send>>,
    keys: Option<Box<dyn Write + Send>>,
    shared: Arc<Shared>,
    reader: Option<JoinHandle<()>>,
}

impl Terminal {
    /// Starts the program with these arguments in a terminal of `columns` x `rows`. Of the
    /// environment nothing but `variables` is handed on, so that tests are alike everywhere.
    pub(crate) fn start<A: AsRef<OsStr>>(
        home: &Path,
        args: impl IntoIterator<Item = A>,
        (columns, rows): (u16, u16),
        variables: &[(&str, &str)],
    ) -> Self {
        let pair = native_pty_system().openpty(size(columns, rows)).expect("a terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_flightdeck"));
        command.env_clear();
        for (name, value) in [("PATH", "/usr/bin:/bin"), ("TERM", "xterm-256color"), ("USER", "ada"), ("TZ", "UTC")] {
            command.env(name, value);
        }
        for (name, value) in variables {
            command.env(name, value);
        }
        command.env("HOME", home);
        command.env("TMPDIR", home);
        command.cwd(home);
        command.arg("--home");
        command.arg(home);
        command.args(args);
        let child = pair.slave.spawn_command(command).expect("the program starts");
        let output = pair.master.try_clone_reader().expect("its output");
        let keys = pair.master.take_writer().expect("its input");
        let parser = Parser::new_with_callbacks(nonzero(rows), nonzero(columns), 0, Frames::default());
        let shared =
            Arc::new(Shared { parser: Mutex::new(parser), changed: Condvar::new(), closed: AtomicBool::new(false) });
        let read = Arc::clone(&shared);
        let reader = std::thread::spawn(move || follow(output, &read));
        Self {
            child,
            master: Some(pair.master),
            slave: Some(pair.slave),
            keys: Some(keys),
            shared,
            reader: Some(reader),
        }
    }

    /// Its process.
    pub(crate) fn pid(&self) -> Pid {
        let pid = self.child.process_id().and_then(|pid| i32::try_from(pid).ok());
        pid.and_then(Pid::from_raw).expect("a process")
    }

    /// Waits for a screen, and returns it.
    pub(crate) fn wait(&self, what: &str, is_so: impl Fn(&Shown) -> bool) -> Shown {
        let until = Instant::now() + PATIENCE;
        let mut parser = self.shared.parser.lock();
        loop {
            let shown = &parser.callbacks().shown;
            if is_so(shown) {
                return shown.clone();
            }
            let late = self.shared.changed.wait_until(&mut parser, until).timed_out();
            let shown = &parser.callbacks().shown;
            assert!(!late || is_so(shown), "waited in vain for {what}; this is on the screen:\n{}", shown.text);
        }
    }

    /// Waits until all of these texts are on the screen.
    pub(crate) fn see(&self, texts: &[&str]) -> Shown {
        self.wait(&format!("{texts:?}"), |shown| shown.has(texts))
    }

    /// Waits until none of these texts is on the screen.
    pub(crate) fn see_no(&self, texts: &[&str]) -> Shown {
        self.wait(&format!("none of {texts:?}"), |shown| texts.iter().all(|text| !shown.text.contains(text)))
    }

    /// Whether a time comes in which no frame is drawn.
    pub(crate) fn is_quiet_for(&self, time: Duration) -> bool {
        let until = Instant::now() + PATIENCE;
        let mut parser = self.shared.parser.lock();
        while Instant::now() < until {
            let frames = parser.callbacks().shown.frames;
            let end = Instant::now() + time;
            while parser.callbacks().shown.frames == frames {
                if self.shared.changed.wait_until(&mut parser, end).timed_out() {
                    return parser.callbacks().shown.frames == frames;
                }
            }
        }
        false
    }

    /// Whether any cell has a colour of its own.
    pub(crate) fn is_coloured(&self) -> bool {
        let parser = self.shared.parser.lock();
        let screen = parser.screen();
        let (rows, columns) = screen.size();
        let mut cells = (0..rows.get()).flat_map(|row| (0..columns.get()).filter_map(move |at| screen.cell(row, at)));
        cells.any(|cell| [cell.fgcolor(), cell.bgcolor()].iter().any(|color| *color != vt100::Color::Default))
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: &str) {
        let keys = self.keys.as_mut().expect("it has a keyboard");
        keys.write_all(bytes.as_bytes()).and_then(|()| keys.flush()).expect("the terminal takes keys");
    }

    /// Presses keys, separated by spaces: `tab`, `enter`, `ctrl-c`; anything else is written as it
    /// is. After `esc` a test waits for what it does: what follows at once would be one key with it.
    pub(crate) fn press(&mut self, keys: &str) {
        for key in keys.split(' ') {
            self.send(&bytes_of(key));
        }
    }

    /// Pastes text as a terminal does.
    pub(crate) fn paste(&mut self, text: &str) {
        self.send(&format!("\x1b[200~{text}\x1b[201~"));
    }

    /// Changes the size of the terminal.
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        self.shared.parser.lock().set_size(nonzero(rows), nonzero(columns));
        self.master.as_ref().expect("a terminal").resize(size(columns, rows)).expect("a new size");
    }

    /// Sends the program a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("a living process");
    }

    /// Waits until the kernel says this of the program: `T` is stopped.
    pub(crate) fn wait_for_state(&self, state: char) {
        let pid = self.pid().as_raw_nonzero();
        poll("a process state", || {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(state))
        });
    }

    /// Waits for its end; the exit code.
    pub(crate) fn ended(&mut self) -> u32 {
        let mut code = None;
        poll("the end of the program", || {
            code = self.child.try_wait().expect("a child").map(|status| status.exit_code());
            code.is_some()
        });
        code.expect("it has ended")
    }

    /// Whether the terminal is as a shell wants it: the first screen, the cursor, no bracketed
    /// paste, and the line discipline echoes what is typed.
    pub(crate) fn is_given_back(&mut self) -> Shown {
        self.wait("a terminal that is given back", |shown| {
            !shown.alternate && !shown.cursor_hidden && !shown.bracketed_paste
        });
        self.send("is-it-cooked?");
        self.see(&["is-it-cooked?"])
    }

    /// The terminal goes away, as when its window is closed: at the next frame that is drawn.
    pub(crate) fn close(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        (self.keys, self.slave, self.master) = (None, None, None);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if self.child.try_wait().ok().flatten().is_none() {
            let _ = kill_process(self.pid(), Signal::KILL);
            let _ = self.child.wait();
        }
        self.close();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

/// Takes the program's output until the terminal is gone.
fn follow(mut output: Box<dyn Read + Send>, shared: &Shared) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = output.read(&mut bytes) {
        if shared.closed.load(Ordering::SeqCst) {
            return;
        }
        let mut parser = shared.parser.lock();
        parser.process(&bytes[..length]);
        if !parser.callbacks().drawing {
            let shown = Shown::of(parser.screen(), parser.callbacks().shown.frames);
            parser.callbacks_mut().shown = shown;
        }
        drop(parser);
        shared.changed.notify_all();
    }
}

fn bytes_of(key: &str) -> String {
    let named = match key {
        "enter" => "\r",
        "esc" => "\x1b",
        "tab" => "\t",
        "backtab" => "\x1b[Z",
        "space" => " ",
        "up" => "\x1b[A",
        "down" => "\x1b[B",
        "right" => "\x1b[C",
        "left" => "\x1b[D",
        "pagedown" => "\x1b[6~",
        "alt-enter" => "\x1b\r",
        key => match key.strip_prefix("ctrl-").and_then(|letter| letter.chars().next()) {
            Some(letter) => return char::from(letter as u8 & 0x1f).to_string(),
            None => key,
        },
    };
    named.to_owned()
}

/// Asks until it is so.
pub(crate) fn poll(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "waited in vain for {what}");
        std::thread::sleep(POLL);
    }
}

fn size(cols: u16, rows: u16) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

fn nonzero(cells: u16) -> NonZeroU16 {
    NonZeroU16::new(cells).expect("a terminal has cells")
}
