//! `chart --live`: one screen, redrawn in place each second while records come.
//!
//! The screen is the terminal's second one, so that what stood there before is there again afterwards;
//! it is left on every way out but SIGKILL. A frame is written as one block between the marks of a
//! synchronized update, so that nothing flickers.

use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::tcgetwinsize;

use super::draw;
use super::gather::Gathered;
use super::keys::{Key, Keys};
use super::plan::{Kind, Plan};
use crate::cli::input::Flush;
use crate::cli::{Clock, Code, Failure, Inputs, Io, Stop};
use crate::time::{Span, Timestamp};

/// What is shown unless `--last` says otherwise.
const LAST: Span = Span::from_secs(300);
/// How many times the shown stretch of time is kept, to move back in.
const KEPT: u32 = 12;
/// After how many lines the clock is looked at, where lines never pause.
const LINES: u32 = 256;

/// Draws until the input ends or somebody ends it.
pub(super) fn run(plan: Plan, mut inputs: Inputs, io: &mut Io) -> Result<Code, Failure> {
    if !io.stdout_is_terminal {
        let message = "--live draws on a terminal, and standard output is none";
        return Err(Failure::usage_hint(message, "leave --live out for one picture"));
    }
    let range = inputs.range;
    let mut screen = Screen::new(plan, io)?;
    let read = inputs.each(io, &mut screen, &mut |line, screen| {
        screen.gathered.line(line, &range)?;
        screen.lines += 1;
        if screen.lines >= LINES {
            screen.lines = 0;
            screen.draw_when_due()?;
        }
        Ok(())
    });
    // What was seen last stays below, where the terminal was before.
    let last = screen.frame().join("\n");
    screen.leave()?;
    drop(screen);
    let _ = writeln!(io.stdout, "{last}");
    read?;
    Ok(inputs.rejects.code())
}

struct Screen {
    plan: Plan,
    gathered: Gathered,
    out: Box<dyn Write + Send>,
    clock: Clock,
    input: Option<OwnedFd>,
    stop: Stop,
    keys: Option<Keys>,
    /// The end of what is shown, while it is held.
    held: Option<Timestamp>,
    due: Timestamp,
    lines: u32,
    entered: bool,
}

impl Screen {
    fn new(mut plan: Plan, io: &mut Io) -> Result<Screen, Failure> {
        plan.last = plan.last.or(Some(LAST));
        plan.kind = plan.kind.or(Some(Kind::Sparks));
        let mut screen = Screen {
            gathered: Gathered::new(&plan),
            plan,
            out: Box::new(std::io::stdout()),
            clock: io.clock,
            input: io.stdin.fd().and_then(|fd| fd.try_clone_to_owned().ok()),
            stop: io.stop.clone(),
            keys: Keys::open(),
            held: None,
            due: Timestamp::MIN,
            lines: 0,
            entered: true,
        };
        screen.write("\x1b[?1049h\x1b[?25l")?;
        Ok(screen)
    }

    fn write(&mut self, text: &str) -> Result<(), Failure> {
        self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()).map_err(Failure::stdout)
    }

    /// Gives the terminal back as it was.
    fn leave(&mut self) -> Result<(), Failure> {
        if std::mem::take(&mut self.entered) {
            self.write("\x1b[?25h\x1b[?1049l")?;
        }
        Ok(())
    }

    fn draw_when_due(&mut self) -> Result<(), Failure> {
        let now = self.clock.now();
        // A clock that was set back would hold the picture for as long.
        if now < self.due && self.due.since(now) <= Span::from_secs(1) {
            return Ok(());
        }
        self.due = now.floor_to(Span::from_secs(1)).plus(Span::from_secs(1));
        let kept = self.plan.last.unwrap_or(LAST).times(KEPT);
        if let Some(newest) = self.gathered.newest {
            self.gathered.forget(newest.minus(kept));
        }
        self.draw()
    }

    /// Writes one frame over the one before.
    fn draw(&mut self) -> Result<(), Failure> {
        let lines = self.frame();
        let mut text = String::from("\x1b[?2026h\x1b[H");
        for (number, line) in lines.iter().enumerate() {
            if number > 0 {
                text.push_str("\r\n");
            }
            text.push_str(line);
            text.push_str("\x1b[K");
        }
        text.push_str("\x1b[J\x1b[?2026l");
        self.write(&text)
    }

    /// The lines of a frame, as many as fit.
    fn frame(&mut self) -> Vec<String> {
        let size = tcgetwinsize(std::io::stdout()).ok();
        let (columns, rows) = size.map_or((80, 24), |size| (usize::from(size.ws_col).max(20), usize::from(size.ws_row).max(6)));
        self.plan.width = Some(columns);
        self.plan.most = self.plan.most.min(rows.saturating_sub(3)).max(1);
        if self.plan.kind == Some(Kind::Lines) {
            self.plan.height = Some(rows.saturating_sub(8).max(8));
        }
        // The newest record tells the time, too: what is replayed is shown as it was.
        let now = self.gathered.newest.map_or(self.clock.now(), |newest| newest.plus(Span::from_nanos(1)));
        let shown = self.gathered.shown(&self.plan, Some(self.held.unwrap_or(now)));
        let drawn = draw::all(&self.plan, &self.gathered, shown);
        let text = drawn.text.unwrap_or_else(|| "waiting for records\n".to_owned());
        let mut lines: Vec<String> = text.lines().take(rows - 1).map(str::to_owned).collect();
        let mut foot = match (self.held, drawn.left_out) {
            (Some(_), _) => "held: space goes on, left and right move".to_owned(),
            (None, Some(left_out)) => left_out,
            (None, None) => "space holds, left and right move, d yesterday, w last week, q ends".to_owned(),
        };
        foot.truncate(foot.char_indices().nth(columns).map_or(foot.len(), |(at, _)| at));
        lines.push(foot);
        lines
    }

    /// Does what a key asks for; whether to end.
    fn pressed(&mut self, key: Key) -> bool {
        let newest = self.gathered.newest.unwrap_or_else(|| self.clock.now());
        let step = Span::from_nanos(self.plan.last.unwrap_or(LAST).nanos() / 4);
        let end = self.held.unwrap_or(newest);
        let toggled = |now: Option<Span>, span: Span| if now == Some(span) { None } else { Some(span) };
        match key {
            Key::Quit => return true,
            Key::Hold => self.held = if self.held.is_some() { None } else { Some(newest) },
            Key::Earlier => self.held = Some(end.minus(step)),
            Key::Later => self.held = Some(end.plus(step)).filter(|end| *end < newest),
            Key::Yesterday => self.plan.compare = toggled(self.plan.compare, Span::from_secs(86_400)),
            Key::LastWeek => self.plan.compare = toggled(self.plan.compare, Span::from_secs(604_800)),
        }
        false
    }

    /// Waits until records or a key come, or the next frame is due; whether records came, or the end.
    fn wait(&mut self) -> Result<bool, Failure> {
        let Some(input) = &self.input else { return Ok(true) };
        let left = self.due.since(self.clock.now());
        let timeout = Timespec { tv_sec: left.nanos() / 1_000_000_000, tv_nsec: left.nanos() % 1_000_000_000 };
        let stop = self.stop.fd();
        let mut fds = vec![PollFd::new(input, PollFlags::IN)];
        fds.extend(self.keys.as_ref().map(|keys| PollFd::from_borrowed_fd(keys.fd(), PollFlags::IN)));
        fds.extend(stop.as_ref().map(|fd| PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN)));
        if poll(&mut fds, Some(&timeout)).is_err() || self.stop.asked() {
            return Ok(self.stop.asked());
        }
        let (records, key) = (!fds[0].revents().is_empty(), self.keys.is_some() && !fds[1].revents().is_empty());
        if key {
            let keys = self.keys.as_mut().map(Keys::read).unwrap_or_default();
            if keys.into_iter().any(|key| self.pressed(key)) {
                self.stop.ask();
                return Ok(true);
            }
            self.draw()?;
        }
        Ok(records)
    }
}

impl Flush for Screen {
    fn flush(&mut self) -> Result<(), Failure> {
        loop {
            self.draw_when_due()?;
            if self.wait()? {
                return Ok(());
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.leave();
    }
}
