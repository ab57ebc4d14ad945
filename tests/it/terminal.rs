//! The demo on a pseudo terminal, as somebody sees it, and what it leaves behind when it ends.

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// As much of a terminal as the demo uses: printing, line feeds, the cursor up, clearing below, modes. Anything else is an error,
/// because nobody would have checked what it does.
#[derive(Default)]
struct Terminal {
    rows: Vec<Vec<char>>,
    row: usize,
    column: usize,
    cursor_hidden: bool,
    coloured: bool,
    pending: Vec<u8>,
}

impl Terminal {
    fn feed(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
        let complete = match std::str::from_utf8(&self.pending) {
            Ok(text) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        let text = String::from_utf8(self.pending.drain(..complete).collect()).unwrap();
        let mut rest = text.as_str();
        while let Some(character) = rest.chars().next() {
            if let Some(sequence) = rest.strip_prefix("\u{1b}[") {
                let Some(end) = sequence.find(|character: char| ('@'..='~').contains(&character)) else { break };
                self.control(&sequence[..end], &sequence[end..=end]);
                rest = &sequence[end + 1..];
                continue;
            }
            if character == '\u{1b}' {
                break;
            }
            self.print(character);
            rest = &rest[character.len_utf8()..];
        }
        // A sequence that is not whole yet.
        self.pending = [rest.as_bytes(), &self.pending].concat();
    }

    fn control(&mut self, parameters: &str, kind: &str) {
        match (parameters, kind) {
            ("?25", "l") => self.cursor_hidden = true,
            ("?25", "h") => self.cursor_hidden = false,
            ("?2026", "h" | "l") => {}
            ("", "J") => {
                self.rows.truncate(self.row + 1);
                if let Some(row) = self.rows.get_mut(self.row) {
                    row.truncate(self.column);
                }
            }
            (count, "A") => self.row = self.row.checked_sub(count.parse().unwrap()).expect("the cursor leaves the screen"),
            (_, "m") => self.coloured |= parameters != "0",
            other => panic!("not known: {other:?}"),
        }
    }

    fn print(&mut self, character: char) {
        match character {
            '\r' => self.column = 0,
            '\n' => self.row += 1,
            '\t' | ' '.. => {
                while self.rows.len() <= self.row {
                    self.rows.push(Vec::new());
                }
                let row = &mut self.rows[self.row];
                while row.len() <= self.column {
                    row.push(' ');
                }
                row[self.column] = character;
                self.column += 1;
            }
            other => panic!("not known: {other:?}"),
        }
    }

    /// What a terminal does that becomes narrower: long rows become several.
    fn narrow(&mut self, columns: usize) {
        let mut rows = Vec::new();
        let mut at = 0;
        for (index, row) in self.rows.iter().enumerate() {
            if index == self.row {
                at = rows.len();
            }
            let length = row.iter().rposition(|character| *character != ' ').map_or(0, |last| last + 1);
            rows.extend(row[..length].chunks(columns).map(<[char]>::to_vec));
            if length == 0 {
                rows.push(Vec::new());
            }
        }
        self.row = if self.row < self.rows.len() { at } else { rows.len() };
        self.rows = rows;
    }

    fn text(&self) -> String {
        self.rows.iter().map(|row| row.iter().collect::<String>().trim_end().to_owned() + "\n").collect()
    }
}

/// A demo on a pseudo terminal of `script` (util-linux).
struct Session {
    child: Child,
    pieces: mpsc::Receiver<Vec<u8>>,
    terminal: Terminal,
}

impl Session {
    fn start(environment: &[(&str, &str)], columns: usize) -> Self {
        let program = env!("CARGO_BIN_EXE_stackgres");
        let command = format!("stty cols {columns} rows 40 -echo; tty; echo $$; exec {program} demo --listen 127.0.0.1:0");
        let mut child = Command::new("script")
            .args(["--quiet", "--return", "--flush", "--command", &command, "/dev/null"])
            .env("SHELL", "/bin/sh")
            .env("TERM", "xterm-256color")
            .env_remove("KUBECONFIG")
            .env_remove("CI")
            .env_remove("NO_COLOR")
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = child.stdout.take().unwrap();
        let (sender, pieces) = mpsc::channel();
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut piece) {
                if sender.send(piece[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, pieces, terminal: Terminal::default() }
    }

    /// Reads on until the screen is so.
    fn until(&mut self, what: &str, is: impl Fn(&Terminal) -> bool) {
        while !is(&self.terminal) {
            match self.pieces.recv_timeout(Duration::from_mins(2)) {
                Ok(piece) => self.terminal.feed(&piece),
                Err(error) => panic!("{error}: never {what}:\n{}", self.terminal.text()),
            }
        }
    }

    /// Makes the terminal narrower while the program stands still, so that nothing of the old width comes after it.
    fn narrow(&mut self, columns: usize) {
        let text = self.terminal.text();
        let mut lines = text.lines();
        let (device, process) = (lines.next().unwrap(), lines.next().unwrap());
        assert!(device.starts_with("/dev/pts/"), "{text}");
        let run =
            |program: &str, words: &[&str]| assert!(Command::new(program).args(words).status().unwrap().success(), "{program} {words:?}");
        run("kill", &["-STOP", process]);
        while let Ok(piece) = self.pieces.recv_timeout(Duration::from_millis(500)) {
            self.terminal.feed(&piece);
        }
        run("stty", &["-F", device, "cols", &columns.to_string()]);
        self.terminal.narrow(columns);
        // `script` stops itself with what it runs, and goes on with it.
        run("kill", &["-CONT", &self.child.id().to_string()]);
        run("kill", &["-CONT", process]);
    }

    /// Leaves it with Ctrl-C, and reads what is left. Where the tests were started with SIGHUP ignored (`nohup`), the demo would outlive its
    /// terminal otherwise.
    fn end(&mut self) -> bool {
        self.child.stdin.as_mut().unwrap().write_all(b"\x03").unwrap();
        while let Ok(piece) = self.pieces.recv() {
            self.terminal.feed(&piece);
        }
        self.child.wait().unwrap().success()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn shows(terminal: &Terminal, part: &str) -> usize {
    terminal.text().matches(part).count()
}

/// The lines below the last text.
fn at_rest(terminal: &Terminal) -> Vec<String> {
    let text = terminal.text();
    // The text itself takes several rows of a narrow terminal.
    text.lines().skip_while(|line| !line.starts_with("The demo goes on")).skip_while(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// One line a cluster, drawn again in place: a rollout does not scroll the plan away. A terminal that becomes narrower gets shorter lines,
/// and one that is left with Ctrl-C has its cursor.
#[test]
fn clusters_are_drawn_in_place() {
    let mut session = Session::start(&[], 100);
    session.until("a cluster is on its way", |terminal| shows(terminal, "shop/orders") == 1 && shows(terminal, "until four clusters") == 1);
    assert!(session.terminal.cursor_hidden && session.terminal.coloured);
    session.until("the first step is done", |terminal| shows(terminal, "done: four clusters are ready") == 1);
    session.until("the plan of a restart", |terminal| shows(terminal, "replicas first, one switchover") == 1);
    session.until("a step and those after it", |terminal| shows(terminal, ", then") == 1 && shows(terminal, "of 3 ready  ") == 1);
    session.until("the end of the script", |terminal| shows(terminal, "The demo goes on until Ctrl-C") == 1);
    session.until("the lines at rest", |terminal| terminal.text().trim_end().ends_with("  until Ctrl-C"));
    session.narrow(44);
    session.until("shorter lines", |terminal| {
        terminal.text().trim_end().ends_with("  until Ctrl-C") && at_rest(terminal).iter().any(|line| line.ends_with('…'))
    });
    let last = at_rest(&session.terminal);
    assert_eq!(last.iter().filter(|line| line.contains("shop/orders")).count(), 1, "{}", session.terminal.text());
    assert!(last.iter().all(|line| line.chars().count() < 44), "{}", session.terminal.text());
    assert!(session.end(), "{}", session.terminal.text());
    assert!(!session.terminal.cursor_hidden, "the cursor comes back");
}

/// `NO_COLOR` (no-color.org) takes the colour and nothing else.
#[test]
fn no_colour_where_none_is_wanted() {
    let mut session = Session::start(&[("NO_COLOR", "1")], 100);
    session.until("a cluster is on its way", |terminal| shows(terminal, "until four clusters") == 1 && shows(terminal, "shop/orders") == 1);
    assert!(session.terminal.cursor_hidden && !session.terminal.coloured);
    assert!(session.end());
    assert!(!session.terminal.cursor_hidden);
}

/// A terminal that cannot move its cursor gets lines, as a pipe does: no byte of a sequence.
#[test]
fn a_dumb_terminal_gets_lines() {
    let mut session = Session::start(&[("TERM", "dumb")], 100);
    session.until("the first step is done", |terminal| shows(terminal, "done: four clusters are ready") == 1);
    assert!(!session.terminal.cursor_hidden && !session.terminal.coloured);
    assert!(shows(&session.terminal, "    shop/orders") > 1, "one line whenever something changed:\n{}", session.terminal.text());
    assert!(session.end());
}
