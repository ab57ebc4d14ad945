//! Deliveries: headers up to an empty line, then the body.

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use stackgres::hooks::{addresses, verify};
use stackgres::model::SecretText;

/// Nobody who delivers knows it, and no mutation finds it.
const SECRET: &str = "b0a1c6d7e2f38495-7f6e5d4c3b2a1908-9081726354afbecd";

pub(super) fn check(data: &[u8]) {
    let end = data.windows(2).position(|pair| pair == b"\n\n").unwrap_or(data.len());
    let body = data.get(end + 2..).unwrap_or_default();
    let mut headers = HeaderMap::new();
    for line in data[..end].split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(&line[..colon]), HeaderValue::from_bytes(line[colon + 1..].trim_ascii())) {
            headers.append(name, value);
        }
    }
    let secrets = [SecretText::new(SECRET), SecretText::new("another-secret-of-the-same-hook")];
    let now = Timestamp::from_second(1_767_225_600).unwrap();
    let refused = verify(&headers, body, &secrets, now).expect_err("nobody who does not know the secret is let in");
    assert!(!refused.to_string().contains(SECRET));
    assert!(verify(&headers, body, &[], now).is_err(), "no secret is no permission");
    // Who knows it is let in, whatever else the headers hold, unless a stronger form is there and wrong.
    let mut signed = HeaderMap::new();
    signed.insert("x-gitlab-token", HeaderValue::from_static(SECRET));
    assert!(verify(&signed, body, &secrets, now).is_ok());
    for stronger in ["webhook-signature", "x-hub-signature-256", "x-gitea-signature"] {
        let mut both = signed.clone();
        if let Some(value) = headers.get(stronger) {
            both.insert(HeaderName::from_static(stronger), value.clone());
            let readable = value.to_str().is_ok();
            assert!(!readable || verify(&both, body, &secrets, now).is_err(), "{stronger} is made good by a token");
        }
    }

    if let Ok(found) = addresses(body) {
        assert!(found.len() <= 12);
        let text = String::from_utf8_lossy(body);
        for address in &found {
            assert!(address.len() <= body.len() * 3, "an address is a part of the body");
            assert!(
                !address.is_ascii() || address.contains(['"', '\\', '/']) || text.contains(address.as_str()) || text.contains('\\'),
                "{address}"
            );
        }
    }
}
