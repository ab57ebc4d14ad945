//! One file's text to values and positions. One parser decides both, so a position can never belong to another value.

use super::limits::Limits;
use super::scalar::{Scalar, plain};
use super::template::{has_actions, is_action};
use crate::diagnostics::{Diagnostic, Diagnostics, Location, Position, SourceMap, repeated};
use crate::model::pointer::join;
use granit_parser::{Event, Parser, ScalarStyle, Span};
use serde_json::{Map, Value};

/// One document of a file.
#[derive(Debug)]
pub(super) struct Document {
    /// Its value; `None` where it could not be read to its end.
    pub value: Option<Value>,
    /// What was read before a broken document ended, for its identity.
    pub partial: Value,
    /// Pointer of the innermost part that was open when a broken document ended.
    pub open: String,
    /// Where each value stands.
    pub positions: SourceMap,
    /// Problems inside the document.
    pub problems: Diagnostics,
    /// Whether something else must fill it in first.
    pub template: bool,
    /// Whether its text names an SGCluster, for documents whose values say nothing.
    pub names_cluster: bool,
}

/// What a file holds.
#[derive(Debug)]
pub(super) struct Read {
    /// Its documents.
    pub documents: Vec<Document>,
    /// Problems of the file as a whole.
    pub outside: Diagnostics,
    /// Whether a limit ended the reading, so that what follows is unknown.
    pub cut_off: bool,
}

enum Frame {
    Map { pointer: String, map: Map<String, Value>, key: Option<(String, Position)> },
    List { pointer: String, items: Vec<Value> },
}

struct Builder<'a> {
    file: &'a str,
    limits: &'a Limits,
    /// Lines before the part that is read now.
    lines: usize,
    documents: Vec<Document>,
    stack: Vec<Frame>,
    values: usize,
    /// Levels inside a part that is passed over, and whether it stands where a key must.
    skipped: usize,
    skipped_key: bool,
    /// Whether a mapping stood where a key must, which template actions look like.
    complex_key: bool,
    stopped: bool,
}

/// Reads every document of a file. Broken ones are reported and the next one is tried.
///
/// The text is cut at `---` lines first: YAML allows no such line inside a document, so nothing that is wrong in one
/// document can swallow the next.
pub(super) fn documents(file: &str, text: &str, limits: &Limits) -> Read {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = Builder {
        file,
        limits,
        lines: 0,
        documents: Vec::new(),
        stack: Vec::new(),
        values: 0,
        skipped: 0,
        skipped_key: false,
        complex_key: false,
        stopped: false,
    };
    let mut outside = Diagnostics::new();
    for part in parts(text) {
        let first = builder.documents.len();
        builder.complex_key = false;
        builder.part(part);
        let actions = std::cell::LazyCell::new(|| has_actions(part));
        let names_cluster = part.contains("SGCluster");
        let complex_key = builder.complex_key;
        for document in &mut builder.documents[first..] {
            document.template |= (document.value.is_none() || complex_key) && *actions;
            document.names_cluster = names_cluster;
        }
        if builder.stopped {
            break;
        }
        if builder.documents.len() > limits.documents {
            outside.push(
                Diagnostic::error("too-many-documents", format!("more than {} documents in one file", limits.documents))
                    .at(place(file, 1, 1))
                    .help("split the file"),
            );
            builder.stopped = true;
            break;
        }
        builder.lines += part.matches('\n').count();
    }
    Read { documents: builder.documents, outside, cut_off: builder.stopped }
}

/// The text between `---` lines; each part but the first begins with its line.
fn parts(text: &str) -> Vec<&str> {
    let mut starts = vec![0];
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        if offset > 0 && line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n'])) {
            starts.push(offset);
        }
        offset += line.len();
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().zip(ends).map(|(start, end)| &text[*start..end]).collect()
}

fn place(file: &str, line: usize, column: usize) -> Location {
    Location { file: file.to_owned(), line, column }
}

/// Line and column of the first carriage return that no line feed follows. YAML ends a line there (YAML 1.2.2, section 5.4); Git, which
/// shows the change to a reviewer, and most editors do not: what stands behind it looks like the rest of a comment.
fn bare_carriage_return(text: &str) -> Option<(usize, usize)> {
    let found = text.match_indices('\r').map(|(at, _)| at).find(|at| !text[at + 1..].starts_with('\n'))?;
    let before = &text[..found];
    let line = before.rsplit('\n').next().unwrap_or_default();
    Some((before.matches('\n').count() + 1, line.chars().count() + 1))
}

/// A syntax problem in words of our own: the parser's may repeat what stands in the document, which may be a password.
fn syntax(text: &str, info: &str, line: usize) -> Diagnostic {
    let indentation = |line: usize| {
        text.lines()
            .nth(line.saturating_sub(1))
            .is_some_and(|line| line.chars().take_while(|character| character.is_whitespace()).any(|character| character == '\t'))
    };
    if info.contains("recursion limit") || info.contains("nesting") {
        return Diagnostic::error("too-deep", "mappings and lists are nested too deep").help("look for a generator that runs away");
    }
    if info.contains("unknown anchor") || info.contains("alias") {
        return Diagnostic::error("yaml-syntax", "not YAML: a value that begins with `*` refers to an anchor that is not there")
            .help("quote the value if it is text, for example a cron schedule: \"*/5 * * * *\"");
    }
    if indentation(line) || info.contains("tab") {
        return Diagnostic::error("tab-indentation", "a tab stands in the indentation").help("use blanks; YAML forbids tabs there");
    }
    Diagnostic::error("yaml-syntax", format!("not YAML: {}", info.lines().next().unwrap_or_default())).help(
        "check quotes, colons and the indentation of this line and the one before; if it is no manifest, name the file in .stackgresignore",
    )
}

impl Builder<'_> {
    /// Reads the text between two `---` lines.
    fn part(&mut self, text: &str) {
        let Some((line, column)) = bare_carriage_return(text) else { return self.documents_of(text) };
        // Read as a blank it moves no line; the identity is still wanted.
        let first = self.documents.len();
        self.documents_of(&text.replace("\r\n", "\n").replace('\r', " "));
        if self.documents.len() == first {
            self.open_document();
        }
        let here = place(self.file, self.lines + line, column);
        for document in &mut self.documents[first..] {
            let problem = Diagnostic::error("bare-carriage-return", "a carriage return stands without a line feed after it");
            document.problems.push(
                problem.at(here.clone()).help("end each line with a line feed, and write `\\r` in double quotes where a value holds one"),
            );
        }
    }

    fn documents_of(&mut self, text: &str) {
        // Directives belong to the document after the next line of dashes, and mean nothing here.
        if text.lines().all(|line| line.trim().is_empty() || line.starts_with(['#', '%'])) {
            return;
        }
        self.stack.clear();
        self.skipped = 0;
        let (first, mut broken) = (self.documents.len(), None);
        let mut parser = Parser::new_from_str(text);
        while !self.stopped {
            match parser.next_event() {
                None => break,
                Some(Ok((event, span))) => self.event(&event, &span),
                Some(Err(error)) => {
                    let mark = error.marker();
                    let line = mark.line().max(1);
                    let problem = syntax(text, &error.info(), line).at(place(self.file, self.lines + line, mark.col() + 1));
                    let count = self.documents.len();
                    if count == first || broken == Some(count) || self.documents.last().is_some_and(|document| document.value.is_some()) {
                        self.open_document();
                    }
                    broken = Some(self.documents.len());
                    let told = problem.code == "too-deep" && self.has("too-deep");
                    if let Some(document) = self.documents.last_mut().filter(|_| !told) {
                        document.problems.push(problem);
                    }
                    self.abandon();
                    if !matches!(parser.proceed_next_document(), Ok(true)) {
                        break;
                    }
                }
            }
        }
    }

    fn has(&self, code: &str) -> bool {
        self.documents.last().is_some_and(|document| document.problems.iter().any(|problem| problem.code == code))
    }

    fn open_document(&mut self) {
        self.stack.clear();
        self.skipped = 0;
        self.documents.push(Document {
            value: None,
            partial: Value::Null,
            open: String::new(),
            positions: SourceMap { file: self.file.to_owned(), positions: std::collections::BTreeMap::new() },
            problems: Diagnostics::new(),
            template: false,
            names_cluster: false,
        });
    }

    fn position(&self, span: &Span) -> Position {
        Position { line: self.lines + span.start.line(), column: span.start.col() + 1 }
    }

    /// Ends the reading at a limit; what was read of the document stays for its identity.
    fn stop(&mut self) {
        self.abandon();
        self.stopped = true;
    }

    /// Gives the open mapping a key where the document has none that could be one.
    fn placeholder(&mut self, here: Position) {
        if let Some(Frame::Map { key: key @ None, .. }) = self.stack.last_mut() {
            *key = Some((format!("? line {} column {}", here.line, here.column), here));
        }
    }

    fn problem(&mut self, position: Position, pointer: &str, problem: Diagnostic) {
        let problem = problem.at(place(self.file, position.line, position.column)).path(pointer);
        if let Some(document) = self.documents.last_mut() {
            document.problems.push(problem);
        }
    }

    /// Keeps what was read of a broken document, so that its identity may still be known.
    fn abandon(&mut self) {
        let open = self.stack.last().map(|frame| match frame {
            Frame::Map { pointer, key, .. } => key.as_ref().map_or_else(|| pointer.clone(), |(key, _)| join(pointer, key)),
            Frame::List { pointer, .. } => pointer.clone(),
        });
        if let (Some(open), Some(document)) = (open, self.documents.last_mut()) {
            document.open = open;
        }
        while self.stack.len() > 1 {
            self.close();
        }
        if let (Some(frame), Some(document)) = (self.stack.pop(), self.documents.last_mut()) {
            document.partial = value_of(frame);
        }
        self.stack.clear();
        self.skipped = 0;
    }

    /// Passes over a part that cannot be used. Returns whether the event belonged to it.
    fn skip(&mut self, event: &Event<'_>, here: Position) -> bool {
        if self.skipped == 0 {
            return false;
        }
        match event {
            Event::MappingStart(..) | Event::SequenceStart(..) => self.skipped += 1,
            Event::MappingEnd | Event::SequenceEnd => {
                self.skipped -= 1;
                if self.skipped == 0 && !self.skipped_key {
                    self.put(Value::Null);
                } else if self.skipped == 0 {
                    self.placeholder(here);
                }
            }
            _ => {}
        }
        true
    }

    fn event(&mut self, event: &Event<'_>, span: &Span) {
        let here = self.position(span);
        if self.skip(event, here) {
            return;
        }
        match event {
            Event::DocumentStart(..) => self.open_document(),
            Event::Alias(..) | Event::UnresolvedAlias(..) if matches!(self.stack.last(), Some(Frame::Map { key: None, .. })) => {
                self.problem(here, "", Diagnostic::error("alias-refused", "aliases are refused").help("write the key out"));
                self.placeholder(here);
            }
            Event::Alias(..) | Event::UnresolvedAlias(..) => {
                let pointer = self.place(here).unwrap_or_default();
                self.problem(here, &pointer, Diagnostic::error("alias-refused", "aliases are refused").help("write the value out"));
                self.put(Value::Null);
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.anchor(*anchor, here);
                if self.take_key(text, *style, here) {
                    return;
                }
                let Some(pointer) = self.place(here) else { return };
                let value = self.scalar(text, *style, tag.is_some(), here, &pointer);
                self.put(value);
            }
            Event::MappingStart(_, anchor, _) | Event::SequenceStart(_, anchor, _) => {
                self.anchor(*anchor, here);
                if let Some(Frame::Map { key: None, pointer, .. }) = self.stack.last() {
                    let pointer = pointer.clone();
                    let problem = Diagnostic::error("not-text-key", "a mapping or list is used as a key");
                    self.problem(here, &pointer, problem.help("keys are text; quote a value that begins with a brace or bracket"));
                    self.complex_key = true;
                    (self.skipped, self.skipped_key) = (1, true);
                    return;
                }
                let Some(pointer) = self.place(here) else { return };
                if self.stack.len() >= self.limits.depth {
                    self.problem(
                        here,
                        &pointer,
                        Diagnostic::error("too-deep", format!("nested deeper than {} levels", self.limits.depth))
                            .help("look for a generator that runs away"),
                    );
                    (self.skipped, self.skipped_key) = (1, false);
                    return;
                }
                self.stack.push(if matches!(event, Event::MappingStart(..)) {
                    Frame::Map { pointer, map: Map::new(), key: None }
                } else {
                    Frame::List { pointer, items: Vec::new() }
                });
            }
            Event::MappingEnd | Event::SequenceEnd => self.close(),
            _ => {}
        }
    }

    fn close(&mut self) {
        if let Some(frame) = self.stack.pop() {
            self.put(value_of(frame));
        }
    }

    fn anchor(&mut self, anchor: usize, here: Position) {
        if anchor > 0 {
            self.problem(
                here,
                "",
                Diagnostic::error("alias-refused", "anchors are refused").help("write the value out where it is needed"),
            );
        }
    }

    /// Takes a scalar as the key of the open mapping, if one is due.
    fn take_key(&mut self, text: &str, style: ScalarStyle, here: Position) -> bool {
        let Some(Frame::Map { pointer, key: key @ None, .. }) = self.stack.last_mut() else { return false };
        *key = Some((text.to_owned(), here));
        let child = join(pointer, text);
        if style == ScalarStyle::Plain {
            if text == "<<" {
                self.problem(here, &child, Diagnostic::error("merge-key", "merge keys are refused").help("write the fields out"));
            } else {
                match plain(text) {
                    Scalar::Value(Value::String(_)) => {}
                    _ => self.problem(
                        here,
                        &child,
                        Diagnostic::error("not-text-key", format!("the key `{text}` is not text")).help(format!("quote it: \"{text}\"")),
                    ),
                }
            }
        }
        true
    }

    /// Pointer of the value that comes now; notes its position and whether its key was there before.
    fn place(&mut self, here: Position) -> Option<String> {
        self.values += 1;
        if self.values > self.limits.values {
            self.problem(
                here,
                "",
                Diagnostic::error("too-many-values", format!("more than {} values in one file", self.limits.values)).help("split the file"),
            );
            self.stop();
            return None;
        }
        let (pointer, position, duplicate) = match self.stack.last() {
            None => (String::new(), here, false),
            Some(Frame::List { pointer, items }) => (format!("{pointer}/{}", items.len()), here, false),
            Some(Frame::Map { pointer, map, key }) => {
                let (name, position) = key.clone()?;
                let duplicate = map.contains_key(&name);
                (join(pointer, &name), position, duplicate)
            }
        };
        let document = self.documents.last_mut()?;
        if duplicate {
            let first = document.positions.locate(&pointer);
            let problem = Diagnostic::error(
                "duplicate-key",
                format!("the key is written twice; first at line {}, column {}", first.line, first.column),
            )
            .help("remove one of them")
            .at(place(self.file, position.line, position.column))
            .related(first, "the first one");
            self.problem(position, &pointer, problem);
        } else {
            document.positions.positions.insert(pointer.clone(), position);
        }
        Some(pointer)
    }

    fn put(&mut self, value: Value) {
        match self.stack.last_mut() {
            Some(Frame::Map { map, key, .. }) => {
                if let Some((name, _)) = key.take() {
                    map.entry(name).or_insert(value);
                }
            }
            Some(Frame::List { items, .. }) => items.push(value),
            None => {
                if let Some(document) = self.documents.last_mut() {
                    document.value = Some(value);
                }
            }
        }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tagged: bool, here: Position, pointer: &str) -> Value {
        if tagged {
            self.problem(here, pointer, Diagnostic::error("not-a-json-value", "tags are refused").help("write a plain or quoted value"));
            return Value::Null;
        }
        if is_action(pointer, text, style == ScalarStyle::Plain)
            && let Some(document) = self.documents.last_mut()
        {
            document.template = true;
        }
        if style != ScalarStyle::Plain {
            return Value::from(text);
        }
        match plain(text) {
            Scalar::Value(value) => value,
            Scalar::Ambiguous(meaning) => {
                let shown = repeated(pointer, text);
                self.problem(
                    here,
                    pointer,
                    Diagnostic::error("ambiguous-scalar", format!("`{shown}` is {meaning} to kubectl and something else to other readers"))
                        .help(format!("quote it (\"{shown}\") if it is text; otherwise write true, false or a plain decimal number")),
                );
                Value::from(text)
            }
            Scalar::NotJson => {
                self.problem(
                    here,
                    pointer,
                    Diagnostic::error("not-a-json-value", format!("`{}` cannot stand in a Kubernetes object", repeated(pointer, text)))
                        .help("quote it if it is text; objects are JSON, which has no infinity and no not-a-number"),
                );
                Value::Null
            }
        }
    }
}

fn value_of(frame: Frame) -> Value {
    match frame {
        Frame::Map { map, .. } => Value::Object(map),
        Frame::List { items, .. } => Value::Array(items),
    }
}
