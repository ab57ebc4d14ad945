//! Which names say that a value is secret.

/// Parts of names, without separators and case, that mark a secret.
const WORDS: &[&str] = &[
    "passw",
    "passphrase",
    "passcode",
    "pwd",
    "secret",
    "token",
    "credential",
    "privatekey",
    "apikey",
    "accesskey",
    "authkey",
    "encryptionkey",
    "signingkey",
    "signature",
    "authorization",
    "bearer",
    "conninfo",
    "connectionstring",
    "cookie",
];

/// Names that contain such a part and hold a setting or the name of an object.
const SETTINGS: &[&str] =
    &["passwordencryption", "automountserviceaccounttoken", "imagepullsecrets", "fetchcredentialsfrommetadataservice"];

/// Endings of names that hold the name of an object or of a file.
const REFERENCES: &[&str] = &["name", "ref", "file", "path", "selector", "namespace"];

/// Whether a value of this name may be a secret: `DB_PASSWORD`, `my.client_secret`, `secretAccessKey`, `--token`.
pub fn is_secret_name(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let marked = WORDS.iter().any(|word| plain.contains(word)) || plain == "pass" || ends_in_pass(name);
    marked && !SETTINGS.contains(&plain.as_str()) && !REFERENCES.iter().any(|ending| plain.ends_with(ending))
}

/// `db_pass`, `dbPass` and `DB-PASS`, but not `bypass`.
fn ends_in_pass(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.ends_with("pass")
        && (name.ends_with("Pass") || lower.strip_suffix("pass").is_some_and(|rest| rest.ends_with(['_', '-', '.', '/'])))
}

/// Members of a reference to a Secret that name it.
pub fn is_plain_key(key: &str) -> bool {
    matches!(
        key,
        "name" | "key" | "path" | "mode" | "items" | "optional" | "defaultMode" | "namespace" | "kind" | "apiVersion" | "valueFrom"
    ) || REFERENCES.iter().any(|ending| key.to_ascii_lowercase().ends_with(ending))
}
