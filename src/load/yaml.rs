//! One file's text to values and positions. One parser decides both, so a position can never belong to another value.

use super::limits::Limits;
use super::scalar::{Scalar, plain};
use crate::diagnostics::{Diagnostic, Diagnostics, Location, Position, SourceMap};
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
    /// Where each value stands.
    pub positions: SourceMap,
    /// Problems inside the document.
    pub problems: Diagnostics,
}

enum Frame {
    Map { pointer: String, map: Map<String, Value>, key: Option<(String, Position)> },
    List { pointer: String, items: Vec<Value> },
}

struct Builder<'a> {
    file: &'a str,
    limits: &'a Limits,
    documents: Vec<Document>,
    stack: Vec<Frame>,
    values: usize,
    stopped: bool,
}

/// Reads every document of a file. Broken ones are reported and the next one is tried.
pub(super) fn documents(file: &str, text: &str, limits: &Limits) -> (Vec<Document>, Diagnostics) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = Builder { file, limits, documents: Vec::new(), stack: Vec::new(), values: 0, stopped: false };
    let mut outside = Diagnostics::new();
    let mut parser = Parser::new_from_str(text);
    while !builder.stopped {
        match parser.next_event() {
            None => break,
            Some(Ok((event, span))) => builder.event(&event, &span),
            Some(Err(error)) => {
                let mark = error.marker();
                let problem = syntax(text, &error.info(), mark.line().max(1)).at(place(file, mark.line().max(1), mark.col() + 1));
                match builder.documents.last_mut().filter(|document| document.value.is_none()) {
                    Some(document) => {
                        document.problems.push(problem);
                        builder.abandon();
                    }
                    None => outside.push(problem),
                }
                if !matches!(parser.proceed_next_document(), Ok(true)) {
                    break;
                }
            }
        }
        if builder.documents.len() > limits.documents {
            outside.push(
                Diagnostic::error("too-many-documents", format!("more than {} documents in one file", limits.documents))
                    .at(place(file, 1, 1))
                    .help("split the file"),
            );
            break;
        }
    }
    (builder.documents, outside)
}

fn place(file: &str, line: usize, column: usize) -> Location {
    Location { file: file.to_owned(), line, column }
}

/// A syntax problem; a tab in the indentation of its line is the usual cause and named as such.
fn syntax(text: &str, info: &str, line: usize) -> Diagnostic {
    let indentation = |line: usize| {
        text.lines()
            .nth(line.saturating_sub(1))
            .is_some_and(|line| line.chars().take_while(|character| character.is_whitespace()).any(|character| character == '\t'))
    };
    if indentation(line) || info.contains("tab") {
        return Diagnostic::error("tab-indentation", "a tab stands in the indentation").help("use blanks; YAML forbids tabs there");
    }
    Diagnostic::error("yaml-syntax", format!("not YAML: {info}"))
        .help("check quotes, colons and the indentation of this line and the one before")
}

impl Builder<'_> {
    fn position(span: &Span) -> Position {
        Position { line: span.start.line(), column: span.start.col() + 1 }
    }

    fn problem(&mut self, position: Position, pointer: &str, problem: Diagnostic) {
        let problem = problem.at(place(self.file, position.line, position.column)).path(pointer);
        if let Some(document) = self.documents.last_mut() {
            document.problems.push(problem);
        }
    }

    /// Keeps what was read of a broken document, so that its identity may still be known.
    fn abandon(&mut self) {
        while self.stack.len() > 1 {
            self.close();
        }
        if let (Some(frame), Some(document)) = (self.stack.pop(), self.documents.last_mut()) {
            document.partial = value_of(frame);
        }
        self.stack.clear();
    }

    fn event(&mut self, event: &Event<'_>, span: &Span) {
        let here = Self::position(span);
        match event {
            Event::DocumentStart(..) => {
                self.stack.clear();
                self.documents.push(Document {
                    value: None,
                    partial: Value::Null,
                    positions: SourceMap { file: self.file.to_owned(), positions: std::collections::BTreeMap::new() },
                    problems: Diagnostics::new(),
                });
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
                    self.problem(here, &pointer, Diagnostic::error("not-text-key", "a mapping or list is used as a key"));
                    self.stopped = true;
                    return;
                }
                let Some(pointer) = self.place(here) else { return };
                if self.stack.len() >= self.limits.depth {
                    self.problem(here, &pointer, Diagnostic::error("too-deep", format!("nested deeper than {} levels", self.limits.depth)));
                    self.stopped = true;
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
            self.problem(here, "", Diagnostic::error("too-many-values", format!("more than {} values in one file", self.limits.values)));
            self.stopped = true;
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
            .help("remove one of them");
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
        if style != ScalarStyle::Plain {
            return Value::from(text);
        }
        match plain(text) {
            Scalar::Value(value) => value,
            Scalar::Ambiguous(meaning) => {
                self.problem(
                    here,
                    pointer,
                    Diagnostic::error("ambiguous-scalar", format!("`{text}` is {meaning} to kubectl and something else to other readers"))
                        .help(format!("quote it (\"{text}\") if it is text; otherwise write true, false or a plain decimal number")),
                );
                Value::from(text)
            }
            Scalar::NotJson => {
                self.problem(here, pointer, Diagnostic::error("not-a-json-value", format!("`{text}` cannot stand in a Kubernetes object")));
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
