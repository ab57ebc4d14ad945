//! The next step of a cluster's credentials.
//!
//! Two Secrets: the cluster's own, which pods mount and people read, says what is wanted; `<cluster>-credentials-in-use`, which no
//! pod mounts, says what was proved to work. Where they differ, the roles are changed in this order: the new values reach every pod,
//! the roles get the new passwords, every login is tried; if one fails the old values come back. A person changes a generated password
//! by editing the cluster's Secret, and a given one in the Secret it is taken from.

use crate::model::Object;
use crate::render::{CREDENTIALS, VERSION, derived_entries};
use std::collections::BTreeMap;

/// Annotation of the Secret in use: which given values failed. The same are not tried again.
pub const REFUSED: &str = "stackgres.io/refused-credentials";

/// A role whose password stands in the Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolePassword {
    /// Name of the role.
    pub role: String,
    /// Entry with its password.
    pub entry: &'static str,
}

/// Users in the Secret that are roles of the database: entry of the name, entry of the password, and the name that the rules of access
/// (`pg_hba.conf`) know.
const ROLES: [(&str, &str, &str); 3] = [
    ("superuser-username", "superuser-password", "postgres"),
    ("replication-username", "replication-password", "replicator"),
    ("authenticator-username", "authenticator-password", "authenticator"),
];

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialsStep {
    /// Nothing.
    Settled,
    /// Write these values into the cluster's Secret, with a new version and what follows from them.
    Write {
        /// Entry → value.
        changes: BTreeMap<String, String>,
    },
    /// It is not noted what works: note it once a login succeeds.
    Adopt,
    /// Bring the new values to the pods and into the roles.
    Rotate {
        /// Roles whose passwords change.
        roles: Vec<RolePassword>,
    },
    /// Nothing can be done.
    Wait {
        /// One word.
        reason: &'static str,
        /// Why, and what helps.
        what: String,
    },
}

/// The credentials of a Secret; other entries in it are a person's own and are left alone.
pub fn credentials_of(secret: &Object) -> BTreeMap<String, String> {
    CREDENTIALS.iter().filter_map(|(entry, _)| Some(((*entry).to_owned(), secret.secret_text(entry)?))).collect()
}

/// Why a value cannot be one of the credentials. Not PostgreSQL but the others decide: a line break ends a line of the pooler's file,
/// and Patroni 4.0.7 cannot make a cluster with a password outside of ASCII (measured).
pub fn credential_problem(entry: &str, value: &str) -> Option<String> {
    if let Some((_, _, name)) = ROLES.iter().find(|(name, _, _)| *name == entry) {
        return (value != *name).then(|| format!("the name must be `{name}`: the rules of access (pg_hba.conf) name it"));
    }
    if value.is_empty() {
        return Some("it is empty".to_owned());
    }
    if !value.chars().all(|character| character.is_ascii_graphic() || character == ' ') {
        return Some("only letters, digits, blanks and signs of ASCII are taken; mind a line break at its end".to_owned());
    }
    // PgBouncer keeps passwords in 2048 bytes (its source, `MAX_PASSWORD`); ours stay far below.
    (value.len() > 512).then(|| "it is longer than 512 characters".to_owned())
}

/// The next step. `given` holds the values that users' own Secrets have now; `refused` says that these very Secrets failed before.
pub fn next_credentials(
    secret: &Object,
    in_use: Option<&Object>,
    given: &BTreeMap<String, Result<String, String>>,
    refused: bool,
) -> CredentialsStep {
    let now = credentials_of(secret);
    let mut changes = BTreeMap::new();
    for (entry, value) in given {
        match value {
            // Empty or missing means unknown, never another password.
            Err(problem) => return CredentialsStep::Wait { reason: "Unknown", what: problem.clone() },
            Ok(value) => {
                if let Some(problem) = credential_problem(entry, value) {
                    return CredentialsStep::Wait { reason: "Refused", what: format!("the given {entry}: {problem}") };
                }
                if now.get(entry) != Some(value) {
                    changes.insert(entry.clone(), value.clone());
                }
            }
        }
    }
    if !changes.is_empty() && refused {
        let what = "the given values did not work and the old ones are in use; change the Secret they come from to have them tried again";
        return CredentialsStep::Wait { reason: "Failed", what: what.to_owned() };
    }
    for (entry, value) in &now {
        if let Some(problem) = credential_problem(entry, value) {
            return CredentialsStep::Wait { reason: "Refused", what: format!("{entry} in the Secret {}: {problem}", secret.name()) };
        }
    }
    let used = in_use.map(credentials_of);
    let same_version = used.as_ref().is_some_and(|used| used.get(VERSION) == now.get(VERSION));
    let edited = same_version && used.as_ref() != Some(&now);
    let derived = derived_entries(&now).iter().all(|(entry, value)| secret.secret_text(entry).as_ref() == Some(value));
    if !changes.is_empty() || edited || !derived || !now.contains_key(VERSION) {
        return CredentialsStep::Write { changes };
    }
    let Some(used) = used else { return CredentialsStep::Adopt };
    if used == now {
        return CredentialsStep::Settled;
    }
    let changed = |entry: &str| used.get(entry) != now.get(entry);
    let roles = ROLES.iter().filter(|(_, password, _)| changed(password));
    CredentialsStep::Rotate { roles: roles.map(|(_, entry, role)| RolePassword { role: (*role).to_owned(), entry }).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use serde_json::json;

    fn secret(changes: &[(&str, &str)]) -> Object {
        let mut entries: BTreeMap<String, String> =
            CREDENTIALS.iter().map(|(entry, _)| ((*entry).to_owned(), format!("{entry}-1"))).collect();
        entries.extend(ROLES.map(|(entry, _, name)| (entry.to_owned(), name.to_owned())));
        entries.extend(changes.iter().map(|(entry, value)| ((*entry).to_owned(), (*value).to_owned())));
        let derived = derived_entries(&entries);
        entries.extend(derived);
        let encode = |value: &String| json!(base64::engine::general_purpose::STANDARD.encode(value));
        let data: serde_json::Map<_, _> = entries.iter().map(|(key, value)| (key.clone(), encode(value))).collect();
        Object::new(json!({"kind": "Secret", "metadata": {"name": "a"}, "data": data}))
    }

    fn given(value: Result<&str, &str>) -> BTreeMap<String, Result<String, String>> {
        [("superuser-password".to_owned(), value.map(str::to_owned).map_err(str::to_owned))].into()
    }

    fn next(secret: &Object, in_use: Option<&Object>) -> CredentialsStep {
        next_credentials(secret, in_use, &BTreeMap::new(), false)
    }

    #[test]
    fn what_is_in_use_is_left_alone() {
        let one = secret(&[]);
        assert_eq!(next(&one, Some(&one)), CredentialsStep::Settled);
        assert_eq!(next(&one, None), CredentialsStep::Adopt);
    }

    /// An edit in the Secret gets a version of its own first: by it the pods show that they have read it.
    #[test]
    fn an_edit_by_hand_is_a_rotation() {
        let (old, edited) = (secret(&[]), secret(&[("superuser-password", "mine")]));
        assert_eq!(next(&edited, Some(&old)), CredentialsStep::Write { changes: BTreeMap::new() });
        let written = secret(&[("superuser-password", "mine"), (VERSION, "v2")]);
        let role = RolePassword { role: "postgres".to_owned(), entry: "superuser-password" };
        assert_eq!(next(&written, Some(&old)), CredentialsStep::Rotate { roles: vec![role] });
        let interface = secret(&[("restapi-password", "mine"), (VERSION, "v2")]);
        assert_eq!(next(&interface, Some(&old)), CredentialsStep::Rotate { roles: Vec::new() }, "the pods must read it all the same");
    }

    #[test]
    fn a_given_value_is_taken_and_a_missing_one_is_unknown() {
        let old = secret(&[]);
        let step = |given: &BTreeMap<_, _>, refused| next_credentials(&old, Some(&old), given, refused);
        let changes = [("superuser-password".to_owned(), "new".to_owned())].into();
        assert_eq!(step(&given(Ok("new")), false), CredentialsStep::Write { changes });
        assert_eq!(step(&given(Ok("superuser-password-1")), true), CredentialsStep::Settled, "the old one again is no failure");
        for (given, refused, expected) in [
            (given(Ok("new")), true, "Failed"),
            (given(Ok("")), false, "Refused"),
            (given(Ok("new\n")), false, "Refused"),
            (given(Ok("pässword")), false, "Refused"),
            (given(Err("there is no Secret s")), false, "Unknown"),
        ] {
            assert!(matches!(step(&given, refused), CredentialsStep::Wait { reason, .. } if reason == expected), "{expected}");
        }
    }

    /// A role of another name would be let in by no rule, and the cluster would lose its replication.
    #[test]
    fn names_stay() {
        let (old, edited) = (secret(&[]), secret(&[("replication-username", "other")]));
        assert!(matches!(next(&edited, Some(&old)), CredentialsStep::Wait { reason: "Refused", .. }));
    }
}
