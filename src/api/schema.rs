//! A small language for structural schemas, as Kubernetes custom resources use them.
//!
//! Source of the rules: Kubernetes documentation, "Extend the Kubernetes API with CustomResourceDefinitions",
//! section "Specifying a structural schema".

use super::condition::Condition;
use std::borrow::Cow;
use std::collections::BTreeSet;

/// One node of a schema.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    /// What the field is for, for a DBA: `kubectl explain` prints it. Never empty.
    pub description: String,
    /// The value's form.
    pub shape: Shape,
    /// Whether `null` is accepted.
    pub nullable: bool,
    /// The effective value when the field is absent, for `explain`. Never written into a CRD as `default`.
    pub default: Option<String>,
    /// Whether this program carries the field out. [`Support::Inherited`] takes the parent's.
    pub support: Support,
    /// Rules the API server evaluates (CEL).
    pub rules: Vec<Rule>,
}

/// A rule of a mapping, which the API server evaluates, and `validate` as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Stable code; the server's message begins with it.
    pub code: &'static str,
    /// What must hold.
    pub condition: Condition,
    /// What is wrong where it does not.
    pub message: Cow<'static, str>,
    /// What to do.
    pub help: Cow<'static, str>,
    /// Field below the mapping that it is about, as in a [`Condition`]; the mapping itself where empty.
    pub field: &'static str,
}

/// Whether a field is carried out (DESIGN law 12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// As the parent; the root is carried out.
    Inherited,
    /// A stage reads the field and acts on it.
    CarriedOut,
    /// Not yet, and it touches data, availability or backups: `not-supported-yet` as an error.
    NotYetError,
    /// Not yet, and ignoring it is harmless: `not-supported-yet` as a warning.
    NotYetWarning,
    /// Written by the program, not by people (status).
    Output,
}

/// The form of a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// A mapping with known fields.
    Object {
        /// Fields in the order they are documented.
        fields: Vec<Field>,
        /// Whether fields that are not listed are kept (`x-kubernetes-preserve-unknown-fields`).
        preserve_unknown: bool,
    },
    /// A mapping with free keys and values of one form.
    Map {
        /// Form of each value.
        values: Box<Schema>,
    },
    /// A list.
    Array {
        /// Form of each item.
        items: Box<Schema>,
        /// Keys of `x-kubernetes-list-type: map`; empty for an atomic list.
        map_keys: Vec<String>,
        /// Fewest items.
        min_items: Option<u64>,
        /// Most items.
        max_items: Option<u64>,
    },
    /// Text.
    Text(Text),
    /// A whole number.
    Integer {
        /// `int32` or `int64`.
        format: Option<&'static str>,
        /// Smallest value.
        minimum: Option<i64>,
        /// Largest value.
        maximum: Option<i64>,
    },
    /// A number.
    Number {
        /// Smallest value.
        minimum: Option<f64>,
        /// Largest value.
        maximum: Option<f64>,
    },
    /// `true` or `false`.
    Boolean,
    /// A whole number or text (`x-kubernetes-int-or-string`).
    IntOrString {
        /// Regular expression of the text form.
        pattern: Option<String>,
    },
    /// Any value (`x-kubernetes-preserve-unknown-fields` without a type).
    Any,
}

/// Constraints on text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text {
    /// `date-time`, `byte`, …
    pub format: Option<&'static str>,
    /// Regular expression, unanchored as in JSON Schema.
    pub pattern: Option<String>,
    /// Allowed values; empty allows all.
    pub allowed: Vec<String>,
    /// Fewest characters.
    pub min_length: Option<u64>,
    /// Most characters.
    pub max_length: Option<u64>,
}

/// A named field of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Name as written in a manifest.
    pub name: String,
    /// Whether the field must be present.
    pub required: bool,
    /// Form of its value.
    pub schema: Schema,
}

fn node(description: &str, shape: Shape) -> Schema {
    Schema { description: description.to_owned(), shape, nullable: false, default: None, support: Support::Inherited, rules: Vec::new() }
}

/// A mapping with known fields; add them with [`Schema::field`] and [`Schema::required`].
pub fn object(description: &str) -> Schema {
    node(description, Shape::Object { fields: Vec::new(), preserve_unknown: false })
}

/// A mapping with free keys.
pub fn map(description: &str, values: Schema) -> Schema {
    node(description, Shape::Map { values: Box::new(values) })
}

/// A mapping from text to text.
pub fn text_map(description: &str) -> Schema {
    map(description, text("Value of one entry."))
}

/// A list.
pub fn array(description: &str, items: Schema) -> Schema {
    node(description, Shape::Array { items: Box::new(items), map_keys: Vec::new(), min_items: None, max_items: None })
}

/// Text.
pub fn text(description: &str) -> Schema {
    node(description, Shape::Text(Text::default()))
}

/// A moment as RFC 3339 writes it, with its offset. It has a pattern and no `format`: where a text has one, the API server takes a list as
/// well (kube-openapi, `pkg/validation/validate/type.go`).
pub fn moment(description: &str) -> Schema {
    text(description).pattern(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$")
}

/// A whole number without a format.
pub fn integer(description: &str) -> Schema {
    node(description, Shape::Integer { format: None, minimum: None, maximum: None })
}

/// A number.
pub fn number(description: &str) -> Schema {
    node(description, Shape::Number { minimum: None, maximum: None })
}

/// `true` or `false`.
pub fn boolean(description: &str) -> Schema {
    node(description, Shape::Boolean)
}

/// A whole number or text.
pub fn int_or_string(description: &str) -> Schema {
    node(description, Shape::IntOrString { pattern: None })
}

/// Any value.
pub fn any(description: &str) -> Schema {
    node(description, Shape::Any)
}

/// The builder panics on a constraint that does not fit the form. Schemas are built from literals when the program
/// starts and every one is built by a test, so a panic here cannot depend on input.
impl Schema {
    /// Adds an optional field.
    #[must_use]
    pub fn field(self, name: &str, schema: Schema) -> Self {
        self.add(name, false, schema)
    }

    /// Adds a required field.
    #[must_use]
    pub fn required(self, name: &str, schema: Schema) -> Self {
        self.add(name, true, schema)
    }

    #[expect(clippy::panic, reason = "a literal schema that contradicts itself; every schema is built by a test")]
    fn add(mut self, name: &str, required: bool, schema: Schema) -> Self {
        let Shape::Object { fields, .. } = &mut self.shape else { panic!("field {name} on something that is no object") };
        fields.push(Field { name: name.to_owned(), required, schema });
        self
    }

    /// The same without these fields: for a kind whose section is another one's, less some of it.
    #[must_use]
    #[expect(clippy::panic, reason = "a literal schema that contradicts itself; every schema is built by a test")]
    pub fn without(mut self, names: &[&str]) -> Self {
        let Shape::Object { fields, .. } = &mut self.shape else { panic!("fields {names:?} of something that is no object") };
        for name in names {
            let at = fields.iter().position(|field| field.name == *name).unwrap_or_else(|| panic!("there is no field {name}"));
            fields.remove(at);
        }
        self
    }

    /// The same with a required field made optional.
    #[must_use]
    pub fn optional(self, name: &str) -> Self {
        self.demanded(name, false)
    }

    /// The same with an optional field made required.
    #[must_use]
    pub fn require(self, name: &str) -> Self {
        self.demanded(name, true)
    }

    #[expect(clippy::panic, reason = "a literal schema that contradicts itself; every schema is built by a test")]
    fn demanded(mut self, name: &str, required: bool) -> Self {
        let Shape::Object { fields, .. } = &mut self.shape else { panic!("field {name} of something that is no object") };
        let field = fields.iter_mut().find(|field| field.name == name).unwrap_or_else(|| panic!("there is no field {name}"));
        field.required = required;
        self
    }

    /// The same under another description, which says what it is for in its place.
    #[must_use]
    pub fn described(mut self, description: &str) -> Self {
        description.clone_into(&mut self.description);
        self
    }

    /// Keeps fields that are not listed.
    #[must_use]
    pub fn preserve_unknown(mut self) -> Self {
        if let Shape::Object { preserve_unknown, .. } = &mut self.shape {
            *preserve_unknown = true;
        }
        self
    }

    /// Accepts `null`.
    #[must_use]
    pub const fn nullable(mut self) -> Self {
        self.nullable = true;
        self
    }

    /// Smallest whole number.
    #[must_use]
    pub fn minimum(mut self, value: i64) -> Self {
        if let Shape::Integer { minimum, .. } = &mut self.shape {
            *minimum = Some(value);
        }
        self
    }

    /// Largest whole number.
    #[must_use]
    pub fn maximum(mut self, value: i64) -> Self {
        if let Shape::Integer { maximum, .. } = &mut self.shape {
            *maximum = Some(value);
        }
        self
    }

    /// `int32`, `int64`, `date-time`, …
    #[must_use]
    pub fn format(mut self, value: &'static str) -> Self {
        match &mut self.shape {
            Shape::Integer { format, .. } => *format = Some(value),
            Shape::Text(text) => text.format = Some(value),
            _ => {}
        }
        self
    }

    /// Regular expression of the text.
    #[must_use]
    pub fn pattern(mut self, value: &str) -> Self {
        match &mut self.shape {
            Shape::Text(text) => text.pattern = Some(value.to_owned()),
            Shape::IntOrString { pattern } => *pattern = Some(value.to_owned()),
            _ => {}
        }
        self
    }

    /// Allowed texts.
    #[must_use]
    pub fn allowed(mut self, values: &[&str]) -> Self {
        if let Shape::Text(text) = &mut self.shape {
            text.allowed = values.iter().map(|&value| value.to_owned()).collect();
        }
        self
    }

    /// Fewest characters.
    #[must_use]
    pub fn min_length(mut self, value: u64) -> Self {
        if let Shape::Text(text) = &mut self.shape {
            text.min_length = Some(value);
        }
        self
    }

    /// Most characters.
    #[must_use]
    pub fn max_length(mut self, value: u64) -> Self {
        if let Shape::Text(text) = &mut self.shape {
            text.max_length = Some(value);
        }
        self
    }

    /// Fewest items.
    #[must_use]
    pub fn min_items(mut self, value: u64) -> Self {
        if let Shape::Array { min_items, .. } = &mut self.shape {
            *min_items = Some(value);
        }
        self
    }

    /// Most items.
    #[must_use]
    pub fn max_items(mut self, value: u64) -> Self {
        if let Shape::Array { max_items, .. } = &mut self.shape {
            *max_items = Some(value);
        }
        self
    }

    /// Makes the list an associative list with these keys.
    #[must_use]
    pub fn list_map(mut self, keys: &[&str]) -> Self {
        if let Shape::Array { map_keys, .. } = &mut self.shape {
            *map_keys = keys.iter().map(|&key| key.to_owned()).collect();
        }
        self
    }

    /// The effective value when the field is absent, in words or as a literal.
    #[must_use]
    pub fn default(mut self, value: &str) -> Self {
        self.default = Some(value.to_owned());
        self
    }

    /// A stage reads this field and acts on it.
    #[must_use]
    pub const fn carried_out(mut self) -> Self {
        self.support = Support::CarriedOut;
        self
    }

    /// Refused until its handling exists, because ignoring it would touch data, availability or backups.
    #[must_use]
    pub const fn not_yet_error(mut self) -> Self {
        self.support = Support::NotYetError;
        self
    }

    /// Warned about until its handling exists.
    #[must_use]
    pub const fn not_yet_warning(mut self) -> Self {
        self.support = Support::NotYetWarning;
        self
    }

    /// Written by the program.
    #[must_use]
    pub const fn output(mut self) -> Self {
        self.support = Support::Output;
        self
    }

    /// Adds a rule.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Adds the rule that a condition holds of the mapping.
    #[must_use]
    pub fn demand(
        self,
        code: &'static str,
        condition: Condition,
        message: impl Into<Cow<'static, str>>,
        help: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.rule(Rule { code, condition, message: message.into(), help: help.into(), field: "" })
    }

    /// Adds the rule that a text, where it is there, is one of a few.
    #[must_use]
    pub fn choice(self, code: &'static str, field: &'static str, words: &[&'static str]) -> Self {
        let condition = Condition::Present(field).implies(Condition::OneOf(field, words.to_vec()));
        let (message, help) = (format!("`{field}` says nothing that has a meaning"), format!("it is one of {}", words.join(", ")));
        self.rule(Rule { code, condition, message: message.into(), help: help.into(), field })
    }

    /// Adds the rule that a field cannot change once the object is there; the empty one is the whole mapping.
    #[must_use]
    pub fn fixed(self, field: &'static str, message: &'static str, help: &'static str) -> Self {
        self.rule(Rule {
            code: "immutable-field",
            condition: Condition::Unchanged(field),
            message: message.into(),
            help: help.into(),
            field,
        })
    }

    /// Adds the rule that a field cannot change once it is there.
    #[must_use]
    pub fn written_once(self, field: &'static str, message: &'static str) -> Self {
        let help = "it says what was done; what differs is another object";
        self.rule(Rule { code: "immutable-field", condition: Condition::Once(field), message: message.into(), help: help.into(), field })
    }

    /// The field of that name, for objects.
    pub fn get_field(&self, name: &str) -> Option<&Field> {
        match &self.shape {
            Shape::Object { fields, .. } => fields.iter().find(|field| field.name == name),
            _ => None,
        }
    }

    /// Codes of every rule in it and below.
    pub fn rule_codes(&self) -> BTreeSet<&'static str> {
        let mut codes: BTreeSet<&'static str> = self.rules.iter().map(|rule| rule.code).collect();
        match &self.shape {
            Shape::Object { fields, .. } => codes.extend(fields.iter().flat_map(|field| field.schema.rule_codes())),
            Shape::Map { values } => codes.extend(values.rule_codes()),
            Shape::Array { items, .. } => codes.extend(items.rule_codes()),
            _ => {}
        }
        codes
    }

    /// Schema of the child a JSON pointer segment leads to: a field, a map value or a list item.
    pub fn child(&self, segment: &str) -> Option<&Schema> {
        match &self.shape {
            Shape::Object { .. } => self.get_field(segment).map(|field| &field.schema),
            Shape::Map { values } => Some(values),
            Shape::Array { items, .. } => Some(items),
            _ => None,
        }
    }
}
