//! Lines of `pg_hba.conf` and `pg_ident.conf`, as far as the server reads them when it loads the files.
//!
//! Source: PostgreSQL documentation, "The pg_hba.conf File" and "User Name Maps". Only what the server refuses is a problem; whether
//! a line makes sense is another question.

use crate::model::{address_bits, is_prefix_length};

/// What is wrong, and what to do.
type Problem = (String, &'static str);

const TYPES: &[&str] = &["local", "host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc"];

const METHODS: &[&str] = &[
    "trust",
    "reject",
    "scram-sha-256",
    "md5",
    "password",
    "gss",
    "sspi",
    "ident",
    "peer",
    "ldap",
    "radius",
    "cert",
    "pam",
    "bsd",
    "oauth",
];

/// Why the server would refuse a line of `pg_hba.conf`; nothing for blank lines and comments.
pub fn hba_problem(line: &str) -> Option<Problem> {
    let fields = match fields(line) {
        Ok(fields) => fields,
        Err(problem) => return Some(problem),
    };
    let (kind, rest) = fields.split_first()?;
    if kind.starts_with("include") {
        let help = "write the lines themselves: the pod has no such file";
        return Some((format!("`{kind}` reads another file"), help));
    }
    if !TYPES.contains(&kind.as_str()) {
        return Some((
            format!("`{kind}` is no type of connection"),
            "a line begins with local, host, hostssl, hostnossl, hostgssenc or hostnogssenc",
        ));
    }
    let rest: &[String] = match rest {
        [_, _, rest @ ..] => rest,
        _ => return Some(("the line has no database or no user".to_owned(), "write TYPE DATABASE USER ADDRESS METHOD")),
    };
    let method = if kind == "local" {
        rest
    } else {
        match address(rest) {
            Ok(rest) => rest,
            Err(problem) => return Some(problem),
        }
    };
    let Some((method, options)) = method.split_first() else {
        let order = if kind == "local" { "write local DATABASE USER METHOD" } else { "write TYPE DATABASE USER ADDRESS METHOD" };
        return Some(("the line has no authentication method".to_owned(), order));
    };
    if !METHODS.contains(&method.as_str()) {
        return Some((format!("`{method}` is no authentication method"), "scram-sha-256, cert and reject are the usual ones"));
    }
    if method == "cert" && kind != "hostssl" {
        return Some(("`cert` needs an encrypted connection".to_owned(), "write hostssl"));
    }
    if method == "peer" && kind != "local" {
        return Some(("`peer` works on local connections only".to_owned(), "write local, or another method"));
    }
    options
        .iter()
        .find(|option| !option.contains('='))
        .map(|option| (format!("`{option}` is no option of an authentication method"), "options have the form name=value"))
}

/// Takes the address off: a name, a network, or an address with a mask as the next field.
fn address(fields: &[String]) -> Result<&[String], Problem> {
    let missing = || ("the line has no address".to_owned(), "write TYPE DATABASE USER ADDRESS METHOD; `all` stands for every address");
    let (address, rest) = fields.split_first().ok_or_else(missing)?;
    if let Some((network, bits)) = address.split_once('/') {
        let Some(most) = address_bits(network) else {
            return Err((format!("`{network}` is no address"), "write for example 10.0.0.0/8 or fd00::/8"));
        };
        if !is_prefix_length(bits, most) {
            return Err((format!("`{bits}` is no length of a network prefix"), "an IPv4 prefix has at most 32 bits, an IPv6 prefix 128"));
        }
        return Ok(rest);
    }
    if address_bits(address).is_some() {
        return match rest.split_first() {
            Some((mask, rest)) if address_bits(mask).is_some() => Ok(rest),
            _ => Err((format!("`{address}` has no mask"), "write ADDRESS/BITS, for example 10.1.2.3/32")),
        };
    }
    Ok(rest)
}

/// Why the server would refuse a line of `pg_ident.conf`.
pub fn ident_problem(line: &str) -> Option<Problem> {
    match fields(line) {
        Err(problem) => Some(problem),
        Ok(fields) if fields.is_empty() || fields.len() == 3 || fields.first().is_some_and(|first| first.starts_with("include")) => None,
        Ok(_) => Some(("a line of pg_ident.conf has three fields".to_owned(), "write MAP SYSTEM-USER DATABASE-USER")),
    }
}

/// The fields of a line: separated by blanks, quoted where blanks belong to them, a list with commas being one; a comment ends it.
fn fields(line: &str) -> Result<Vec<String>, Problem> {
    let (mut fields, mut field, mut quoted, mut open, mut list) = (Vec::new(), String::new(), false, false, false);
    for character in line.chars() {
        match character {
            '"' => (quoted, open, list) = (!quoted, true, false),
            '#' if !quoted => break,
            blank if blank.is_whitespace() && !quoted => {
                if open && !list {
                    fields.push(std::mem::take(&mut field));
                    open = false;
                }
            }
            other => {
                field.push(other);
                (open, list) = (true, other == ',' && !quoted);
            }
        }
    }
    if quoted {
        return Err(("a quote is not closed".to_owned(), "close it in the same line"));
    }
    if open {
        fields.push(field);
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is refused here and taken by the server blocks a cluster; the other way round the server does not start.
    #[test]
    fn lines_as_the_server_reads_them() {
        for fine in [
            "",
            "# comment",
            "local all all peer",
            "host all all all scram-sha-256",
            "hostssl \"my db\",other app 10.0.0.0 255.0.0.0 cert clientcert=verify-full # why",
            "host a, b @admins samenet md5",
            "host replication replicator ::1/128 reject",
            "host all all .example.com scram-sha-256",
        ] {
            assert_eq!(hba_problem(fine), None, "{fine}");
        }
        for bad in [
            "hots all all all trust",
            "local all all",
            "local all",
            "host all all scram-sha-256",
            "host all all 10.0.0.0/8",
            "host all all 10.0.0.1 scram-sha-256",
            "host all all 10.0.0.0/64 md5",
            "host all all all scram",
            "host all all all peer",
            "host all all all cert",
            "host \"all all all trust",
            "host all all all ldap ldapserver",
            "include /etc/x",
        ] {
            assert!(hba_problem(bad).is_some(), "{bad}");
        }
    }
}
