//! Lines of `pg_hba.conf` and `pg_ident.conf`, as the server reads them when it loads the files.
//!
//! Source: PostgreSQL documentation, "The pg_hba.conf File" and "User Name Maps"; details were measured on servers 15, 17 and 18. Only what
//! the server refuses is a problem; whether a line makes sense is another question.

use super::hba_options::option_problem;
use crate::model::address_bits;

/// What is wrong, and what to do.
pub(super) type Problem = (String, &'static str);

const TYPES: &[&str] = &["local", "host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc"];

const METHODS: &[&str] =
    &["trust", "reject", "scram-sha-256", "md5", "password", "gss", "ident", "peer", "ldap", "radius", "cert", "pam", "oauth"];

/// Known to PostgreSQL, and not in a server for Linux.
const NOT_BUILT: &[&str] = &["sspi", "bsd"];

/// Lines that stand for those of another file, since 16.
const INCLUDES: &[&str] = &["include", "include_dir", "include_if_exists"];

/// A word of a line. In quotes it is no keyword.
pub(super) struct Token {
    pub(super) text: String,
    quoted: bool,
}

/// Why the newest server would refuse a line of `pg_hba.conf`; nothing for blank lines and comments.
pub fn hba_problem(line: &str) -> Option<Problem> {
    hba_problem_in(u32::MAX, line)
}

/// The same for one major version.
pub fn hba_problem_in(major: u32, line: &str) -> Option<Problem> {
    let fields = match fields(line) {
        Ok(fields) => fields,
        Err(problem) => return Some(problem),
    };
    let (kind, rest) = fields.split_first()?;
    hba(major, kind, rest).err()
}

fn hba(major: u32, kind: &[Token], rest: &[Vec<Token>]) -> Result<(), Problem> {
    let kind = single(kind, "type of connection")?.text.as_str();
    if INCLUDES.contains(&kind) {
        return Err((format!("`{kind}` reads another file"), "write the lines themselves: the pod has no such file"));
    }
    if !TYPES.contains(&kind) {
        let help = "a line begins with local, host, hostssl, hostnossl, hostgssenc or hostnogssenc";
        return Err((format!("`{kind}` is no type of connection"), help));
    }
    let [_, _, rest @ ..] = rest else {
        return Err(("the line has no database or no user".to_owned(), "write TYPE DATABASE USER ADDRESS METHOD"));
    };
    let rest = if kind == "local" { rest } else { address(rest)? };
    let Some((method, options)) = rest.split_first() else {
        let order = if kind == "local" { "write local DATABASE USER METHOD" } else { "write TYPE DATABASE USER ADDRESS METHOD" };
        return Err(("the line has no authentication method".to_owned(), order));
    };
    let method = single(method, "authentication method")?.text.as_str();
    if NOT_BUILT.contains(&method) {
        return Err((format!("`{method}` is not in PostgreSQL for Linux"), "scram-sha-256, cert and reject are the usual ones"));
    }
    if !METHODS.contains(&method) || method == "oauth" && major < 18 {
        return Err((format!("`{method}` is no authentication method"), "scram-sha-256, cert and reject are the usual ones"));
    }
    match method {
        "cert" if kind != "hostssl" => return Err(("`cert` needs an encrypted connection".to_owned(), "write hostssl")),
        "peer" if kind != "local" => return Err(("`peer` works on local connections only".to_owned(), "write local, or another method")),
        "gss" if kind == "local" => return Err(("`gss` does not work on local connections".to_owned(), "write host, or another method")),
        _ => {}
    }
    // On a local connection the server takes the name of the operating system either way.
    let method = if kind == "local" && method == "ident" { "peer" } else { method };
    let options: Vec<&str> = options.iter().flatten().map(|option| option.text.as_str()).collect();
    option_problem(kind, method, &options).map_or(Ok(()), Err)
}

/// The one word of a field that takes no list.
fn single<'a>(field: &'a [Token], what: &str) -> Result<&'a Token, Problem> {
    match field {
        [token] => Ok(token),
        _ => Err((format!("the {what} is a list"), "write one word there")),
    }
}

/// Takes the address off: a name, a network, or an address with a mask as the next field.
fn address(fields: &[Vec<Token>]) -> Result<&[Vec<Token>], Problem> {
    let missing = || ("the line has no address".to_owned(), "write TYPE DATABASE USER ADDRESS METHOD; `all` stands for every address");
    let (field, rest) = fields.split_first().ok_or_else(missing)?;
    let token = single(field, "address")?;
    if !token.quoted && ["all", "samehost", "samenet"].contains(&token.text.as_str()) {
        return Ok(rest);
    }
    if let Some((network, bits)) = token.text.split_once('/') {
        let Some(most) = numeric_bits(network) else {
            return Err((format!("`{network}` is no address"), "write for example 10.0.0.0/8 or fd00::/8"));
        };
        if !bits.parse::<i64>().is_ok_and(|bits| (0..=i64::from(most)).contains(&bits)) {
            return Err((format!("`{bits}` is no length of a network prefix"), "an IPv4 prefix has at most 32 bits, an IPv6 prefix 128"));
        }
        return Ok(rest);
    }
    let Some(bits) = numeric_bits(&token.text) else { return Ok(rest) };
    match rest.split_first() {
        Some((mask, rest)) if numeric_bits(&single(mask, "mask")?.text) == Some(bits) => Ok(rest),
        _ => Err((format!("`{}` has no mask", token.text), "write ADDRESS/BITS, for example 10.1.2.3/32")),
    }
}

/// Bits of an address in any spelling of the C library: fewer than four parts, of which the last fills the rest, octal and hexadecimal ones.
fn numeric_bits(text: &str) -> Option<u8> {
    let part = |part: &str| {
        let (radix, digits) = match part.strip_prefix("0x").or_else(|| part.strip_prefix("0X")) {
            Some(digits) => (16, digits),
            None if part.len() > 1 && part.starts_with('0') => (8, part),
            None => (10, part),
        };
        digits.bytes().all(|digit| digit.is_ascii_alphanumeric()).then(|| u64::from_str_radix(digits, radix).ok()).flatten()
    };
    let short = || {
        let parts: Vec<u64> = text.split('.').map(part).collect::<Option<_>>()?;
        let (last, before) = parts.split_last()?;
        let fits = before.len() < 4 && before.iter().all(|part| *part < 256) && *last < 1 << (8 * (4 - before.len()));
        fits.then_some(32)
    };
    address_bits(text).or_else(short)
}

/// Why the server would refuse a line of `pg_ident.conf`. What stands behind the third field it does not read.
pub fn ident_problem(line: &str) -> Option<Problem> {
    let missing = || ("a line of pg_ident.conf has three fields".to_owned(), "write MAP SYSTEM-USER DATABASE-USER");
    match fields(line) {
        Err(problem) => Some(problem),
        Ok(fields) => {
            let first = fields.first()?;
            if let Some(word) = first.first().filter(|first| INCLUDES.contains(&first.text.as_str())) {
                return Some((format!("`{}` reads another file", word.text), "write the lines themselves: the pod has no such file"));
            }
            let listed = fields.iter().take(3).find_map(|field| single(field, "field").err());
            listed.or_else(|| (fields.len() < 3).then(missing))
        }
    }
}

/// The fields of a line, each a list: separated by blanks, the words of a list by commas. Quotes keep blanks and commas in a word, to the end
/// of the line where none follows; two of them are one; a comment ends the line.
fn fields(line: &str) -> Result<Vec<Vec<Token>>, Problem> {
    if line.ends_with('\\') {
        return Err(("a backslash at the end joins the next line to it".to_owned(), "take it out"));
    }
    let blank = |letter: char| matches!(letter, ' ' | '\t' | '\r');
    let mut letters = line.chars().peekable();
    let (mut fields, mut field): (Vec<Vec<Token>>, Vec<Token>) = (Vec::new(), Vec::new());
    loop {
        while letters.next_if(|letter| blank(*letter) || *letter == ',').is_some() {}
        let (mut text, mut inside, mut doubled, mut seen, mut quoted, mut goes_on) = (String::new(), false, false, false, false, false);
        while let Some(letter) = letters.next_if(|letter| inside || !blank(*letter)) {
            match letter {
                '#' if !inside => {
                    while letters.next().is_some() {}
                    break;
                }
                ',' if !inside => {
                    goes_on = true;
                    break;
                }
                _ => {}
            }
            if letter != '"' || doubled {
                text.push(letter);
            }
            doubled = inside && letter == '"' && !doubled;
            if letter == '"' {
                (inside, seen) = (!inside, true);
                quoted |= text.is_empty();
            }
        }
        let found = seen || !text.is_empty();
        if found {
            if text.len() > 1 && text.starts_with('@') && !quoted {
                return Err((format!("`{text}` reads another file"), "write the names themselves: the pod has no such file"));
            }
            field.push(Token { text, quoted });
        }
        if !goes_on || !found {
            if !field.is_empty() {
                fields.push(std::mem::take(&mut field));
            }
            if letters.peek().is_none() {
                return Ok(fields);
            }
        }
    }
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
            "host a, b +admins samenet md5",
            "host all all 10.0.0/8 md5",
            "host all all 10.0.0.0 255.0.0.0 md5",
            "host all \"all all\" 1.2.3.4/08 md5",
            "hostssl all all all scram-sha-256 clientcert=verify-ca",
            "host all all all ldap ldapserver=s ldapprefix=p",
            "local all all ident map=m",
            "local all all \"peer",
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
            "host all @admins all md5",
            "host all all all md5,trust",
            "host all all 10.0.0.0 ::1 md5",
            "host all all name/8 md5",
            "host all all all bsd",
            "host all all all md5 map=m",
            "host all all all md5 clientcert=verify-ca",
            "hostssl all all all md5 clientcert=1",
            "host all all all ldap ldapserver=s",
            "host all all all oauth issuer=https://a",
            "local all all peer \\",
            "host all all all ldap ldapserver",
            "include /etc/x",
        ] {
            assert!(hba_problem(bad).is_some(), "{bad}");
        }
    }

    /// Maps that the server does not load let nobody in whose name is mapped.
    #[test]
    fn maps_as_the_server_reads_them() {
        for fine in ["", "# a b", "map a b", "map a b c", "\"my map\" /^(.*)@x$ \\1", "map \"a, b\" c"] {
            assert_eq!(ident_problem(fine), None, "{fine}");
        }
        for bad in ["map", "map a", "include file", "map a, b c", "map \"a b"] {
            assert!(ident_problem(bad).is_some(), "{bad}");
        }
    }
}
