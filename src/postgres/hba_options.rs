//! Options of the authentication methods in `pg_hba.conf`.
//!
//! Source: PostgreSQL documentation, chapter "Client Authentication", the section of each method.

use super::access::Problem;

/// Option, methods that have it; none is every method.
const OPTIONS: &[(&str, &[&str])] = &[
    ("clientcert", &[]),
    ("clientname", &[]),
    ("delegate_ident_mapping", &["oauth"]),
    ("include_realm", &["gss"]),
    ("issuer", &["oauth"]),
    ("krb_realm", &["gss"]),
    ("ldapbasedn", &["ldap"]),
    ("ldapbinddn", &["ldap"]),
    ("ldapbindpasswd", &["ldap"]),
    ("ldapport", &["ldap"]),
    ("ldapprefix", &["ldap"]),
    ("ldapscheme", &["ldap"]),
    ("ldapsearchattribute", &["ldap"]),
    ("ldapsearchfilter", &["ldap"]),
    ("ldapserver", &["ldap"]),
    ("ldapsuffix", &["ldap"]),
    ("ldaptls", &["ldap"]),
    ("ldapurl", &["ldap"]),
    ("map", &["ident", "peer", "gss", "cert", "oauth"]),
    ("pam_use_hostname", &["pam"]),
    ("pamservice", &["pam"]),
    ("radiusidentifiers", &["radius"]),
    ("radiusports", &["radius"]),
    ("radiussecrets", &["radius"]),
    ("radiusservers", &["radius"]),
    ("scope", &["oauth"]),
    ("validator", &["oauth"]),
];

/// What the server would refuse of the options of a line.
pub(super) fn option_problem(kind: &str, method: &str, options: &[&str]) -> Option<Problem> {
    let mut given = Vec::new();
    for option in options {
        let Some((name, value)) = option.split_once('=') else {
            return Some((format!("`{option}` is no option of an authentication method"), "options have the form name=value"));
        };
        if let Some(problem) = one(kind, method, name, value) {
            return Some(problem);
        }
        given.push(name);
    }
    together(method, &given)
}

fn one(kind: &str, method: &str, name: &str, value: &str) -> Option<Problem> {
    let Some((_, methods)) = OPTIONS.iter().find(|(known, _)| *known == name) else {
        return Some((format!("there is no option `{name}`"), "see the section of the method in PostgreSQL's documentation"));
    };
    if !methods.is_empty() && !methods.contains(&method) {
        return Some((format!("`{method}` has no option `{name}`"), "take it out, or write the method that has it"));
    }
    let wrong = |help| Some((format!("`{name}` = `{value}` is refused"), help));
    match (name, value) {
        ("clientcert" | "clientname", _) if kind != "hostssl" => Some((format!("`{name}` needs an encrypted connection"), "write hostssl")),
        ("clientcert", "verify-ca") if method == "cert" => wrong("`cert` always compares the name: write verify-full, or nothing"),
        ("clientcert", "verify-full" | "verify-ca") | ("clientname", "CN" | "DN") => None,
        ("clientcert", _) => wrong("write verify-ca or verify-full"),
        ("clientname", _) => wrong("write CN or DN"),
        ("ldapport", value) if !value.trim_start_matches([' ', '+']).starts_with(|digit: char| ('1'..='9').contains(&digit)) => {
            wrong("write the number of a port")
        }
        _ => None,
    }
}

/// Options that need each other, or rule each other out.
fn together(method: &str, given: &[&str]) -> Option<Problem> {
    let has = |names: &[&str]| names.iter().any(|name| given.contains(name));
    let simple = has(&["ldapprefix", "ldapsuffix"]);
    let search = has(&["ldapbasedn", "ldapbinddn", "ldapbindpasswd", "ldapsearchattribute", "ldapsearchfilter", "ldapurl"]);
    match method {
        "ldap" if simple && search => Some((
            "the options of a search and of a simple bind stand together".to_owned(),
            "write ldapprefix and ldapsuffix, or ldapbasedn and what belongs to it",
        )),
        "ldap" if !simple && !has(&["ldapbasedn", "ldapurl"]) => {
            Some(("`ldap` does not know which name to bind".to_owned(), "write ldapprefix, ldapsuffix or ldapbasedn"))
        }
        "ldap" if has(&["ldapsearchattribute"]) && has(&["ldapsearchfilter"]) => {
            Some(("`ldapsearchattribute` and `ldapsearchfilter` stand together".to_owned(), "write one of them"))
        }
        "radius" if !has(&["radiusservers"]) || !has(&["radiussecrets"]) => {
            Some(("`radius` needs its servers and secrets".to_owned(), "write radiusservers and radiussecrets"))
        }
        "oauth" if !has(&["issuer"]) || !has(&["scope"]) => {
            Some(("`oauth` needs an issuer and a scope".to_owned(), "write issuer and scope"))
        }
        _ => None,
    }
}
